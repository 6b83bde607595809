"""Read the word2vec formats, text and binary: words, vectors and counts.

A file is believed only as far as it goes: memory is taken for the rows that are there, not for
those that a header promises.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from pipeline.vectors import word2vec_binary, word2vec_text
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, lines
from pipeline.vectors.rows import Matrix
from pipeline.vectors.word2vec_bytes import Layout, Piece, Stream
from pipeline.words.tags import TagTable

FIRST_ROWS = 1 << 12
GROWTH = 1.5


@dataclass(frozen=True)
class Wanted:
    """How a file is to be read.

    address: a path or URL; binary, no_header: what it is; encoding, unicode_errors: how its words
    become strings; strict: whether rows beyond those promised, words that come twice and numbers
    that are not finite are errors.
    """

    address: Address
    binary: bool = False
    encoding: str = "utf8"
    unicode_errors: str = "strict"
    no_header: bool = False
    strict: bool = True


def read(wanted: Wanted, limit: int | None, datatype: DTypeLike) -> tuple[TagTable, Matrix, int]:
    """Return the words, their vectors (n, d) of the type wanted, and how many were promised.

    limit: read at most so many rows. Of a word that comes twice the first counts, where that is no
    error. Raises VectorFileError with file, place and remedy.
    """
    kind = np.dtype(datatype)
    with closing(Stream(wanted.address)) as stream:
        layout = _layout(wanted, stream, kind, limit)
        most = _most(limit, layout.count)
        words: list[Any] = []
        vectors, rows, more = np.zeros((0, layout.size), kind), 0, False
        places: list[tuple[int, int]] = []  # a piece's first row, and where in the file that is
        for some, block, place in _pieces(wanted, stream, layout):
            kept = len(some) if most is None else min(len(some), most - rows)
            more = kept < len(some)
            if rows + kept > len(vectors):
                room = max(rows + kept, FIRST_ROWS, int(len(vectors) * GROWTH))
                room = room if most is None else min(room, most)
                vectors.resize((room, layout.size), refcheck=False)
            with np.errstate(over="ignore"):  # told below, with its place
                vectors[rows : rows + kept] = block[:kept]
            if wanted.strict:
                _demand_finite(vectors[rows : rows + kept], some, layout, wanted, place)
            words.append(some[:kept])
            places.append((rows, place))
            rows += kept
            if more or rows == limit:
                break
        if limit is None or rows < limit:
            _demand_all(wanted, stream, layout, rows + more)
    vectors.resize((rows, layout.size), refcheck=False)
    try:
        column: Any = pa.concat_arrays(words) if words else pa.array([], pa.string())
    except pa.ArrowInvalid as error:
        raise layout.wrong("the words take more than 2 GiB", "", "read it with a limit") from error
    table = TagTable(column, np.zeros(rows, np.int64))
    try:
        table.find([""])  # makes the index
    except ValueError:
        if wanted.strict and wanted.unicode_errors == "strict":
            raise _twice(column, layout, wanted, places) from None
        first = np.sort(_firsts(column))
        table = TagTable(column.take(pa.array(first)), np.zeros(len(first), np.int64))
        vectors = vectors[first]
    return table, vectors, rows if most is None else most


def each(wanted: Wanted, size: int) -> Iterator[tuple[list[str], Matrix]]:
    """Yield words and vectors (m, size) in pieces; raises ValueError for another size."""
    with closing(Stream(wanted.address)) as stream:
        layout = _layout(wanted, stream, np.dtype(np.float32))
        if layout.size != size:
            raise layout.wrong(
                f"its vectors have {layout.size} numbers and these {size}", "line 1",
                "merge vectors of one size",
            )  # fmt: skip
        rows = 0
        for words, block, place in _pieces(wanted, stream, layout):
            if wanted.strict:
                _demand_finite(block, words, layout, wanted, place)
            rows += len(words)
            yield words.to_pylist(), block
        _demand_all(wanted, stream, layout, rows)


def counts(path: Address, words: TagTable, unicode_errors: str) -> NDArray[np.int64]:
    """Return the count (n) of each word from a file of lines "word count".

    Raises VectorFileError for a line that is none, and for a word without a line.
    """
    found: dict[str, int] = {}
    for number, line in enumerate(lines(path, errors=unicode_errors), 1):
        if not line.strip():
            continue
        try:
            word, _, count = line.rstrip().rpartition(" ")
            found[word] = int(count)
        except ValueError:
            raise VectorFileError(
                "a word and its count are wanted", url=str(path), position=f"line {number}",
                remedy="give the file that was written with the vectors",
            ) from None  # fmt: skip
    listed = words.keys.to_pylist()
    missing = next((word for word in listed if word not in found), None)
    if missing is not None:
        raise VectorFileError(
            f"there is no count for the word {missing!r}", url=str(path),
            remedy="give the file that was written with the vectors",
        )  # fmt: skip
    return np.array([found[word] for word in listed], np.int64)


def _layout(
    wanted: Wanted, stream: Stream, kind: np.dtype[Any], limit: int | None = None
) -> Layout:
    if wanted.no_header and wanted.binary:
        raise NotImplementedError("a binary file tells the size of its vectors in its header only")
    count, size = (None, stream.columns()) if wanted.no_header else stream.header()
    wide = np.float64 if kind == np.float64 else np.float32
    encoding, errors = wanted.encoding, wanted.unicode_errors
    return Layout(stream.label, count, size, encoding, errors, limit, wide)


def _pieces(wanted: Wanted, stream: Stream, layout: Layout) -> Iterator[Piece]:
    if wanted.binary:
        return word2vec_binary.pieces(stream, layout)
    return word2vec_text.pieces(stream, layout)


def _most(limit: int | None, count: int | None) -> int | None:
    known = [number for number in (limit, count) if number is not None]
    return min(known) if known else None


def _demand_finite(vectors: Matrix, words: Any, layout: Layout, wanted: Wanted, place: int) -> None:
    if np.isfinite(vectors).all():
        return
    at = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
    raise layout.wrong(
        f"the vector of {words[at].as_py()!r} is not finite as {vectors.dtype}",
        _place(wanted, place + at),
        "leave the line out, or take such numbers as they are: strict=False",
    )


def _demand_all(wanted: Wanted, stream: Stream, layout: Layout, rows: int) -> None:
    """Raise where the file has fewer rows than promised, or goes on after them.

    rows: how many have been seen; of those beyond the promised ones, one is enough.
    """
    if layout.count is None:
        return
    if rows < layout.count:
        raise layout.short(rows, f"byte {stream.taken}")
    reached = stream.taken
    more = rows > layout.count or any(block.strip(b"\r\n") for block in stream.blocks())
    if wanted.strict and more:
        raise layout.wrong(
            f"the header promises {layout.count} vectors and the file goes on",
            f"byte {reached}",
            "mend the header, or leave out what follows: strict=False; if this is a text file, "
            "read it with binary=False",
        )


def _firsts(words: Any) -> NDArray[np.int64]:
    """Return where each distinct word comes first."""
    codes = words.dictionary_encode().indices.to_numpy()
    firsts: NDArray[np.int64] = np.unique(codes, return_index=True)[1].astype(np.int64)
    return firsts


def _twice(
    words: Any, layout: Layout, wanted: Wanted, places: list[tuple[int, int]]
) -> VectorFileError:
    again = np.setdiff1d(np.arange(len(words)), _firsts(words))[0]
    row, place = max(start for start in places if start[0] <= again)
    return layout.wrong(
        f"the word {words[int(again)].as_py()!r} comes a second time",
        _place(wanted, place + int(again) - row),
        "leave the line out, or take the first of such words: strict=False",
    )


def _place(wanted: Wanted, number: int) -> str:
    return f"vector {number}" if wanted.binary else f"line {number}"
