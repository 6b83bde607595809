"""Vectors of a store's version, or of a file, in other programs' formats."""

import os
from collections.abc import Callable
from pathlib import Path

from corpora.errors import UsageError
from pipeline.models import bundle
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model
from pipeline.store.versions import Store
from pipeline.vectors import export
from pipeline.vectors.files import local_path

VECTORS = b"ARROW1"  # what a file of vectors alone begins with

WRITERS: dict[str, Callable[[KeyedVectors, str], None]] = {
    "word2vec": lambda vectors, to: vectors.save_word2vec_format(to),
    "word2vec-binary": lambda vectors, to: vectors.save_word2vec_format(to, binary=True),
    "arrow": export.WRITERS[".arrow"],
    "parquet": export.WRITERS[".parquet"],
    "npy": export.WRITERS[".npy"],
    "safetensors": export.WRITERS[".safetensors"],
}
ENDS = {
    ".txt": "word2vec", ".vec": "word2vec", ".bin": "word2vec-binary",
    **{f".{name}": name for name in WRITERS if "word2vec" not in name},
}  # fmt: skip


def export_vectors(
    place: str, to: str, format_: str | None = None, *, documents: bool = False
) -> KeyedVectors:
    """Write the vectors of words, or of documents, to `to`, and return them.

    place: a store, STORE@N for its version N, or a file of this machine that `save` wrote. format_:
    a key of WRITERS, or None for what the name ends in. Raises MillraceError for a place without
    such vectors and for what can't be written.
    """
    write = WRITERS[format_ or _format_of(to)]
    vectors = vectors_at(place, documents=documents)
    write(vectors, to)
    return vectors


def vectors_at(place: str, *, documents: bool) -> KeyedVectors:
    """Return the vectors in a store or a file, mapped; raises MillraceError for none."""
    path = local_path(place)
    if path is not None and path.is_file():
        found = _in_file(path)
        if isinstance(found, KeyedVectors):
            return found
        model = found
    else:
        model = Model.open(Store.at(place).folder())
    if documents:
        return model.keyed_documents
    model.demand_trained_words()
    return model.keyed_vectors


def _in_file(path: Path) -> Model | KeyedVectors:
    with path.open("rb") as file:
        begin = file.read(len(VECTORS))
    if begin == VECTORS:
        return KeyedVectors.load(path, mmap="r")
    return bundle.read(path, mmap="r")[0]


def _format_of(to: str) -> str:
    name = to.partition("?")[0]
    for packed in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(packed)
    end = os.path.splitext(name)[1]  # noqa: PTH122  (it may be a URL)
    if end not in ENDS:
        raise UsageError(
            f"no format is known by the end of the name {to}. To mend it: give --format, or a name "
            f"in {', '.join(ENDS)}"
        )
    return ENDS[end]
