"""Exact search by cosine, at the speed at which the matrix is read; nothing copies the matrix.

One query is a product of matrix and vector; a batch of them is a product of blocks, small enough to
stay in a cache until the best have been picked out.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.vectors.blas import side_by_side, workers
from pipeline.vectors.rows import TINY, Floats, Matrix, blocks

Indexes = NDArray[np.int64]

GROUP = 1024  # scores of which only the highest is looked at first
QUERIES = 512  # queries whose scores are held at a time
FEW = 256  # rows of the first block
BLOCK = 1024  # rows of every later block but the next few
LEAST = np.float32(1e-6)  # added to what 3CosMul divides by
PENDING = 1 << 20  # candidates held before all but the best are dropped


def cosines(vectors: Matrix, norms: Floats, query: Matrix) -> Floats:
    """Return the cosine (n) of every row of `vectors` (n, d) with a `query` (d) of length 1.

    norms: (n) lengths of the rows. A row of length zero has cosine zero.
    """
    wanted = np.asarray(query, np.float32)
    if vectors.dtype == np.float32:
        found = vectors @ wanted
    else:
        found = np.empty(len(vectors), np.float32)
        for some in blocks(len(vectors)):
            np.dot(vectors[some].astype(np.float32), wanted, out=found[some])
    found /= norms if norms.min(initial=1) > 0 else np.maximum(norms, TINY)
    return found


def best(scores: Floats, n: int) -> Indexes:
    """Return where the n highest of the scores (m) stand, highest first; of equal ones the first.

    A score that is no number counts as the lowest.

    >>> best(np.array([1, 3, 2, 3], np.float32), 3).tolist()
    [1, 3, 2]
    """
    n = min(n, len(scores))
    if n <= 0:
        return np.zeros(0, np.int64)
    whole = len(scores) // GROUP
    # The n-th highest of the groups' maxima is at most the n-th highest score: hardly any score
    # reaches it, and only those have to be put in order.
    tops = scores[: whole * GROUP].reshape(whole, GROUP).max(axis=1)
    if np.isnan(tops).any() or np.isnan(scores[whole * GROUP :]).any():
        return best(np.where(np.isnan(scores), -np.inf, scores).astype(np.float32), n)
    few = tops if whole >= 2 * n else scores
    found = np.flatnonzero(scores >= np.partition(few, len(few) - n)[len(few) - n])
    return found[np.lexsort((found, -scores[found]))][:n]


def nearest(vectors: Matrix, norms: Floats, queries: Matrix, n: int) -> tuple[Indexes, Floats]:
    """Return, for each of the `queries` (m, d) of length 1, the nearest rows and their cosines.

    Both results are (m, n), nearest first; n is at most the number of rows. Rows that hold NaN are
    not found: what is missing has row -1.

    >>> rows = np.array([[0, 2], [1, 0], [1, 1]], np.float32)
    >>> where, how = nearest(rows, np.linalg.norm(rows, axis=1), np.eye(2, dtype=np.float32), 2)
    >>> where.tolist(), how.round(3).tolist()
    ([[1, 2], [0, 2]], [[1.0, 0.7070000171661377], [1.0, 0.7070000171661377]])
    """
    n = max(0, min(n, len(vectors)))
    asked = np.asarray(queries, np.float32)
    if not n or not len(asked):
        return np.zeros((len(asked), n), np.int64), np.zeros((len(asked), n), np.float32)
    share = max(1, -(-len(vectors) // workers()))
    parts = side_by_side(
        lambda rows: _nearest(vectors, norms, asked, n, rows), blocks(len(vectors), share)
    )
    where = np.concatenate([part for part, _ in parts], axis=1)
    how = np.concatenate([part for _, part in parts], axis=1)
    order = np.argsort(np.where(where < 0, np.inf, -how), axis=1, kind="stable")[:, :n]
    return np.take_along_axis(where, order, 1), np.take_along_axis(how, order, 1)


def likest(
    vectors: Matrix, norms: Floats, against: Floats, toward: tuple[Floats, Floats], n: int
) -> Indexes:
    """Return the rows (m, n) that are likest by 3CosMul, likest first; -1 where there are no more.

    against, toward: (m, d) each, of length 1. A row's score is the product of its cosines with both
    of `toward`, shifted to 0 to 1, over that with `against` (Levy and Goldberg 2014).

    >>> rows = np.eye(3, dtype=np.float32)
    >>> likest(rows, np.ones(3, np.float32), rows[:1], (rows[1:2], rows[1:2]), 2).tolist()
    [[1, 2]]
    """
    found = []
    for some in blocks(len(against), QUERIES):
        kept = _Kept(len(against[some]), min(n, len(vectors)))
        for part in blocks(len(vectors), BLOCK):
            rows = np.asarray(vectors[part], np.float32) / np.maximum(norms[part], TINY)[:, None]
            less, one, two = ((1 + side[some] @ rows.T) / 2 for side in (against, *toward))
            scores = (one * two / (less + LEAST)).astype(np.float32, copy=False)
            scores[:, np.flatnonzero(~np.isfinite(norms[part]))] = -np.inf
            kept.compare(scores, part.start)
        found.append(kept.result()[0])
    return np.concatenate(found)


def _nearest(
    vectors: Matrix, norms: Floats, queries: Floats, n: int, rows: slice
) -> tuple[Indexes, Floats]:
    """Search some of the rows: each block of them is read once, for all queries."""
    pieces = [queries[some] for some in blocks(len(queries), QUERIES)]
    chunks = [(piece, _Kept(len(piece), n)) for piece in pieces]
    room = np.empty(min(QUERIES, len(queries)) * BLOCK, np.float32)
    at = rows.start
    while at < rows.stop:
        end = min(at + min(max(at - rows.start, FEW), BLOCK), rows.stop)
        lengths = norms[at:end]
        scaled = np.asarray(vectors[at:end], np.float32) * (1 / np.maximum(lengths, TINY))[:, None]
        for chunk, kept in chunks:
            scores = room[: len(chunk) * len(scaled)].reshape(len(chunk), len(scaled))
            np.matmul(chunk, scaled.T.astype(np.float32, copy=False), out=scores)
            scores[:, np.flatnonzero(~np.isfinite(lengths))] = -np.inf
            kept.compare(scores, at)
        at = end
    found = [kept.result() for _, kept in chunks]
    return np.concatenate([where for where, _ in found]), np.concatenate([how for _, how in found])


class _Kept:
    """Candidates for the n best of each of m queries: all that beat the n-th best at some time.

    That bar is raised when the rows read have doubled: between two raises about n rows of random
    ones beat it, so that few candidates ever have to be put in order.
    """

    def __init__(self, queries: int, n: int) -> None:
        self.bars = np.full(queries, -np.inf, np.float32)
        self._queries, self._n = queries, n
        self._of: list[Indexes] = []
        self._where: list[Indexes] = []
        self._how: list[Floats] = []
        self._pending, self._compared, self._next = 0, 0, 1

    def compare(self, scores: Floats, first: int) -> None:
        """Keep what beats the bar of the scores (m, rows) with rows from `first` on."""
        rows = np.flatnonzero(scores.max(axis=1) > self.bars)
        of, columns = np.nonzero(scores[rows] > self.bars[rows, None])
        self._of.append(rows[of])
        self._where.append(columns + first)
        self._how.append(scores[rows[of], columns])
        self._pending += len(of)
        self._compared += scores.shape[1]
        if self._compared >= self._next or self._pending > max(PENDING, len(self._of[0])):
            self._next = 2 * self._compared
            self._drop()

    def _drop(self) -> None:
        of, where = np.concatenate(self._of), np.concatenate(self._where)
        how = np.concatenate(self._how)
        order = np.lexsort((where, -how, of))
        of, where, how = of[order], where[order], how[order]
        place = np.arange(len(of)) - np.searchsorted(of, of)  # among the same query's
        top = place < self._n
        self.bars[of[place == self._n - 1]] = how[place == self._n - 1]
        self._of, self._where, self._how = [of[top]], [where[top]], [how[top]]
        self._pending = 0

    def result(self) -> tuple[Indexes, Floats]:
        """Return rows and cosines, both (m, n); where there are no more numbers, -1 and NaN."""
        self._drop()
        where = np.full((self._queries, self._n), -1, np.int64)
        how = np.full((self._queries, self._n), np.nan, np.float32)
        of = self._of[0]
        place = np.arange(len(of)) - np.searchsorted(of, of)
        where[of, place], how[of, place] = self._where[0], self._how[0]
        return where, how
