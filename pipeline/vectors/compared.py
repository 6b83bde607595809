"""Compare keys with keys: cosines, means, the one that doesn't match."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.vectors import rows
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.keys import KINDS, Key
from pipeline.vectors.rows import Floats, Matrix, cosine, direction
from pipeline.vectors.search import cosines


class Compared(Keyed):
    """Vectors with keys that can be compared with each other; every comparison is a cosine."""

    def get_mean_vector(
        self,
        keys: Sequence[Key | Matrix],
        weights: Sequence[float] | NDArray[Any] | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Floats:
        """Return the weighted mean (d) of keys' vectors and of vectors (d).

        pre_normalize: take keys' vectors with length 1; vectors are taken as they are.
        post_normalize: give the mean length 1. The sum is divided by the weights' absolute values.
        Keys that aren't there are left out, unless ignore_missing is false: then they raise
        KeyError. Raises ValueError for no keys, or another number of weights.
        """
        if len(keys) == 0:
            raise ValueError("the mean of no keys was asked for")
        wanted = np.ones(len(keys)) if weights is None else np.asarray(weights, np.float64)
        if len(wanted) != len(keys):
            raise ValueError(f"{len(wanted)} weights for {len(keys)} keys")
        total, mean = 0.0, np.zeros(self.vector_size)
        for key, weight in zip(keys, wanted.tolist(), strict=True):
            if isinstance(key, np.ndarray):
                vector = np.asarray(key, np.float64)
            else:
                index = self.get_index(key, -1 if ignore_missing else None)
                if index < 0:
                    continue
                vector = self._rows[index].astype(np.float64)
                vector = direction(vector) if pre_normalize else vector
            mean += weight * vector
            total += abs(weight)
        mean /= total or 1
        return (direction(mean) if post_normalize else mean).astype(np.float32)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Return the cosine of two keys' vectors: from -1 to 1, and 0 beside one of length zero."""
        return cosine(self.get_vector(w1), self.get_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """Return 1 minus the cosine of two keys' vectors."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Key | Matrix, other_words: Iterable[Key] = ()) -> Floats:
        """Return 1 minus the cosine (m) of a key or vector with each of m keys, or with all (n)."""
        one = word_or_vector
        vector = self.get_vector(one) if isinstance(one, KINDS) else np.asarray(one)
        others = list(other_words or ())
        found = self._indexes(others) if others else slice(0, len(self))
        norms = rows.lengths(self._rows[found]) if others else self.norms
        return 1 - cosines(self._rows[found], norms, direction(vector))

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
        """Return the cosine of the mean vectors of two lists of keys; unknown ones are left out.

        Raises ZeroDivisionError for an empty list.
        """
        if not len(ws1) or not len(ws2):
            raise ZeroDivisionError("one of the lists of keys is empty")
        one, other = (self.get_mean_vector(some, pre_normalize=False) for some in (ws1, ws2))
        return cosine(one, other)

    @staticmethod
    def cosine_similarities(vector_1: Matrix, vectors_all: Matrix) -> Floats:
        """Return the cosine (n) of a vector (d) with each row of a matrix (n, d).

        >>> Compared.cosine_similarities(np.array([1, 0]), np.array([[2.0, 0], [0, 3]])).tolist()
        [1.0, 0.0]
        """
        return cosines(vectors_all, rows.lengths(vectors_all), direction(vector_1))

    def rank_by_centrality(
        self, words: Iterable[Key], use_norm: bool = True
    ) -> list[tuple[float, Any]]:
        """Return (cosine, key) with the mean of all keys, highest first; unknown ones are left out.

        use_norm: take vectors with length 1. Raises ValueError if no key is known.
        """
        known = [word for word in words if self.has_index_for(word)]
        if not known:
            raise ValueError("none of the words has a vector")
        vectors = self[known].astype(np.float64)
        if use_norm:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1), rows.TINY)[:, None]
        scores = vectors @ direction(vectors.mean(axis=0))
        order = np.argsort(-scores, kind="stable")
        return [(float(scores[i]), known[i]) for i in order]

    def doesnt_match(self, words: Iterable[Key]) -> Any:
        """Return the word furthest from the mean direction of all; unknown words are left out.

        Raises ValueError if none is known.
        """
        return self.rank_by_centrality(words)[-1][1]

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """Return the one of some keys that is nearest to a key."""
        return keys_list[int(np.argmin(self.distances(key1, keys_list)))]

    def closer_than(self, key1: Key, key2: Key) -> list[Any]:
        """Return all keys that are nearer to the first key than the second is."""
        distances = self.distances(key1)
        near = distances < distances[self.get_index(key2)]
        near[self.get_index(key1)] = False
        return self._keys.some(np.flatnonzero(near))

    def rank(self, key1: Key, key2: Key) -> int:
        """Return the second key's place, from 1 on, among all in order of nearness to the first."""
        return len(self.closer_than(key1, key2)) + 1
