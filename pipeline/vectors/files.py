"""Files of vectors, read and written wherever they lie, packed or not.

Reading goes through the corpora's sources: any protocol, any codec, resumed where a connection
breaks off. Writing is whole or not at all: a file gets its name when it is complete.
"""

import codecs
import gzip
import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import zstandard

from corpora.errors import CorpusError
from corpora.sources.address import cleaned, shown
from corpora.sources.filesystems import connected, protocol_of
from corpora.sources.retry import PATIENCE
from corpora.sources.source import Source, expand
from pipeline.vectors.errors import VectorFileError, WordEncodingError

Address = str | os.PathLike[str]
DAY = 24 * 3600.0


def named(address: Address) -> str:
    """Return an address as it is written; raises TypeError for an open file and all else.

    >>> named(3)
    Traceback (most recent call last):
    TypeError: a path or a URL is wanted, not 3. To mend it: for an open file, give its name
    """
    if not isinstance(address, str | os.PathLike):
        raise TypeError(
            f"a path or a URL is wanted, not {address!r}. To mend it: for an open file, give its "
            "name"
        )
    return os.fspath(address)


def source(address: Address) -> Source:
    """Return the one file at an address; raises CorpusError where there are more, or none."""
    found = expand(named(address))
    if len(found) != 1:
        raise VectorFileError(
            f"{len(found)} files where one is wanted", url=shown(os.fspath(address)),
            remedy="give the address of one",
        )  # fmt: skip
    return found[0]


def local_path(url: str) -> Path | None:
    """Return where an address lies on this machine, or None if it lies elsewhere.

    >>> local_path("file:///tmp/a.txt"), local_path("s3://bucket/a.txt")
    (PosixPath('/tmp/a.txt'), None)
    """
    if protocol_of(url) not in ("file", "local") or "::" in url:
        return None
    with connected(url, None, PATIENCE) as (_, path):
        return Path(path)


def demand_binary(file: Any, mode: str) -> None:
    """Raise TypeError for what is no open file, or one that is open as text; mode: as it has to be.

    >>> import io
    >>> demand_binary(io.StringIO(), "wb")
    Traceback (most recent call last):
    TypeError: the file is open as text, and bytes are wanted. To mend it: open it with mode "wb", \
or give its path
    """
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "file", None), io.TextIOBase):
        raise TypeError(
            "the file is open as text, and bytes are wanted. To mend it: open it with mode "
            f'"{mode}", or give its path'
        )
    if not hasattr(file, "write" if "w" in mode else "read"):
        raise TypeError(f'a path, a URL or a file that is open with mode "{mode}", not {file!r}')


def lines(address: Address, encoding: str = "utf8", errors: str = "strict") -> Iterator[str]:
    """Yield a text file's lines without their ends; raises CorpusError for other encodings."""
    file = source(address)
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest, number = "", 1
    with closing(file.blocks()) as blocks:
        for block in chain(blocks, [b""]):
            try:
                text = rest + decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = number + error.object.count(b"\n", 0, error.start)
                raise WordEncodingError(error, url=file.label, position=f"line {line}") from None
            *whole, rest = text.split("\n")
            number += len(whole)
            yield from (line.rstrip("\r") for line in whole)
    if rest:
        yield rest


@contextmanager
def writing(address: Address, *, append: bool = False, plain: bool = False) -> Generator[BinaryIO]:
    """Give a file to write to that takes its name at the end, if nothing went wrong.

    A name in .gz or .zst is packed so, unless `plain`. append: after what is there already. At a
    remote address the file is put there in one go. Raises CorpusError for what can't be written.
    """
    url = named(address)
    packed_as = "" if plain else url
    target = local_path(url)
    if target is not None:
        if target.exists() and not target.is_file():  # a device or a pipe takes what it is given
            with _explained(url), _packed(target, packed_as, None) as out:
                yield out
            return
        target = target.resolve()  # what a link leads to, so that the link stays
        before = target if append and target.exists() else None
        with _explained(url), _temporary(target) as made:
            with _packed(made, packed_as, before) as out:
                yield out
            if target.exists():
                made.chmod(target.stat().st_mode & 0o777)
            made.replace(target)
            _settled(target.parent)
        return
    if append:
        raise VectorFileError(
            "only a local file can be appended to", url=shown(url), remedy="write it locally first"
        )
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "vectors"
        with _packed(made, packed_as, None) as out:
            yield out
        with _explained(url), connected(url, None, PATIENCE) as (fs, path):
            fs.put_file(str(made), path)


@contextmanager
def _packed(path: Path, name: str, before: Path | None) -> Iterator[BinaryIO]:
    with ExitStack() as open_:
        file = open_.enter_context(path.open("wb"))
        if before is not None:
            with before.open("rb") as old:
                shutil.copyfileobj(old, file)
        plain = name.partition("?")[0]
        out: Any = file
        if plain.endswith(".gz"):
            out = open_.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
        elif plain.endswith((".zst", ".zstd")):
            packer = zstandard.ZstdCompressor(write_checksum=True)
            out = open_.enter_context(packer.stream_writer(file, closefd=False))
        elif plain.endswith((".bz2", ".xz", ".lz4")):
            raise VectorFileError(
                "files are written plain, .gz or .zst", url=shown(name), remedy="choose one of them"
            )
        yield cast("BinaryIO", out)
        if out is not file:
            out.close()
        file.flush()
        if path.is_file():
            os.fsync(file.fileno())


def _settled(folder: Path) -> None:
    """Wait until a folder's names are on the disk, so that a loss of power can't undo them."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    made = target.with_name(f".{target.name[:40]}.{uuid4().hex}.part")
    _sweep(target)
    try:
        yield made
    finally:
        made.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what processes that were killed have left of this name; nobody writes for a day."""
    ours = re.compile(rf"\.{re.escape(target.name[:40])}\.[0-9a-f]{{32}}\.part")
    with suppress(OSError), os.scandir(target.parent) as found:
        for one in found:
            if ours.fullmatch(one.name) and one.is_file(follow_symlinks=False):
                with suppress(OSError):  # another may be at it
                    if time.time() - one.stat().st_mtime > DAY:
                        os.unlink(one.path)  # noqa: PTH108


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        if isinstance(error, OSError) or protocol_of(url) != "file":
            raise VectorFileError(
                f"it can't be written ({cleaned(f'{type(error).__name__}: {error}', url, None)})",
                url=shown(url), remedy="check the address and its permissions",
            ) from None  # fmt: skip
        raise
