"""Find the keys nearest to keys and vectors: one query at a time, or many at once."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

import numpy as np

from pipeline.vectors.compared import Compared
from pipeline.vectors.keys import KINDS, Key
from pipeline.vectors.rows import Floats, Matrix, direction
from pipeline.vectors.search import LEAST, Indexes, best, cosines, nearest

Term = Key | Matrix
Query = Term | tuple[Term, float]
Found = list[tuple[Any, float]]


class Indexer(Protocol):
    """An index of one's own, which may be approximate."""

    def most_similar(self, vector: Floats, num_neighbors: int) -> Any:
        """Return the keys nearest to a vector (d) of length 1, with their cosines."""


class Searched(Compared):
    """Vectors with keys, of which the nearest to a query are found; every search is exact."""

    def most_similar(
        self,
        positive: Query | Iterable[Query] | None = None,
        negative: Query | Iterable[Query] | None = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> Any:
        """Return the `topn` keys nearest to what is given, with their cosines, nearest first.

        Each of `positive` and `negative` is a key, a vector (d), or a pair of one of them and its
        weight, which is otherwise 1 and -1. Searched for is the weighted mean of the keys'
        directions and the vectors as they are; keys given are left out of the answer. With topn
        None, all cosines are returned as one array. clip_start, clip_end: search only the keys with
        these indexes; restrict_vocab: only the first so many. indexer: ask this instead. Raises
        KeyError for a key that isn't there, ValueError where nothing is given.
        """
        if topn is not None and topn < 1:
            return []
        query, given = self._query(positive, negative)
        if indexer is not None and topn is not None:
            return indexer.most_similar(query, topn)
        span = self._span(clip_start, clip_end, restrict_vocab)
        scores = cosines(self._rows[span], self.norms[span], query)
        return scores if topn is None else self._found(scores, given, topn, span.start)

    def most_similar_cosmul(
        self,
        positive: Term | Iterable[Term] | None = None,
        negative: Term | Iterable[Term] | None = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """Return the `topn` keys by 3CosMul (Levy and Goldberg 2014), with scores, highest first.

        A key's score is the product of its cosines with the positive terms, shifted to 0 to 1,
        divided by that of the negative ones. Arguments and errors are those of `most_similar`, but
        there are no weights.
        """
        if topn is not None and topn < 1:
            return []
        terms, against = _listed(positive), _listed(negative)
        if not terms:
            raise ValueError("most_similar_cosmul needs a positive key or vector")
        span = self._span(0, None, restrict_vocab)
        vectors, norms = self._rows[span], self.norms[span]

        def product(some: Sequence[Query]) -> Floats:
            result = np.ones(len(vectors), np.float32)
            for term in some:
                result *= (1 + cosines(vectors, norms, self._query([cast("Term", term)])[0])) / 2
            return result

        scores = product(terms) / (product(against) + LEAST)
        if topn is None:
            return scores
        given = self._query([*terms, *against])[1]
        return self._found(scores, given, topn, 0)

    def similar_by_word(
        self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the `topn` keys nearest to a word."""
        return self.most_similar([word], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_key(
        self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the `topn` keys nearest to a key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_vector(
        self, vector: Matrix, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the `topn` keys nearest to a vector (d)."""
        return self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_each(
        self,
        queries: Iterable[Query | Sequence[Query]],
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[Found]:
        """Return for each query what `most_similar(query, topn)` does; many at once are faster.

        A query is a key, a vector (d), or a list of them, which may have weights: (key, -1.0).
        """
        asked = [self._query(one) for one in queries]
        if not asked or topn < 1:
            return [[] for _ in asked]
        vectors = np.stack([query for query, _ in asked])
        more = max(len(given) for _, given in asked)
        where, how = self.nearest(vectors, topn + more, restrict_vocab)
        names = self._keys.some(np.maximum(where, 0).ravel())
        found: list[Found] = []
        for row, (_, given) in enumerate(asked):
            at = row * where.shape[1]
            found.append([
                (names[at + i], cosine)
                for i, (index, cosine) in enumerate(
                    zip(where[row].tolist(), how[row].tolist(), strict=True)
                )
                if index >= 0 and index not in given
            ][:topn])  # fmt: skip
        return found

    def nearest(
        self, vectors: Matrix, topn: int = 10, restrict_vocab: int | None = None
    ) -> tuple[Indexes, Floats]:
        """Return indexes (m, topn) of the keys nearest to each of m vectors (m, d), and cosines.

        Nearest first. topn is cut to the number of keys; rows that hold NaN are never found, and
        where there are no more there is index -1.
        """
        given = np.asarray(vectors, np.float32)
        if given.ndim != 2 or given.shape[1] != self.vector_size:
            raise ValueError(f"vectors have shape {given.shape}, not (m, {self.vector_size})")
        unit = given / np.maximum(np.linalg.norm(given, axis=1), 1e-30)[:, None]
        span = self._span(0, None, restrict_vocab)
        return nearest(self._rows[span], self.norms[span], unit, topn)

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """Return the cosine of two words, relative to the sum of those of wa's nearest `topn`.

        Above 1 / topn they are likely synonyms (Leeuwenberg et al. 2016).
        """
        near: Found = self.similar_by_word(wa, topn)
        return self.similarity(wa, wb) / sum(cosine for _, cosine in near)

    def _query(
        self,
        positive: Query | Iterable[Query] | None,
        negative: Query | Iterable[Query] | None = None,
    ) -> tuple[Floats, set[int]]:
        """Return what is searched for, (d) of length 1, and the indexes of the keys given."""
        terms: list[Term] = []
        weights: list[float] = []
        for sign, some in ((1.0, _listed(positive)), (-1.0, _listed(negative))):
            for one in some:
                term, weight = one if isinstance(one, tuple) else (one, sign)
                terms.append(term)
                weights.append(weight)
        if not terms:
            raise ValueError("most_similar needs a key or a vector to compare with")
        for term in terms:
            if isinstance(term, np.ndarray) and term.shape != (self.vector_size,):
                raise ValueError(f"a vector has shape {term.shape}, not ({self.vector_size},)")
        given = self._indexes([term for term in terms if not isinstance(term, np.ndarray)])
        if len(given) == len(terms) == 1:
            turned = np.sign(weights[0]) * direction(self._rows[given[0]])
            return turned.astype(np.float32), set(given)
        mean = self.get_mean_vector(terms, weights, post_normalize=True, ignore_missing=False)
        return mean, set(given)

    def _span(self, start: int, end: int | None, restrict: int | None) -> slice:
        if len(self._rows) != len(self):
            raise ValueError(f"{len(self)} keys for {len(self._rows)} vectors; call resize_vectors")
        begin, stop, _ = slice(*((0, restrict) if restrict else (start, end or None))).indices(
            len(self)
        )
        return slice(begin, max(begin, stop))

    def _found(self, scores: Floats, given: set[int], topn: int, start: int) -> Found:
        top = best(scores, int(topn) + len(given))
        left = np.isin(top + start, list(given), invert=True)
        top = top[left][: int(topn)]
        return list(zip(self._keys.some(top + start), scores[top].tolist(), strict=True))


def _listed(given: Any) -> list[Query]:
    if given is None:
        return []
    if isinstance(given, KINDS) or (isinstance(given, np.ndarray) and given.ndim == 1):
        return [cast("Query", given)]
    if (
        isinstance(given, tuple)
        and len(given) == 2
        and isinstance(given[1], float | int | np.floating)
        and not isinstance(given[1], bool)
    ):
        # A key and an int are a key and its weight, too: two keys are asked for as a list.
        return [cast("Query", given)]
    return list(given)
