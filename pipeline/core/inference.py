"""What a trained model says of new texts: their vectors, and how likely they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Union, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.rows.tagged_document import TaggedDocument
from pipeline.core import kernels
from pipeline.core.batch import Batch, Floats, Tally
from pipeline.core.passes import Pass, Plan, kernel_of
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.core.weights import Weights
from pipeline.words.vocabulary import Vocabulary

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
        given = _Given(self._vocabulary, texts)
        vectors = kernels.aligned((len(given), self._stride))
        known = np.zeros(len(given), np.bool_)

        def find(batch: Batch) -> Tally:
            here = slice(batch.first_row, batch.first_row + len(batch))
            known[here] = _has_known(batch)
            return self._kernel.infer(batch, vectors[here], self.plan.epochs)

        given.each(find, workers)
        return Inferred(vectors[:, : self._dim], known)


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
    given = _Given(vocabulary, texts)
    kernel = kernel_of(weights, vocabulary, settings, Plan(), tree)
    scores = np.zeros(len(given))

    def rate(batch: Batch) -> Tally:
        scores[batch.first_row : batch.first_row + len(batch)] = kernel.score(batch)
        return Tally()

    given.each(rate, workers)
    return scores


class _Given:
    """Texts, of which pieces become batches of ids on the thread that works on them."""

    def __init__(self, vocabulary: Vocabulary, texts: Texts) -> None:
        if isinstance(texts, str):
            raise TypeError("a string came where a list of texts belongs, each a list of words")
        self._texts = texts
        self._vocabulary = vocabulary

    def __len__(self) -> int:
        return len(self._texts)

    def each(self, do: Callable[[Batch], Tally], workers: int) -> None:
        """Do it for all pieces; a single one is not worth a thread."""
        if len(self) <= PIECE:
            if len(self):
                do(self._batch(0))
            return
        self._vocabulary.lookup(pa.array([], pa.string()))  # so that no two threads build its index
        Pass(lambda first: do(self._batch(first)), iter(range(0, len(self), PIECE))).run(workers)

    def _batch(self, first: int) -> Batch:
        piece = self._texts[first : first + PIECE]
        given = piece if isinstance(piece, pa.Array) else _column(piece, first)
        # A copy, so that it begins at 0.
        lists = cast("pa.ListArray[pa.StringScalar]", pa.concat_arrays([given]))
        ids = self._vocabulary.lookup(cast("pa.StringArray", lists.flatten()))
        tokens = np.arange(len(ids), dtype=np.int32)  # each a word of its own, which `ids` maps
        offsets = np.asarray(lists.offsets.to_numpy(), np.int32)
        return Batch(tokens, offsets, ids, first_row=first)


def _column(texts: Sequence[Sequence[str]], first: int) -> "pa.Array[Any]":
    """Return texts as an Arrow array; the first of them has number `first`."""
    words = [text.words if isinstance(text, TaggedDocument) else text for text in texts]
    for number, text in enumerate(words, first):
        if isinstance(text, str):
            raise TypeError(f"text {number} is a string: give a list of its words, as by split()")
    try:
        return pa.array(words, pa.list_(pa.string()))
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise TypeError(f"texts have to be lists of words, which are strings: {error}") from error


def _has_known(batch: Batch) -> NDArray[np.bool_]:
    """Return which rows have a known word."""
    before = np.concatenate([[0], np.cumsum(batch.map[batch.tokens] >= 0)])[batch.offsets]
    return np.asarray(before[1:] > before[:-1])
