"""The loss on text that a model has not been trained on, without training on it.

It is what training itself would report of that text: the same windows, noise and terms, at a
learning rate of zero. A document's vector is first inferred from one half of it, and the loss is
that of the other half (document completion: Wallach, Murray, Salakhutdinov and Mimno 2009).
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpora.corpus import Corpus
from corpora.tokens.token_batches import TokenBatch
from pipeline import kernels
from pipeline.batch import Batch, Floats, Ints, Tally
from pipeline.kernels import Kernel
from pipeline.models.model import Model
from pipeline.passes import Pass, Plan, kernel_of
from pipeline.training import arrays


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
    >>> from pipeline.settings import Settings
    >>> from pipeline.vocabulary import Vocabulary
    >>> seen = Sentences([["to", "be", "or", "not"]] * 50)
    >>> words = Vocabulary.build(encode(seen), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=8), seed=1)
    >>> before = held_out_loss(model, seen, Plan())
    >>> _ = model.train(encode(seen), Plan(epochs=20))
    >>> held_out_loss(model, seen, Plan()).loss < before.loss, before.known
    (True, 1.0)
    """
    still = replace(plan, alpha=0.0, min_alpha=0.0, sample=0.0)
    weights, tags = model.weights, None
    if model.settings.has_tags:
        weights = replace(weights, tags=None)
        tags = kernel_of(weights, model.vocabulary, model.settings, plan, model.tree)
    kernel = kernel_of(weights, model.vocabulary, model.settings, still, model.tree)
    rate = _rating(model, kernel, tags, still, plan.epochs)
    with closing(corpus.token_batches(workers=workers)) as made:
        tally = Pass(rate, _numbered(made)).run(workers)
    known = 1 - tally.unknown / max(tally.tokens, 1)
    return HeldOut(tally.loss / max(tally.terms, 1), tally.terms, known)


def _numbered(made: Iterator[TokenBatch]) -> Iterator[tuple[int, TokenBatch]]:
    first = 0
    for batch in made:
        yield first, batch
        first += batch.rows


def _rating(
    model: Model, kernel: Kernel, inferring: Kernel | None, still: Plan, epochs: int
) -> Callable[[tuple[int, TokenBatch]], Tally]:
    """Return what makes a tally of a numbered batch."""

    def words(unit: tuple[int, TokenBatch]) -> Tally:
        return kernel.train(_batch(model, *unit))

    def documents(unit: tuple[int, TokenBatch]) -> Tally:
        assert inferring is not None
        whole = _batch(model, *unit)
        given, asked = _halves(whole)
        vectors = kernels.aligned((len(whole), model.weights.input.shape[1]))
        inferring.infer(given, vectors, epochs)
        asked = _only(asked, vectors.any(axis=1))
        return _with_tags(model, vectors, still).train(_tagged(asked, model.settings.tag_count))

    return words if inferring is None else documents


def _batch(model: Model, first: int, unit: TokenBatch) -> Batch:
    tokens, offsets = arrays(unit.batch.column("tokens"))  # type: ignore[arg-type]
    return Batch(tokens, offsets, model.vocabulary.lookup(unit.words), first_row=first)


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


def _with_tags(model: Model, vectors: Floats, still: Plan) -> Kernel:
    weights = replace(model.weights, tags=vectors)
    return kernel_of(weights, model.vocabulary, model.settings, still, model.tree)
