"""Turning a model's vectors so that they lie as near as may be to another's: rotations only.

A rotation of all matrices together changes no product of two rows, and so nothing of what a model
says; but vectors of a model that was trained anew can so be compared with those of the one before.
"""

import numpy as np

from pipeline.core.weights import Floats, unpadded
from pipeline.models.model import Model, ModelError

PIECE = 1 << 14  # rows that are turned at a time


def align(model: Model, onto: Model) -> tuple[int, float]:
    """Turn a model's vectors onto those of another, as far as both have the same keys.

    Words decide, or documents where the words' vectors are not trained. Returns how many keys both
    have, and the mean cosine of their vectors afterwards. The turn is the orthogonal matrix with
    the least sum of squared distances of vectors of length 1 (Schönemann 1966). Raises ModelError
    for vectors of another size, and where both have fewer keys than dimensions.
    """
    if model.settings.vector_size != onto.settings.vector_size:
        raise ModelError(
            f"vectors of {model.settings.vector_size} numbers can't be aligned with those of "
            f"{onto.settings.vector_size}. To mend it: set align = false, or vector_size alike"
        )
    by_words = model.settings.trains_words and onto.settings.trains_words
    ours, theirs = (one.keyed_vectors if by_words else one.keyed_documents for one in (model, onto))
    places = np.array([theirs.key_to_index.get(key, -1) for key in ours.index_to_key], np.int64)
    both = np.flatnonzero(places >= 0)
    size = model.settings.vector_size
    if len(both) < size:
        raise ModelError(
            f"only {len(both)} keys are in both models, and their {size} dimensions can't be "
            "aligned by fewer than as many. To mend it: set align = false"
        )
    across = np.zeros((size, size))
    for at in range(0, len(both), PIECE):
        rows = both[at : at + PIECE]
        across += _unit(ours.vectors[rows]).T @ _unit(theirs.vectors[places[rows]])
    left, _, right = np.linalg.svd(across)
    turn = left @ right
    weights = model.weights
    for matrix in weights.matrices.values():
        rows_ = unpadded(matrix, weights.dim)
        for at in range(0, len(rows_), PIECE):
            rows_[at : at + PIECE] = rows_[at : at + PIECE].astype(np.float64) @ turn
    model.show_moved()
    return len(both), float((across * turn).sum()) / len(both)


def _unit(vectors: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    found: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = wide / np.where(lengths, lengths, 1)
    return found
