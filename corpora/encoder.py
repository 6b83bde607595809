"""Rows of text to rows of ids: what fills the shards of one part.

Text is tokenised a few mebibytes at a time. Ids are written in record batches of a bounded number
of tokens, cut at rows, wherever the batches of text ended. A shard is closed when it has enough
tokens, or when its dictionary can take no more words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from corpora.buffers import INT32_MAX
from corpora.errors import CorpusError
from corpora.interner import DictionaryFullError, Interner

SHARD_TOKENS = 1 << 23
BATCH_TOKENS = 1 << 16
BATCH_ROWS = 1 << 16
TEXT_BYTES = 1 << 22  # text tokenised in one call, about: what memory is bounded by


class Sink(Protocol):
    """Takes the record batches and the dictionaries of one shard after the other."""

    def open(self, schema: pa.Schema) -> Any:
        """Begin a shard; returns where its record batches go."""

    def close(
        self, words: Interner, tags: Interner | None, rows: int, tokens: int, split: int
    ) -> None:
        """Finish the shard."""


@dataclass
class Bounds:
    """How large a shard may get. Tests use small ones."""

    shard_tokens: int = SHARD_TOKENS
    batch_tokens: int = BATCH_TOKENS
    batch_rows: int = BATCH_ROWS
    text_bytes: int = TEXT_BYTES
    word_bytes: int = INT32_MAX


def encode_part(
    batches: Iterator[pa.RecordBatch],
    sink: Sink,
    report: Callable[[int, int], None],
    bounds: Bounds | None = None,
) -> None:
    """Tokenise all batches into shards. report: called with the tokens and rows of each step."""
    bounds = bounds or Bounds()
    shard: _Shard | None = None
    for batch in batches:
        for piece in _pieces(batch, bounds):
            rest: Any = piece
            while rest.num_rows:
                tagged = "tags" in rest.schema.names
                if shard is not None and (shard.full or shard.tagged != tagged):
                    shard.close()
                    shard = None
                shard = shard or _Shard(sink, bounds, tagged=tagged)
                tokens = shard.tokens
                done = shard.add(rest)
                report(shard.tokens - tokens, done)
                rest = rest.slice(done)
    if shard is not None:
        shard.close()


class _Shard:
    def __init__(self, sink: Sink, bounds: Bounds, *, tagged: bool) -> None:
        ids = pa.list_(pa.int32())
        names = ["tokens", "tags"] if tagged else ["tokens"]
        self.tagged = tagged
        self.tokens = self.rows = self._split = 0
        self._bounds = bounds
        self._sink = sink
        self._full = False
        self._words = Interner(bounds.word_bytes)
        self._tags = Interner(bounds.word_bytes) if tagged else None
        self._out = _Batches(sink.open(pa.schema([(name, ids) for name in names])), bounds)

    @property
    def full(self) -> bool:
        return self._full or self.tokens >= self._bounds.shard_tokens

    def add(self, batch: pa.RecordBatch) -> int:
        """Take rows in; returns how many, fewer than there are only where the shard is full."""
        fitting, tags = self._tag_ids(batch)
        done, ids = self._token_ids(batch.slice(0, fitting))
        if self._tags is not None and done < fitting:
            rest: Any = tags.slice(done)
            self._tags.forget(rest.flatten().to_numpy())
        columns = [ids] if self._tags is None else [ids, tags.slice(0, done)]
        if done < batch.num_rows:
            self._full = True
            if self.rows == 0 and done == 0:
                raise CorpusError(
                    "the distinct words or tags of one row take more than 2 GiB",
                    remedy="split the text into shorter rows",
                )
        self._out.add(columns)
        self.rows += done
        self.tokens += len(ids.values)
        if "continued" in batch.schema.names:
            continued: Any = batch["continued"].slice(0, done)
            self._split += int(continued.true_count)
        return done

    def _tag_ids(self, batch: pa.RecordBatch) -> tuple[int, Any]:
        if self._tags is None:
            return batch.num_rows, None
        tags = self._tags
        return _all_or_some(lambda: tags.intern(_lists(batch["tags"])))

    def _token_ids(self, batch: pa.RecordBatch) -> tuple[int, "pa.ListArray[Any]"]:
        if "words" in batch.schema.names:
            return _all_or_some(lambda: self._words.intern(_lists(batch["words"])))
        return _all_or_some(lambda: self._words.split(batch["text"]))

    def close(self) -> None:
        self._out.close()
        self._sink.close(self._words, self._tags, self.rows, self.tokens, self._split)


def _all_or_some(intern: Callable[[], "pa.ListArray[Any]"]) -> tuple[int, "pa.ListArray[Any]"]:
    try:
        ids = intern()
    except DictionaryFullError as full:
        ids = full.done
    return len(ids), ids


@dataclass
class _Batches:
    """Cuts rows of ids into record batches of a bounded size, whatever pieces they come in."""

    writer: Any
    bounds: Bounds
    waiting: list[list[Any]] = field(default_factory=list)
    tokens: int = 0
    rows: int = 0

    def add(self, columns: list[Any]) -> None:
        """Take rows; columns[0] are the tokens."""
        ends = columns[0].offsets.to_numpy()
        ends = ends - ends[0]
        at, rows = 0, len(columns[0])
        while at < rows:
            room = self.bounds.batch_tokens - self.tokens
            to = int(np.searchsorted(ends, ends[at] + room, "right")) - 1
            to = min(max(to, at), rows, at + self.bounds.batch_rows - self.rows)
            if to == at and self.rows == 0:
                to = at + 1  # one row that is longer than a batch
            if to > at:
                self.waiting.append([column.slice(at, to - at) for column in columns])
                self.tokens += int(ends[to] - ends[at])
                self.rows += to - at
                at = to
            if at < rows or self.tokens >= self.bounds.batch_tokens:
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
    size = batch.nbytes
    pieces = min(batch.num_rows, -(-size // bounds.text_bytes))
    rows = -(-batch.num_rows // max(1, pieces))
    for at in range(0, batch.num_rows, max(1, rows)):
        yield batch.slice(at, rows)


def _lists(column: Any) -> Any:
    """Return a column of lists of strings, whatever kind of lists they are."""
    kind = column.type
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and (
        pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
    ):
        return column
    return column.cast(pa.list_(pa.string()))
