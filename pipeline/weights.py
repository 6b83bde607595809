"""The two matrices of a model: allocated, filled, grown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import kernels


@dataclass
class Weights:
    """input and output, (rows, stride) each; `dim` columns count, the rest of a row is zero.

    Rows start on 64-byte boundaries. Only training writes them.

    >>> w = Weights.fresh(3, 10, seed=1)
    >>> w.input.shape, w.vectors.shape, bool((abs(w.vectors) <= 0.1).all())
    ((3, 16), (3, 10), True)
    >>> grown = w.grow(5, seed=1)
    >>> bool((grown.vectors == Weights.fresh(5, 10, seed=1).vectors).all())
    True
    """

    input: NDArray[np.float32]
    output: NDArray[np.float32]
    dim: int

    @classmethod
    def fresh(cls, rows: int, dim: int, seed: int) -> "Weights":
        """Return input rows from U[-1/dim, 1/dim) and output rows of zeros."""
        shape = (rows, kernels.stride_of(dim))
        made = cls(kernels.aligned(shape), kernels.aligned(shape), dim)
        kernels.initial_rows(made.input, 0, dim, seed)
        return made

    @classmethod
    def of(cls, vectors: NDArray[np.float32], output: NDArray[np.float32]) -> "Weights":
        """Return trainable copies of two (rows, dim) matrices."""
        rows, dim = vectors.shape
        made = cls.fresh(0, dim, 0)
        made.input, made.output = (
            kernels.aligned((rows, kernels.stride_of(dim))) for _ in range(2)
        )
        made.input[:, :dim], made.output[:, :dim] = vectors, output
        return made

    def grow(self, rows: int, seed: int) -> "Weights":
        """Return weights with `rows` rows: these, and after them rows as `fresh` has them."""
        old = len(self.input)
        if rows == old:
            return self
        stride = self.input.shape[1]
        made = Weights(kernels.aligned((rows, stride)), kernels.aligned((rows, stride)), self.dim)
        made.input[:old], made.output[:old] = self.input, self.output
        kernels.initial_rows(made.input[old:], old, self.dim, seed)
        return made

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(rows, dim) the word vectors: a view of `input`."""
        return self.input[:, : self.dim]
