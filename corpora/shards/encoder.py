"""Rows of text to rows of ids: what fills the shards of one part.

Text is tokenised in units of a few mebibytes, on several threads where there is a pool of them, and
the units' dictionaries are merged in the part's order: shards are the same as from one thread. The
ids are written on a thread beside it, in record batches of a bounded number of tokens, cut at rows,
wherever the batches of text ended. A shard is closed when it has enough tokens or words, or when
its dictionary can take no more.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpora.part import Joins, Part, before_joins, opened
from corpora.tokens.units import (
    Bounds,
    Dictionary,
    Rows,
    Tokenised,
    Tokeniser,
    Unit,
    is_tagged,
    tokenised,
    tokenised_ahead,
    units,
)

AHEAD = 4  # pieces that may wait to be written


@dataclass(frozen=True)
class End:
    """The end of a shard: its dictionaries and totals. replaced: tokens with U+FFFD in them."""

    words: Dictionary
    tags: Dictionary | None
    rows: int
    tokens: int
    split: int
    replaced: int


class Writer(Protocol):
    """Takes the record batches of one shard."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Take one batch."""

    def close(self) -> None:
        """There are no more."""


class Sink(Protocol):
    """Takes one shard after the other."""

    def open(self, schema: pa.Schema) -> Writer:
        """Begin a shard; returns where its record batches go."""

    def close(self, end: End) -> None:
        """Finish the shard."""


def encode_part(
    part: Part,
    sink: Sink,
    report: Callable[[int, int], None],
    bounds: Bounds | None = None,
    pool: Executor | None = None,
    depth: int = 2,
) -> None:
    """Read and tokenise a part into shards.

    report: gets the tokens and rows of each step. pool: threads that tokenise, `depth` units in
    front of what is merged; without one it is done here.
    """
    bounds = bounds or Bounds()
    shards = _Shards(sink, bounds)
    # The part is read on the caller's own thread, because it may be the caller's own code.
    with (
        closing(_tokenised(part, bounds, pool, depth)) as pieces,
        ThreadPoolExecutor(1, "millrace-shards") as writer,
    ):
        waiting: deque[Future[None]] = deque()
        for piece in pieces:
            waiting.append(writer.submit(shards.take, piece))
            if len(waiting) > AHEAD:
                waiting.popleft().result()
            if isinstance(piece, Rows):
                report(piece.tokens, piece.rows)
        for written in waiting:
            written.result()


def encoded(part: Part, bounds: Bounds | None = None) -> Generator[pa.RecordBatch | End]:
    """Read and tokenise a part here; yields what `encode_part` writes, each shard's end behind it.

    >>> batch = pa.record_batch({"text": ["to be", "be"]})
    >>> ids, end = encoded(Part("a", None, lambda: iter([batch])))
    >>> ids["tokens"].to_pylist(), end.words.words.to_pylist()
    ([[0, 1], [1]], ['to', 'be'])
    """
    bounds = bounds or Bounds()
    cut: _Batches | None = None
    with closing(_tokenised(part, bounds, None, 1)) as pieces:
        for piece in pieces:
            if isinstance(piece, Rows):
                cut = cut or _Batches(_schema(piece), bounds)
                yield from cut.add(piece)
            elif cut is not None:
                yield from cut.end()
                cut = None
                yield piece


class _Shards:
    """Writes the pieces of one shard after the other."""

    def __init__(self, sink: Sink, bounds: Bounds) -> None:
        self._sink = sink
        self._bounds = bounds
        self._batches: _Batches | None = None
        self._writer: Writer

    def take(self, piece: Rows | End) -> None:
        if isinstance(piece, Rows):
            if self._batches is None:
                self._batches = _Batches(_schema(piece), self._bounds)
                self._writer = self._sink.open(self._batches.schema)
            for batch in self._batches.add(piece):
                self._writer.write_batch(batch)
        elif self._batches is not None:
            for batch in self._batches.end():
                self._writer.write_batch(batch)
            self._writer.close()
            self._batches = None
            self._sink.close(piece)


def _schema(rows: Rows) -> pa.Schema:
    names = ("tokens", "tags")[: len(rows.columns)]
    fields: list[Any] = [pa.field(name, pa.list_(pa.int32())) for name in names]
    return pa.schema(fields)


def _tokenised(
    part: Part, bounds: Bounds, pool: Executor | None, depth: int
) -> Generator[Rows | End]:
    """Yield the rows of ids of every shard, each shard's end behind them."""
    shard: Tokeniser | None = None
    base, joins = before_joins(part)
    with opened(base) as batches, closing(_made(batches, bounds, pool, depth, joins)) as made:
        for unit, ready in made:
            tagged = is_tagged(unit)
            if shard is not None and (_enough(shard, bounds) or shard.tagged != tagged):
                yield _end(shard)
                shard = None
            shard = shard or Tokeniser(bounds.word_bytes, tagged=tagged)
            merged = None if ready is None else shard.absorb(ready)
            del ready  # it takes several times the memory of its text
            yield from merged or ()
            for batch in unit if merged is None else ():
                rest = batch
                for phrases in joins:
                    rest = phrases.join(rest)
                while rest.num_rows:
                    if shard.full:
                        yield _end(shard)
                        shard = Tokeniser(bounds.word_bytes, tagged=tagged)
                    rows = shard.add(rest)
                    yield rows
                    rest = rest.slice(rows.rows)
    if shard is not None:
        yield _end(shard)


def _made(
    batches: Any, bounds: Bounds, pool: Executor | None, depth: int, joins: tuple[Joins, ...]
) -> Generator[tuple[Unit, Tokenised | None]]:
    """Yield the units of a part, tokenised already if threads can do that, or phrases want it."""
    pending = units(batches, bounds.text_bytes)
    if pool is None:
        for unit in pending:
            yield unit, tokenised(unit, joins) if joins else None
    else:
        with closing(tokenised_ahead(pending, pool, depth, joins)) as made:
            yield from made


def _enough(shard: Tokeniser, bounds: Bounds) -> bool:
    return (
        shard.full
        or shard.tokens >= bounds.shard_tokens
        or len(shard.words) >= bounds.shard_words
        or len(shard.tags) >= bounds.shard_words
    )


def _end(shard: Tokeniser) -> End:
    words, tags = shard.dictionaries()
    marked: Any = pc.match_substring(words.words, "\ufffd")
    replaced = int(words.counts[marked.to_numpy(zero_copy_only=False)].sum())
    return End(words, tags, shard.rows, shard.tokens, shard.split, replaced)


@dataclass
class _Batches:
    """Cuts rows of ids into record batches of a bounded size, whatever pieces they come in."""

    schema: pa.Schema
    bounds: Bounds
    waiting: list[list[Any]] = field(default_factory=list)
    tokens: int = 0
    rows: int = 0

    def add(self, piece: Rows) -> Iterator[pa.RecordBatch]:
        ends = piece.columns[0].offsets.to_numpy()
        at = 0
        while at < piece.rows:
            room = self.bounds.batch_tokens - self.tokens
            to = int(np.searchsorted(ends, ends[at] + room, "right")) - 1
            to = min(max(to, at), piece.rows, at + self.bounds.batch_rows - self.rows)
            if to == at and self.rows == 0:
                to = at + 1  # one row that is longer than a batch
            if to > at:
                self.waiting.append([column.slice(at, to - at) for column in piece.columns])
                self.tokens += int(ends[to] - ends[at])
                self.rows += to - at
                at = to
            if at < piece.rows or self.tokens >= self.bounds.batch_tokens:
                yield from self.end()

    def end(self) -> Iterator[pa.RecordBatch]:
        if self.waiting:
            joined = [pa.concat_arrays(list(column)) for column in zip(*self.waiting, strict=True)]
            yield pa.record_batch(joined, schema=self.schema)
        self.waiting, self.tokens, self.rows = [], 0, 0
