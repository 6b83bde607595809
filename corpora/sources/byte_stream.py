"""Blocks of bytes as a file that can be read from front to back, for parsers that want one."""

import io
import threading
from collections.abc import Generator
from typing import Any


class ByteStream(io.RawIOBase):
    """A file over a generator of blocks. Reading and closing may happen on different threads.

    >>> io.BufferedReader(ByteStream(block for block in (b"ab", b"", b"cd"))).read()
    b'abcd'
    """

    def __init__(self, blocks: Generator[bytes]) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")
        self._lock = threading.Lock()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or a part of it; 0 at the end, and after closing."""
        with self._lock:
            while not self._left:
                block = None if self.closed else next(self._blocks, None)
                if block is None:
                    return 0
                self._left = memoryview(block)
            n = min(len(buffer), len(self._left))
            buffer[:n] = self._left[:n]
            self._left = self._left[n:]
            return n

    def close(self) -> None:
        """Close the generator, once nobody is reading from it."""
        with self._lock:
            if not self.closed:
                self._blocks.close()
            super().close()
