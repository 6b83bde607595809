"""Undo gzip, bzip2, xz, zstandard and lz4, told apart by their first bytes, never by a name.

A compressed file may have several members one after the other. It has to end where a member ends:
a file that stops in the middle, or goes on with something else, is an error with the byte reached.
Every step gives a bounded number of bytes, however well a file is packed. Damage is found as far as
the format can tell: gzip, bzip2 and xz have check sums; zstandard and lz4 have them when whoever
wrote the file asked for them (their command lines do).
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import zstandard

from corpora.errors import CorpusError
from corpora.sources.members import (
    BLOCK,
    BROKEN,
    Bounded,
    Member,
    Skippable,
    Zlib,
    Zstd,
    lz4_member,
)

XZ_MEMORY = 1 << 29  # bytes that an xz file may ask for; `xz -9` asks for 65 MiB
STEP = 1 << 16  # packed bytes taken at a time
# zstandard gives all that its input makes, at most 128 KiB for 4 bytes: so it gets little at once.
ZSTD_STEP = 1 << 12


@dataclass(frozen=True)
class Codec:
    """How one way of compressing is recognised and undone."""

    name: str
    suffixes: tuple[str, ...]
    is_start: Callable[[bytes], bool]
    member: Callable[[bytes], Member]
    padding: int = 0  # zero bytes may follow the last member, in units of this many
    step: int = STEP


def _is_bz2(head: bytes) -> bool:
    first_block, no_block = b"1AY&SY", b"\x17rE8P\x90"
    return (
        head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in (first_block, no_block)
    )


def _is_skippable(head: bytes) -> bool:
    return len(head) >= 4 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"


def _zstd_member(head: bytes) -> Member:
    if _is_skippable(head):
        return Skippable()
    return Zstd(zstandard.ZstdDecompressor().decompressobj())


HEAD = 10  # bytes that tell every codec
CODECS = (
    Codec(
        "gzip",
        (".gz", ".gzip", ".tgz"),
        lambda head: head[:3] == b"\x1f\x8b\x08",
        lambda _: Zlib(zlib.decompressobj(16 + zlib.MAX_WBITS)),
        padding=1,
    ),
    Codec("bzip2", (".bz2",), _is_bz2, lambda _: Bounded(bz2.BZ2Decompressor())),
    Codec(
        "xz",
        (".xz",),
        lambda head: head[:6] == b"\xfd7zXZ\x00",
        lambda _: Bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
        padding=4,
    ),
    Codec(
        "zstandard",
        (".zst", ".zstd"),
        lambda head: head[:4] == b"\x28\xb5\x2f\xfd" or _is_skippable(head),
        _zstd_member,
        step=ZSTD_STEP,
    ),
    Codec(
        "lz4",
        (".lz4",),
        lambda head: head[:4] == b"\x04\x22\x4d\x18",
        lambda _: lz4_member(),
    ),
)


def decompressed(blocks: Iterable[bytes], url: str, name: str | None = None) -> Generator[bytes]:
    """Yield the text's bytes in blocks of about a mebibyte, whatever the blocks were packed with.

    url: what to call the stream in an error; name: the file's, if that is not the url: it tells
    that an empty file should not be one. Raises CorpusError for a file that is cut short, damaged,
    or followed by something that is not of its kind; the position is in packed bytes.

    >>> import gzip
    >>> b"".join(decompressed([gzip.compress(b"one "), gzip.compress(b"two")], "a.gz"))
    b'one two'
    """
    source = _Source(blocks)
    head = source.peek(HEAD)
    for codec in CODECS:
        if codec.is_start(head):
            yield from _gathered(_members(codec, source, url))
            return
    _refuse_cut_head(head, url if name is None else name, url)
    while block := source.take(BLOCK):
        yield block


class _Source:
    """Blocks with a look at what comes first, and a count of the bytes taken."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._block = b""
        self._at = 0  # bytes of the block that have been taken
        self.taken = 0

    def peek(self, n: int) -> bytes:
        while len(self._block) - self._at < n:
            following = next(self._blocks, None)
            if following is None:
                break
            self._block = self._block[self._at :] + following
            self._at = 0
        return self._block[self._at : self._at + n]

    def take(self, most: int) -> bytes:
        """Return the next bytes, empty at the end only."""
        while self._at == len(self._block):
            following = next(self._blocks, None)
            if following is None:
                return b""
            self._block, self._at = following, 0
        taken = self._block[self._at : self._at + most]
        self._at += len(taken)
        self.taken += len(taken)
        return taken

    def give_back(self, n: int) -> None:
        """Put the last n bytes taken back; there are never more than one `take` gave."""
        self._at -= n
        self.taken -= n


def _members(codec: Codec, source: _Source, url: str) -> Iterator[bytes]:
    while True:
        head = source.peek(HEAD)
        if not head:
            return
        if not codec.is_start(head):
            _skip_padding(codec, source, url)
            return
        member = _fresh(codec, head, url)
        while not member.eof:
            packed = source.take(codec.step)
            if not packed:
                raise CorpusError(
                    f"the {codec.name} file is cut short: it ends in the middle of a member",
                    url=url,
                    position=f"byte {source.taken}",
                    remedy="fetch or write the file again",
                )
            try:
                yield from member.step(packed)
            except BROKEN as error:
                raise CorpusError(
                    f"the {codec.name} file is damaged ({error})",
                    url=url,
                    position=f"before byte {source.taken}",
                    remedy="fetch or write the file again",
                ) from error
        source.give_back(len(member.unused_data))


def _fresh(codec: Codec, head: bytes, url: str) -> Member:
    try:
        return codec.member(head)
    except ImportError as error:
        raise CorpusError(
            f"the file is packed with {codec.name}, for which a package is missing",
            url=url,
            remedy=f"pip install 'millrace[{codec.name}]'",
        ) from error


def _skip_padding(codec: Codec, source: _Source, url: str) -> None:
    start = source.taken
    while block := source.take(BLOCK):
        if not codec.padding or block.count(0) != len(block):
            wrong = len(block) - len(block.lstrip(b"\0")) if codec.padding else 0
            raise CorpusError(
                f"something that is not {codec.name} follows the last member",
                url=url,
                position=f"byte {source.taken - len(block) + wrong}",
                remedy="fetch the file again, or cut it there",
            )
    if (source.taken - start) % codec.padding:
        raise CorpusError(
            f"the {codec.name} file's padding is cut short",
            url=url,
            position=f"byte {source.taken}",
            remedy="fetch or write the file again",
        )


def _refuse_cut_head(head: bytes, name: str, url: str) -> None:
    """Raise for a file that is named for a codec and too short even for its first bytes."""
    name = name.lower().split("?", 1)[0]
    for codec in CODECS:
        if name.endswith(codec.suffixes) and len(head) < HEAD:
            raise CorpusError(
                f"the {codec.name} file is cut short: it ends before its first member",
                url=url,
                position=f"byte {len(head)}",
                remedy="fetch or write the file again",
            )


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces, so that what follows has something to chew on."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)
