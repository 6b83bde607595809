"""A model as files: data, whatever program reads them.

Words and tags with their counts are Arrow IPC files, matrices are .npy without padding, settings
are JSON. Reading maps them and runs nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from pipeline.settings import Settings
from pipeline.tags import TagTable
from pipeline.tree import Tree
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Floats

WORDS, TAGS, SETTINGS = "words.arrow", "tags.arrow", "settings.json"
MATRICES = ("vectors", "output", "nodes", "tag_vectors")
PIECE = 1 << 14  # rows written at a time


class ModelError(MillraceError):
    """A model's files don't fit together, or what is asked for doesn't fit the model."""


@dataclass(frozen=True)
class Matrices:
    """A model's matrices without padding, maybe mapped; what its settings don't need is None.

    vectors (words, dim); output (words, blocks * dim); nodes (words - 1, blocks * dim);
    tag_vectors (tags, dim); float32.
    """

    vectors: Floats
    output: Floats | None = None
    nodes: Floats | None = None
    tag_vectors: Floats | None = None


@dataclass(frozen=True)
class Files:
    """All that a model's files hold."""

    vocabulary: Vocabulary
    settings: Settings
    matrices: Matrices
    tags: TagTable | None
    tree: Tree | None


def write(folder: Path, files: Files) -> None:
    """Write a model's files into an empty folder."""
    vocabulary = files.vocabulary
    _write_table(folder / WORDS, {"word": vocabulary.words, "count": vocabulary.counts})
    if files.tags is not None:
        _write_table(folder / TAGS, {"tag": files.tags.keys, "count": files.tags.counts})
    for name in MATRICES:
        matrix = getattr(files.matrices, name)
        if matrix is not None:
            _write_rows(folder / f"{name}.npy", matrix)
    if files.tree is not None:
        np.save(folder / "leaves.npy", files.tree.leaves, allow_pickle=False)
        np.save(folder / "inner.npy", files.tree.inner, allow_pickle=False)
    said = {"words": vocabulary.size, "settings": asdict(files.settings)}
    (folder / SETTINGS).write_text(json.dumps(said, indent=1) + "\n")


def read(folder: Path) -> Files:
    """Map the files in a folder; raises ModelError for files that don't fit together."""
    try:
        said = json.loads((folder / SETTINGS).read_text())
        settings, size = Settings(**said["settings"]), int(said["words"])
        words, counts = _read_table(folder / WORDS, "word")
        tags = TagTable(*_read_table(folder / TAGS, "tag")) if settings.has_tags else None
        wanted = _shapes(settings, size, 0 if tags is None else tags.size)
        found = {name: _read_array(folder / f"{name}.npy") for name in wanted}
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as problem:
        raise ModelError(f"{folder} does not hold a model: {problem}") from problem
    if size > len(words):
        raise ModelError(f"{folder / WORDS} has {len(words)} words, not {size}")
    for name, (shape, kind) in wanted.items():
        array = found[name]
        if array.shape != shape or array.dtype != kind:
            raise ModelError(
                f"{folder / name}.npy has shape {array.shape} of {array.dtype}, "
                f"but {shape} of {np.dtype(kind)} belong to its {size} words"
            )
    tree = Tree(found["leaves"], found["inner"]) if settings.hierarchical else None
    matrices = Matrices(**{name: found[name] for name in MATRICES if name in found})
    return Files(Vocabulary(words, counts, size), settings, matrices, tags, tree)


def _shapes(
    settings: Settings, words: int, tags: int
) -> Mapping[str, tuple[tuple[int, ...], type[np.generic]]]:
    """Return the shape and type of every array that a model with such settings has."""
    dim, inner = settings.vector_size, max(words - 1, 0)
    wide = settings.blocks * dim
    shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
        "vectors": ((words, dim), np.float32)
    }
    if settings.negative:
        shapes["output"] = ((words, wide), np.float32)
    if settings.hierarchical:
        shapes["nodes"] = ((inner, wide), np.float32)
        shapes["leaves"] = ((words,), np.uint32)
        shapes["inner"] = ((inner,), np.uint32)
    if settings.has_tags:
        shapes["tag_vectors"] = ((tags, dim), np.float32)
    return shapes


def _write_table(path: Path, columns: Mapping[str, Any]) -> None:
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)


def _read_table(path: Path, key: str) -> tuple[Any, NDArray[np.int64]]:
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    keys, counts = table[key].combine_chunks(), table["count"]
    if isinstance(keys, pa.ChunkedArray):
        raise TypeError(f"{path.name} has no rows that belong together")
    if keys.null_count or counts.null_count:
        raise ValueError(f"{path.name} lacks a value")
    return keys, counts.to_numpy()


def _write_rows(path: Path, matrix: NDArray[np.float32]) -> None:
    """Write (rows, dim) or (rows, blocks, dim) as (rows, columns), some at a time."""
    rows, columns = len(matrix), int(np.prod(matrix.shape[1:]))
    with path.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)}
        np.lib.format.write_array_header_1_0(file, head)
        for at in range(0, rows, PIECE):
            file.write(np.ascontiguousarray(matrix[at : at + PIECE], "<f4").tobytes())


def _read_array(path: Path) -> NDArray[Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
