"""What is known of each key besides its vector: one array for each attribute, by index."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
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


def column(name: str, values: NDArray[Any]) -> Any:
    """Return an attribute (n) as an Arrow column, null for a key that was given no string.

    Raises TypeError for what is neither numbers nor strings.

    >>> column("colour", np.array(["red", 0], object)).to_pylist()
    ['red', None]
    """
    try:
        # A key without a string has the 0 that every array begins with.
        gaps = values.dtype == object and any(isinstance(value, str | bytes) for value in values)
        none: Any = None
        return pa.array(np.where(values == 0, none, values) if gaps else values)
    except (pa.ArrowException, TypeError, ValueError):
        raise TypeError(
            f"the attribute {name!r} holds what is neither numbers nor strings, and can't be saved"
        ) from None


def of_column(name: str, held: Any) -> NDArray[Any]:
    """Return the attribute that `column` made a column of; numbers lie where they lay.

    Raises ValueError for numbers that are missing.

    >>> of_column("colour", pa.array(["red", None])).tolist()
    ['red', 0]
    """
    values: NDArray[Any] = held.to_numpy(zero_copy_only=False)
    if not held.null_count:
        return values
    if values.dtype != object:
        raise ValueError(f"the attribute {name!r} lacks values")
    return np.where(values == None, 0, values)  # noqa: E711  (of each element)


def picked(held: Mapping[str, NDArray[Any]], rows: NDArray[Any]) -> Attributes:
    """Return the attributes of some rows, named by a mask or by their places."""
    return {name: values[rows] for name, values in held.items()}


def grown(locks: NDArray[Any], size: int) -> NDArray[Any]:
    """Return rates (1) for all rows as they are, and those of each with 1 for new rows (size).

    >>> grown(np.zeros(2), 3).tolist(), grown(np.zeros(1), 3).tolist()
    ([0.0, 0.0, 1.0], [0.0])
    """
    missing = size - np.size(locks)
    if missing <= 0 or np.size(locks) == 1:
        return locks
    return np.pad(locks, (0, missing), constant_values=1)


def rates(
    locks: NDArray[Any], size: int, given: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Return factors of the learning rate, for all rows (1) or each (size); None if all are 1.

    locks: (1) or (size); given: others (size) that they are multiplied by. Raises ValueError for
    another number of them, and for what is no rate.

    >>> rates(np.array([0.5]), 2, np.array([1, 0], np.float32))
    array([0.5, 0. ], dtype=float32)
    """
    held = np.asarray(locks, np.float32)
    if held.shape not in ((1,), (size,)):
        raise ValueError(
            f"vectors_lockf has shape {held.shape}, but there are {size} vectors. To mend it: make "
            "it one number for all, or one for each"
        )
    if not (np.isfinite(held).all() and (held >= 0).all()):
        raise ValueError("vectors_lockf has to be finite numbers from 0 on")
    if (held == 1).all():
        return given
    return held if given is None else held * given


def _kind(kind: Any) -> np.dtype[Any]:
    """Return an array's type for values of a kind; strings and the like stay Python objects."""
    found = np.dtype(np.int64 if kind is int else kind)
    return found if found.kind in "biufc" else np.dtype(object)
