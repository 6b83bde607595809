"""Files within zip and tar archives, read one at a time and never unpacked to a disk.

A zip tells its members in a directory at its end, so it needs a file that can be sought in; a tar
is read from its beginning. Both have to be whole: what is cut, damaged or locked is an error.
"""

import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from lzma import LZMAError

from corpora.errors import CorpusError

BLOCK = 1 << 20  # bytes handed on, about
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: a zip with nothing in it
TAR_UNIT = 512  # headers and contents of a tar come in multiples of this many bytes
TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz4")
LONGEST_NAME = 1 << 20  # bytes; a header that asks for more is no honest one
# Members of a tar that have no content, whatever size their header says.
EMPTY_KINDS = (
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.DIRTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
)
FILE_KINDS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
LONG_NAMES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, *LONG_NAMES)  # they say more of the next member
AGAIN = "fetch or write the file again"
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError)


def is_zip(head: bytes, label: str) -> bool:
    """Tell a zip by its first four bytes; raises CorpusError where only its name is left of it."""
    _refuse_cut_head(head, 4, label, (".zip",))
    return head.startswith(ZIP_STARTS)


def is_tar(head: bytes, label: str) -> bool:
    """Tell a tar by its first 512 bytes, unpacked, whose check sum has to be right, too.

    Raises CorpusError where there are fewer, and the name says that it should be a tar.
    """
    _refuse_cut_head(head, TAR_UNIT, label, TAR_SUFFIXES)
    return head[257:262] == b"ustar" and _header(head) is not None


def _refuse_cut_head(head: bytes, least: int, label: str, suffixes: tuple[str, ...]) -> None:
    name = label.lower().split("?", 1)[0]
    if len(head) < least and name.endswith(suffixes):
        raise CorpusError(
            f"the {suffixes[0][1:]} is cut short: it ends before its first header",
            url=label,
            position=f"byte {len(head)}",
            remedy=AGAIN,
        )


def zip_members(archive: zipfile.ZipFile) -> dict[str, tuple[int, int]]:
    """Return the names of a zip's files, sorted, each with its check sum and size in bytes."""
    found = {
        one.filename: (one.CRC, one.file_size)
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    }
    return dict(sorted(found.items()))


def zip_blocks(archive: zipfile.ZipFile, name: str, label: str) -> Generator[bytes]:
    """Yield the bytes of one member; raises CorpusError for what is damaged or locked."""
    with whole_zip(label):
        try:
            member = archive.open(name)
        except KeyError:
            raise CorpusError(f"the zip has no member {name!r}", url=label) from None
        except (RuntimeError, NotImplementedError) as error:  # a password, or a way of packing
            raise CorpusError(
                f"the zip's member {name!r} can't be unpacked ({error})",
                url=label,
                remedy="write it again with the deflate method and without a password",
            ) from None
        with member:
            while block := member.read(BLOCK):
                yield block


def only(names: list[str], kind: str, label: str) -> str:
    """Return the only name; raises CorpusError where there are more of them, or none."""
    if len(names) == 1:
        return names[0]
    if not names:
        raise CorpusError(f"the {kind} holds no file", url=label, remedy=AGAIN)
    raise CorpusError(
        f"the {kind} holds several files: {', '.join(names[:3])}{' ...' * (len(names) > 3)}",
        url=label,
        remedy=f'say which: "{kind}://*.txt::{label}", or one name in place of the pattern',
    )


@contextmanager
def whole_zip(label: str) -> Iterator[None]:
    """Raise CorpusError for what goes wrong with a zip in the `with` block."""
    try:
        yield
    except CorpusError:
        raise
    except BROKEN_ZIP as error:
        raise CorpusError(
            f"the zip is cut short or damaged ({error})", url=label, remedy=AGAIN
        ) from error


@dataclass
class TarMember:
    """A file within a tar: `blocks` yields its bytes, once, until the next member is asked for.

    link: the name of the member that this one stands for; it has no bytes of its own then.
    """

    name: str
    blocks: Callable[[], Iterator[bytes]]
    link: str | None = None


@dataclass
class _Tar:
    """The unpacked bytes of a tar, taken in the order in which they lie there."""

    source: Iterator[bytes]
    label: str
    at: int = 0
    _block: memoryview = field(default_factory=lambda: memoryview(b""))

    def take(self, most: int) -> bytes:
        """Return the next bytes, empty at the end only."""
        while not self._block:
            following = next(self.source, None)
            if following is None:
                return b""
            self._block = memoryview(following)
        taken, self._block = bytes(self._block[:most]), self._block[most:]
        self.at += len(taken)
        return taken

    def content(self, size: int) -> Generator[bytes]:
        """Yield so many bytes; raises CorpusError if there are fewer."""
        while size:
            taken = self.take(min(size, BLOCK))
            if not taken:
                raise self.wrong("the tar is cut short")
            size -= len(taken)
            yield taken

    def skip(self, size: int) -> None:
        """Read so many bytes and drop them."""
        for _ in self.content(size):
            pass

    def header(self) -> tarfile.TarInfo | None:
        """Return the next header, None at the tar's end."""
        block = b"".join(self.content(TAR_UNIT))
        if not block.strip(b"\0"):
            return None
        header = _header(block)
        if header is None:
            raise self.wrong("the tar is damaged: a header's check sum is wrong")
        return header

    def extension(self, header: tarfile.TarInfo) -> dict[str, str]:
        """Return what a header says of the member after it: a long name, or a large size."""
        if header.size > LONGEST_NAME:
            raise self.wrong("the tar is damaged: a name is longer than a mebibyte")
        text = b"".join(self.content(header.size))
        self.skip(-header.size % TAR_UNIT)
        if header.type in LONG_NAMES:
            return {LONG_NAMES[header.type]: text.rstrip(b"\0").decode("utf-8", "surrogateescape")}
        return self._records(text) if header.type == tarfile.XHDTYPE else {}

    def _records(self, text: bytes) -> dict[str, str]:
        r"""Take a pax header apart: "LENGTH KEY=VALUE\n" again and again."""
        found: dict[str, str] = {}
        while text:
            length, _, rest = text.partition(b" ")
            if not length.isdigit() or not len(length) < int(length) <= len(text):
                raise self.wrong("the tar is damaged: a header can't be read")
            record = rest[: int(length) - len(length) - 2].decode("utf-8", "surrogateescape")
            key, _, found_value = record.partition("=")
            found[key] = found_value
            text = text[int(length) :]
        return found

    def size(self, longer: str | None, size: int) -> int:
        """Return a member's size, from the header before it where that says one."""
        if longer is None:
            return size
        if not longer.isdecimal():
            raise self.wrong("the tar is damaged: a size is not a number")
        return int(longer)

    def end(self) -> None:
        """Read what is left, which has to be zeros."""
        while rest := self.take(BLOCK):
            if rest.count(0) != len(rest):
                raise self.wrong("something follows the end of the tar")

    def wrong(self, problem: str) -> CorpusError:
        position = f"byte {self.at} of the unpacked tar"
        return CorpusError(problem, url=self.label, position=position, remedy=AGAIN)


def tar_members(blocks: Iterable[bytes], label: str) -> Generator[TarMember]:
    """Yield a tar's files in their order, each good until the next is asked for.

    blocks: the tar's bytes, unpacked; label: what to call it in an error. Folders and devices
    are passed over. Raises CorpusError for one that is cut short, damaged, or followed by
    something that is not zeros.
    """
    tar = _Tar(iter(blocks), label)
    longer: dict[str, str] = {}  # what headers before the member's own say of it
    while (header := tar.header()) is not None:
        kind = header.type
        if kind in EXTENSIONS:
            longer |= tar.extension(header)
            continue
        if kind == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in longer):
            raise tar.wrong("the tar holds a sparse file, which can't be read here")
        size = 0 if kind in EMPTY_KINDS else tar.size(longer.get("size"), header.size)
        content = tar.content(size)
        name = longer.get("path", header.name)
        if kind in FILE_KINDS:
            yield TarMember(name, partial(iter, content))
        elif kind in (tarfile.LNKTYPE, tarfile.SYMTYPE):
            target = longer.get("linkpath", header.linkname)
            if kind == tarfile.SYMTYPE:  # from its own folder on; a hard link has the whole name
                target = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            yield TarMember(name, partial(iter, content), target)
        for _ in content:  # what the caller has left
            pass
        tar.skip(-size % TAR_UNIT)
        longer = {}
    tar.end()


def tar_blocks(blocks: Iterable[bytes], label: str) -> Generator[bytes]:
    """Yield the bytes of the only file in a tar, which is read to its end."""
    seen: list[str] = []
    for member in tar_members(blocks, label):
        if member.link is None:
            seen.append(member.name)
            if len(seen) > 1:
                only([*seen, "..."], "tar", label)
            yield from member.blocks()
    only(seen, "tar", label)


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return None
