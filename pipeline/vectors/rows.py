"""Lengths and directions of rows of a matrix, some thousand rows at a time: it may be mapped."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]  # (n, d) float16, float32 or float64
Floats = NDArray[np.float32]

ROWS = 1 << 14  # rows looked at at a time
TINY = np.float32(1e-30)  # what a vector of length zero is divided by


def blocks(rows: int, step: int = ROWS) -> Iterator[slice]:
    """Yield slices that cover a number of rows."""
    return (slice(at, min(at + step, rows)) for at in range(0, rows, step))


def in_order(vectors: Matrix) -> Matrix:
    """Return the rows (n, d) one right after the other: as they are, or in a copy.

    The copy of what lies in a file lies in a temporary file: it may be more than memory holds.
    """
    if vectors.flags.c_contiguous or not _in_file(vectors):
        return np.ascontiguousarray(vectors)
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # a disk that is full is told now, and ends nothing
            os.posix_fallocate(file.fileno(), 0, vectors.nbytes)
        made = np.memmap(file, vectors.dtype, "r+", shape=vectors.shape).view(np.ndarray)
    for some in blocks(len(vectors)):
        made[some] = vectors[some]
    return made


def _in_file(matrix: Matrix) -> bool:
    under: Any = matrix
    while isinstance(under, np.ndarray | memoryview):
        under = under.base if isinstance(under, np.ndarray) else under.obj
    return isinstance(under, mmap.mmap)


def lengths(vectors: Matrix) -> Floats:
    """Return the Euclidean length (n) of every row.

    >>> lengths(np.array([[3, 4], [0, 0]], np.float32)).tolist()
    [5.0, 0.0]
    """
    found = np.empty(len(vectors), np.float32)
    for some in blocks(len(vectors)):
        block = np.asarray(vectors[some], np.promote_types(vectors.dtype, np.float32))
        np.sqrt(np.einsum("ij,ij->i", block, block), out=found[some], casting="same_kind")
    return found


def direction(vector: Matrix) -> NDArray[np.float64]:
    """Return a vector (d) of length 1; one of length zero stays as it is.

    >>> direction(np.array([3, 4], np.float16)).tolist()
    [0.6, 0.8]
    """
    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    return wide / length if length > 0 else wide


def cosine(one: Matrix, other: Matrix) -> float:
    """Return the cosine of two vectors (d), exactly 1 for the same; 0 beside one of length zero.

    >>> cosine(np.array([1, 1], np.float32), np.array([1, 1], np.float32))
    1.0
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    both = float(a @ a) * float(b @ b)
    return float(a @ b) / float(np.sqrt(both)) if both > 0 else 0.0
