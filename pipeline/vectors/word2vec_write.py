"""Write the word2vec formats, text and binary."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, writing
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.rows import Matrix, blocks

STEP = 1 << 12  # rows written at a time


def write(
    vectors: Keyed,
    address: Address,
    *,
    fvocab: Address | None,
    binary: bool,
    total_vec: int | None,
    write_header: bool,
    prefix: str,
    append: bool,
    sort_attr: str,
) -> None:
    """Write every key once, by falling attribute; what `save_word2vec_format` says."""
    order = _order(vectors, sort_attr, needed=fvocab is not None)
    if fvocab is not None:
        counts = vectors.expandos[sort_attr]
        with writing(fvocab, append=append) as out:
            for some in blocks(len(order), STEP):
                for name, row in zip(
                    _names(vectors, order[some], prefix), order[some], strict=True
                ):
                    out.write(f"{name} {counts[row]}\n".encode())
    with writing(address, append=append) as out:
        if write_header:
            total = len(vectors) if total_vec is None else total_vec
            out.write(f"{total} {vectors.vector_size}\n".encode())
        for some in blocks(len(order), STEP):
            names = _names(vectors, order[some], prefix)
            block = vectors.vectors[order[some]]
            out.write(_binary(names, block) if binary else _text(names, block))


def _order(vectors: Keyed, attr: str, *, needed: bool) -> NDArray[np.int64]:
    if attr in vectors.expandos:
        return np.argsort(-vectors.expandos[attr].astype(np.float64), kind="stable")
    if needed:
        raise ValueError(f"there is no attribute {attr!r} to write into the vocabulary's file")
    return np.arange(len(vectors))


def _names(vectors: Keyed, some: NDArray[np.int64], prefix: str) -> list[str]:
    """Return keys as they stand in a file; raises VectorFileError for one that can't."""
    names = [f"{prefix}{key}" for key in vectors.index_to_key.at(some)]
    for name in names:
        if " " in name or "\n" in name:
            raise VectorFileError(
                f"the key {name!r} holds a space or a line's end, with which this format ends keys",
                remedy="save() keeps any key, or name it anew",
            )
    return names


def _binary(names: list[str], block: Matrix) -> bytes:
    data = np.ascontiguousarray(block, "<f4").tobytes()
    width = len(data) // len(names)
    parts: list[bytes] = []
    for row, name in enumerate(names):
        parts += (f"{name} ".encode(), data[row * width : (row + 1) * width])
    return b"".join(parts)


def _text(names: list[str], block: Matrix) -> bytes:
    """Return lines; every number is the shortest that reads as the same float."""
    size = block.shape[1]
    wide = np.ascontiguousarray(block, np.promote_types(block.dtype, np.float32))
    numbers: Any = pc.cast(pa.array(wide.reshape(-1)), pa.string())
    starts = pa.array(np.arange(0, len(numbers) + 1, size), pa.int32())
    rows: Any = pc.binary_join(pa.ListArray.from_arrays(starts, numbers), " ")
    parts = (f"{name} {row}\n" for name, row in zip(names, rows.to_pylist(), strict=True))
    return "".join(parts).encode()
