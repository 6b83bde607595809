"""The loss on text that a model has not been trained on, without training on it.

It is what training itself would report of that text: the same windows, noise and terms, at a
learning rate of zero. A document's vector is first inferred from one half of it, and the loss is
that of the other half (document completion: Wallach, Murray, Salakhutdinov and Mimno 2009).
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from corpora.corpus import Corpus
from corpora.tokens.token_batches import TokenBatch, token_batches
from pipeline.core import kernels
from pipeline.core.batch import Batch, Floats, Ints, Tally
from pipeline.core.kernels import Kernel
from pipeline.core.passes import Pass, Plan, kernel_of
from pipeline.core.training import arrays
from pipeline.models.model import Model

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class HeldOut:
    """loss: nats for each of `terms`; known: the share of the text's words that the model knows."""

    loss: float
    terms: int
    known: float


def held_out_loss(model: Model, corpus: Corpus, plan: Plan, *, workers: int = 1) -> HeldOut:
    """Return the loss of a model on a corpus; the model stays as it is.

    plan: its epochs and alpha are those of the inference, its seed that of the noise. Raises
    whatever reading the corpus raises.

    >>> from corpora import Sentences, encode
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> seen = Sentences([["to", "be", "or", "not"]] * 50)
    >>> words = Vocabulary.build(encode(seen), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=8), seed=1)
    >>> before = held_out_loss(model, seen, Plan())
    >>> _ = model.train(encode(seen), Plan(epochs=20))
    >>> held_out_loss(model, seen, Plan()).loss < before.loss, before.known
    (True, 1.0)
    """
    still = replace(plan, alpha=0.0, min_alpha=0.0, sample=0.0)
    reading = _Reading(model, plan, still)
    with closing(token_batches(corpus.parts(), workers)) as made:
        tally = Pass(reading.rate, _numbered(made)).run(workers)
    known = 1 - tally.unknown / max(tally.tokens, 1)
    return HeldOut(tally.loss / max(tally.terms, 1), tally.terms, known)


def _numbered(made: Iterator[TokenBatch]) -> Iterator[tuple[int, TokenBatch]]:
    first = 0
    for batch in made:
        yield first, batch
        first += batch.rows


class _Reading:
    """A model that rates batches, each with the number of its first row."""

    def __init__(self, model: Model, plan: Plan, still: Plan) -> None:
        self._model, self._plan, self._still = model, plan, still
        # Of a model that was opened this leaves the documents where they are.
        self._weights = replace(model._without_tags(), tags=None)  # noqa: SLF001
        self._words = self._kernel(None, still)
        self._inferring = self._kernel(None, plan)

    def rate(self, unit: tuple[int, TokenBatch]) -> Tally:
        first, made = unit
        tokens, offsets = arrays(cast("pa.ListArray[pa.Int32Scalar]", made.batch.column("tokens")))
        batch = Batch(tokens, offsets, self._model.vocabulary.lookup(made.words), first_row=first)
        settings = self._model.settings
        if not settings.has_tags:
            return self._words.train(batch)
        given, asked = _halves(batch)
        vectors = kernels.aligned((len(batch), self._weights.input.shape[1]))
        self._inferring.infer(given, vectors, self._plan.epochs)
        asked = _tagged(_only(asked, np.asarray(vectors.any(axis=1))), settings.tag_count)
        tally = self._kernel(vectors, self._still).train(asked)
        # Of all words, and not of those that were asked for.
        tally.tokens, tally.unknown = len(tokens), int((batch.map[tokens] < 0).sum())
        return tally

    def _kernel(self, tags: Floats | None, plan: Plan) -> Kernel:
        weights, model = replace(self._weights, tags=tags), self._model
        return kernel_of(weights, model.vocabulary, model.settings, plan, model.tree)


def _halves(batch: Batch) -> tuple[Batch, Batch]:
    """Return the first half of each row, and the second."""
    begin, end = batch.offsets[:-1], batch.offsets[1:]
    middle = begin + (end - begin) // 2
    return _cut(batch, begin, middle), _cut(batch, middle, end)


def _only(batch: Batch, chosen: NDArray[np.bool_]) -> Batch:
    """Return the batch with empty rows where they are not chosen."""
    begin = batch.offsets[:-1]
    return _cut(batch, begin, np.where(chosen, batch.offsets[1:], begin))


def _cut(batch: Batch, begin: Ints, end: Ints) -> Batch:
    """Return the batch with what lies from `begin` (rows) to `end` (rows) of its tokens."""
    lengths = end - begin
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    places = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], lengths)
    return replace(batch, tokens=batch.tokens[places], offsets=offsets)


def _tagged(batch: Batch, slots: int) -> Batch:
    """Return the batch with each row's own number for its tag, in every slot there is."""
    rows = np.arange(len(batch), dtype=np.int32)
    return replace(
        batch,
        tags=np.repeat(rows, slots),
        tag_offsets=np.arange(0, slots * len(batch) + 1, slots, dtype=np.int32),
        tag_map=rows,
    )
