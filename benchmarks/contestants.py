"""One mode, run by Millrace or by gensim: everything is made ready first, and not timed."""

import time
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from lines import Lines
from modes import Gensim, min_count_of
from roofline import Work

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.core.training import train
from pipeline.models.model import Model


class Contest(Protocol):
    """What both can run."""

    settings: Settings
    plan: Plan
    model: Model

    def millrace(self, workers: int) -> tuple[float, Work]:
        """Run once; returns seconds and what was done."""

    def gensim(self, workers: int) -> float:
        """Run once; returns seconds."""


class Training:
    """Training alone: shards, vocabulary, tags and fresh weights are there before the clock runs.

    gensim's clock runs over `train`, by file.
    """

    def __init__(self, corpus: Lines, settings: Settings, plan: Plan) -> None:
        self.corpus, self.settings, self.plan = corpus, settings, plan
        self.model = self._fresh()
        self._peers: dict[int, Gensim] = {}

    def millrace(self, workers: int) -> tuple[float, Work]:
        """Train fresh weights."""
        self.model = model = self._fresh()
        begun = time.perf_counter()
        receipt = train(
            model.weights,
            model.vocabulary,
            self.settings,
            self.corpus.shards,
            self.plan,
            tags=model.tags,
            tree=model.tree,
            workers=workers,
        )
        seconds = time.perf_counter() - begun
        trained = sum(epoch.trained for epoch in receipt.epochs)
        terms = sum(epoch.terms for epoch in receipt.epochs)
        return seconds, Work(receipt.tokens * self.plan.epochs, trained, terms)

    def gensim(self, workers: int) -> float:
        """Train fresh weights."""
        peer = self.peer(workers)
        peer.reset()
        begun = time.perf_counter()
        peer.train()
        return time.perf_counter() - begun

    def peer(self, workers: int) -> Gensim:
        """Return gensim's model, made when it is first asked for."""
        if workers not in self._peers:
            self._peers[workers] = Gensim(self.settings, self.plan, self.corpus, workers)
        return self._peers[workers]

    def reading(self) -> float:
        """Return the seconds for which one thread reads all of a run's tokens, and no more."""
        begun = time.perf_counter()
        for shard in self.corpus.shards:
            rows = self.model.vocabulary.lookup(shard.words)
            for _ in range(self.plan.epochs):
                for batch in shard.batches():
                    tokens: Any = batch.column("tokens")
                    rows[tokens.values.to_numpy()].sum(dtype=np.int64)
        return time.perf_counter() - begun

    def _fresh(self) -> Model:
        tags = self.corpus.tags if self.settings.has_tags else None
        words = self.corpus.vocabulary(min_count_of(self.settings))
        return Model.fresh(words, self.settings, self.plan.seed, tags)


class Inference:
    """Vectors for new documents: Millrace takes them all at once, gensim one after the other.

    The models have been trained on the corpus for an epoch; the documents are its first ones. Terms
    are not reported by inference: they are taken to be as many for each word as in training.
    gensim has one thread, whatever `workers` is.
    """

    def __init__(
        self, corpus: Lines, settings: Settings, plan: Plan, documents: int, workers: int
    ) -> None:
        self.settings, self.plan = settings, plan
        self._training = Training(corpus, settings, replace(plan, epochs=1))
        _, self._work = self._training.millrace(workers)
        self.model = self._training.model
        self._peer: Any = None
        self._texts = corpus.texts(documents)
        self._column: Any = pa.array(self._texts, pa.list_(pa.string()))
        self._words = sum(map(len, self._texts)) * plan.epochs

    def millrace(self, workers: int) -> tuple[float, Work]:
        """Infer the whole batch."""
        begun = time.perf_counter()
        self.model.infer(self._column, self.plan, workers)
        seconds = time.perf_counter() - begun
        share = self._words / self._work.words
        trained, terms = round(self._work.trained * share), round(self._work.terms * share)
        return seconds, Work(self._words, trained, terms, frozen=True)

    def gensim(self, workers: int) -> float:
        """Infer one after the other."""
        if self._peer is None:
            self._training.gensim(workers)
            self._peer = self._training.peer(workers).model
        begun = time.perf_counter()
        for text in self._texts:
            self._peer.infer_vector(text, epochs=self.plan.epochs)
        return time.perf_counter() - begun
