"""Which documents a model knows: their tags, each with a row of its own for good.

A tag is a string or a whole number; 123 and "123" are two tags. Rows are given in the order in
which tags are first seen, over all shards and all runs, and no row ever changes. Tags stay in Arrow
columns: ten million of them make no Python object.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.rows.tag_kinds import Codes, joined_tags, taken_apart
from corpora.tokens.interner import DictionaryFullError, Interner
from pipeline.words.key_index import NumberIndex, Rows, first_seen, word_index

Tag = str | int
Tags = Any  # pa.StringArray, pa.Int64Array, or a dense union of both


class TagError(MillraceError):
    """A corpus's tags are not what the model needs."""


class Tagged(Protocol):
    """Anything with a dictionary of tags: each once, and how many rows have it."""

    @property
    def tags(self) -> pa.StringArray | pa.Int64Array | pa.UnionArray | None:
        """The distinct tags."""

    @property
    def tag_counts(self) -> NDArray[np.int64] | None:
        """How many rows have each."""


@dataclass(frozen=True, eq=False)
class TagTable:
    """keys (n): a tag's place is its row; counts (n) int64: rows of text that ever had it.

    keys is a string or an int64 array, and a dense union where there are tags of both kinds.

    >>> from corpora import Documents, encode
    >>> first = TagTable.empty().add(encode(Documents([(["x"], ["b", "a"]), (["y"], ["b"])])))
    >>> first.keys.to_pylist(), first.counts.tolist()
    (['b', 'a'], [2, 1])
    >>> both = first.add(encode(Documents([(["z"], [7, 3])])))
    >>> both.keys.to_pylist(), both.lookup(pa.array([3, 4])).tolist(), both.find(["a", "7", 7])
    (['b', 'a', 7, 3], [3, -1], [1, -1, 2])
    """

    keys: Tags
    counts: NDArray[np.int64]

    @classmethod
    def empty(cls) -> "TagTable":
        """Return the table that every first one is added to."""
        return cls(pa.array([], pa.string()), np.zeros(0, np.int64))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the indexes, which are C's memory."""
        return TagTable, (self.keys, self.counts)

    @property
    def size(self) -> int:
        """How many tags there are."""
        return len(self.keys)

    def __len__(self) -> int:
        """Return how many tags there are."""
        return len(self.keys)

    def add(self, shards: Iterable[Tagged]) -> "TagTable":
        """Return this table with the tags of all shards: new ones follow in the order they come.

        Each tag is looked up once for each shard that has it. Raises TagError if the distinct
        strings take more than 2 GiB.
        """
        pieces: list[tuple[Any, Any]] = [
            (self.keys, self.counts),
            *((s.tags, s.tag_counts) for s in shards if s.tags is not None),
        ]
        apart = [taken_apart(tags) for tags, _ in pieces]
        words = _Names()
        # Of each piece, which of its strings and which of its whole numbers are new.
        new_names = [words.add(names) for _, names, _ in apart]
        numbers = [some.to_numpy() for _, _, some in apart]
        joined = np.concatenate(numbers)
        firsts, is_new = first_seen(joined), np.zeros(len(joined), bool)
        is_new[firsts] = True
        new_numbers = np.split(is_new, np.cumsum([len(some) for some in numbers])[:-1])
        codes = [
            _codes_of(kinds, *new)
            for (kinds, _, _), *new in zip(apart, new_names, new_numbers, strict=True)
        ]
        keys = joined_tags(words.index.words, pa.array(joined[firsts]), np.concatenate(codes))
        table = TagTable(keys, np.zeros(len(keys), np.int64))
        vars(table)["_names"] = words.index  # it is filled already
        for tags, counts in pieces:
            table.counts[table.lookup(tags)] += counts
        return table

    def lookup(self, tags: "pa.Array[Any]") -> Rows:
        """Return the row (m) of each of `tags`, (m) strings, whole numbers or both; -1 for none.

        The first call builds an index; after that, several threads may look up side by side.
        """
        if not pa.types.is_union(tags.type):
            return self._lookup(int(pa.types.is_integer(tags.type)), tags)
        found: Rows = np.empty(len(tags), np.int32)
        codes, *kinds = taken_apart(tags)
        for kind, some in enumerate(kinds):
            found[codes == kind] = self._lookup(kind, some)
        return found

    def find(self, tags: Sequence[Tag]) -> list[int]:
        """Return the row of each tag, -1 where it has none; a TagTable has no other kinds of keys.

        A whole number beyond 64 bits is no tag.
        """
        found = [-1] * len(tags)
        names = [i for i, tag in enumerate(tags) if isinstance(tag, str)]
        numbers = [
            i for i, tag in enumerate(tags)
            if not isinstance(tag, str) and -(1 << 63) <= tag < 1 << 63
        ]  # fmt: skip
        for places, kind in ((names, pa.string()), (numbers, pa.int64())):
            if places:
                asked: Any = pa.array([tags[i] for i in places], kind)
                for place, row in zip(places, self.lookup(asked).tolist(), strict=True):
                    found[place] = row
        return found

    @property
    def has_numbers(self) -> bool:
        """Whether any tag is a whole number."""
        return len(self._apart[2]) > 0

    def _lookup(self, kind: int, tags: Any) -> Rows:
        """Return the row of each of some tags of one kind; 0 for strings, 1 for whole numbers."""
        where = self._numbers.find(tags.to_numpy()) if kind else self._names.find(tags)
        if not pa.types.is_union(self.keys.type):
            return where  # a tag's place is its row
        return np.where(where < 0, np.int32(-1), self._rows_by_kind[kind][where])

    @cached_property
    def _apart(self) -> tuple[Codes, Any, Any]:
        return taken_apart(self.keys)

    @cached_property
    def _names(self) -> Interner:
        return word_index(self._apart[1])

    @cached_property
    def _numbers(self) -> NumberIndex:
        return NumberIndex(np.asarray(self._apart[2].to_numpy(), np.int64))

    @cached_property
    def _rows_by_kind(self) -> tuple[Rows, Rows]:
        zero, one = (np.flatnonzero(self._apart[0] == kind).astype(np.int32) for kind in (0, 1))
        return zero, one


class _Names:
    """Distinct strings in the order in which they came."""

    def __init__(self) -> None:
        self.index = Interner()

    def add(self, tags: Any) -> NDArray[np.bool_]:
        """Add distinct strings (n); returns which of them are new, (n)."""
        before = len(self.index)
        whole: Any = pa.ListArray.from_arrays(pa.array([0, len(tags)], pa.int32()), tags)
        try:
            ids: Any = self.index.intern(whole)
        except DictionaryFullError as full:
            raise TagError(
                "the distinct tags take more than 2 GiB together. To mend it: use shorter tags, or "
                "whole numbers"
            ) from full
        return np.asarray(ids.values) >= before


def _codes_of(codes: Codes, names: NDArray[np.bool_], numbers: NDArray[np.bool_]) -> Codes:
    """Return the kinds of the tags that are new; which these are is given for each kind."""
    if not (len(names) and len(numbers)):
        return codes[names if len(names) else numbers]
    new = np.empty(len(codes), bool)
    new[codes == 0], new[codes == 1] = names, numbers
    return codes[new]
