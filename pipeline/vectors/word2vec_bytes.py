"""The bytes of a word2vec file: its header, and what follows in blocks, with the place reached."""

import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.vectors.errors import TruncatedError, VectorFileError, WordEncodingError
from pipeline.vectors.files import Address, source

HEADER = re.compile(rb"\s*(\d{1,19})\s+(\d{1,19})\s*")
LONGEST_HEADER = 1 << 8  # bytes
LONGEST_LINE = 1 << 26  # bytes
MOST_DIMENSIONS = 1 << 20

Piece = tuple[Any, NDArray[Any], int]  # words (m) strings, vectors (m, d), place of the first


@dataclass(frozen=True)
class Layout:
    """What a file is said to be.

    count: rows that the header promises, None without a header; size: dimensions; limit: rows
    that are wanted, None for all; wide: the type that numbers are read as, float32 or float64.
    """

    label: str
    count: int | None
    size: int
    encoding: str
    unicode_errors: str
    limit: int | None = None
    wide: type[np.floating[Any]] = np.float32

    def wrong(self, problem: str, place: str, remedy: str) -> VectorFileError:
        """Return an error at a place in the file."""
        return VectorFileError(problem, url=self.label, position=place, remedy=remedy)

    def short(self, found: int, place: str) -> TruncatedError:
        """Return the error for a file that ends early."""
        return TruncatedError(
            f"the header promises {self.count} vectors and the file ends after {found}",
            url=self.label, position=place, remedy="fetch or write the file again",
        )  # fmt: skip

    def decoded(self, words: Any, place: str, first: int) -> Any:
        """Return words, an Arrow array of bytes, as strings; `first`: number of the first."""
        if self.encoding.lower().replace("-", "") == "utf8":
            with suppress(pa.ArrowInvalid):
                return words.cast(pa.string())
        made = []
        for number, word in enumerate(words.to_pylist(), first):
            try:
                made.append(word.decode(self.encoding, self.unicode_errors))
            except UnicodeDecodeError as error:
                position = f"{place} {number}"
                raise WordEncodingError(error, url=self.label, position=position) from None
        try:
            return pa.array(made, pa.string())
        except UnicodeEncodeError:
            raise self.wrong(
                f"unicode_errors={self.unicode_errors!r} makes words that are no text",
                f"{place} {first}", "use 'replace' or 'ignore'",
            ) from None  # fmt: skip


class Stream:
    """A file's bytes from its beginning; `taken`: how many have been taken."""

    def __init__(self, address: Address) -> None:
        file = source(address)
        self.label = file.label
        self._blocks: Generator[bytes] = file.blocks()
        self._left = b""
        self.taken = 0

    def header(self) -> tuple[int, int]:
        """Take the first line: how many vectors are promised, and of what size."""
        line = self.line(LONGEST_HEADER)
        found = HEADER.fullmatch(line or b"")
        if found is None:
            raise VectorFileError(
                "the first line is no header: the number of vectors and their size",
                url=self.label,
                position="line 1",
                remedy="read text without a header with no_header=True",
            )
        count, size = int(found[1]), int(found[2])
        if not 0 < size <= MOST_DIMENSIONS:
            raise VectorFileError(
                f"the header promises vectors of {size} numbers", url=self.label,
                position="line 1", remedy=f"sizes are from 1 to {MOST_DIMENSIONS}",
            )  # fmt: skip
        return count, size

    def columns(self) -> int:
        """Return how many numbers follow the word of the first line, which stays to be taken."""
        line = self.line()
        if line is None:
            raise VectorFileError(
                "the file holds no line", url=self.label, remedy="give one that has vectors"
            )
        self.leave(line + b"\n" + self._left)
        numbers = len(line.rstrip().split(b" ")) - 1
        if not 0 < numbers <= MOST_DIMENSIONS:
            raise VectorFileError(
                f"{numbers} numbers follow the first word", url=self.label, position="line 1",
                remedy="a line is a word and its numbers, with a space between each two",
            )  # fmt: skip
        return numbers

    def line(self, longest: int = LONGEST_LINE) -> bytes | None:
        """Take a line without its end; None where there is none, or none that ends so soon."""
        while (end := self._left.find(b"\n", 0, longest)) < 0 and len(self._left) <= longest:
            block = next(self._blocks, None)
            if block is None:
                end = len(self._left)
                break
            self._left += block
        if end < 0 or not self._left:
            return None
        line, self._left = self._left[:end], self._left[end + 1 :]
        self.taken += end + 1
        return line

    def blocks(self) -> Iterator[bytes]:
        """Take all that is left, in blocks."""
        left, self._left = self._left, b""
        if left:
            self.taken += len(left)
            yield left
        for block in self._blocks:
            self.taken += len(block)
            yield block

    def leave(self, rest: bytes) -> None:
        """Give back the last bytes that were taken."""
        self.taken -= len(rest) - len(self._left)
        self._left = rest

    def close(self) -> None:
        """Leave off reading."""
        self._blocks.close()
