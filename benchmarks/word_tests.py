"""Tests of word vectors: similarity beside people's judgement, and analogies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

Floats = NDArray[np.float32]
Index = Mapping[Any, int]
Pair = tuple[str, str, float]
Question = tuple[str, str, str, str]


def read_pairs(path: Path) -> list[Pair]:
    """Read word, word, score from a file with tabs; SimLex's own file has the score fourth.

    A line whose score is no number is a header.
    """
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        try:
            score = float(parts[2 if len(parts) == 3 else 3])
        except (ValueError, IndexError):
            continue
        rows.append((parts[0].lower(), parts[1].lower(), score))
    return rows


def read_questions(path: Path) -> list[Question]:
    """Read questions of four words, "a is to b as c is to d"; lines with a colon are sections."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(":"):
            a, b, c, d = line.lower().split()
            rows.append((a, b, c, d))
    return rows


def spearman(pairs: list[Pair], index: Index, vectors: Floats) -> float:
    """Return the rank correlation of cosines and scores, over pairs of known words."""
    known = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    if len(known) < 2:
        return float("nan")
    a, b, score = (np.array(column) for column in zip(*known, strict=True))
    unit = _unit(vectors)
    return float(spearmanr((unit[a] * unit[b]).sum(1), score).statistic)


def analogies(
    questions: list[Question], index: Index, vectors: Floats, restrict: int = 30_000
) -> float:
    """Return the share of questions whose answer is nearest to b - a + c (Mikolov et al. 2013).

    Only the first `restrict` words are known; the three given are never the answer, and questions
    with a word that is not known are left out. Directions are added, not vectors.
    """
    unit = _unit(vectors[:restrict])
    ids = np.array([[index.get(word, -1) for word in question] for question in questions])
    known = ids[((ids >= 0) & (ids < len(unit))).all(axis=1)]
    right = 0
    for at in range(0, len(known), 500):
        a, b, c, d = known[at : at + 500].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T
        rows = np.arange(len(a))
        for given in (a, b, c):
            cosines[rows, given] = -np.inf
        right += int((cosines.argmax(axis=1) == d).sum())
    return right / len(known) if len(known) else float("nan")


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
