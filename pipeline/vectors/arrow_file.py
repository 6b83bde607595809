"""Vectors with keys as one Arrow IPC file: written from memory as it is, mapped when it is read.

It has one batch with the columns `key`, `vector` (a list of d numbers) and "attribute.<name>" for
each attribute, so that whatever reads Arrow can read it. Nothing in it is code.
"""

import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.sources.source import Source
from pipeline.vectors import arrow_plain, attributes
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, local_path, named, source, writing
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.rows import Matrix, in_order
from pipeline.words.tags import TagTable

KIND, VERSION = b"millrace.keyed_vectors", b"1"
ATTRIBUTE, LOCKS = "attribute.", "lockf"
MAGIC = b"ARROW1"
OTHERS = "read word2vec's formats with load_word2vec_format"
PICKLED = (
    "it looks like a pickle of gensim's, which would run as code",
    "make a file of it that doesn't, with the command `millrace import-gensim`",
)
Held = tuple[TagTable, Matrix, dict[str, NDArray[Any]]]


def batch(vectors: Keyed) -> pa.RecordBatch:
    """Return keys, vectors and attributes as columns; the vectors are not copied.

    Raises TypeError for an attribute that is no data.
    """
    rows = vectors.next_index
    matrix = in_order(vectors.vectors[:rows])
    numbers: Any = pa.array(matrix.reshape(-1))
    columns: dict[str, Any] = {
        "key": vectors.index_to_key.column(),
        "vector": pa.FixedSizeListArray.from_arrays(numbers, vectors.vector_size),
    }
    for name, values in vectors.expandos.items():
        columns[ATTRIBUTE + name] = attributes.column(name, values[:rows])
    rates = vectors.rates()
    if rates is not None:
        columns[LOCKS] = pa.array(np.broadcast_to(rates, len(vectors))[:rows])
    made: Any = pa.record_batch(columns)
    return made.replace_schema_metadata({KIND: VERSION})  # type: ignore[no-any-return]


def write(vectors: Keyed, address: Address) -> None:
    """Write the file; it gets its name when it is complete."""
    made = batch(vectors)
    with writing(address) as out, pa.ipc.new_file(cast("Any", out), made.schema) as file:
        file.write_batch(made)


def read(address: Address, mmap: str | None) -> Held:
    """Return keys, vectors and attributes; with mmap "r" the vectors stay in the file.

    Raises VectorFileError for what is no such file, and for one to be mapped that is packed or
    lies elsewhere.
    """
    if mmap not in (None, "r"):
        raise ValueError(f"mmap is None or 'r', not {mmap!r}")
    _check_model(named(address))
    file = source(address)
    path = None if file.archive else local_path(os.fspath(address))
    try:
        return _held(_opened(file, path, mmap), file.label, copied=mmap is None)
    except VectorFileError:
        raise
    except (pa.ArrowException, TypeError, KeyError, ValueError, OSError) as error:
        raise _not_ours(file.label, str(error)) from None


def _check_model(address: str) -> None:
    """Raise VectorFileError for a model's file: it is a zip, but its members are no choice."""
    path = local_path(address)
    if path is not None and path.is_file():
        with path.open("rb") as file:
            head = file.read(64)
        if head.startswith(b"PK") and b"words.arrow" in head:
            raise VectorFileError(
                "this is a model, whose vectors are a part of it", url=address,
                remedy="load it with Word2Vec.load(...) or Doc2Vec.load(...), and take its .wv",
            )  # fmt: skip


def _opened(file: Source, path: Path | None, mmap: str | None) -> Any:
    mapped = _mapped(str(path)) if path else None
    if mapped is not None:
        return mapped
    if mmap is not None:
        raise VectorFileError(
            "only a local file that is not packed can be mapped", url=file.label,
            remedy="unpack it on this machine, or read it with mmap=None",
        )  # fmt: skip
    return pa.BufferReader(b"".join(file.blocks()))


def _mapped(path: str) -> Any:
    mapped = pa.memory_map(path)
    if mapped.size() >= 2 and mapped.read(len(MAGIC))[:1] == b"\x80":
        raise _not_ours(path, *PICKLED)
    mapped.seek(0)
    packed = mapped.read(len(MAGIC)) != MAGIC
    mapped.seek(0)
    return None if packed else mapped


def _held(opened: Any, label: str, *, copied: bool) -> Held:
    schema, batches = arrow_plain.read(opened)
    if (schema.metadata or {}).get(KIND) != VERSION or len(batches) != 1:
        raise _not_ours(label, "it is Arrow, but of something else")
    table: Any = batches[0]
    lists = table["vector"]
    if lists.null_count or table["key"].null_count:
        raise _not_ours(label, "it lacks values")
    if not pa.types.is_fixed_size_list(lists.type):
        raise _not_ours(label, "its vectors have no fixed size")
    vectors = lists.flatten().to_numpy().reshape(len(lists), lists.type.list_size)
    found = {
        name.removeprefix(ATTRIBUTE): attributes.of_column(name, table[name])
        for name in table.schema.names
        if name.startswith(ATTRIBUTE) or name == LOCKS
    }
    keys = TagTable(table["key"], np.zeros(len(lists), np.int64))
    return keys, np.array(vectors) if copied else vectors, found


def _not_ours(label: str, why: str, remedy: str = OTHERS) -> VectorFileError:
    return VectorFileError(
        f"this is no file of vectors that save() wrote: {why}", url=label, remedy=remedy
    )
