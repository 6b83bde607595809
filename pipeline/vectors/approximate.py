"""An approximate index of vectors, for ten million rows and answers in a millisecond.

A graph of neighbours (HNSW, Malkov and Yashunin 2016) by usearch, which is an extra.
"""

from importlib import import_module
from typing import Any

import numpy as np

from corpora.errors import MillraceError
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, local_path
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.rows import Matrix, blocks
from pipeline.vectors.searched import Found

STEP = 1 << 16  # rows added at a time


class ApproximateIndex:
    """Finds most of the nearest keys without looking at all: an `indexer` for most_similar.

    It refers to vectors as they were when it was built.
    """

    def __init__(self, vectors: Keyed, index: Any) -> None:
        self._vectors = vectors
        self._index = index

    @classmethod
    def build(
        cls, vectors: Keyed, connectivity: int = 16, precision: str = "f16", workers: int = 0
    ) -> "ApproximateIndex":
        """Index all vectors, on `workers` threads or with 0 on all.

        connectivity: neighbours kept for each row, more find more and cost memory. precision: what
        the index keeps of the numbers: "f32", "f16" or "i8". Raises MillraceError without usearch.
        """
        index = _library().Index(
            ndim=vectors.vector_size, metric="cos", dtype=precision, connectivity=connectivity
        )
        for some in blocks(vectors.next_index, STEP):
            rows = np.arange(some.start, some.stop, dtype=np.uint64)
            index.add(rows, np.asarray(vectors.vectors[some], np.float32), threads=workers)
        return cls(vectors, index)

    def most_similar(self, vector: Matrix, num_neighbors: int) -> Found:
        """Return about the nearest keys to a vector (d), with cosines, nearest first.

        A key that was asked for is among them.
        """
        near = self._index.search(np.asarray(vector, np.float32), num_neighbors)
        names = self._vectors.index_to_key.at(np.asarray(near.keys, np.int64))
        return list(zip(names, (1 - near.distances).tolist(), strict=True))

    def save(self, path: Address) -> None:
        """Write the index, without vectors' keys, to a local file."""
        self._index.save(str(_local(path)))

    @classmethod
    def load(cls, vectors: Keyed, path: Address) -> "ApproximateIndex":
        """Map what `save` wrote; raises VectorFileError if that is of other vectors."""
        try:
            index = _library().Index.restore(str(_local(path)), view=True)
        except (RuntimeError, ValueError):
            index = None
        if index is None or len(index) != vectors.next_index or index.ndim != vectors.vector_size:
            raise VectorFileError(
                "this is no index of these vectors", url=str(path), remedy="build it again"
            )
        return cls(vectors, index)


def _local(path: Address) -> Address:
    found = local_path(str(path))
    if found is None:
        raise VectorFileError("an index is a local file", url=str(path), remedy="copy it here")
    return found


def _library() -> Any:
    try:
        return import_module("usearch.index")
    except ImportError as error:
        raise MillraceError(
            "an approximate index needs the package usearch. To mend it: pip install usearch"
        ) from error
