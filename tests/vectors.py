"""Vectors to test with: words of many kinds, with clusters so that neighbours are not by chance."""

import numpy as np

ODD = ["\u00e9t\u00e9", "\u3042\u3044", "a\xa0b", '"', "'", "#", "\\", "NA", "null", "-1.5", "\x1c"]


def words(n=200):
    return [*ODD, *(f"w{i}" for i in range(n - len(ODD)))]


def matrix(n=200, d=20, seed=1):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((12, d))
    rows = centres[rng.integers(12, size=n)] + 0.6 * rng.standard_normal((n, d))
    return (rows * rng.uniform(0.2, 3, (n, 1))).astype(np.float32)
