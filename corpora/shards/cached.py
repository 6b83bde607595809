"""Shards on a disk: text tokenised once and kept as ids, each shard with a dictionary of its own.

A part of a corpus becomes a *set*: a folder of shards and a manifest. Ids are local to a shard, so
shards can be made in any order, anywhere, and a vocabulary that grows changes none of them.
A set in the cache lies under the SHA-256 of what it was made from. It is written under another
name, synced and renamed, so a name is there with everything or not at all; before it is used again,
sizes and SHA-256 of all its files are compared with the manifest. (Hashing costs a tenth of
encoding, and training is about to read the same pages.)
"""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.errors import MillraceError
from corpora.part import Part
from corpora.shards import shard_set
from corpora.shards.encoder import encode_part
from corpora.shards.shard_set import ShardEntry, remove_tree
from corpora.shards.token_shard import ReadPart, TokenShard, TokenShards
from corpora.tokens.side_by_side import Progress, side_by_side


@dataclass(frozen=True)
class CachedShard(TokenShard):
    """A shard that lies on a disk. Everything is memory-mapped."""

    folder: Path
    entry: ShardEntry = field(repr=False)
    # Keeps a temporary folder for as long as any of its shards is in use.
    _home: object = field(default=None, repr=False, compare=False)

    # Mapped anew each time: a map that somebody keeps counts as memory once it has been read.
    @property
    def words(self) -> pa.StringArray:
        """The distinct words in the order in which they came: a word's id is its place here."""
        return self._dictionary("words")["key"]  # type: ignore[no-any-return]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word stands in the shard, by id; int64, (words)."""
        return _numbers(self._dictionary("words"))

    @property
    def tags(self) -> pa.StringArray | pa.Int64Array | pa.UnionArray | None:
        """The distinct tags, like `words`, or int64, or both; None for rows without any."""
        found = self._dictionary("tags")
        return None if found is None else found["key"]

    @property
    def tag_counts(self) -> npt.NDArray[np.int64] | None:
        """How many rows have each tag; int64, (tags). None where the rows are not documents."""
        found = self._dictionary("tags")
        return None if found is None else _numbers(found)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield {tokens: list<int32>, tags: list<int32>}, mapped and not copied; tags may lack."""
        with _mapped(self.folder / self.entry.tokens_file) as reader:
            for i in range(reader.num_record_batches):
                yield reader.get_batch(i)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle where the shard lies, not what has been read of it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _dictionary(self, kind: str) -> Any:
        name = self.entry.words_file if kind == "words" else self.entry.tags_file
        if name is None:
            return None
        with _mapped(self.folder / name) as reader:
            return reader.get_batch(0)


def encode_cached(
    parts: Sequence[Part], cache: Path | None, progress: Progress, workers: int
) -> TokenShards:
    """Tokenise what is not in the cache yet; returns the shards of all parts. See `encode`."""
    home = None if cache is None else _cache_folder(cache)
    if home is not None:
        shard_set.sweep(home)
    temporary: _Temporary | None = None
    if home is None or any(part.fingerprint is None for part in parts):
        temporary = _Temporary()

    def work(part: Part, depth: int, pool: Executor | None) -> tuple[shard_set.ShardSet, bool]:
        lasting = None if home is None else part.fingerprint
        found = None if home is None or lasting is None else shard_set.find(home, lasting)
        if found is not None:
            progress.add(*_totals(found))
            return found, True
        place = home if lasting is not None or temporary is None else temporary.path
        assert place is not None
        with shard_set.Writing(place, lasting) as writing:
            encode_part(part, writing, progress.add, pool=pool, depth=depth)
            return writing.commit(), False

    # A part that comes twice is encoded once: the second time it is found.
    keys = [(part.fingerprint if home is not None else None) or i for i, part in enumerate(parts)]
    first: dict[str | int, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    unique = [parts[i] for i in first.values()]
    done = side_by_side(unique, work, progress, workers)
    results = dict(zip(first, done, strict=True))
    shards: list[TokenShard] = []
    read: list[ReadPart] = []
    reused = 0
    for i, (key, part) in enumerate(zip(keys, parts, strict=True)):
        made, old = results[key]
        again = first[key] != i
        if again:
            progress.add(*_totals(made))
        reused += len(made.entries) if old or again else 0
        home_of = temporary if isinstance(key, int) else None
        shards += opened_set(part.label, made, home_of)
        tokens, rows = _totals(made)
        read.append(ReadPart(part.origins, rows, tokens, made, home_of))
    return TokenShards(shards, reused, read)


def _totals(made: shard_set.ShardSet) -> tuple[int, int]:
    return sum(e.tokens for e in made.entries), sum(e.rows for e in made.entries)


def opened_set(source: str, made: shard_set.ShardSet, home: object = None) -> Iterator[CachedShard]:
    """Yield the shards of a set; source: where its text came from, for people."""
    for entry in made.entries:
        yield CachedShard(
            fingerprint=entry.fingerprint,
            source=source,
            rows=entry.rows,
            tokens=entry.tokens,
            split=entry.split,
            replaced=entry.replaced,
            folder=made.folder,
            entry=entry,
            _home=home,
        )


class _Temporary:
    """A folder that goes when this object does, or when the interpreter ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="millrace-shards-"))
        weakref.finalize(self, remove_tree, self.path)

    def __reduce__(self) -> Any:
        """Refuse: a copy in another process would outlive the folder."""
        raise MillraceError(
            "shards in a temporary folder can't be sent to another process; encode with a cache"
        )


def _cache_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{path}: the cache folder can't be made ({error.strerror})"
        raise MillraceError(f"{problem}. To mend it: give a folder that can be written.") from error
    return path


def _mapped(path: Path) -> Any:
    return pa.ipc.open_file(pa.memory_map(str(path)))


def _numbers(dictionary: Any) -> npt.NDArray[np.int64]:
    return dictionary["count"].to_numpy()  # type: ignore[no-any-return]
