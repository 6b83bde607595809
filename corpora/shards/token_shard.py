"""A token shard: rows of ids, and the dictionary that the ids belong to."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.part import Origin
from corpora.shards.shard_set import ShardSet


@dataclass(frozen=True)
class TokenShard(ABC):
    """Rows of ids, and the dictionary that the ids belong to.

    fingerprint: names the content; source: where the text came from, for people; rows, tokens: how
    many; split: how many of the rows were cut off from the one before, because it was too long;
    replaced: how many of the tokens have U+FFFD in them, which stands for bytes that are not UTF-8.
    """

    fingerprint: str
    source: str
    rows: int
    tokens: int
    split: int
    replaced: int

    @property
    @abstractmethod
    def words(self) -> pa.StringArray:
        """The distinct words in the order in which they came: a word's id is its place here."""

    @property
    @abstractmethod
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word stands in the shard, by id; int64, (words)."""

    @property
    @abstractmethod
    def tags(self) -> pa.StringArray | pa.Int64Array | pa.UnionArray | None:
        """The distinct tags, like `words`, or int64, or a dense union of string and int64.

        None where the rows are not documents.
        """

    @property
    @abstractmethod
    def tag_counts(self) -> npt.NDArray[np.int64] | None:
        """How many rows have each tag; int64, (tags). None where the rows are not documents."""

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield {tokens: list<int32>, tags: list<int32>}; tags may lack."""


@dataclass(frozen=True)
class ReadPart:
    """What was read as one, and what it became.

    origins: the files; rows, tokens: how many; made: the set of its shards, None where they are
    streamed.
    """

    origins: tuple[Origin, ...]
    rows: int
    tokens: int
    made: ShardSet | None
    # Keeps a temporary folder for as long as the set may be asked for.
    _home: object = field(default=None, repr=False, compare=False)


class TokenShards(Sequence[TokenShard]):
    """The shards of a corpus, in its order, and their totals.

    rows, tokens, split, replaced: sums over the shards; reused: those that were in the cache;
    parts: what was read, in order, empty parts too.
    """

    def __init__(
        self, shards: Sequence[TokenShard], reused: int = 0, parts: Sequence[ReadPart] = ()
    ) -> None:
        self._shards = tuple(shards)
        self.reused = reused
        self.parts = tuple(parts)
        self.rows = sum(shard.rows for shard in self._shards)
        self.tokens = sum(shard.tokens for shard in self._shards)
        self.split = sum(shard.split for shard in self._shards)
        self.replaced = sum(shard.replaced for shard in self._shards)

    @overload
    def __getitem__(self, index: int) -> TokenShard: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TokenShard]: ...
    def __getitem__(self, index: int | slice) -> TokenShard | Sequence[TokenShard]:
        """Return one shard, or a tuple of them."""
        return self._shards[index]

    def __len__(self) -> int:
        """Return the number of shards."""
        return len(self._shards)

    def __repr__(self) -> str:
        """Return the totals."""
        return (
            f"<TokenShards: {len(self)} shards, {self.rows} rows, {self.tokens} tokens, "
            f"{self.reused} reused>"
        )
