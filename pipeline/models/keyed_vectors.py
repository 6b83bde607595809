"""Vectors with keys: look one up, compare, find the nearest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.tags import TagTable

Floats = NDArray[np.float32]
Key = str | int
Query = Key | Floats | tuple[Key | Floats, float]

CHUNK = 1 << 16  # keys made into Python objects at a time


class KeyedVectors:
    """keys (n) and their vectors (n, d) float32; the vectors may be a view or mapped from a file.

    Keys are words, or documents' tags. Where tags are whole numbers an int is a tag; where all keys
    are strings it is an index. Tags are looked up where they lie: millions of them make no Python
    object, except in `index_to_key` and `key_to_index`, which hold all keys.

    >>> import numpy as np
    >>> wv = KeyedVectors(["up", "high", "down"], np.array([[0, 1], [.1, 1], [0, -1]], np.float32))
    >>> wv.most_similar("up", topn=1)[0][0]
    'high'
    >>> round(wv.similarity("up", "down"), 3)
    -1.0
    >>> wv.doesnt_match(["up", "down", "high"])
    'down'
    """

    def __init__(self, keys: Sequence[str] | pa.StringArray | TagTable, vectors: Floats) -> None:
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        self._tags = keys if isinstance(keys, TagTable) else None
        self._keys: Any = keys.keys if isinstance(keys, TagTable) else keys
        self.vectors = vectors

    @cached_property
    def index_to_key(self) -> list[Any]:
        """The keys by index."""
        return self._named(slice(0, len(self)))

    @cached_property
    def key_to_index(self) -> Mapping[Key, int]:
        """The index of every key."""
        return {key: index for index, key in enumerate(self.index_to_key)}

    @cached_property
    def norms(self) -> Floats:
        """(n) lengths of the vectors; taken once, so not for vectors that are being trained."""
        return np.asarray(np.linalg.norm(self.vectors, axis=1), np.float32)

    @property
    def vector_size(self) -> int:
        """Dimensions of a vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self.vectors)

    def __contains__(self, key: object) -> bool:
        """Tell whether a key has a vector."""
        found: Any = [key] if isinstance(key, str | int | np.integer) else []
        return any(index >= 0 for index in self._find(found))

    def __iter__(self) -> Iterator[Any]:
        """Go through the keys by index."""
        for at in range(0, len(self), CHUNK):
            yield from self._named(slice(at, at + CHUNK))

    def __repr__(self) -> str:
        """Show the class, how many keys there are, and of what size."""
        return f"KeyedVectors<vector_size={self.vector_size}, {len(self)} keys>"

    def get_index(self, key: Key) -> int:
        """Return a key's index; an int that can't be a key is one. Raises KeyError."""
        return self._indexes([key])[0]

    def get_vector(self, key: Key, *, norm: bool = False) -> Floats:
        """Return a key's vector (d) that can't be written to; with `norm`, one of length 1."""
        vector = self.vectors[self.get_index(key)]
        result = vector / max(float(np.linalg.norm(vector)), 1e-30) if norm else vector.view()
        result.flags.writeable = False
        return np.asarray(result)

    def __getitem__(self, key: Key | Sequence[Key]) -> Floats:
        """Return a key's vector (d), or for a list of keys theirs (n, d)."""
        if isinstance(key, str | int | np.integer):
            return self.get_vector(key)
        return self.vectors[self._indexes(list(key))]

    def similarity(self, w1: Key, w2: Key) -> float:
        """Return the cosine of two keys' vectors."""
        return float(self.get_vector(w1, norm=True) @ self.get_vector(w2, norm=True))

    def most_similar(
        self,
        positive: Query | Iterable[Query] = (),
        negative: Query | Iterable[Query] = (),
        topn: int = 10,
    ) -> list[tuple[Any, float]]:
        """Return the `topn` keys nearest to what is given, with their cosines, nearest first.

        Each of `positive` and `negative` is a key, a vector, or one of them with a weight. What is
        searched for is the mean of their directions; keys given are left out of the answer.
        Raises KeyError for a key that isn't there, ValueError where nothing is given.
        """
        terms = [(q, 1.0) for q in _listed(positive)] + [(q, -1.0) for q in _listed(negative)]
        if not terms:
            raise ValueError("most_similar needs a key or a vector to compare with")
        mean = np.zeros(self.vector_size, np.float32)
        given: list[int] = []
        for query, sign in terms:
            key, weight = query if isinstance(query, tuple) else (query, 1.0)
            if isinstance(key, np.ndarray):
                vector = np.asarray(key, np.float32)
            else:
                given.append(self.get_index(key))
                vector = self.vectors[given[-1]]
            mean += np.float32(sign * weight) * _direction(vector)
        lengths = np.maximum(self.norms, 1e-30)
        cosines = np.asarray(self.vectors @ _direction(mean) / lengths, np.float32)
        cosines[given] = -np.inf
        return self._best(cosines, min(topn, len(self) - len(set(given))))

    def similar_by_vector(self, vector: Floats, topn: int = 10) -> list[tuple[Any, float]]:
        """Return the `topn` keys nearest to a vector (d)."""
        return self.most_similar([vector], topn=topn)

    def doesnt_match(self, words: Iterable[Key]) -> Any:
        """Return the word furthest from the mean direction of all; unknown words are left out.

        Raises ValueError if none is known.
        """
        known = [word for word in words if word in self]
        if not known:
            raise ValueError("none of the words has a vector")
        directions = np.stack([self.get_vector(word, norm=True) for word in known])
        return known[int(np.argmin(directions @ _direction(directions.mean(axis=0))))]

    def _best(self, scores: Floats, n: int) -> list[tuple[Any, float]]:
        if n <= 0:
            return []
        top = np.argpartition(scores, len(scores) - n)[-n:]
        # equal scores by index, so that the answer doesn't hang on the partition
        top = top[np.lexsort((top, -scores[top]))]
        return list(zip(self._named(top), scores[top].tolist(), strict=True))

    def _named(self, where: "slice | NDArray[np.int64]") -> list[Any]:
        """Return the keys at some indexes."""
        if isinstance(where, slice):
            some = self._keys[where]
            return some.to_pylist() if isinstance(some, pa.Array) else list(some)
        if isinstance(self._keys, pa.Array):
            return self._keys.take(pa.array(where, pa.int64())).to_pylist()
        return [self._keys[i] for i in where]

    def _find(self, keys: Sequence[Key]) -> list[int]:
        if self._tags is not None:
            return self._tags.find(keys)
        return [self.key_to_index.get(key, -1) for key in keys]

    def _indexes(self, keys: Sequence[Key]) -> list[int]:
        found = self._find(keys)
        for at, (key, index) in enumerate(zip(keys, found, strict=True)):
            if index >= 0:
                continue
            if isinstance(key, str) or (self._tags is not None and self._tags.has_numbers):
                raise KeyError(f"{key!r} is not among the {len(self)} keys")
            if not 0 <= key < len(self):
                raise KeyError(f"index {key} is not among {len(self)} vectors")
            found[at] = int(key)
        return found


def _listed(given: Query | Iterable[Query]) -> list[Query]:
    if isinstance(given, str | int | np.integer) or (
        isinstance(given, np.ndarray) and given.ndim == 1
    ):
        return [given]
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], float | int):
        return [given]  # type: ignore[list-item]
    return list(given)


def _direction(vector: Floats) -> Floats:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-30))
