"""The matrices of a model: allocated, filled, grown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import kernels
from pipeline.core.row_file import RowFile
from pipeline.core.settings import Settings

Floats = NDArray[np.float32]


@dataclass
class Weights:
    """What training writes. `dim` columns of a vector count; up to the stride, the rest is zero.

    input: (words, stride), the words' vectors; output: (words, blocks * stride), with negative
    sampling; nodes: (words - 1, blocks * stride), with hierarchical softmax; tags: (tags, stride),
    the documents' vectors. Rows start on 64-byte boundaries. tag_file: where the documents' rows
    lie, if that is a file and not memory.

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
    tag_file: RowFile | None = None

    @classmethod
    def fresh(
        cls, words: int, tags: int, settings: Settings, seed: int, tag_file: Path | None = None
    ) -> "Weights":
        """Return vectors from U[-1/dim, 1/dim), and outputs and nodes of zeros.

        tag_file: a new file for the documents' vectors, which are then no part of the memory.
        """
        stride = kernels.stride_of(settings.vector_size)
        empty = kernels.aligned((0, stride))
        wide = kernels.aligned((0, settings.blocks * stride))
        none = cls(
            empty,
            wide if settings.negative else None,
            wide if settings.hierarchical else None,
            empty if settings.has_tags else None,
            settings.vector_size,
            RowFile(tag_file, stride) if tag_file is not None and settings.has_tags else None,
        )
        return none.grow(words, tags, seed)

    @classmethod
    def of(
        cls,
        vectors: Floats,
        output: Floats | None,
        nodes: Floats | None,
        tags: Floats | None,
        *,
        rows: tuple[int, int] | None = None,
        seed: int = 0,
        tag_file: Path | None = None,
    ) -> "Weights":
        """Return trainable copies of matrices without padding: (rows, dim) or (rows, blocks * dim).

        They may be mapped from files. rows: how many words and tags to make room for, of which the
        new ones are as `grow` makes them. tag_file: a new file for the copy of the tags.
        """
        dim = vectors.shape[1]
        known = len(vectors), 0 if tags is None else len(tags)
        words, tagged = rows or known
        held = None
        if tag_file is not None and tags is not None:
            held = RowFile(tag_file, kernels.stride_of(dim))
        made = cls(
            _padded(vectors, dim, words),
            None if output is None else _padded(output, dim, words),
            None if nodes is None else _padded(nodes, dim, max(words - 1, 0)),
            None if tags is None else _padded(tags, dim, tagged, held),
            dim,
            held,
        )
        made._begin(made.input, known[0], seed, tags=False)
        if made.tags is not None:
            made._begin(made.tags, known[1], seed, tags=True)
        return made

    def grow(self, words: int, tags: int, seed: int) -> "Weights":
        """Return weights for so many words and tags: these, and then rows as `fresh` has them.

        What has not grown is shared with the old ones, and so is what lies in a file.
        """
        made = Weights(
            _longer(self.input, words),
            None if self.output is None else _longer(self.output, words),
            None if self.nodes is None else _longer(self.nodes, max(words - 1, 0)),
            None if self.tags is None else _longer(self.tags, tags, self.tag_file),
            self.dim,
            self.tag_file,
        )
        made._begin(made.input, len(self.input), seed, tags=False)
        if self.tags is not None and made.tags is not None:
            made._begin(made.tags, len(self.tags), seed, tags=True)
        return made

    def with_tag_file(self, path: Path) -> "Weights":
        """Return the same with the documents' rows in a new file."""
        if self.tags is None:
            return self
        file = RowFile(path, self.tags.shape[1])
        made = file.rows(len(self.tags))
        made[...] = self.tags
        return replace(self, tags=made, tag_file=file)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy so that rows again start on 64-byte boundaries."""
        others = (self.output, self.nodes, self.tags)
        return _again, (self.input, others, self.dim, self.tag_file)

    @property
    def matrices(self) -> dict[str, Floats]:
        """The matrices that there are, padded, by name."""
        named = {name: getattr(self, name) for name in ("input", "output", "nodes", "tags")}
        return {name: matrix for name, matrix in named.items() if matrix is not None}

    @property
    def vectors(self) -> Floats:
        """(words, dim) the words' vectors: a view of `input`."""
        return self.input[:, : self.dim]

    @property
    def tag_vectors(self) -> Floats | None:
        """(tags, dim) the documents' vectors: a view of `tags`, if there are any."""
        return None if self.tags is None else self.tags[:, : self.dim]

    def _begin(self, matrix: Floats, first: int, seed: int, *, tags: bool) -> None:
        """Give rows from `first` on the values that they begin with."""
        if first < len(matrix):
            # Tags' values come from numbers of their own: no document starts as a word does.
            kernels.initial_rows(matrix[first:], first, self.dim, seed, tags=tags)


def unpadded(matrix: Floats, dim: int) -> Floats:
    """Return (rows, blocks, dim): a view of padded rows, (rows, blocks * stride)."""
    stride = kernels.stride_of(dim)
    return matrix.reshape(len(matrix), matrix.shape[1] // stride, stride)[:, :, :dim]


def _again(
    words: Floats, others: Sequence[Floats | None], dim: int, file: RowFile | None
) -> Weights:
    def placed(matrix: Floats) -> Floats:
        made = _empty(len(matrix), matrix.shape[1], None)
        made[...] = matrix
        return made

    output, nodes, tags = (None if matrix is None else placed(matrix) for matrix in others)
    return Weights(placed(words), output, nodes, tags, dim, file)


def _padded(matrix: Floats, dim: int, rows: int, file: RowFile | None = None) -> Floats:
    """Return a padded copy with so many rows, of which new ones are zero."""
    blocks, old = matrix.shape[1] // dim, len(matrix)
    made = _empty(rows, blocks * kernels.stride_of(dim), file)
    unpadded(made[:old], dim)[...] = matrix.reshape(old, blocks, dim)
    return made


def _longer(matrix: Floats, rows: int, file: RowFile | None = None) -> Floats:
    if rows == len(matrix):
        return matrix
    made = _empty(rows, matrix.shape[1], file)
    if file is None:
        made[: len(matrix)] = matrix
    return made


def _empty(rows: int, columns: int, file: RowFile | None) -> Floats:
    return kernels.aligned((rows, columns)) if file is None else file.rows(rows)
