"""Random numbers by seed and place: the same on every machine, with every version of NumPy.

The generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators"), whose n-th number can be had without the ones before it.
"""

import numpy as np
import numpy.typing as npt

GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def draws(key: int, first: int, n: int) -> npt.NDArray[np.uint64]:
    """Return numbers `first` to `first + n` of the sequence of a key; uint64, (n).

    >>> [hex(int(x)) for x in draws(0, 0, 2)]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    >>> bool((draws(7, 0, 9)[4:] == draws(7, 4, 5)).all())
    True
    """
    start = np.uint64((key + GAMMA * (first + 1)) & MASK)
    z = start + np.arange(n, dtype=np.uint64) * np.uint64(GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(key: int, first: int, n: int) -> npt.NDArray[np.float64]:
    """Return the same numbers as fractions, evenly spread over [0, 1); float64, (n)."""
    whole: npt.NDArray[np.float64] = (draws(key, first, n) >> np.uint64(11)).astype(np.float64)
    return whole * np.float64(2.0**-53)


def permutation(key: int, first: int, n: int) -> npt.NDArray[np.int64]:
    """Return 0 to n in an order drawn from the numbers `first` to `first + n`; int64, (n)."""
    return np.argsort(draws(key, first, n), kind="stable")
