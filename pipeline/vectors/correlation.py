"""Pearson's and Spearman's correlation, each with the chance of one as far from zero."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
STEPS, CLOSE = 300, 1e-15  # of the continued fraction


class Correlation(NamedTuple):
    """A correlation coefficient, and its two-sided p-value by Student's t distribution."""

    statistic: float
    pvalue: float


def pearson(x: Any, y: Any) -> Correlation:
    """Return the linear correlation of two rows of n numbers; NaN where one does not vary.

    >>> pearson([1, 2, 3], [2, 4, 6])
    Correlation(statistic=1.0, pvalue=0.0)
    """
    a, b = (np.asarray(values, np.float64) - np.mean(values) for values in (x, y))
    both = math.sqrt(float(a @ a) * float(b @ b))
    if len(a) < 2 or both == 0:
        return Correlation(math.nan, math.nan)
    r = max(-1.0, min(1.0, float(a @ b) / both))
    return Correlation(r, _pvalue(r, len(a)))


def spearman(x: Any, y: Any) -> Correlation:
    """Return the correlation of ranks of two rows of n numbers; equal ones share their mean rank.

    >>> spearman([1, 2, 9], [3, 5, 5]).statistic.__round__(3)
    0.866
    """
    return pearson(_ranks(np.asarray(x)), _ranks(np.asarray(y)))


def _ranks(values: NDArray[Any]) -> Numbers:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: Numbers = (ends - (counts - 1) / 2)[inverse]
    return middles


def _pvalue(r: float, n: int) -> float:
    """Return the chance of |r| or more among n pairs that don't hang together."""
    return 1.0 if n == 2 else _beta((n - 2) / 2, 0.5, 1 - r * r)


def _beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side is the quick one
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / (1 + term * d), 1 + term / c
            value *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return front * value / a
