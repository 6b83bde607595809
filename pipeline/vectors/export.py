"""Vectors for other programs: Parquet, NumPy, safetensors, and layers of torch and Keras."""

import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from corpora.errors import MillraceError
from pipeline.vectors import arrow_file
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, writing
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.keys import Key
from pipeline.vectors.rows import Matrix, blocks

PIECE = 1 << 14  # rows written at a time
Index = dict[Key, int]


def write(vectors: Keyed, address: Address) -> None:
    """Write the format that the name says: .arrow, .parquet, .npy or .safetensors.

    Raises VectorFileError for another name.
    """
    name = os.fspath(address)
    suffix = os.path.splitext(name.partition("?")[0])[1]  # noqa: PTH122  # it may be a URL
    if suffix not in WRITERS:
        raise VectorFileError(
            f"no format is known by the end of the name: {suffix or 'there is none'}", url=name,
            remedy=f"choose one of {', '.join(WRITERS)}",
        )  # fmt: skip
    WRITERS[suffix](vectors, address)


def write_parquet(vectors: Keyed, address: Address) -> None:
    """Write columns `key`, `vector` (a list of d numbers) and the attributes, packed with zstd."""
    made: Any = pa.Table.from_batches([arrow_file.batch(vectors)])
    if pa.types.is_union(made.schema.field("key").type):
        listed = [str(key) for key in vectors.index_to_key]  # Parquet has no column of two types
        made = made.set_column(0, "key", pa.array(listed, pa.string()))
    with writing(address) as out:
        parquet.write_table(made, out, compression="zstd", row_group_size=PIECE)


def write_npy(vectors: Keyed, address: Address) -> None:
    """Write the matrix (n, d), and beside it NAME.keys.jsonl: each key as JSON on a line."""
    name = os.fspath(address)
    rows = vectors.next_index
    with writing(f"{name.removesuffix('.npy')}.keys.jsonl") as out:
        for key, _ in zip(vectors.index_to_key, range(rows), strict=False):
            out.write(json.dumps(key, ensure_ascii=False).encode() + b"\n")
    with writing(address) as out:
        head = {
            "descr": np.lib.format.dtype_to_descr(vectors.vectors.dtype),
            "fortran_order": False,
            "shape": (rows, vectors.vector_size),
        }
        np.lib.format.write_array_header_1_0(out, head)
        for some in blocks(rows, PIECE):
            out.write(vectors.vectors[some].tobytes())


def write_safetensors(vectors: Keyed, address: Address) -> None:
    """Write the tensors `vectors` (n, d), `keys` (bytes of UTF-8) and `key_ends` (n).

    Key i is keys[key_ends[i - 1] : key_ends[i]]; whole numbers are written as text. Raises
    MillraceError where the library is missing.
    """
    library = _library("safetensors.numpy", "safetensors")
    rows = vectors.next_index
    names = [str(key).encode() for key in vectors.index_to_key[:rows]]
    tensors = {
        "vectors": np.ascontiguousarray(vectors.vectors[:rows]),
        "keys": np.frombuffer(b"".join(names), np.uint8),
        "key_ends": np.cumsum([len(name) for name in names], dtype=np.int64),
    }
    data = library.save(tensors, {"format": "np"})
    with writing(address) as out:
        out.write(data)


def embedding_matrix(vectors: Keyed, reserved: int) -> tuple[Matrix, Index]:
    """Return a matrix (reserved + n, d) float32 and the row of every key.

    The first `reserved` rows are zero: for padding, and for words that have no vector.
    """
    rows = vectors.next_index
    matrix = np.zeros((reserved + rows, vectors.vector_size), np.float32)
    matrix[reserved:] = vectors.vectors[:rows]
    listed = zip(vectors.index_to_key, range(reserved, reserved + rows), strict=False)
    return matrix, dict(listed)


def torch_embedding(vectors: Keyed, reserved: int, *, freeze: bool) -> tuple[Any, Index]:
    """Return a torch.nn.Embedding, whose row 0 is padding if any is reserved, and keys' rows."""
    torch = _library("torch", "torch")
    matrix, index = embedding_matrix(vectors, reserved)
    layer = torch.nn.Embedding.from_pretrained(
        torch.from_numpy(matrix), freeze=freeze, padding_idx=0 if reserved else None
    )
    return layer, index


def keras_embedding(vectors: Keyed, reserved: int, *, trainable: bool) -> tuple[Any, Index]:
    """Return a keras.layers.Embedding, whose row 0 is masked if any is reserved, and keys' rows."""
    keras = _library("keras", "keras")
    matrix, index = embedding_matrix(vectors, reserved)
    layer = keras.layers.Embedding(*matrix.shape, mask_zero=bool(reserved), trainable=trainable)
    layer.build((None,))
    layer.set_weights([matrix])
    return layer, index


def _library(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MillraceError(
            f"this needs the package {package}. To mend it: pip install {package}"
        ) from error


WRITERS: dict[str, Callable[[Keyed, Address], None]] = {
    ".arrow": arrow_file.write,
    ".parquet": write_parquet,
    ".npy": write_npy,
    ".safetensors": write_safetensors,
}
