"""The matrices of a model: allocated, filled, grown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import kernels
from pipeline.settings import Settings

Floats = NDArray[np.float32]


@dataclass
class Weights:
    """What training writes. `dim` columns of a vector count; up to the stride, the rest is zero.

    input: (words, stride), the words' vectors; output: (words, blocks * stride), with negative
    sampling; nodes: (words - 1, blocks * stride), with hierarchical softmax; tags: (tags, stride),
    the documents' vectors. Rows start on 64-byte boundaries.

    >>> w = Weights.fresh(3, 0, Settings(vector_size=10), seed=1)
    >>> w.input.shape, w.vectors.shape, bool((abs(w.vectors) <= 0.1).all()), w.nodes
    ((3, 16), (3, 10), True, None)
    >>> grown = w.grow(5, 0, seed=1)
    >>> bool((grown.vectors == Weights.fresh(5, 0, Settings(vector_size=10), seed=1).vectors).all())
    True
    """

    input: Floats
    output: Floats | None
    nodes: Floats | None
    tags: Floats | None
    dim: int

    @classmethod
    def fresh(cls, words: int, tags: int, settings: Settings, seed: int) -> "Weights":
        """Return vectors from U[-1/dim, 1/dim), and outputs and nodes of zeros."""
        stride = kernels.stride_of(settings.vector_size)
        empty = kernels.aligned((0, stride))
        wide = kernels.aligned((0, settings.blocks * stride))
        none = cls(
            empty,
            wide if settings.negative else None,
            wide if settings.hierarchical else None,
            empty if settings.has_tags else None,
            settings.vector_size,
        )
        return none.grow(words, tags, seed)

    @classmethod
    def of(
        cls, vectors: Floats, output: Floats | None, nodes: Floats | None, tags: Floats | None
    ) -> "Weights":
        """Return trainable copies of matrices without padding: (rows, dim) or (rows, blocks * dim).

        They may be mapped from files.
        """
        dim = vectors.shape[1]
        wide, deep, tagged = (
            None if matrix is None else _padded(matrix, dim) for matrix in (output, nodes, tags)
        )
        return cls(_padded(vectors, dim), wide, deep, tagged, dim)

    def grow(self, words: int, tags: int, seed: int) -> "Weights":
        """Return weights for so many words and tags: these, and then rows as `fresh` has them.

        What has not grown is shared with the old ones.
        """
        return Weights(
            self._vectors(self.input, words, seed, tags=False),
            None if self.output is None else _longer(self.output, words),
            None if self.nodes is None else _longer(self.nodes, max(words - 1, 0)),
            None if self.tags is None else self._vectors(self.tags, tags, seed, tags=True),
            self.dim,
        )

    @property
    def vectors(self) -> Floats:
        """(words, dim) the words' vectors: a view of `input`."""
        return self.input[:, : self.dim]

    @property
    def tag_vectors(self) -> Floats | None:
        """(tags, dim) the documents' vectors: a view of `tags`, if there are any."""
        return None if self.tags is None else self.tags[:, : self.dim]

    def _vectors(self, matrix: Floats, rows: int, seed: int, *, tags: bool) -> Floats:
        made = _longer(matrix, rows)
        if made is not matrix:
            old = len(matrix)
            # Tags' values come from numbers of their own: no document starts as a word does.
            kernels.initial_rows(made[old:], old, self.dim, seed, tags=tags)
        return made


def unpadded(matrix: Floats, dim: int) -> Floats:
    """Return (rows, blocks, dim): a view of padded rows, (rows, blocks * stride)."""
    stride = kernels.stride_of(dim)
    return matrix.reshape(len(matrix), matrix.shape[1] // stride, stride)[:, :, :dim]


def _padded(matrix: Floats, dim: int) -> Floats:
    blocks = matrix.shape[1] // dim
    made = kernels.aligned((len(matrix), blocks * kernels.stride_of(dim)))
    unpadded(made, dim)[...] = matrix.reshape(len(matrix), blocks, dim)
    return made


def _longer(matrix: Floats, rows: int) -> Floats:
    if rows == len(matrix):
        return matrix
    made = kernels.aligned((rows, matrix.shape[1]))
    made[: len(matrix)] = matrix
    return made
