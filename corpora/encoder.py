"""Rows of text to rows of ids: what fills the shards of one part.

Text is tokenised a few mebibytes at a time. The ids are written on a thread beside it, in record
batches of a bounded number of tokens, cut at rows, wherever the batches of text ended. A shard is
closed when it has enough tokens, or when its dictionary can take no more words.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.buffers import INT32_MAX
from corpora.errors import CorpusError
from corpora.interner import DictionaryFullError, Interner
from corpora.transform import Part, opened

AHEAD = 4  # pieces that may wait to be written


@dataclass
class Bounds:
    """How large things may get. Tests use small ones."""

    shard_tokens: int = 1 << 23
    batch_tokens: int = 1 << 16
    batch_rows: int = 1 << 16
    text_bytes: int = 1 << 22  # tokenised in one call, about
    word_bytes: int = INT32_MAX  # all words of one dictionary


@dataclass(frozen=True)
class Rows:
    """Rows of ids: columns of list<int32>, the tokens first, then the tags if there are any."""

    columns: list[Any]
    tokens: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0])


@dataclass(frozen=True)
class Dictionary:
    """Distinct words by id, and how often each came."""

    words: pa.StringArray
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class End:
    """The end of a shard: its dictionaries and totals."""

    words: Dictionary
    tags: Dictionary | None
    rows: int
    tokens: int
    split: int


class Writer(Protocol):
    """Takes the record batches of one shard."""

    schema: pa.Schema

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
    part: Part, sink: Sink, report: Callable[[int, int], None], bounds: Bounds | None = None
) -> None:
    """Read and tokenise a part into shards. report: gets the tokens and rows of each step."""
    bounds = bounds or Bounds()
    shards = _Shards(sink, bounds)
    # The part is read on the caller's own thread, because it may be the caller's own code.
    with (
        closing(_tokenised(part, bounds)) as pieces,
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


class _Shards:
    """Writes the pieces of one shard after the other."""

    def __init__(self, sink: Sink, bounds: Bounds) -> None:
        self._sink = sink
        self._bounds = bounds
        self._batches: _Batches | None = None

    def take(self, piece: Rows | End) -> None:
        if isinstance(piece, Rows):
            if self._batches is None:
                self._batches = _Batches(self._sink.open(_schema(piece)), self._bounds)
            self._batches.add(piece)
        elif self._batches is not None:
            self._batches.close()
            self._batches = None
            self._sink.close(piece)


def _schema(rows: Rows) -> pa.Schema:
    names = ("tokens", "tags")[: len(rows.columns)]
    fields: list[Any] = [pa.field(name, pa.list_(pa.int32())) for name in names]
    return pa.schema(fields)


def _tokenised(part: Part, bounds: Bounds) -> Generator[Rows | End]:
    """Yield the rows of ids of every shard, each shard's end behind them."""
    shard: _Shard | None = None
    with opened(part) as batches:
        for batch in batches:
            for piece in _pieces(batch, bounds):
                rest: Any = piece
                while rest.num_rows:
                    tagged = "tags" in rest.schema.names
                    if shard is not None and (shard.full or shard.tagged != tagged):
                        yield shard.end()
                        shard = None
                    shard = shard or _Shard(bounds, tagged=tagged)
                    rows = shard.add(rest)
                    yield rows
                    rest = rest.slice(rows.rows)
    if shard is not None:
        yield shard.end()


class _Shard:
    """The dictionaries of the shard in the making."""

    def __init__(self, bounds: Bounds, *, tagged: bool) -> None:
        self.tagged = tagged
        self._bounds = bounds
        self._words = Interner(bounds.word_bytes)
        self._tags = Interner(bounds.word_bytes)
        self._rows = self._tokens = self._split = 0
        self._refused = False

    @property
    def full(self) -> bool:
        return self._refused or self._tokens >= self._bounds.shard_tokens

    def add(self, batch: pa.RecordBatch) -> Rows:
        """Take rows in, as many as there is room for."""
        columns: list[Any] = []
        fitting = batch.num_rows
        if self.tagged:
            columns = [_all_or_some(self._tags.intern, _lists(batch["tags"]))]
            fitting = len(columns[0])
        if "words" in batch.schema.names:
            ids = _all_or_some(self._words.intern, _lists(batch["words"].slice(0, fitting)))
        else:
            ids = _all_or_some(self._words.split, batch["text"].slice(0, fitting))
        done = len(ids)
        if done < fitting and self.tagged:
            self._tags.forget(columns[0].slice(done).flatten().to_numpy())
        if done < batch.num_rows:
            self._refused = True
            if done + self._rows == 0:
                raise CorpusError(
                    "the distinct words or tags of one row take more than 2 GiB",
                    remedy="split the text into shorter rows",
                )
        self._rows += done
        self._tokens += len(ids.values)
        if "continued" in batch.schema.names:
            continued: Any = batch["continued"].slice(0, done)
            self._split += int(continued.true_count)
        return Rows([ids, *(column.slice(0, done) for column in columns)], len(ids.values))

    def end(self) -> End:
        words, tags = (Dictionary(known.words, known.counts) for known in (self._words, self._tags))
        kept = tags if self.tagged else None
        return End(words, kept, self._rows, self._tokens, self._split)


def _all_or_some(intern: Callable[[Any], Any], column: Any) -> Any:
    """Return the ids of the rows that go in: all, or those before the dictionary is full."""
    try:
        return intern(column)
    except DictionaryFullError as full:
        return full.done


@dataclass
class _Batches:
    """Cuts rows of ids into record batches of a bounded size, whatever pieces they come in."""

    writer: Writer
    bounds: Bounds
    waiting: list[list[Any]] = field(default_factory=list)
    tokens: int = 0
    rows: int = 0

    def add(self, piece: Rows) -> None:
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
                self._flush()

    def _flush(self) -> None:
        if self.waiting:
            joined = [pa.concat_arrays(list(column)) for column in zip(*self.waiting, strict=True)]
            self.writer.write_batch(pa.record_batch(joined, schema=self.writer.schema))
        self.waiting, self.tokens, self.rows = [], 0, 0

    def close(self) -> None:
        self._flush()
        self.writer.close()


def _pieces(batch: pa.RecordBatch, bounds: Bounds) -> Iterator[pa.RecordBatch]:
    """Yield slices of about as much text as is tokenised at once; one row is never cut."""
    pieces = max(1, min(batch.num_rows, -(-batch.nbytes // bounds.text_bytes)))
    rows = max(1, -(-batch.num_rows // pieces))
    for at in range(0, batch.num_rows, rows):
        yield batch.slice(at, rows)


def _lists(column: Any) -> Any:
    """Return a column of lists of strings, whatever kind of lists they are."""
    kind = column.type
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and (
        pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
    ):
        return column
    return column.cast(pa.list_(pa.string()))
