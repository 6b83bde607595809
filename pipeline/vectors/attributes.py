"""What is known of each key besides its vector: one array for each attribute, by index."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Attributes = dict[str, NDArray[Any]]


def allocate(held: Attributes, size: int, names: Iterable[str], kinds: Iterable[Any]) -> None:
    """Give each attribute an array (size) of its kind, which begins with the values that it had.

    Raises TypeError for a kind whose values the array that is there can't hold.

    >>> held = {"count": np.array([5, 3])}
    >>> allocate(held, 3, ["count"], [int])
    >>> held["count"].tolist()
    [5, 3, 0]
    """
    for name, kind in zip(names, kinds, strict=True):
        wanted = _kind(kind)
        there = held.get(name)
        if there is None:
            held[name] = np.zeros(size, wanted)
            continue
        if not np.can_cast(wanted, there.dtype, "same_kind"):
            raise TypeError(
                f"the attribute {name!r} holds {there.dtype}, which can't hold {wanted}"
            )
        if len(there) != size:
            held[name] = np.zeros(size, there.dtype)
            kept = min(size, len(there))
            held[name][:kept] = there[:kept]


def _kind(kind: Any) -> np.dtype[Any]:
    """Return an array's type for values of a kind; strings and the like stay Python objects."""
    found = np.dtype(np.int64 if kind is int else kind)
    return found if found.kind in "biufc" else np.dtype(object)
