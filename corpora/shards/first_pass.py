"""What the first pass over a part that is only streamed keeps of its shards, in memory."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpora.shards.encoder import End
from corpora.shards.shard_set import content_of, dictionaries

DIGEST = 8  # bytes kept for each batch, of 32


@dataclass(frozen=True)
class Seen:
    """What the first pass found in one shard.

    digests: of its ids up to the end of each batch; packed: {key, count} of words and of tags, with
    zstandard: many shards of one language have much the same words.
    """

    rows: int
    tokens: int
    split: int
    replaced: int
    digests: tuple[bytes, ...]
    fingerprint: str
    packed: dict[str, pa.Buffer]


class Hashed:
    """The Arrow IPC file that a cache would have, of which only the SHA-256 is kept."""

    closed = False

    def __init__(self, schema: pa.Schema) -> None:
        self._sha = hashlib.sha256()
        self._size = 0
        sink: Any = self
        self._writer: Any = pa.ipc.new_file(pa.PythonFile(sink, "w"), schema)
        self.digests: list[bytes] = []

    def write(self, block: bytes) -> int:
        """Take what Arrow writes."""
        self._sha.update(block)
        self._size += len(block)
        return len(block)

    def tell(self) -> int:
        """Return how many bytes there were so far."""
        return self._size

    def flush(self) -> None:
        """Do nothing: there is no file."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Take the next batch of ids, and note a digest of all so far."""
        self._writer.write_batch(batch)
        self.digests.append(self._sha.digest()[:DIGEST])

    def close(self) -> None:
        """There are no more."""
        self._writer.close()

    def agrees(self, seen: Seen) -> bool:
        """Tell whether the batches so far are those of the shard that was seen."""
        n = len(self.digests)
        return n <= len(seen.digests) and self.digests[-1] == seen.digests[n - 1]

    def fingerprint(self, made: dict[str, pa.RecordBatch]) -> str:
        """Return that of the shard that this one, closed by now, has the ids of."""
        digests = [self._sha.hexdigest()]
        for batch in made.values():
            file = Hashed(batch.schema)
            file.write_batch(batch)
            file.close()
            digests.append(file._sha.hexdigest())
        return content_of(digests)


class FirstPass:
    """Takes the shards of one part and keeps what has to be known of them."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._hashed: Hashed

    def open(self, schema: pa.Schema) -> Hashed:
        """Begin a shard; returns what takes its ids."""
        self._hashed = Hashed(schema)
        return self._hashed

    def close(self, end: End) -> None:
        """Finish the shard."""
        made = dictionaries(end)
        fingerprint = self._hashed.fingerprint(made)
        packed = {kind: _packed(batch) for kind, batch in made.items()}
        self.seen.append(
            Seen(
                rows=end.rows,
                tokens=end.tokens,
                split=end.split,
                replaced=end.replaced,
                digests=tuple(self._hashed.digests),
                fingerprint=fingerprint,
                packed=packed,
            )
        )


def _packed(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as stream:
        stream.write_batch(batch)
    return sink.getvalue()
