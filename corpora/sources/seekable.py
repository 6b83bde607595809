"""A file to seek in, made of a function that yields bytes from any one on.

Archives and columnar formats have their table of contents at the end. What is read in order comes
from one stream; each jump opens a new one.
"""

import errno
import io
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1 << 18  # bytes that a jump forward may read over instead of opening anew


class Seekable(io.RawIOBase):
    """Bytes from `start(n)` on, as a file.

    start: yields the bytes from the n-th on; size: how many there are.

    >>> file = Seekable(lambda n: (c.encode() for c in "hello"[n:]), 5)
    >>> file.seek(3), file.read(), file.seek(1), file.read(1)
    (3, b'lo', 1, b'e')
    """

    def __init__(self, start: Callable[[int], Generator[bytes]], size: int) -> None:
        super().__init__()
        self._start, self._size = start, size
        self._at = 0  # what the reader wants next
        self._stream: Generator[bytes] | None = None
        self._block = memoryview(b"")
        self._reached = 0  # the place of the block's first byte

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place counted from the start, from here or from the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            # What a real file raises, and what zipfile is ready for.
            raise OSError(errno.EINVAL, "a place before the file's first byte")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer, or less at the end of the file and of a block; returns how much."""
        wanted = memoryview(buffer).cast("B")
        if self._at >= self._size or not wanted:
            return 0
        self._come_here()
        n = min(len(wanted), len(self._block))
        wanted[:n] = self._block[:n]
        self._block = self._block[n:]
        self._reached += n
        self._at += n
        return n

    def _come_here(self) -> None:
        ahead = self._at - self._reached
        if self._stream is None or not 0 <= ahead <= len(self._block) + BUFFER:
            self._drop()
            self._stream, self._reached = self._start(self._at), self._at
        while (ahead := self._at - self._reached) >= len(self._block):
            self._reached += len(self._block)
            self._block = memoryview(next(self._stream, b""))
            if not self._block:
                raise EOFError(f"the file ends at byte {self._reached}, not {self._size}")
        self._block = self._block[ahead:]
        self._reached += ahead

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._block = None, memoryview(b"")

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        super().close()
