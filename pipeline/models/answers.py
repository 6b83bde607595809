"""What can be told from output vectors and counts: likely words, and the noise distribution."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.weights import Floats


def likeliest(context: Floats, output: Floats, topn: int, *, mean: bool) -> list[tuple[int, float]]:
    """Return the rows of `output` (n, d) that are likeliest for a context (k, d), with chances.

    The softmax, in double, of the products with the context's mean, or sum.

    >>> likeliest(np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32), 1, mean=True)
    [(0, 0.5)]
    """
    hidden = np.asarray(context.mean(axis=0) if mean else context.sum(axis=0), np.float32)
    logits = (output @ hidden).astype(np.float64)  # a product in double would copy the matrix
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    best = np.argsort(-chances, kind="stable")[:topn]
    return [(int(row), float(chances[row])) for row in best]


def paths(at: NDArray[np.int64], path: NDArray[np.uint32]) -> dict[str, NDArray[np.object_]]:
    """Return the turns ("code") and nodes ("point") of every word, arrays of a length of their own.

    at (n + 1), path: as `Tree.paths` has them.

    >>> paths(np.array([0, 1]), np.array([5], np.uint32))["point"][0].tolist()
    [2]
    """
    parts = {"code": (path & 1).astype(np.uint8), "point": path >> 1}
    made = {name: np.empty(len(at) - 1, object) for name in parts}
    for name, part in parts.items():
        for word, (begin, end) in enumerate(pairwise(at.tolist())):
            made[name][word] = part[begin:end]
    return made


def cumulated(counts: NDArray[np.int64], ns_exponent: float) -> NDArray[np.uint32]:
    """Return the sums (n) of count ** ns_exponent up to each word, scaled to end at 2^31 - 1.

    >>> cumulated(np.array([3, 1]), 1.0).tolist()
    [1610612735, 2147483647]
    """
    sums = np.cumsum(np.maximum(counts, 1).astype(np.float64) ** ns_exponent)
    top = 2**31 - 1
    return (
        np.round(sums / sums[-1] * top).astype(np.uint32) if len(sums) else sums.astype(np.uint32)
    )
