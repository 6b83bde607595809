"""What can be told from output vectors and counts: likely words, and the noise distribution."""

import numpy as np
from numpy.typing import NDArray

from pipeline.core.weights import Floats


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
