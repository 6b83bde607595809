"""Exact counts of any number of words in bounded memory: sorted runs on disk, merged.

Words and counts come in any order and as often as they like; they are added up in memory, and when
that is full of distinct words they go to a file, sorted by word: a run. At the end all runs are
merged, so that each word has its whole count, and the words are brought into the vocabulary's order
by a second sort of the same kind. Nothing is dropped or guessed. What never filled the memory never
touches the disk; the result is the same.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.tokens.buffers import string_array, string_buffers
from pipeline.words.sorted_runs import Combine, Key, merged, unwritable, write_run

NO_RANK = 2**31 - 1  # of a word that has no place of its own
_TYPES: Any = {"word": pa.string(), "count": pa.int64(), "rank": pa.int32()}
SCHEMA = pa.schema(_TYPES)
PIECE = 1 << 16  # rows taken in at a time
MOST_RUNS = 64  # that are merged at a time
LEAST_ROWS = 256  # of a block of a run
# Adding up and sorting a table takes several times the memory of the table.
ADDING = 12


@dataclass(frozen=True)
class Counts:
    """Distinct words with their counts: by rank, then by falling count, then by the word.

    words (n), counts (n) int64; ranked: how many of the words have ranks. They may be mapped.
    """

    words: pa.StringArray
    counts: NDArray[np.int64]
    ranked: int


class Counting:
    """Adds words up, in about so many bytes of memory; leaving the `with` block removes the runs.

    >>> with Counting(memory=1 << 20) as counting:
    ...     counting.add(pa.array(["b", "a", "c"]), np.array([1, 2, 2]))
    ...     counting.add(pa.array(["b"]), np.array([3]))
    ...     counts = counting.result()
    >>> counts.words.to_pylist(), counts.counts.tolist()
    (['b', 'a', 'c'], [4, 2, 2])
    """

    def __init__(self, memory: int) -> None:
        self._full = max(memory // ADDING, 1)
        self._waiting: list[pa.Table] = []
        self._size = 0  # bytes waiting
        self._runs: list[Path] = []
        self._made = 0
        self._stack = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def add(
        self,
        words: "pa.StringArray | pa.ChunkedArray[pa.StringScalar]",
        counts: NDArray[np.int64],
        *,
        ranked: int = 0,
    ) -> None:
        """Count each word so many times more; the first `ranked` of them have their place as rank.

        words (n) string, which may repeat; counts (n).
        """
        ranks = np.full(len(counts), NO_RANK, np.int32)
        ranks[:ranked] = np.arange(ranked, dtype=np.int32)
        whole: Any = [words.cast(pa.string()), pa.array(counts, pa.int64()), pa.array(ranks)]
        table = pa.Table.from_arrays(whole, schema=SCHEMA)
        for at in range(0, len(table), PIECE):
            self._waiting.append(table.slice(at, PIECE))
            self._size += self._waiting[-1].nbytes
            if self._size >= self._full:
                self._make_room()

    def result(self) -> Counts:
        """Return all words in order; there is nothing to be added after that."""
        if not self._runs:
            table = _ordered(_summed(self._waiting))
            words: Any = pa.chunked_array(table["word"], pa.string()).combine_chunks()
            ranks = table["rank"].to_numpy()
            return Counts(words, table["count"].to_numpy(), int((ranks != NO_RANK).sum()))
        if self._waiting:
            self._spill(_summed(self._waiting))
        # The merge by word makes the runs of the sort into order.
        summed, self._runs = self._runs, []
        for table in _gathered(merged(summed, _by_word, _summed), self._full):
            self._write([_ordered(table)])
        while len(self._runs) > MOST_RUNS:
            self._join(_by_order, _ordered_all)
        return _mapped(merged(self._runs, _by_order, _ordered_all), self._place())

    def _make_room(self) -> None:
        """Add up what waits; if it stays large it becomes a run."""
        table = _summed(self._waiting)
        self._waiting, self._size = [table], table.nbytes
        if self._size >= self._full // 2:
            self._spill(table)

    def _spill(self, table: pa.Table) -> None:
        self._waiting, self._size = [], 0
        self._write([_sorted(table)])
        pa.default_memory_pool().release_unused()
        if len(self._runs) >= MOST_RUNS:
            self._join(_by_word, _summed_by_word)

    def _join(self, key: Key, combine: Combine) -> None:
        """Make one run of the first ones."""
        some, self._runs = self._runs[:MOST_RUNS], self._runs[MOST_RUNS:]
        self._write(merged(some, key, combine))
        for path in some:
            path.unlink()

    def _write(self, tables: Iterable[pa.Table]) -> None:
        path = self._place() / f"{self._made:06d}.arrow"
        self._made += 1
        write_run(path, SCHEMA, (block for table in tables for block in self._blocks(table)))
        self._runs.append(path)

    def _blocks(self, table: pa.Table) -> Iterator[pa.Table]:
        """Cut a table so that one block of each run has room in memory."""
        each = max(1, table.nbytes // max(1, len(table)))
        rows = max(LEAST_ROWS, self._full // MOST_RUNS // each)
        return (table.slice(at, rows) for at in range(0, len(table), rows))

    def _place(self) -> Path:
        if self._folder is None:
            made = tempfile.TemporaryDirectory(prefix="millrace-counts-")
            self._folder = Path(self._stack.enter_context(made))
        return self._folder


def _by_word(block: pa.RecordBatch, row: int) -> tuple[Any, ...]:
    # Python orders strings by code point, Arrow by UTF-8 byte: that is the same order.
    return (block["word"][row].as_py(),)


def _by_order(block: pa.RecordBatch, row: int) -> tuple[Any, ...]:
    count: Any = block["count"][row].as_py()
    return (block["rank"][row].as_py(), -count, block["word"][row].as_py())


def _summed(tables: list[pa.Table]) -> pa.Table:
    """Return each word once, in any order."""
    whole = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    groups = whole.group_by("word", use_threads=False)
    made = groups.aggregate([("count", "sum"), ("rank", "min")])
    columns: list[Any] = [made["word"], made["count_sum"], made["rank_min"]]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _summed_by_word(tables: list[pa.Table]) -> pa.Table:
    return _sorted(_summed(tables))


def _sorted(table: pa.Table) -> pa.Table:
    """Return the rows by word."""
    whole = table.combine_chunks()  # one array is sorted faster than a table
    if whole["word"].num_chunks > 1:
        raise _too_many()
    if len(whole) == 0:
        return whole
    return whole.take(cast("Any", pc.array_sort_indices(whole["word"].chunk(0))))


def _ordered(table: pa.Table) -> pa.Table:
    """Return the rows in the vocabulary's order."""
    table = _sorted(table)
    order = np.lexsort((-table["count"].to_numpy(), table["rank"].to_numpy()))  # it is stable
    return table.take(pa.array(order, pa.int64()))


def _ordered_all(tables: list[pa.Table]) -> pa.Table:
    return _ordered(pa.concat_tables(tables))


def _gathered(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Join small tables into larger ones."""
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += table.nbytes
        if held >= size:
            yield pa.concat_tables(waiting)
            waiting, held = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _mapped(tables: Iterable[pa.Table], folder: Path) -> Counts:
    """Write the columns out end to end, and map them: they need not be in memory all at once."""
    names = [folder / name for name in ("words", "ends", "counts")]
    ranked = size = 0
    try:
        with ExitStack() as files:
            words, ends, counts = (files.enter_context(name.open("wb")) for name in names)
            ends.write(bytes(4))
            for table in tables:
                offsets, chars = string_buffers(table["word"].combine_chunks())
                size += int(offsets[-1] - offsets[0])
                if size > NO_RANK:
                    raise _too_many()
                if chars is not None:
                    words.write(memoryview(chars)[offsets[0] : offsets[-1]])
                ends.write((offsets[1:] + (size - int(offsets[-1]))).astype(np.int32).tobytes())
                counts.write(table["count"].to_numpy().tobytes())
                ranked += int((table["rank"].to_numpy() != NO_RANK).sum())
    except OSError as error:
        raise unwritable(folder, error) from error
    # The names go with the folder; what is mapped stays.
    kinds = (np.uint8, np.int32, np.int64)
    maps = [_map(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return Counts(string_array(maps[1], maps[0]), maps[2], ranked)


def _map(path: Path, kind: Any) -> NDArray[Any]:
    # An empty file can't be mapped.
    return np.asarray(np.memmap(path, kind, "r")) if path.stat().st_size else np.empty(0, kind)


def _too_many() -> MillraceError:
    return MillraceError(
        "the distinct words take more than 2 GiB together. To mend it: split them by a tokenizer "
        "that makes fewer, or leave out rows that are no text."
    )
