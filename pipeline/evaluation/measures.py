"""How good vectors are, and how far they have moved: what is measured before one publishes them.

Matrices are gone through in blocks, and may be mapped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from corpora.rows.draws import permutation
from corpora.shards import TokenShard
from pipeline.core.batch import Floats
from pipeline.core.passes import Plan
from pipeline.models.model import Model
from pipeline.vectors.rows import TINY, blocks, lengths
from pipeline.vectors.search import nearest
from pipeline.words.tags import TagTable

Rows = NDArray[np.int64]
Text = tuple[int, Callable[[], Iterable[TokenShard]]]


@dataclass(frozen=True)
class Drift:
    """Cosines of rows with what they were: their mean, and the lowest."""

    mean: float
    worst: float


def drift(new: Floats, old: Floats, rows: Rows, before: Rows) -> Drift | None:
    """Return how rows of `new` stand to those of `old`: two matrices (n, d), (m, d).

    rows, before: (k) where a row is, and where it was. None where there is none that both have.

    >>> both = np.arange(2)
    >>> moved = drift(np.eye(2, dtype=np.float32), np.float32([[1, 0], [1, 1]]), both, both)
    >>> round(moved.mean, 3), round(moved.worst, 3)
    (0.854, 0.707)
    """
    total, worst = 0.0, 1.0
    for some in blocks(len(rows)):
        pair = _unit(new[rows[some]]), _unit(old[before[some]])
        cosines = np.einsum("ij,ij->i", *pair, dtype=np.float64)
        total += float(cosines.sum())
        worst = min(worst, float(cosines.min(initial=1.0)))
    return Drift(total / len(rows), worst) if len(rows) else None


def overlap(
    new: Floats,
    old: Floats,
    rows: Rows,
    before: Rows,
    *,
    sample: int,
    topn: int = 10,
    seed: int = 1,
) -> float | None:
    """Return how many of a row's `topn` nearest rows are the same as before, on average, 0 to 1.

    rows, before: as for `drift`; only they are neighbours. The rows asked are drawn.

    >>> old = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    >>> turned, both = old @ np.float32([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), np.arange(40)
    >>> overlap(turned, old, both, both, sample=9)
    1.0
    """
    topn = min(topn, len(rows) - 1)
    if topn < 1:
        return None
    asked = np.sort(permutation(seed, 0, len(rows))[:sample])
    found = []
    for matrix, places in ((new, rows), (old, before)):
        in_one = bool((np.diff(places) == 1).all())  # as long as nothing was forgotten
        kept = matrix[places[0] : places[-1] + 1] if in_one else matrix[places]
        near, _ = nearest(kept, lengths(kept), _unit(kept[asked]), topn + 1)
        found.append(near)
    shared = 0
    for row, one, other in zip(asked.tolist(), *found, strict=True):
        mine, theirs = ([at for at in near.tolist() if at != row][:topn] for near in (one, other))
        shared += len(set(mine) & set(theirs))
    return shared / (topn * len(asked))


def ranks(vectors: Floats, asked: Floats, rows: Rows) -> Rows:
    """Return at which place (k), from 1 on, each of `asked` (k, d) finds its own row of `vectors`.

    >>> ranks(np.eye(3, dtype=np.float32), np.float32([[2, 1, 0], [2, 1, 0]]), np.array([0, 1]))
    array([1, 2])
    """
    wanted = _unit(asked)
    own = np.einsum("ij,ij->i", wanted, _unit(vectors[rows]))
    nearer = np.zeros(len(rows), np.int64)
    for some in blocks(len(vectors)):
        scores = wanted @ _unit(vectors[some]).T
        inside = np.flatnonzero((rows >= some.start) & (rows < some.stop))
        scores[inside, rows[inside] - some.start] = -np.inf  # itself, whatever rounding makes of it
        nearer += (scores > own[:, None]).sum(axis=1)
    return nearer + 1


def self_ranks(
    model: Model, texts: Sequence[Text], plan: Plan, *, sample: int, seed: int, workers: int
) -> Rows:
    """Return at which place documents drawn from `texts` find themselves among all of the model's.

    texts: how many rows there are in some shards, and what opens these. Vectors are inferred anew
    from the rows' words. Rows without a known word, and without a tag that the model has, are left
    out.
    """
    drawn = list(_drawn(model, texts, sample, seed))
    if not drawn:
        return np.zeros(0, np.int64)
    found = model.infer([words for words, _ in drawn], plan, workers)
    known = np.flatnonzero(found.known)
    return ranks(
        model.tag_vectors, found.vectors[known], np.array([row for _, row in drawn])[known]
    )


def _drawn(
    model: Model, texts: Sequence[Text], sample: int, seed: int
) -> Iterator[tuple[list[str], int]]:
    """Yield the words of rows that were drawn, and the row of the first tag of each."""
    assert model.tags is not None
    ends = np.cumsum([rows for rows, _ in texts], dtype=np.int64)
    wanted = np.sort(permutation(seed, 0, int(ends[-1]) if len(ends) else 0)[:sample])
    # Of many texts only those are opened that a row was drawn from.
    for at in np.unique(np.searchsorted(ends, wanted, "right")).tolist():
        rows, opened = texts[at]
        first = int(ends[at]) - rows
        mine = wanted[(wanted >= first) & (wanted < first + rows)] - first
        for shard in opened():
            here = mine[(mine >= 0) & (mine < shard.rows)]
            mine = mine - shard.rows
            if len(here) and shard.tags is not None:
                yield from _of_shard(shard, here, model.tags)


def _of_shard(shard: TokenShard, wanted: Rows, tags: TagTable) -> Iterator[tuple[list[str], int]]:
    keys, words = cast("Any", shard.tags), shard.words
    known, begin = tags.lookup(keys), 0
    for batch in shard.batches():
        for at in (wanted[(wanted >= begin) & (wanted < begin + batch.num_rows)] - begin).tolist():
            ids, own = (cast("Any", batch.column(name)[at]).values for name in ("tokens", "tags"))
            if len(own) and known[own[0].as_py()] >= 0:
                text: list[Any] = words.take(ids).to_pylist()
                yield text, int(known[own[0].as_py()])
        begin += batch.num_rows
        if begin > wanted[-1]:
            return


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, TINY), np.float32)
