"""Shards that lie nowhere: every pass over them reads and tokenises the text again.

The first pass counts. It keeps the dictionaries, packed, and a digest of every batch of ids, and
writes nothing. A later pass runs on threads of its own, some batches in front of who takes them.
Ids are those of first appearance, so the dictionary of the first pass holds for all; the ids of
each batch are compared with the first pass before it is given out, and words and counts at each
shard's end.
"""

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.errors import CorpusError
from corpora.part import Part
from corpora.shards.encoder import End, encode_part, encoded
from corpora.shards.first_pass import FirstPass, Hashed, Seen
from corpora.shards.shard_set import dictionaries
from corpora.shards.token_shard import ReadPart, TokenShard, TokenShards
from corpora.sources.readahead import Readahead
from corpora.tokens.side_by_side import Progress, side_by_side

AHEAD = 8  # batches of a part that wait to be taken: two mebibytes
BESIDE = 4  # parts that are read at a time


@dataclass(frozen=True)
class StreamedShard(TokenShard):
    """A stretch of the corpus, made anew in each pass. Passes in the shards' order are one pass."""

    _seen: Seen = field(repr=False, compare=False)
    _streams: "_Streams" = field(repr=False, compare=False)
    _number: int = field(repr=False)

    @property
    def words(self) -> pa.StringArray:
        """The distinct words in the order in which they came: a word's id is its place here."""
        return self._dictionary("words")["key"]  # type: ignore[no-any-return]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word stands in the shard, by id; int64, (words)."""
        return self._dictionary("words")["count"].to_numpy()  # type: ignore[no-any-return]

    @property
    def tags(self) -> pa.StringArray | pa.Int64Array | pa.UnionArray | None:
        """The distinct tags, like `words`, or int64, or both; None for rows without any."""
        found = self._dictionary("tags")
        return None if found is None else found["key"]

    @property
    def tag_counts(self) -> npt.NDArray[np.int64] | None:
        """How many rows have each tag; int64, (tags). None where the rows are not documents."""
        found = self._dictionary("tags")
        return None if found is None else found["count"].to_numpy()

    def _dictionary(self, kind: str) -> Any:
        packed = self._seen.packed.get(kind)
        return None if packed is None else pa.ipc.open_stream(packed).read_next_batch()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield {tokens: list<int32>, tags: list<int32>}; tags may lack.

        Raises CorpusError where the text is not what it was in the first pass.
        """
        return self._streams.batches(self._number)


def encode_streamed(parts: Sequence[Part], progress: Progress, workers: int) -> TokenShards:
    """Count the words of all parts and write nothing; see `encode`."""

    def work(part: Part, depth: int, pool: Executor | None) -> FirstPass:
        counted = FirstPass()
        encode_part(part, counted, progress.add, pool=pool, depth=depth)
        return counted

    counted = side_by_side(parts, work, progress, workers)
    streams = _Streams(tuple(parts), tuple(tuple(one.seen) for one in counted))
    shards = [
        StreamedShard(
            fingerprint=seen.fingerprint,
            source=part.label,
            rows=seen.rows,
            tokens=seen.tokens,
            split=seen.split,
            replaced=seen.replaced,
            _seen=seen,
            _streams=streams,
            _number=number,
        )
        for number, (part, seen) in enumerate(streams.shards())
    ]
    read = [
        ReadPart(part.origins, sum(s.rows for s in one.seen), sum(s.tokens for s in one.seen), None)
        for part, one in zip(parts, counted, strict=True)
    ]
    return TokenShards(shards, parts=read)


class _Streams:
    """Passes over the parts. One that has come to the end of a shard waits for who takes the next.

    Each pass is used by one caller at a time; any number of callers may have passes of their own.
    """

    def __init__(self, parts: tuple[Part, ...], seen: tuple[tuple[Seen, ...], ...]) -> None:
        self._parts = parts
        self._seen = seen
        self._number = sum(map(len, seen))
        self._lock = threading.Lock()
        # The number of the shard that comes next, and the pass that stands before it.
        self._waiting: dict[int, Generator[pa.RecordBatch | None]] = {}

    def __reduce__(self) -> Any:
        """Pickle what there is to read, and no pass that is under way."""
        return _Streams, (self._parts, self._seen)

    def shards(self) -> Iterator[tuple[Part, Seen]]:
        """Yield every shard in order, and the part that it is a stretch of."""
        for part, seen in zip(self._parts, self._seen, strict=True):
            for one in seen:
                yield part, one

    def batches(self, number: int) -> Generator[pa.RecordBatch]:
        """Yield the batches of one shard."""
        with self._lock:
            stream = self._waiting.pop(number, None)
        stream = stream or _pass(self._parts, self._seen, number)
        kept = False
        try:
            for batch in stream:
                # After the last shard there may be parts that were empty, and have to be so still.
                if batch is None and number + 1 < self._number:
                    break
                if batch is not None:
                    yield batch
            else:
                return
            # Another caller's pass may stand there already: one is enough.
            with self._lock:
                kept = self._waiting.setdefault(number + 1, stream) is stream
        finally:
            if not kept:
                stream.close()


def _pass(
    parts: Sequence[Part], seen: Sequence[Sequence[Seen]], number: int
) -> Generator[pa.RecordBatch | None]:
    """Yield the batches from a shard on to the end of the corpus; None after each shard's last."""
    todo: deque[tuple[Part, Sequence[Seen], int]] = deque()
    first = 0  # number of the first shard of a part
    for part, known in zip(parts, seen, strict=True):
        if first + len(known) > number or first == number:
            todo.append((part, known, number - first))
        first += len(known)
    started: deque[tuple[int, Readahead[tuple[int, pa.RecordBatch | None]]]] = deque()
    try:
        while todo or started:
            # What nothing identifies may be the caller's own code: it waits for its turn.
            while todo and (not started or (len(started) < BESIDE and todo[0][0].fingerprint)):
                part, known, begin = todo.popleft()
                started.append((begin, Readahead(partial(_checked, part, known), AHEAD)))
            begin, ahead = started[0]
            for shard, batch in ahead:
                if shard >= begin:
                    yield batch
            started.popleft()
    finally:
        for _, ahead in started:
            ahead.close()


def _checked(part: Part, known: Sequence[Seen]) -> Generator[tuple[int, pa.RecordBatch | None]]:
    """Yield a part's batches with the number of their shard, each after a look at its digest."""
    row = shard = 0
    hashed: Hashed | None = None
    ended = False  # told once it is known whether there is more
    with closing(encoded(part)) as pieces:
        for piece in pieces:
            if ended:
                yield shard, None
                shard, ended = shard + 1, False
            if shard == len(known):
                raise _changed(part, row)
            if isinstance(piece, End):
                assert hashed is not None
                hashed.close()
                same = hashed.fingerprint(dictionaries(piece)) == known[shard].fingerprint
                ended, hashed = True, None
            else:
                hashed = hashed or Hashed(piece.schema)
                hashed.write_batch(piece)
                same = hashed.agrees(known[shard])
            if not same:
                raise _changed(part, row)
            if isinstance(piece, pa.RecordBatch):
                yield shard, piece
                row += piece.num_rows
    if shard + ended < len(known):
        raise _changed(part, row)
    if ended:
        yield shard, None


def _changed(part: Part, row: int) -> CorpusError:
    return CorpusError(
        "the text is not the one that the first pass has counted",
        url=part.label,
        position=f"after row {row}",
        remedy="run again when nothing changes it, or encode it into a cache, which reads it once",
    )
