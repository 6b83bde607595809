"""Undo gzip, bzip2, xz and zstandard, told apart by their first bytes and never by a name.

A compressed file may have several members one after the other. It has to end where a member ends:
a file that stops in the middle, or goes on with something else, is an error with the byte reached.
Every step gives a bounded number of bytes, however well a file is packed.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import zstandard

from corpora.errors import CorpusError

BLOCK = 1 << 20  # bytes in a block handed on, about
XZ_MEMORY = 1 << 29  # bytes that an xz file may ask for; `xz -9` asks for 65 MiB
STEP = 1 << 16  # packed bytes taken at a time
# zstandard gives all that its input makes, at most 128 KiB for 4 bytes: so it gets little at once.
ZSTD_STEP = 1 << 12


class Member(Protocol):
    """One compressed member on its way through the decompressor."""

    @property
    def eof(self) -> bool:
        """True where the member is whole."""

    @property
    def unused_data(self) -> bytes:
        """What came after the member's end."""

    def step(self, packed: bytes) -> Iterator[bytes]:
        """Take packed bytes in and yield what they make, in bounded pieces."""


class _Bounded:
    """A member of the standard library's decompressors, which take a bound on their output."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    @property
    def eof(self) -> bool:
        return bool(self._machine.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._machine.unused_data)

    def step(self, packed: bytes) -> Iterator[bytes]:
        yield self._machine.decompress(packed, BLOCK)
        while not (self._machine.eof or self._machine.needs_input):
            yield self._machine.decompress(b"", BLOCK)


class _Zlib(_Bounded):
    """zlib keeps what it has not taken in a place of its own."""

    def step(self, packed: bytes) -> Iterator[bytes]:
        while True:
            made = self._machine.decompress(packed, BLOCK)
            yield made
            packed = self._machine.unconsumed_tail
            if self._machine.eof or (not packed and len(made) < BLOCK):
                return


class _Zstd(_Bounded):
    """zstandard takes no bound on its output: what bounds it is ZSTD_STEP."""

    def step(self, packed: bytes) -> Iterator[bytes]:
        yield self._machine.decompress(packed)


class _Skippable:
    """A zstandard frame that holds no text: eight bytes of magic and size, then what to skip."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 8
        self.eof = False
        self.unused_data = b""

    def step(self, packed: bytes) -> Iterator[bytes]:
        if len(self._head) < 8:
            missing = 8 - len(self._head)
            self._head += packed[:missing]
            packed = packed[missing:]
            if len(self._head) < 8:
                return
            self._left = int.from_bytes(self._head[4:], "little")
        if len(packed) >= self._left:
            self.eof = True
            self.unused_data = packed[self._left :]
        else:
            self._left -= len(packed)
        yield from ()


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
        return _Skippable()
    return _Zstd(zstandard.ZstdDecompressor().decompressobj())


HEAD = 10  # bytes that tell every codec
CODECS = (
    Codec(
        "gzip",
        (".gz", ".gzip"),
        lambda head: head[:3] == b"\x1f\x8b\x08",
        lambda _: _Zlib(zlib.decompressobj(16 + zlib.MAX_WBITS)),
        padding=1,
    ),
    Codec("bzip2", (".bz2",), _is_bz2, lambda _: _Bounded(bz2.BZ2Decompressor())),
    Codec(
        "xz",
        (".xz",),
        lambda head: head[:6] == b"\xfd7zXZ\x00",
        lambda _: _Bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
        padding=4,
    ),
    Codec(
        "zstandard",
        (".zst", ".zstd"),
        lambda head: head[:4] == b"\x28\xb5\x2f\xfd" or _is_skippable(head),
        _zstd_member,
        step=ZSTD_STEP,
    ),
)
# What the libraries raise for bytes that are no member of theirs.
BROKEN = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)


def decompressed(blocks: Iterable[bytes], url: str) -> Generator[bytes]:
    """Yield the text's bytes in blocks of about a mebibyte, whatever the blocks were packed with.

    url: what to call the stream in an error. Raises CorpusError for a file that is cut short,
    damaged, or followed by something that is not of its kind; the position is in packed bytes.

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
    _refuse_cut_head(head, url)
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
        member = codec.member(head)
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


def _refuse_cut_head(head: bytes, url: str) -> None:
    """Raise for a file that is named for a codec and too short even for its first bytes."""
    name = url.lower().split("?", 1)[0]
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
