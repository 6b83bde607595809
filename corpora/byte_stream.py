"""Blocks of bytes as a file that can be read from front to back, for parsers that want one."""

import io
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from corpora import isa
from corpora._tokens import ffi, lib
from corpora.errors import CorpusError


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


def checked_utf8(blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
    r"""Yield the blocks as they are; raises CorpusError with the byte for what is not UTF-8.

    >>> try:
    ...     list(checked_utf8([b"a\xc3", b"\xa9", b"\xff"], "a.csv"))
    ... except CorpusError as error:
    ...     error.problem, error.position
    ('the text is not UTF-8', 'byte 3')
    """
    state: Any = ffi.new("mr_utf8 *")
    offset = 0
    for block in blocks:
        memory = ffi.from_buffer("uint8_t[]", block)
        good = int(lib.mr_utf8_check(state, memory, len(block), isa.chosen()))
        if good < len(block):
            raise _not_utf8(url, offset + good - int(state.seen))
        offset += len(block)
        yield block
    if state.want:
        raise _not_utf8(url, offset - int(state.seen))


def _not_utf8(url: str, at: int) -> CorpusError:
    return CorpusError(
        "the text is not UTF-8",
        url=url,
        position=f"byte {at}",
        remedy="convert the file to UTF-8, for example with iconv, or leave it out",
    )
