"""Which documents a model knows: their tags, each with a row of its own for good.

A tag is a string or a whole number; 123 and "123" are two tags. Rows are given in the order in
which tags are first seen, over all shards and all runs, and no row ever changes. Tags stay in Arrow
columns: ten million of them make no Python object.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.tokens.interner import DictionaryFullError, Interner
from pipeline.key_index import NumberIndex, Numbers, Rows, first_seen, word_index

Tag = str | int
Tags = Any  # pa.StringArray, pa.Int64Array, or a dense union of both


class TagError(MillraceError):
    """A corpus's tags are not what the model needs."""


class Tagged(Protocol):
    """Anything with a dictionary of tags: each once, and how many rows have it."""

    @property
    def tags(self) -> pa.StringArray | pa.Int64Array | None:
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
            *self._pieces(),
            *((s.tags, s.tag_counts) for s in shards if s.tags is not None),
        ]
        codes = [_code(tags) for tags, _ in pieces]
        names = _Names()
        # Of each piece, how many of its tags are new.
        new = [
            0 if code else names.add(tags) for code, (tags, _) in zip(codes, pieces, strict=True)
        ]
        numbers = [tags.to_numpy() for code, (tags, _) in zip(codes, pieces, strict=True) if code]
        joined = np.concatenate([np.zeros(0, np.int64), *numbers])
        firsts = first_seen(joined)
        upto = np.searchsorted(firsts, np.cumsum([len(part) for part in numbers]))
        for at, gained in zip(np.flatnonzero(codes), np.diff(upto, prepend=0), strict=True):
            new[at] = int(gained)
        keys = _joined(names.index.words, joined[firsts], np.repeat(codes, new).astype(np.int8))
        table = TagTable(keys, np.zeros(len(keys), np.int64))
        vars(table)["_names"] = names.index  # it is filled already
        for tags, counts in pieces:
            table.counts[table.lookup(tags)] += counts
        return table

    def lookup(self, tags: "pa.Array[Any]") -> Rows:
        """Return the row (m) of each of `tags`, (m) strings or whole numbers; -1 where it has none.

        The first call builds an index; after that, several threads may look up side by side.
        """
        if _code(tags):
            where, rows = self._numbers.find(tags.to_numpy()), self._rows_of(1)
        else:
            where, rows = self._names.find(tags), self._rows_of(0)
        return where if rows is None else np.where(where < 0, np.int32(-1), rows[where])

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
        return len(self._numbers_array) > 0

    @property
    def _union(self) -> Any:
        return self.keys if pa.types.is_union(self.keys.type) else None

    def _child(self, kind: int) -> Any:
        if self._union is not None:
            return self._union.field(kind)
        return (
            self.keys if _code(self.keys) == kind else pa.array([], (pa.string(), pa.int64())[kind])
        )

    @property
    def _numbers_array(self) -> Numbers:
        return np.asarray(self._child(1).to_numpy(), np.int64)

    @cached_property
    def _names(self) -> Interner:
        return word_index(self._child(0))

    @cached_property
    def _numbers(self) -> NumberIndex:
        return NumberIndex(self._numbers_array)

    def _rows_of(self, kind: int) -> Rows | None:
        """Return the rows of the tags of one kind, or None where their place is their row."""
        return None if self._union is None else self._rows_by_kind[kind]

    @cached_property
    def _rows_by_kind(self) -> tuple[Rows, Rows]:
        codes = self._codes
        zero, one = (np.flatnonzero(codes == kind).astype(np.int32) for kind in (0, 1))
        return zero, one

    @property
    def _codes(self) -> NDArray[np.int8]:
        buffer: Any = self._union.buffers()[1]
        return np.frombuffer(buffer, np.int8, len(self.keys), self._union.offset)

    def _pieces(self) -> Iterator[tuple[Any, NDArray[np.int64]]]:
        """Yield runs of tags of one kind, with their counts, in order."""
        if self._union is None:
            yield self.keys, self.counts
            return
        codes = self._codes
        cuts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        taken = [0, 0]
        for begin, end in pairwise(cuts):
            kind = int(codes[begin])
            yield self._child(kind).slice(taken[kind], end - begin), self.counts[begin:end]
            taken[kind] += end - begin


class _Names:
    """Distinct strings in the order in which they came."""

    def __init__(self) -> None:
        self.index = Interner()

    def add(self, tags: Any) -> int:
        """Add strings; returns how many of them are new."""
        before = len(self.index)
        whole: Any = pa.ListArray.from_arrays(pa.array([0, len(tags)], pa.int32()), tags)
        try:
            self.index.intern(whole)
        except DictionaryFullError as full:
            raise TagError(
                "the distinct tags take more than 2 GiB together. To mend it: use shorter tags, or "
                "whole numbers"
            ) from full
        return len(self.index) - before


def _code(tags: Any) -> int:
    """Return 0 for strings, 1 for whole numbers: a kind's place in the union."""
    return int(pa.types.is_integer(tags.type))


def _joined(names: pa.StringArray, numbers: Numbers, codes: NDArray[np.int8]) -> Tags:
    """Return one array of tags; codes (n): 0 for the next name, 1 for the next number."""
    if not len(numbers):
        return names
    if not len(names):
        return pa.array(numbers, pa.int64())
    places = np.where(codes == 0, np.cumsum(codes == 0), np.cumsum(codes == 1)) - 1
    columns: list[Any] = [names, pa.array(numbers, pa.int64())]
    codes_, places_ = pa.array(codes, pa.int8()), pa.array(places, pa.int32())
    return pa.UnionArray.from_dense(codes_, places_, columns, ["name", "number"])
