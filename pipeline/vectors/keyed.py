"""A matrix with keys: look rows up, add some, and keep attributes and lengths beside them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from os import PathLike
from typing import Any, Self, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pipeline.vectors import attributes, rows
from pipeline.vectors.keys import KINDS, Key, KeyIndex, KeyList, Keys
from pipeline.vectors.rows import Floats, Matrix

GROWTH = 1.5  # room for later rows that is made when there is none


class Keyed:
    """Keys (n) and their vectors (n, d), which may be a view or mapped from a file.

    count: rows that there is room for from the start; `add_vector` fills them in order. dtype:
    float16, float32 or float64. mapfile_path: a new .npy file that the rows are mapped from, which
    wants a count. expandos: attributes by name, each (n). vectors_lockf: (1) for all or (n), how
    much of an update a row takes in training.
    """

    def __init__(
        self,
        vector_size: int,
        count: int = 0,
        dtype: DTypeLike = np.float32,
        mapfile_path: str | PathLike[str] | None = None,
    ) -> None:
        if not isinstance(vector_size, int | np.integer):
            raise TypeError(
                "the first argument is vector_size, a whole number. To make one of keys and "
                f"vectors: {type(self).__name__}.of(keys, vectors)"
            )
        self._keys = Keys(room=count)
        self._norms: Floats | None = None
        self.expandos: attributes.Attributes = {}
        self.vectors_lockf = np.ones(1, np.float32)
        shape = (int(count), int(vector_size))
        if mapfile_path is None:
            self._store: Matrix = np.zeros(shape, dtype)
        else:
            # As a plain array over the file: a memmap's own class costs time at every look-up.
            mapped = np.lib.format.open_memmap(mapfile_path, "w+", np.dtype(dtype), shape)
            self._store = mapped.view(np.ndarray)
        self._mapfile = mapfile_path
        self._followed = False  # it is a model's: keys and matrix are what the model has
        self._moving = False  # the model is being trained

    @classmethod
    def of(cls, keys: Any, vectors: Matrix, **attrs: NDArray[Any]) -> Self:
        """Return keys (n) with their vectors (n, d); nothing is copied.

        keys: a list, an Arrow array, or a table of tags; attrs: attributes (n) by name. Raises
        ValueError where the numbers of keys and vectors differ.
        """
        vectors = np.asanyarray(vectors)
        if vectors.ndim != 2:
            raise ValueError(f"vectors are a matrix (n, d), not of shape {vectors.shape}")
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        made = cls(int(vectors.shape[1]), dtype=vectors.dtype)
        made._keys = keys if isinstance(keys, Keys) else Keys(keys)
        made._store = vectors
        made.expandos = dict(attrs)
        return made

    def copy(self) -> Self:
        """Return the same with vectors of its own, in memory, that can be written to."""
        attrs = {name: values.copy() for name, values in self.expandos.items()}
        made = self.of(self._keys.copy(), np.array(self._rows), **attrs)
        made.vectors_lockf = self.vectors_lockf.copy()
        return made

    def follow(self, keys: Any, vectors: Matrix, **attrs: NDArray[Any]) -> None:
        """Show a model's keys and matrix as they are now: these keys are the first of them.

        Attributes and rates that were set for keys stay with them; attrs are set anew.
        """
        if len(keys) != len(self._keys):
            self._keys = Keys(keys)
        self._store, self._norms, self._followed = vectors, None, True
        self.expandos.update(attrs)
        self.allocate_vecattrs()
        self.vectors_lockf = attributes.grown(self.vectors_lockf, len(self))

    def forget(self, vector_size: int) -> None:
        """Lose all keys, vectors, attributes and rates: another model is to be followed."""
        self._keys, self._norms, self._mapfile = Keys(), None, None
        self._store, self._followed = np.zeros((0, vector_size), np.float32), False
        self.expandos, self.vectors_lockf = {}, np.ones(1, np.float32)

    def follows(self, vectors: Matrix) -> bool:
        """Tell whether this is the matrix that `follow` was given last."""
        # By the addresses of its ends: this is asked at every look at a model's vectors.
        same = self._followed and self._store.shape == vectors.shape
        return same and np.may_share_memory(self._store, vectors)

    def moving(self, now: bool) -> None:
        """Say whether the vectors are being trained: until they aren't, no length is kept."""
        self._moving, self._norms = now, None

    def rates(self, given: Floats | None = None) -> Floats | None:
        """Return `vectors_lockf`, times rates (n) that are given, or None where all are 1.

        Raises ValueError for a `vectors_lockf` of another length than 1 or n, or no rates.
        """
        return attributes.rates(self.vectors_lockf, len(self), given)

    def __getstate__(self) -> dict[str, Any]:
        """Give a copy or a pickle all but the model, and keys of its own, for some to be added."""
        own = {"_keys": self._keys.copy(), "expandos": copy(self.expandos)}
        return {**vars(self), **own, "_followed": False, "_moving": False}

    @property
    def vectors(self) -> Matrix:
        """(n, d) all vectors; after writing into what was taken before: fill_norms(force=True)."""
        if self._store.flags.writeable:
            self._norms = None  # whoever takes them may write into them
        return self._rows

    @vectors.setter
    def vectors(self, vectors: Matrix) -> None:
        if not self._followed:
            self._store, self._norms, self._mapfile = vectors, None, None
            return
        if np.shape(vectors) != self._store.shape:
            raise ValueError(
                f"a model's vectors have shape {self._store.shape}, not {np.shape(vectors)}. To "
                "mend it: take a copy(), whose vectors are its own"
            )
        self.demand_writable()
        self._store[...] = vectors
        self._norms = None

    @property
    def _rows(self) -> Matrix:
        return self._store[: len(self)]

    @property
    def index_to_key(self) -> KeyList:
        """The keys by index; reads as a list."""
        return KeyList(self._keys)

    @index_to_key.setter
    def index_to_key(self, keys: Sequence[Key]) -> None:
        self._demand_own_keys()
        self._keys = Keys(keys)

    @property
    def key_to_index(self) -> KeyIndex:
        """The index of every key; reads as a dict."""
        return KeyIndex(self._keys)

    @key_to_index.setter
    def key_to_index(self, indexes: Mapping[Key, int]) -> None:
        self._demand_own_keys()
        ordered = sorted(indexes, key=lambda key: indexes[key])
        if [indexes[key] for key in ordered] != list(range(len(ordered))):
            raise ValueError("the indexes of n keys have to be 0 to n - 1, each once")
        self._keys = Keys(ordered)

    @property
    def vector_size(self) -> int:
        """Dimensions of a vector."""
        return int(self._store.shape[1])

    @property
    def next_index(self) -> int:
        """The index that the next new key gets."""
        return self._keys.filled

    @property
    def norms(self) -> Floats:
        """(n) lengths of the vectors: taken once, and of a model in training each time."""
        held = self._norms  # another thread may drop it
        if held is None or len(held) != len(self._rows) or self._moving:
            held = self._norms = rows.lengths(self._rows)
        return held

    def fill_norms(self, force: bool = False) -> None:
        """Take the vectors' lengths unless they are known; with `force`, in any case."""
        self._norms = None if force else self._norms
        _ = self.norms

    def __len__(self) -> int:
        """Return how many keys there are, or there is room for."""
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        """Tell whether this is a key; an index is none."""
        return isinstance(key, KINDS) and self._keys.index(cast("Key", key)) >= 0

    def __iter__(self) -> Iterator[Any]:
        """Go through the keys by index."""
        return iter(self.index_to_key)

    def __repr__(self) -> str:
        """Show the class, of what size the vectors are, and how many keys there are."""
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def get_index(self, key: Key, default: int | None = None) -> int:
        """Return a key's index; an int that can't be a key is one. Raises KeyError."""
        at = self._keys.index(key) if isinstance(key, KINDS) else -1
        if at >= 0:
            return at
        try:
            return self._indexes([key])[0]
        except KeyError:
            if default is None:
                raise
            return default

    def has_index_for(self, key: Key) -> bool:
        """Tell whether `get_index` knows an index for this."""
        return self.get_index(key, -1) >= 0

    def get_vector(self, key: Key, norm: bool = False) -> Matrix:
        """Return a key's vector (d) that can't be written to; with `norm`, one of length 1."""
        vector = self._store[self.get_index(key)]
        result = rows.direction(vector).astype(vector.dtype) if norm else vector.view()
        result.flags.writeable = False
        return result

    def __getitem__(self, key_or_keys: Key | Iterable[Key]) -> Matrix:
        """Return a key's vector (d), or for a list of keys theirs (n, d)."""
        if isinstance(key_or_keys, KINDS):
            return self.get_vector(key_or_keys)
        found: Matrix = self._rows[self._indexes(list(cast("Any", key_or_keys)))]
        return found

    def add_vector(self, key: Key, vector: Any) -> int:
        """Add a key with its vector (d), into the room that was made for it; returns its index.

        A key that is there already keeps its vector.
        """
        self.add_vectors([key], [vector])
        return self.get_index(key)

    def add_vectors(
        self,
        keys: Key | Sequence[Key],
        weights: Any,
        extras: Mapping[str, NDArray[Any]] | None = None,
        replace: bool = False,
    ) -> None:
        """Add keys (m) with their vectors (m, d) and values of attributes, each (m).

        Keys that are there already keep all theirs, unless `replace` is true. Of a key that comes
        twice the first counts, with `replace` the last. Raises ValueError for vectors of another
        shape, and TypeError for a key that is no string and no whole number.
        """
        listed: list[Key] = [keys] if isinstance(keys, KINDS) else list(cast("Any", keys))
        for key in listed:
            if not isinstance(key, KINDS):
                raise TypeError(f"a key is a string or a whole number, not {key!r}")
        vectors = np.atleast_2d(weights) if isinstance(keys, KINDS) else np.asarray(weights)
        if vectors.shape != (len(listed), self.vector_size):
            raise ValueError(
                f"{len(listed)} keys need vectors of shape {(len(listed), self.vector_size)}, "
                f"not {vectors.shape}"
            )
        new = [key for key, at in zip(listed, self._keys.find(listed), strict=True) if at < 0]
        new = list(dict.fromkeys(new))
        self._make_room(len(new), writing=replace or bool(new))
        first = self._keys.filled
        self._keys.add(new)
        self.vectors_lockf = attributes.grown(self.vectors_lockf, len(self))
        given = extras or {}
        names = {name: np.asarray(a).dtype for name, a in [*self.expandos.items(), *given.items()]}
        self.allocate_vecattrs(list(names), list(names.values()))
        where = np.array(self._keys.find(listed), np.int64)
        taken = np.arange(len(listed)) if replace else np.flatnonzero(where >= first)
        taken = taken if replace else taken[::-1]  # the last one that is written counts
        self._store[where[taken]] = vectors[taken]
        for name, values in given.items():
            self._own(name)[where[taken]] = np.asarray(values)[taken]
        self._norms = None

    def __setitem__(self, keys: Key | Sequence[Key], weights: Any) -> None:
        """Set the vector of a key, or those of a list of keys; new keys are added."""
        if isinstance(keys, KINDS):
            weights = np.asarray(weights).reshape(1, -1)
        self.add_vectors(keys, weights, replace=True)

    def allocate_vecattrs(
        self, attrs: Sequence[str] | None = None, types: Sequence[Any] | None = None
    ) -> None:
        """Make an array (n) for each of the attributes; without any named, mend the arrays' sizes.

        Raises TypeError for a type that can't go into the array that is there.
        """
        names = list(self.expandos) if attrs is None else list(attrs)
        kinds = [self.expandos[name].dtype for name in names] if types is None else list(types)
        attributes.allocate(self.expandos, len(self), names, kinds)

    def set_vecattr(self, key: Key, attr: str, val: Any) -> None:
        """Set an attribute of a key; the first value's type is that of all keys' values."""
        self.allocate_vecattrs([attr], [type(val)])
        self._own(attr)[self.get_index(key)] = val

    def get_vecattr(self, key: Key, attr: str) -> Any:
        """Return an attribute of a key; raises KeyError where there is no such attribute."""
        return self.expandos[attr][self.get_index(key)]

    def resize_vectors(self, seed: int = 0) -> None:
        """Make as many vectors as there are keys: new ones random, within 1/d around zero."""
        have, want = len(self._store), len(self)
        if have < want:
            drawn = np.random.default_rng(seed).random((want, self.vector_size), np.float32)
            drawn = (drawn * 2 - 1) / np.float32(self.vector_size)
            self._store = np.concatenate([self._store, drawn[have:].astype(self._store.dtype)])
        self.allocate_vecattrs()
        self._norms = None

    def sort_by_descending_frequency(self) -> None:
        """Put the keys in order of their attribute "count"; keys that are equal keep theirs."""
        if not len(self):
            return
        if "count" not in self.expandos:
            raise KeyError('the keys have no attribute "count" to be sorted by')
        self._demand_own_keys()
        order = np.argsort(-self.expandos["count"].astype(np.int64), kind="stable")
        self._keys = self._keys.taken(order)
        self.vectors = self.vectors[order]
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        if len(self.vectors_lockf) == len(order):
            self.vectors_lockf = self.vectors_lockf[order]

    def get_normed_vectors(self) -> Matrix:
        """Return a copy of all vectors (n, d), each of length 1."""
        lengths = np.maximum(self.norms, rows.TINY)[:, None]
        unit: Matrix = (self._rows / lengths).astype(self._store.dtype)
        return unit

    def unit_normalize_all(self) -> None:
        """Make every vector one of length 1, for good. Raises ValueError for locked vectors."""
        self.demand_writable()
        lengths = np.maximum(self.norms, rows.TINY)
        for some in rows.blocks(len(self)):
            self._rows[some] /= lengths[some, None]
        self.fill_norms(force=True)

    def demand_writable(self) -> None:
        """Raise ValueError for vectors that can't be written to."""
        if not self._store.flags.writeable:
            raise ValueError(
                "these vectors can't be written to: they are mapped from a file. To mend it: take "
                "a copy(), or load them without mmap"
            )

    def _demand_own_keys(self) -> None:
        """Raise ValueError for keys that are a model's."""
        if self._followed:
            raise ValueError(
                "these are a model's vectors, whose keys are the words or tags that it trains. To "
                "mend it: add new ones with build_vocab(update=True), or take a copy()"
            )

    def _own(self, attr: str) -> NDArray[Any]:
        """Return an attribute's array, a copy where the one that is there can't be written to."""
        if not self.expandos[attr].flags.writeable:
            self.expandos[attr] = self.expandos[attr].copy()
        return self.expandos[attr]

    def _make_room(self, new: int, *, writing: bool) -> None:
        """Make room for some more keys' vectors."""
        if new:
            self._demand_own_keys()
        end = self._keys.filled + new
        if new and end > len(self._store):
            if self._mapfile is not None:
                raise ValueError(
                    f"{self._mapfile} has room for {len(self._store)} vectors, not {end}. To mend "
                    "it: make it with a larger count"
                )
            more = max(end, int(len(self) * GROWTH)) - len(self._rows)
            room = np.zeros((more, self.vector_size), self._store.dtype)
            self._store = np.concatenate([self._rows, room])
        elif writing:
            self.demand_writable()

    def _indexes(self, keys: Sequence[Any]) -> list[int]:
        for key in keys:
            if not isinstance(key, KINDS):
                raise KeyError(f"a key is a string or a whole number, not {key!r}")
        found = self._keys.find(keys)
        for at, (key, index) in enumerate(zip(keys, found, strict=True)):
            if index >= 0:
                continue
            if not isinstance(key, int | np.integer) or self._keys.has_numbers:
                raise KeyError(f"{key!r} is not among the {len(self)} keys")
            if not 0 <= key < len(self):
                raise KeyError(f"index {key} is not among {len(self)} vectors")
            found[at] = int(key)
        return found
