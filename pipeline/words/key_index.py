"""Where keys stand in a long array of them; no key becomes a Python object."""

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.tokens.interner import Interner

Numbers = NDArray[np.int64]
Rows = NDArray[np.int32]

SPREAD = 4  # numbers that lie at most so many times as far apart as there are get a table


def word_index(words: Any) -> Interner:
    """Return an index of distinct strings (n), whose `find` gives their positions.

    Raises ValueError if one comes twice.

    >>> word_index(pa.array(["b", "a"])).find(pa.array(["a", "c"])).tolist()
    [1, -1]
    """
    index = Interner(room=len(words))
    index.intern(pa.ListArray.from_arrays(pa.array([0, len(words)], pa.int32()), words))
    if len(index) < len(words):
        raise ValueError(f"{len(words) - len(index)} of {len(words)} keys stand there twice")
    return index


class NumberIndex:
    """The positions of distinct numbers, (n) int64; made when something is first looked for.

    >>> NumberIndex(np.array([7, 5, 10**12])).find(np.array([5, 6, 10**12])).tolist()
    [1, -1, 2]
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def find(self, wanted: Numbers) -> Rows:
        """Return the position (m) of each of the numbers `wanted` (m), -1 where it is not there."""
        found = np.full(len(wanted), -1, np.int32)
        if not len(self._numbers):
            return found
        low, high = self._bounds
        inside = np.flatnonzero((wanted >= low) & (wanted <= high))
        asked = wanted[inside]
        if self._is_dense:
            found[inside] = self._table[asked - low]
            return found
        # In order, so that the search goes through memory and does not jump about in it.
        asked_order = np.argsort(asked)
        asked, inside = asked[asked_order], inside[asked_order]
        at = np.searchsorted(self._sorted, asked)
        hit = self._sorted[at] == asked
        found[inside[hit]] = self._order[at[hit]]
        return found

    @cached_property
    def _bounds(self) -> tuple[int, int]:
        return int(self._numbers.min()), int(self._numbers.max())

    @property
    def _is_dense(self) -> bool:
        low, high = self._bounds
        return high - low < SPREAD * len(self._numbers)

    @cached_property
    def _table(self) -> Rows:
        low, high = self._bounds
        table = np.full(high - low + 1, -1, np.int32)
        table[self._numbers - low] = np.arange(len(self._numbers), dtype=np.int32)
        return table

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._numbers)

    @cached_property
    def _sorted(self) -> Numbers:
        return self._numbers[self._order]


def first_seen(numbers: Numbers) -> NDArray[np.int64]:
    """Return where in `numbers` (n) each distinct one stands first, in that order.

    >>> first_seen(np.array([4, 9, 4, 1])).tolist()
    [0, 1, 3]
    """
    _, at = np.unique(numbers, return_index=True)
    return np.sort(at).astype(np.int64)
