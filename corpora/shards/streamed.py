"""Shards that lie nowhere: every pass over them reads and tokenises the text again.

The first pass counts. It keeps the dictionaries, and a digest of every batch of ids; nothing is
written. A later pass runs on threads of its own, some batches in front of who takes them. Ids are
those of first appearance, so the dictionary of the first pass holds for all; the ids of each batch
are compared with the first pass before it is given out, and words and counts at each shard's end.
"""

import hashlib
import threading
import weakref
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
from corpora.shards.shard_set import content_of, dictionaries
from corpora.shards.token_shard import TokenShard, TokenShards
from corpora.sources.readahead import Readahead
from corpora.tokens.side_by_side import Progress, side_by_side

AHEAD = 16  # batches: a few mebibytes
DIGEST = 8  # bytes kept for each batch, of 32


@dataclass(frozen=True)
class StreamedShard(TokenShard):
    """A stretch of the corpus, made anew in each pass. Passes in the shards' order are one pass."""

    _end: End = field(repr=False, compare=False)
    _streams: "_Streams" = field(repr=False, compare=False)
    _number: int = field(repr=False)

    @property
    def words(self) -> pa.StringArray:
        """The distinct words in the order in which they came: a word's id is its place here."""
        return self._end.words.words  # type: ignore[no-any-return]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word stands in the shard, by id; int64, (words)."""
        return self._end.words.counts

    @property
    def tags(self) -> pa.StringArray | pa.Int64Array | None:
        """The distinct tags, like `words`, or int64; None where the rows are not documents."""
        return None if self._end.tags is None else self._end.tags.words

    @property
    def tag_counts(self) -> npt.NDArray[np.int64] | None:
        """How many rows have each tag; int64, (tags). None where the rows are not documents."""
        return None if self._end.tags is None else self._end.tags.counts

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield {tokens: list<int32>, tags: list<int32>}; tags may lack.

        Raises CorpusError where the text is not what it was in the first pass.
        """
        return self._streams.batches(self._number)


def encode_streamed(parts: Sequence[Part], progress: Progress, workers: int) -> TokenShards:
    """Count the words of all parts and write nothing; see `encode`."""

    def work(part: Part, depth: int, pool: Executor | None) -> "_Counted":
        counted = _Counted()
        encode_part(part, counted, progress.add, pool=pool, depth=depth)
        return counted

    counted = side_by_side(parts, work, progress, workers)
    streams = _Streams(tuple(parts), tuple(tuple(one.seen) for one in counted))
    shards = [
        StreamedShard(
            fingerprint=seen.fingerprint,
            source=part.label,
            rows=seen.end.rows,
            tokens=seen.end.tokens,
            split=seen.end.split,
            _end=seen.end,
            _streams=streams,
            _number=number,
        )
        for number, (part, seen) in enumerate(streams.shards())
    ]
    return TokenShards(shards)


@dataclass(frozen=True)
class _Seen:
    """What the first pass found in one shard; digests: of its ids up to the end of each batch."""

    end: End
    digests: tuple[bytes, ...]
    fingerprint: str


class _Hashed:
    """The Arrow IPC file that a cache would have, of which only the SHA-256 is kept."""

    closed = False

    def __init__(self, schema: pa.Schema) -> None:
        self._sha = hashlib.sha256()
        self._size = 0
        sink: Any = self
        self._writer: Any = pa.ipc.new_file(pa.PythonFile(sink, "w"), schema)
        self.digests: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._sha.update(block)
        self._size += len(block)
        return len(block)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Do nothing: there is no file."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)
        self.digests.append(self._sha.digest()[:DIGEST])

    def close(self) -> None:
        self._writer.close()

    def agrees(self, seen: _Seen) -> bool:
        """Tell whether the batches so far are those of the shard that was seen."""
        n = len(self.digests)
        return n <= len(seen.digests) and self.digests[-1] == seen.digests[n - 1]

    def seen(self, end: End) -> _Seen:
        """Return what there was in the shard that this one, closed by now, had the ids of."""
        files = [self]
        for batch in dictionaries(end).values():
            file = _Hashed(batch.schema)
            file.write_batch(batch)
            file.close()
            files.append(file)
        fingerprint = content_of([file._sha.hexdigest() for file in files])  # noqa: SLF001
        return _Seen(end, tuple(self.digests), fingerprint)


class _Counted:
    """Takes the shards of one part and keeps what has to be known of them."""

    def __init__(self) -> None:
        self.seen: list[_Seen] = []
        self._hashed: _Hashed

    def open(self, schema: pa.Schema) -> _Hashed:
        self._hashed = _Hashed(schema)
        return self._hashed

    def close(self, end: End) -> None:
        self.seen.append(self._hashed.seen(end))


class _Streams:
    """Passes over the parts. One that has come to the end of a shard waits for who takes the next.

    Each pass is used by one caller at a time; any number of callers may have passes of their own.
    """

    def __init__(self, parts: tuple[Part, ...], seen: tuple[tuple[_Seen, ...], ...]) -> None:
        self._parts = parts
        self._seen = seen
        self._number = sum(map(len, seen))
        self._lock = threading.Lock()
        # The number of the shard that comes next, and the pass that stands before it.
        self._waiting: dict[int, Readahead[pa.RecordBatch | None]] = {}
        weakref.finalize(self, _close, self._waiting)

    def __reduce__(self) -> Any:
        """Pickle what there is to read, and no pass that is under way."""
        return _Streams, (self._parts, self._seen)

    def shards(self) -> Iterator[tuple[Part, _Seen]]:
        """Yield every shard in order, and the part that it is a stretch of."""
        for part, seen in zip(self._parts, self._seen, strict=True):
            for one in seen:
                yield part, one

    def batches(self, number: int) -> Generator[pa.RecordBatch]:
        """Yield the batches of one shard."""
        with self._lock:
            ahead = self._waiting.pop(number, None)
        if ahead is None:
            # Bound to no method: this object has to go for a waiting pass to be closed.
            start = partial(_pass, self._parts, self._seen, number)
            ahead = Readahead(start, AHEAD)
        try:
            for batch in ahead:
                # After the last shard there may be parts that were empty, and have to be so still.
                if batch is None and number + 1 < self._number:
                    break
                if batch is not None:
                    yield batch
            else:
                return
            # Another caller's pass may stand there already: one is enough.
            with self._lock:
                self._waiting.setdefault(number + 1, ahead)
        finally:
            if self._waiting.get(number + 1) is not ahead:
                ahead.close()


def _close(waiting: "dict[int, Readahead[pa.RecordBatch | None]]") -> None:
    for ahead in waiting.values():
        ahead.close()


def _pass(
    parts: Sequence[Part], seen: Sequence[Sequence[_Seen]], number: int
) -> Generator[pa.RecordBatch | None]:
    """Yield the batches from a shard on to the end of the corpus; None after each shard's last."""
    first = 0  # number of the first shard of a part
    for part, known in zip(parts, seen, strict=True):
        behind, first = number - first, first + len(known)
        if behind > 0 and behind >= len(known):
            continue
        with closing(_checked(part, known)) as checked:
            for shard, batch in checked:
                if shard >= behind:
                    yield batch


def _checked(part: Part, known: Sequence[_Seen]) -> Generator[tuple[int, pa.RecordBatch | None]]:
    """Yield a part's batches with the number of their shard, each after a look at its digest."""
    row = shard = 0
    hashed: _Hashed | None = None
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
                ended, same = True, hashed.seen(piece).fingerprint == known[shard].fingerprint
                hashed = None
            else:
                hashed = hashed or _Hashed(piece.schema)
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
