"""One compressed member on its way through a decompressor, in steps of a bounded size.

What the libraries for gzip, bzip2, xz, zstandard and lz4 have in common, put into one form: take
packed bytes in, give what they make, tell when the member is whole and what came after it.
"""

import lzma
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import zstandard

BLOCK = 1 << 20  # bytes that one step gives at most, where a library can be told
# What the libraries raise for bytes that are no member of theirs.
BROKEN = (
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # lz4's
)


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


class Bounded:
    """A member of bz2, lzma or lz4, whose decompressors take a bound on their output."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    @property
    def eof(self) -> bool:
        """True where the member is whole."""
        return bool(self._machine.eof)

    @property
    def unused_data(self) -> bytes:
        """What came after the member's end."""
        return bytes(self._machine.unused_data or b"")

    def step(self, packed: bytes) -> Iterator[bytes]:
        """Take packed bytes in and yield what they make."""
        yield self._machine.decompress(packed, BLOCK)
        while not (self._machine.eof or self._machine.needs_input):
            yield self._machine.decompress(b"", BLOCK)


class Zlib(Bounded):
    """zlib keeps what it has not taken in a place of its own."""

    def step(self, packed: bytes) -> Iterator[bytes]:
        """Take packed bytes in and yield what they make."""
        while True:
            made = self._machine.decompress(packed, BLOCK)
            yield made
            packed = self._machine.unconsumed_tail
            if self._machine.eof or (not packed and len(made) < BLOCK):
                return


class Zstd(Bounded):
    """zstandard takes no bound on its output: what bounds it is ZSTD_STEP."""

    def step(self, packed: bytes) -> Iterator[bytes]:
        """Take packed bytes in and yield what they make."""
        yield self._machine.decompress(packed)


class Skippable:
    """A zstandard frame that holds no text: eight bytes of magic and size, then what to skip."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 8
        self.eof = False
        self.unused_data = b""

    def step(self, packed: bytes) -> Iterator[bytes]:
        """Take packed bytes in and yield what they make."""
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


def lz4_member() -> Member:
    """Return a fresh lz4 frame; lz4 is an extra, so this raises ImportError where it is missing."""
    import lz4.frame  # noqa: PLC0415  # an extra: not everybody has it

    return Bounded(lz4.frame.LZ4FrameDecompressor())
