"""What Word2Vec and Doc2Vec have in common: one model, a vocabulary for it, training, words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, Literal

import numpy as np

from corpora import Corpus, encode
from corpora.shards import TokenShards
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.passes import Plan
from pipeline.settings import Settings
from pipeline.training import Progress, Receipt
from pipeline.vocabulary import Vocabulary


def no_progress(_: Progress) -> None:
    """Tell nobody."""


class Face(ABC):
    """A model under names that people know; a subclass says how its constructor's words map here.

    settings, plan: what they map to; receipt: what the last training came to.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        *,
        min_count: int,
        workers: int,
        cache: str | PathLike[str] | Literal[False] | None,
        on_progress: Callable[[Progress], None],
    ) -> None:
        for name, value in (("workers", workers), ("epochs", plan.epochs)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.settings = settings
        self.plan = plan
        self.min_count = min_count
        self.workers = workers
        self.receipt: Receipt | None = None
        self._cache = cache
        self._on_progress = on_progress
        self._model: Model | None = None
        self._words: KeyedVectors | None = None

    def build_vocab(self, corpus_iterable: Any, *, update: bool = False) -> None:
        """Count the words of a corpus, and for documents note their tags.

        With `update` they are added to what is known already: known words and documents keep their
        places and vectors, and new ones get some.
        """
        self._learn(self._encode(corpus_iterable), update=update)

    def train(self, corpus_iterable: Any, *, epochs: int | None = None) -> Receipt:
        """Train on a corpus, `epochs` times or as often as the model was told, and say what of.

        The learning rate falls from alpha to min_alpha over this call. Raises ModelError where no
        vocabulary has been built.
        """
        self._known()
        plan = self.plan if epochs is None else replace(self.plan, epochs=epochs)
        return self._train(self._encode(corpus_iterable), plan)

    @property
    def wv(self) -> KeyedVectors:
        """The words' vectors."""
        if self._words is None:
            self._words = self._known().keyed_vectors
        return self._words

    def predict_output_word(
        self, context_words_list: Sequence[str], topn: int = 10
    ) -> list[tuple[str, float]]:
        """Return the `topn` likeliest words between the given ones, with their probabilities.

        The words' vectors are joined as in training, by their mean or sum, and compared with every
        output vector: a softmax over the vocabulary. Unknown words are passed over; where none is
        known the list is empty. Raises ModelError for a model without negative sampling.
        """
        model = self._known()
        output = model.weights.output
        if output is None or self.settings.join == "concat":
            raise ModelError(
                "the likeliest words are told from output vectors of words, and this model has "
                "none: it was made with negative=0 or dm_concat=1"
            )
        words = self.wv
        rows = [words.get_index(word) for word in context_words_list if word in words]
        if not rows:
            return []
        context = words.vectors[rows].astype(np.float64)
        hidden = context.sum(axis=0) if self.settings.join == "sum" else context.mean(axis=0)
        logits = output[:, : model.settings.vector_size] @ hidden
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        best = np.argsort(-chances, kind="stable")[:topn]
        return [(str(words.index_to_key[i]), float(chances[i])) for i in best]

    @abstractmethod
    def _corpus(self, given: Any) -> Corpus:
        """Return what the user gave, as a corpus."""

    def _known(self) -> Model:
        if self._model is None:
            raise ModelError("the model has no vocabulary yet: call build_vocab first")
        return self._model

    def _begin(self, given: Any) -> None:
        """Build the vocabulary from what the constructor was given, and train."""
        shards = self._encode(given)
        self._learn(shards, update=False)
        self._train(shards, self.plan)

    def _encode(self, given: Any) -> TokenShards:
        return encode(given if isinstance(given, Corpus) else self._corpus(given), self._cache)

    def _learn(self, shards: TokenShards, *, update: bool) -> None:
        held = self._known() if update else None
        tags = tags_with(shards, self.settings, held.tags if held else None)
        previous = held.vocabulary if held else None
        vocabulary = Vocabulary.build(shards, self.min_count, previous=previous)
        if held:
            held.grow(vocabulary, self.plan.seed, tags)
        else:
            self._model = Model.fresh(vocabulary, self.settings, self.plan.seed, tags)
        self._changed()

    def _train(self, shards: TokenShards, plan: Plan) -> Receipt:
        try:
            self.receipt = self._known().train(
                shards, plan, workers=self.workers, on_progress=self._on_progress
            )
        finally:
            self._changed()
        return self.receipt

    def _changed(self) -> None:
        """Forget what was taken from the vectors as they were."""
        self._words = None
