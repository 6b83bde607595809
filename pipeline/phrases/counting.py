"""Pairs of a text, counted exactly on several threads, in bounded memory.

One thread writes out the pairs, and each share of them is counted by a thread and into a table of
its own. A table that is full goes to disk as a sorted run; at the end the runs are merged.
"""

import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from corpora.tokens.pairs import CHAIN_BITS, PairTable, Slots
from pipeline.words.sorted_runs import merged, write_run

AHEAD = 4  # pieces of pairs that wait for a thread
BLOCK = 1 << 16  # rows of a run that are read at a time
ENTRY = 32  # bytes of memory for a pair: a slot, and the free ones beside it
_TYPES: Any = {"words": pa.uint64(), "chain": pa.uint64(), "count": pa.uint64()}
SCHEMA = pa.schema(_TYPES)
CHAIN = np.uint64((1 << CHAIN_BITS) - 1)
SHIFT = np.uint64(CHAIN_BITS)


class Share:
    """Counts one share of all pairs; leaving the `with` block ends its thread and its files.

    memory: about how many bytes its table may take.

    >>> pairs = np.array([[5, 1 << 24], [5, 3 << 24], [6, 1 << 24 | 2]], np.uint64)
    >>> with Share(0, 1, memory=1 << 20) as share:
    ...     share.add(pairs)
    ...     [sum(len(piece) for piece in share.result()), share.spilled]
    [2, False]
    """

    def __init__(self, part: int, parts: int, memory: int) -> None:
        self._part, self._parts = part, parts
        self._most = max(1, memory // ENTRY)
        self.table = PairTable()
        self._waiting: deque[Future[None]] = deque()
        self._runs: list[Path] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, "millrace-pairs")
        return self

    def __exit__(self, *raised: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._stack.close()

    @property
    def spilled(self) -> bool:
        """Whether there was more than had room in memory."""
        return bool(self._runs)

    def add(self, pairs: Slots) -> None:
        """Count the pairs that are in this share, soon."""
        self._waiting.append(self._thread.submit(self._add, pairs))
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait until all are counted."""
        while self._waiting:
            self._waiting.popleft().result()

    def result(self) -> Iterator[Slots]:
        """Yield the pairs, packed, each once."""
        self.finish()
        if not self.spilled:
            yield self.table.slots()
            return
        self._spill()
        for block in merged(self._runs, _key, _summed):
            yield _packed(block)

    def _add(self, pairs: Slots) -> None:
        self.table.add(pairs, self._part, self._parts)
        if len(self.table) > self._most:
            self._spill()

    def _spill(self) -> None:
        table = _sorted(_unpacked(self.table.slots()))
        self.table = PairTable()
        if not self._runs:
            made = tempfile.TemporaryDirectory(prefix="millrace-pairs-")
            self._folder = Path(self._stack.enter_context(made))
        path = self._folder / f"{len(self._runs):06d}.arrow"
        write_run(path, SCHEMA, (table.slice(i, BLOCK) for i in range(0, len(table), BLOCK)))
        self._runs.append(path)


def most_frequent(pairs: Slots, most: int) -> Slots:
    """Return the `most` pairs that were seen most often; of those seen alike the lowest ids.

    >>> pairs = np.array([[5, 1 << 24], [7, 3 << 24], [4, 1 << 24]], np.uint64)
    >>> most_frequent(pairs, 2)[:, 0].tolist()
    [7, 4]
    """
    if len(pairs) <= most:
        return pairs
    counts = pairs[:, 1] >> SHIFT
    least = np.partition(counts, len(counts) - most)[len(counts) - most] if most else counts.max()
    above = np.flatnonzero(counts > least)
    alike = pairs[counts == least]
    order = np.lexsort((alike[:, 1], alike[:, 0]))[: most - len(above)]
    return np.concatenate([pairs[above], alike[order]]) if most else pairs[:0]


def _key(block: pa.RecordBatch, row: int) -> tuple[Any, ...]:
    return (block["words"][row].as_py(), block["chain"][row].as_py())


def _summed(tables: list[pa.Table]) -> pa.Table:
    table = _sorted(pa.concat_tables(tables))
    words, chain, counts = (table[name].to_numpy() for name in SCHEMA.names)
    if not len(words):
        return table
    new = (words[1:] != words[:-1]) | (chain[1:] != chain[:-1])
    first = np.concatenate([[0], np.flatnonzero(new) + 1])
    return _table(words[first], chain[first], np.add.reduceat(counts, first))


def _sorted(table: pa.Table) -> pa.Table:
    words, chain, counts = (table[name].to_numpy() for name in SCHEMA.names)
    order = np.lexsort((chain, words))
    return _table(words[order], chain[order], counts[order])


def _unpacked(pairs: Slots) -> pa.Table:
    return _table(pairs[:, 0].copy(), pairs[:, 1] & CHAIN, pairs[:, 1] >> SHIFT)


def _packed(table: pa.Table) -> Slots:
    words, chain, counts = (table[name].to_numpy() for name in SCHEMA.names)
    return np.stack([words, counts << SHIFT | chain], axis=1)


def _table(*columns: Any) -> pa.Table:
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)
