"""Between NumPy arrays and Arrow columns, without a copy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.errors import MillraceError

INT32_MAX = 2**31 - 1


def larger(array: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    """Return a copy with room for n items; those beyond the old ones are not set."""
    grown = np.empty(n, array.dtype)
    grown[: len(array)] = array
    return grown


def string_array(starts: npt.NDArray[np.int32], chars: npt.NDArray[np.uint8]) -> pa.StringArray:
    """Return an Arrow array that reads the given arrays; string i is chars[starts[i]:starts[i+1]].

    >>> string_array(np.array([0, 1, 3], np.int32), np.frombuffer(b"abb", np.uint8)).to_pylist()
    ['a', 'bb']
    """
    return pa.StringArray.from_buffers(len(starts) - 1, _buffer(starts), _buffer(chars))


def id_lists(offsets: npt.NDArray[Any], ids: npt.NDArray[np.int32]) -> "pa.ListArray[Any]":
    """Return list<int32>; list i is ids[offsets[i]:offsets[i+1]]."""
    made: Any = pa.ListArray.from_buffers(
        pa.list_(pa.int32()),
        len(offsets) - 1,
        [None, _buffer(offsets.astype(np.int32, copy=False))],
        children=[pa.array(ids, pa.int32())],
    )
    return made  # type: ignore[no-any-return]


def string_buffers(text: "pa.Array[Any]") -> tuple[npt.NDArray[Any], pa.Buffer | None]:
    """Return a string column's offsets, (len + 1) int32 or int64, and the bytes they point into.

    A slice's offsets begin where the slice does. Null counts as empty.
    """
    if not (pa.types.is_string(text.type) or pa.types.is_large_string(text.type)):
        text = text.cast(pa.string())
    if text.null_count:
        text = text.fill_null("")
    return _offsets(text, wide=pa.types.is_large_string(text.type)), text.buffers()[2]


def list_offsets(lists: "pa.Array[Any]") -> npt.NDArray[np.int64]:
    """Return the offsets of a column of lists, (len + 1) int64; raises MillraceError if they fall.

    They point into the whole child, wherever the column is a slice of another.
    """
    wide = pa.types.is_large_list(lists.type)
    offsets = _offsets(lists, wide=wide).astype(np.int64)
    if offsets[0] < 0 or (np.diff(offsets) < 0).any():
        raise MillraceError("the offsets of the Arrow column fall")
    return offsets


def _offsets(array: "pa.Array[Any]", *, wide: bool) -> npt.NDArray[Any]:
    kind = np.dtype(np.int64 if wide else np.int32)
    buffer: Any = array.buffers()[1]
    if buffer is None or buffer.size < (array.offset + len(array) + 1) * kind.itemsize:
        if len(array):
            raise MillraceError("the Arrow column has fewer offsets than rows")
        return np.zeros(1, kind)  # Arrow allows an empty array to have no offsets
    return np.frombuffer(buffer, kind, len(array) + 1, array.offset * kind.itemsize)


def _buffer(array: npt.NDArray[Any]) -> Any:
    memory: Any = np.ascontiguousarray(array)
    return pa.py_buffer(memory)
