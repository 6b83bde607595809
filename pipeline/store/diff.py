"""What lies between two versions: keys that came and went, vectors that moved, neighbours kept.

Rows are read in blocks where they are mapped, so memory holds some numbers for each key and no
matrix.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.model import Model
from pipeline.store.versions import Version
from pipeline.vectors.search import nearest

Rows = NDArray[np.int64]
Matrix = NDArray[np.float32]

BLOCK = 1 << 15  # rows compared at a time
NEIGHBOURS = 10


@dataclass(frozen=True)
class KeysDiff:
    """Words, or documents, of version A against those of version B.

    added, removed: how many, with examples; common: in both; same: with vectors of equal bits;
    moved: those whose vectors have the lowest cosine between A and B; cosine: the mean of all;
    overlap: of the 10 nearest common keys in A the share that is among the 10 nearest in B, over
    `sampled` keys drawn at random. None where there is nothing to compare.
    """

    added: int
    removed: int
    common: int
    examples_added: list[str]
    examples_removed: list[str]
    same: int | None = None
    cosine: float | None = None
    moved: list[tuple[str, float]] | None = None
    overlap: float | None = None
    sampled: int = 0


@dataclass(frozen=True)
class Diff:
    """Two versions compared: words, documents (None for models without), and what they had read.

    sources_added, sources_removed: contents that only one of them has learnt from; settings: name
    -> values in A and B, where they differ.
    """

    a: int
    b: int
    words: KeysDiff
    documents: KeysDiff | None
    sources_added: int
    sources_removed: int
    settings: dict[str, tuple[Any, Any]]


def diff(a: Version, b: Version, *, topn: int = 10, sample: int = 1000) -> Diff:
    """Compare two versions of a store.

    topn: how many keys to name of each kind; sample: of how many to look at the neighbours.
    """
    was, now = Model.open(a.folder()), Model.open(b.folder())
    words = _keys(
        (was.vocabulary.retained, was.vectors), (now.vocabulary.retained, now.vectors),
        now.vocabulary.lookup(was.vocabulary.retained).astype(np.int64),
        topn, sample, trained=was.settings.trains_words and now.settings.trains_words,
    )  # fmt: skip
    documents = None
    if was.tags is not None and now.tags is not None:
        documents = _keys(
            (was.tags.keys, was.tag_vectors), (now.tags.keys, now.tag_vectors),
            now.tags.lookup(was.tags.keys).astype(np.int64), topn, sample, trained=True,
        )  # fmt: skip
    read = [
        set(zip(*(v.ledger.table[n].to_pylist() for n in ("source", "fingerprint")), strict=True))
        for v in (a, b)
    ]
    settings = [asdict(model.settings) for model in (was, now)]
    differing = {k: (v, settings[1][k]) for k, v in settings[0].items() if v != settings[1][k]}
    return Diff(
        a.number, b.number, words, documents,
        len(read[1] - read[0]), len(read[0] - read[1]), differing,
    )  # fmt: skip


def _keys(
    was: tuple[Any, Matrix], now: tuple[Any, Matrix], places: Rows, topn: int, sample: int,
    *, trained: bool,
) -> KeysDiff:  # fmt: skip
    here = np.flatnonzero(places >= 0)
    there = places[here]
    removed = np.flatnonzero(places < 0)
    new = np.ones(len(now[0]), bool)
    new[there] = False
    added = np.flatnonzero(new)
    told = KeysDiff(
        len(added), len(removed), len(here), _named(now[0], added[:topn]),
        _named(was[0], removed[:topn]),
    )  # fmt: skip
    if not trained or not len(here) or was[1].shape[1] != now[1].shape[1]:
        return told
    cosines, same = _cosines(was[1], now[1], here, there)
    order = np.argsort(cosines, kind="stable")[:topn]
    moved = zip(_named(was[0], here[order]), cosines[order].round(4).tolist(), strict=True)
    drawn = np.sort(np.random.default_rng(0).permutation(len(here))[:sample])
    n = min(NEIGHBOURS, len(here) - 1)
    overlap = None
    if n > 0:
        near = _neighbours(was[1], here, drawn, n), _neighbours(now[1], there, drawn, n)
        shared = (near[0][:, :, None] == near[1][:, None, :]).any(axis=2)
        overlap = float(shared.mean())
    return KeysDiff(
        told.added, told.removed, told.common, told.examples_added, told.examples_removed,
        same, float(cosines.mean()), list(moved), overlap, len(drawn) if n > 0 else 0,
    )  # fmt: skip


def _cosines(was: Matrix, now: Matrix, here: Rows, there: Rows) -> tuple[NDArray[np.float32], int]:
    """Return the cosine of each pair of rows, 1 for two of length zero, and how many are equal."""
    found, same = np.empty(len(here), np.float32), 0
    for some in _blocks(len(here)):
        x, y = was[here[some]], now[there[some]]
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        dots = np.einsum("ij,ij->i", x, y)
        equal = (x == y).all(axis=1)
        same += int(equal.sum())
        found[some] = np.where(equal, 1, dots / np.where(lengths > 0, lengths, 1))
    return found, same


def _neighbours(matrix: Matrix, rows: Rows, drawn: Rows, n: int) -> Rows:
    """Return (drawn, n) the nearest of `rows` to some of them, by places in `rows`; not itself."""
    asked = matrix[rows[drawn]]
    asked = asked / np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-30)
    best = np.zeros((len(drawn), 0), np.int64)
    how = np.zeros((len(drawn), 0), np.float32)
    for some in _blocks(len(rows)):
        block = matrix[rows[some]]
        where, scores = nearest(block, np.linalg.norm(block, axis=1), asked, n + 1)
        where = np.where(where < 0, -1, where + some.start)
        scores = np.where((where < 0) | (where == drawn[:, None]), -np.inf, scores)
        best, how = np.concatenate([best, where], axis=1), np.concatenate([how, scores], axis=1)
        order = np.argsort(-how, axis=1, kind="stable")[:, :n]
        best, how = np.take_along_axis(best, order, 1), np.take_along_axis(how, order, 1)
    return best


def _blocks(n: int) -> Iterator[slice]:
    return (slice(at, min(at + BLOCK, n)) for at in range(0, n, BLOCK))


def _named(keys: Any, rows: Rows) -> list[str]:
    return [str(keys[int(row)].as_py()) for row in rows]
