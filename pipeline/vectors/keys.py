"""Keys in a fixed order, found where they lie: none becomes a Python object before it is asked for.

What a corpus or a file brings stays in Arrow columns; what a program adds follows in a list.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.rows.tag_kinds import tag_lists
from pipeline.words.tags import TagTable

Key = str | int
CHUNK = 1 << 16  # keys made into Python objects at a time
# So many keys become a dict after all, when a sixteenth as often one has been looked for singly.
MOST_LISTED, OFTEN = 1 << 20, 16
KINDS = (str, int, np.integer)  # what may be a key


class Keys:
    """Distinct keys and the index (0 to n - 1) of each; strings, whole numbers, or both.

    given: the keys that are there from the start; room: how many there will be at least, of which
    those that have not been added yet are None.

    >>> keys = Keys(pa.array(["up", "down"]))
    >>> keys.add(["left", 7])
    >>> keys.find(["down", "left", 7, "nowhere"]), len(keys), keys.some(slice(1, 3))
    ([1, 2, 3, -1], 4, ['down', 'left'])
    """

    def __init__(self, given: TagTable | Any | None = None, room: int = 0) -> None:
        self._given = _table(given)
        self._added: list[Key] = []
        self._room = room
        # Keys that were asked for once are found at once from then on; those added are all here.
        self._seen: dict[Key, int] = {}
        self._singly = 0
        self._all_seen = self._given.size == 0

    def __len__(self) -> int:
        """Return how many keys there are, or will be."""
        return max(self.filled, self._room)

    @property
    def filled(self) -> int:
        """How many keys there are; the next one gets this index."""
        return self._given.size + len(self._added)

    @property
    def has_numbers(self) -> bool:
        """Whether any key is a whole number, so that an int can't be meant as an index."""
        return self._given.has_numbers or any(not isinstance(key, str) for key in self._added)

    def add(self, keys: Iterable[Key]) -> None:
        """Add distinct keys that are not there yet."""
        for key in keys:
            self._seen[key] = self.filled
            self._added.append(key)

    def find(self, keys: Sequence[Key]) -> list[int]:
        """Return the index of each key, -1 where it has none."""
        found = [self._seen.get(key, -1) for key in keys]
        new = [] if self._all_seen else [at for at, index in enumerate(found) if index < 0]
        if new:
            for at, index in zip(new, self._given_find([keys[at] for at in new]), strict=True):
                if index >= 0:
                    found[at] = self._seen[keys[at]] = index
        return found

    def index(self, key: Key) -> int:
        """Return the index of one key, -1 where it has none."""
        at = self._seen.get(key, -1)
        if at >= 0 or self._all_seen:
            return at
        self._singly += 1
        if self._given.size <= min(MOST_LISTED, OFTEN * self._singly):
            self._seen = {one: i for i, one in enumerate(self._given.keys.to_pylist())} | self._seen
            self._all_seen = True
            return self._seen.get(key, -1)
        return self.find([key])[0]

    def _given_find(self, keys: list[Key]) -> list[int]:
        try:
            return self._given.find(keys)
        except UnicodeEncodeError:  # half a character is no text, and no key
            if len(keys) == 1:
                return [-1]
            return [index for key in keys for index in self._given_find([key])]

    def some(self, where: "slice | NDArray[np.int64]") -> list[Any]:
        """Return the keys at some indexes; an index in the room without a key has None."""
        if isinstance(where, slice) and where.step in (None, 1):
            start, stop, _ = where.indices(len(self))
            size, none = self._given.size, [None] * max(0, stop - max(start, self.filled))
            first = self._given.keys[start:stop].to_pylist() if start < min(stop, size) else []
            more = self._added[max(0, start - size) : max(0, stop - size)]
            return [*first, *more, *none]
        if isinstance(where, slice):
            where = np.arange(*where.indices(len(self)))
        if not len(where) or where.max() < self._given.size:
            return cast("list[Any]", self._given.keys.take(pa.array(where, pa.int64())).to_pylist())
        return [self.some(slice(i, i + 1))[0] for i in where.tolist()]

    def column(self) -> Any:
        """Return the keys as one Arrow array: of strings, of int64, or a dense union of both."""
        if not self._added:
            return self._given.keys
        if self.has_numbers:
            return Keys(self.some(slice(0, self.filled))).column()
        added: Any = pa.array(self._added, pa.string())
        return pa.concat_arrays([self._given.keys, added]) if self._given.size else added

    def taken(self, order: NDArray[np.int64]) -> "Keys":
        """Return the keys at some indexes as keys of their own."""
        if not self._added and not pa.types.is_union(self._given.keys.type):
            return Keys(self._given.keys.take(pa.array(order)))
        return Keys(self.some(order))

    def copy(self) -> "Keys":
        """Return the same keys, to add others to."""
        same = Keys(self._given, self._room)
        same.add(self._added)
        return same

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the keys without the index of them, which is C's memory."""
        return _rebuilt, (self._given.keys, self._added, self._room)


class KeyList(Sequence[Any]):
    """The keys by index, as a list that is made only where it is looked at.

    >>> listed = KeyList(Keys(pa.array(["up", "down"])))
    >>> listed[1], listed[:1], listed == ["up", "down"], listed
    ('down', ['up'], True, ['up', 'down'])
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._keys)

    @overload
    def __getitem__(self, where: int) -> Any: ...
    @overload
    def __getitem__(self, where: slice) -> list[Any]: ...

    def __getitem__(self, where: int | slice) -> Any:
        """Return one key, or a list of some."""
        if isinstance(where, slice):
            return self._keys.some(where)
        at = where + len(self) if where < 0 else where
        if not 0 <= at < len(self):
            raise IndexError(f"index {where} is not among {len(self)} keys")
        return self._keys.some(slice(at, at + 1))[0]

    def at(self, indexes: NDArray[np.int64]) -> list[Any]:
        """Return the keys at some indexes (m), at once."""
        return self._keys.some(indexes)

    def column(self) -> Any:
        """Return all keys as an Arrow array: of strings, of int64, or a dense union of both."""
        return self._keys.column()

    def __iter__(self) -> Iterator[Any]:
        """Go through the keys, some thousands at a time."""
        for at in range(0, len(self), CHUNK):
            yield from self._keys.some(slice(at, at + CHUNK))

    def __contains__(self, key: object) -> bool:
        """Tell whether this is one of the keys."""
        return isinstance(key, KINDS) and self._keys.index(cast("Key", key)) >= 0

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Return the index of a key; raises ValueError."""
        at = self._keys.index(value)
        if at < start or (stop is not None and at >= stop):
            raise ValueError(f"{value!r} is not among the keys")
        return at

    def __eq__(self, other: object) -> bool:
        """Compare with a list, or with another of these."""
        if not isinstance(other, list | KeyList):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        """Return a list of these and others."""
        return [*self, *other]

    def __repr__(self) -> str:
        """Show the first keys."""
        first = self[:20]
        return repr(first) if len(self) <= 20 else f"{repr(first)[:-1]}, ... {len(self)} keys]"


class KeyIndex(Mapping[Key, int]):
    """The index of every key, as a dict that is never made.

    >>> where = KeyIndex(Keys(pa.array(["up", "down"])))
    >>> where["down"], where.get("nowhere"), "up" in where, dict(where)
    (1, None, True, {'up': 0, 'down': 1})
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __len__(self) -> int:
        """Return how many keys there are."""
        return self._keys.filled

    def __getitem__(self, key: Key) -> int:
        """Return a key's index; raises KeyError."""
        at = self._keys.index(key) if isinstance(key, KINDS) else -1
        if at < 0:
            raise KeyError(key)
        return at

    def __iter__(self) -> Iterator[Key]:
        """Go through the keys by index."""
        return (key for key, _ in zip(KeyList(self._keys), range(len(self)), strict=False))

    def __contains__(self, key: object) -> bool:
        """Tell whether a key is there."""
        return isinstance(key, KINDS) and self._keys.index(cast("Key", key)) >= 0

    def __repr__(self) -> str:
        """Show what it is; a dict of all is `dict(it)`."""
        return f"<the indexes of {len(self)} keys>"


def _rebuilt(given: Any, added: list[Key], room: int) -> Keys:
    keys = Keys(given, room)
    keys.add(added)
    return keys


def _table(given: TagTable | Any | None) -> TagTable:
    """Return the keys in a table that finds them; a list may hold strings and whole numbers."""
    if isinstance(given, TagTable):
        return given
    if given is None:
        return TagTable.empty()
    if isinstance(given, pa.Array):
        return TagTable(given, np.zeros(len(given), np.int64))
    listed = list(given)
    column = tag_lists([listed]).values
    return TagTable(column, np.zeros(len(listed), np.int64))
