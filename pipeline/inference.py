"""What a trained model says of new texts: their vectors, and how likely they are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Union, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import kernels
from pipeline.kernels import Batch, Floats, Ints, Tally
from pipeline.passes import Pass, Plan, kernel_of
from pipeline.settings import Settings
from pipeline.tree import Tree
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Weights

PIECE = 64  # texts in a unit of work

# Lists of words: an Arrow array of them, or the like in Python.
Texts = Union["pa.ListArray[pa.StringScalar]", Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Inferred:
    """vectors (n, dim) of n texts, and whether each had a word that the model knows (n)."""

    vectors: Floats
    known: NDArray[np.bool_]


class Inference:
    """A model made ready for new texts: made once, asked as often as there are any."""

    def __init__(
        self,
        weights: Weights,
        vocabulary: Vocabulary,
        settings: Settings,
        plan: Plan,
        tree: Tree | None = None,
    ) -> None:
        self.plan = plan
        self._vocabulary = vocabulary
        self._dim, self._stride = weights.dim, weights.input.shape[1]
        self._kernel = kernel_of(weights, vocabulary, settings, plan, tree)

    def infer(self, texts: Texts, workers: int = 1) -> Inferred:
        """Find vectors for texts while the model stays as it is (Le and Mikolov 2014, 2.3).

        Each vector is a function of the model, the plan and the text's known words alone: neither
        of its neighbours nor of the workers. A text without a known word gets zeros. Raises
        TrainingError where the model's weights are not finite.
        """
        given = _Given.of(self._vocabulary, texts)
        vectors = kernels.aligned((given.rows, self._stride))

        def find(batch: Batch) -> Tally:
            here = slice(batch.first_row, batch.first_row + len(batch))
            return self._kernel.infer(batch, vectors[here], self.plan.epochs)

        _each(given, find, workers)
        return Inferred(vectors[:, : self._dim], given.known())


def infer(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: Settings,
    texts: Texts,
    plan: Plan,
    *,
    tree: Tree | None = None,
    workers: int = 1,
) -> Inferred:
    """Find vectors for texts once: see `Inference.infer`."""
    return Inference(weights, vocabulary, settings, plan, tree).infer(texts, workers)


def score(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: Settings,
    texts: Texts,
    *,
    tree: Tree,
    workers: int = 1,
) -> NDArray[np.float64]:
    """Return the log probability (n) of each text, in nats, by hierarchical softmax (Taddy 2015).

    It is the sum over all pairs of a word and a neighbour, or over all windows with CBOW, of the
    logarithm of the word's probability; words that are not known are passed over.
    """
    given = _Given.of(vocabulary, texts)
    kernel = kernel_of(weights, vocabulary, settings, Plan(), tree)
    scores = np.zeros(given.rows)

    def rate(batch: Batch) -> Tally:
        scores[batch.first_row : batch.first_row + len(batch)] = kernel.score(batch)
        return Tally()

    _each(given, rate, workers)
    return scores


def _each(given: "_Given", do: Callable[[Batch], Tally], workers: int) -> None:
    """Do it for all texts; a few are not worth a thread."""
    if given.rows <= PIECE:
        for batch in given.pieces():
            do(batch)
    else:
        Pass(do, given.pieces()).run(workers)


@dataclass(frozen=True)
class _Given:
    """Texts as ids: tokens (t), `size` for a word that is not known, and offsets (rows + 1)."""

    tokens: Ints
    offsets: Ints
    size: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, texts: Texts) -> "_Given":
        given = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.list_(pa.string()))
        # A copy, so that it begins at 0.
        lists = cast("pa.ListArray[pa.StringScalar]", pa.concat_arrays([given]))
        ids = vocabulary.lookup(cast("pa.StringArray", lists.flatten()))
        tokens = np.where(ids < 0, np.int32(vocabulary.size), ids)
        return cls(tokens, np.asarray(lists.offsets.to_numpy(), np.int32), vocabulary.size)

    @property
    def rows(self) -> int:
        return len(self.offsets) - 1

    def pieces(self) -> Iterator[Batch]:
        same = np.append(np.arange(self.size), -1).astype(np.int32)
        for first in range(0, self.rows, PIECE):
            offsets = self.offsets[first : first + PIECE + 1]
            yield Batch(self.tokens, offsets, same, first_row=first)

    def known(self) -> NDArray[np.bool_]:
        """Return which texts (rows) have a known word."""
        before = np.concatenate([[0], np.cumsum(self.tokens < self.size)])[self.offsets]
        return np.asarray(before[1:] > before[:-1])
