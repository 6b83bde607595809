"""Rows of a word2vec text file: "word number number ...", one to a line.

Blocks of lines are read as tables, at once; a block that is no such table is read line by line,
which tells what is wrong and where.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from pipeline.vectors.word2vec_bytes import LONGEST_LINE, Layout, Piece, Stream

Rows = tuple[Any, NDArray[Any]]  # words (m) as bytes, vectors (m, d)

MARK = b"\xef\xbb\xbf"  # Arrow takes this off the beginning of a block, though it may be a word's
LIKELY = "fetch or write the file again; a binary file is read with binary=True"


def pieces(stream: Stream, layout: Layout) -> Iterator[Piece]:
    """Yield words, vectors and the first one's line, of every block of lines."""
    line = first = 1 if layout.count is None else 2
    for lines in _lines(stream, layout):
        block = lines
        if layout.limit is not None:
            wanted = layout.limit - (line - first)
            if wanted <= 0:
                return
            block = b"\n".join(lines.split(b"\n", wanted)[:wanted]).rstrip(b"\n") + b"\n"
        found = _table(block, layout)
        words, vectors = found if found is not None else _one_by_one(block, layout, line)
        yield layout.decoded(words, "line", line), vectors, line
        line += len(words)


def _lines(stream: Stream, layout: Layout) -> Iterator[bytes]:
    """Yield blocks of whole lines, each of which ends; blank lines at the file's end are left."""
    rest: list[bytes] = []
    size = 0
    for block in stream.blocks():
        size += len(block)
        head, end, tail = block.rpartition(b"\n")
        if end:
            whole = b"".join([*rest, head, end])
            # Blank lines wait for the next block: they may be the last ones.
            kept = whole.rstrip(b"\r\n")
            blank = whole[len(kept) :].partition(b"\n")[2]
            if kept:
                yield kept + b"\n"
                rest, size = [blank, tail], len(blank) + len(tail)
            else:
                rest, size = [whole, tail], len(whole) + len(tail)
        else:
            rest.append(block)
        if size > LONGEST_LINE:
            raise layout.wrong(
                f"a line does not end within {size} bytes", f"byte {stream.taken}", LIKELY
            )
    last = b"".join(rest).rstrip(b"\r\n")
    if last:
        yield last + b"\n"


def _table(block: bytes, layout: Layout) -> Rows | None:
    """Return the words (m) as bytes and their vectors (m, d), or None where this is no table."""
    plain = block.replace(b"\r\n", b"\n").replace(b" \n", b"\n")
    if plain.startswith(MARK) or not 0 < layout.size < 1 << 12:
        return None
    numbers = [str(i) for i in range(layout.size)]
    kind = pa.float64() if layout.wide is np.float64 else pa.float32()
    with suppress(pa.ArrowInvalid):
        opened: Any = pa.BufferReader(plain)
        table: Any = csv.read_csv(
            opened,
            csv.ReadOptions(
                column_names=["word", *numbers], block_size=len(plain) + 1, use_threads=False
            ),
            csv.ParseOptions(
                delimiter=" ", quote_char=False, double_quote=False, escape_char=False,
                newlines_in_values=False, ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types={"word": pa.binary(), **dict.fromkeys(numbers, kind)},
                null_values=[], strings_can_be_null=False, check_utf8=False,
            ),
        )  # fmt: skip
        if table.num_rows == plain.count(b"\n"):
            vectors = np.empty((table.num_rows, layout.size), layout.wide)
            for i, column in enumerate(table.columns[1:]):
                vectors[:, i] = column.to_numpy()
            return table["word"].combine_chunks(), vectors
    return None


def _one_by_one(block: bytes, layout: Layout, first: int) -> Rows:
    words: list[bytes] = []
    vectors: list[list[float]] = []
    for number, line in enumerate(block.split(b"\n")[:-1], first):
        word, *numbers = line.rstrip().split(b" ")
        if len(numbers) != layout.size:
            raise layout.wrong(
                f"{len(numbers)} numbers follow the word, not {layout.size}", f"line {number}",
                LIKELY,
            )  # fmt: skip
        try:
            vectors.append([float(one) for one in numbers])
        except ValueError:
            raise layout.wrong(
                f"what follows the word {word!r} is not all numbers", f"line {number}", LIKELY
            ) from None
        words.append(word)
    return pa.array(words, pa.binary()), np.array(vectors, layout.wide)
