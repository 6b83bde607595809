"""Rows as they were, and a pull back towards them, so that vectors stored elsewhere stay usable."""

import numpy as np

from pipeline.core.batch import Ints
from pipeline.core.weights import Floats, unpadded
from pipeline.models.model import Model

PIECE = 1 << 14  # rows that are pulled at a time


class Anchor:
    """The rows of a model as they are now; of one that was opened, mapped and not copied.

    >>> import pyarrow as pa
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> words = Vocabulary.empty().add(pa.array(["a"]), np.array([1]), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=2), seed=1)
    >>> model.weights.vectors[0] = 4, 0
    >>> anchor = Anchor(model)
    >>> model.weights.vectors[0] = 0, 8
    >>> anchor.pull(model, 0.25)
    >>> model.vectors[0].tolist()
    [1.0, 6.0]
    """

    def __init__(self, model: Model) -> None:
        held = model.files().matrices.parts
        copied = not model.is_mapped
        self._rows = [None if one is None else np.array(one) if copied else one for one in held]

    def pull(self, model: Model, share: float, anew: Ints | None = None) -> None:
        """Take the rows that were there back by `share` of the way that they have gone since.

        What a row has not gone it doesn't go back: it keeps every bit. anew: tags' rows that have
        begun anew, and are not taken back to where they began.
        """
        weights = model.weights
        free = None if weights.tags is None or anew is None else weights.tags[anew]
        wide = (weights.input, weights.output, weights.nodes, weights.tags)
        for matrix, rows in zip(wide, self._rows, strict=True):
            if matrix is not None and rows is not None:
                now = unpadded(matrix, weights.dim)
                _pull(now, rows.reshape(len(rows), *now.shape[1:]), np.float32(share))
        if weights.tags is not None and free is not None:
            weights.tags[anew] = free
        model.show_moved()


def _pull(now: Floats, before: Floats, share: np.float32) -> None:
    for at in range(0, len(before), PIECE):
        old, new = before[at : at + PIECE], now[at : min(at + PIECE, len(before))]
        way = old - new
        np.add(new, share * way, out=new, where=way != 0)
