"""What both can train: modes by name, and gensim's model of the same settings."""

from argparse import Namespace
from dataclasses import replace
from typing import Any

from gensim.models import Doc2Vec, Word2Vec
from gensim.models.doc2vec import TaggedLineDocument
from gensim.models.word2vec import LineSentence
from lines import Lines

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings

HIERARCHICAL: dict[str, Any] = {"negative": 0, "hierarchical": True}

MODES: dict[str, Settings] = {
    "skip_gram": Settings("skip_gram"),
    "cbow": Settings("cbow"),
    "cbow_sum": Settings("cbow", join="sum"),
    "cbow_exact": Settings("cbow", exact_gradient=True),
    "dbow": Settings("dbow"),
    "dbow_words": Settings("dbow_words"),
    "dm": Settings("dm"),
    "dm_sum": Settings("dm", join="sum"),
    "dm_exact": Settings("dm", exact_gradient=True),
    # gensim never shrinks the windows of a concatenation
    "dm_concat": Settings("dm", join="concat", shrink_windows=False),
    "skip_gram_hs": Settings("skip_gram", **HIERARCHICAL),
    "cbow_hs": Settings("cbow", **HIERARCHICAL),
    "dbow_hs": Settings("dbow", **HIERARCHICAL),
    "dm_hs": Settings("dm", **HIERARCHICAL),
}


def settings_of(mode: str, options: Namespace) -> Settings:
    """Return a mode's settings; those with hierarchical softmax keep their `negative` of 0."""
    base = MODES[mode]
    return replace(
        base,
        vector_size=options.size,
        window=options.window,
        negative=options.negative if base.negative else 0,
    )


def min_count_of(settings: Settings) -> int:
    """Return how often a word must be seen: what the peers' figures for the reviews are with."""
    return 2 if settings.has_tags else 5


class Gensim:
    """gensim's model of some settings and a plan, with its vocabulary built; it trains by file.

    exact_gradient has no equal there: what is made is what it would correct.
    """

    def __init__(self, settings: Settings, plan: Plan, corpus: Lines, workers: int) -> None:
        same: dict[str, Any] = {
            "vector_size": settings.vector_size,
            "window": settings.window,
            "negative": settings.negative,
            "hs": int(settings.hierarchical),
            "ns_exponent": settings.ns_exponent,
            "cbow_mean": int(settings.join != "sum"),
            "shrink_windows": settings.shrink_windows,
            "min_count": min_count_of(settings),
            "sample": plan.sample,
            "alpha": plan.alpha,
            "min_alpha": plan.min_alpha,
            "epochs": plan.epochs,
            "seed": plan.seed,
            "workers": workers,
        }
        self.corpus = corpus
        self.documents = settings.has_tags
        if settings.has_tags:
            self.model = Doc2Vec(
                dm=int(settings.method == "dm"),
                dbow_words=int(settings.method == "dbow_words"),
                dm_concat=int(settings.join == "concat"),
                dm_tag_count=settings.tag_count,
                **same,
            )
        else:
            self.model = Word2Vec(sg=int(settings.method == "skip_gram"), **same)
        self.model.build_vocab(corpus_file=str(corpus.path))
        self._fresh = [(matrix, matrix.copy()) for matrix in self._matrices()]

    def reset(self) -> None:
        """Give every weight the value that it had before training."""
        for matrix, value in self._fresh:
            matrix[...] = value

    def train(self, *, iterable: bool = False) -> None:
        """Train by file, its faster mode; iterable: line by line through its Python readers.

        By file the learning rate doesn't fall as it should with several workers (each compares
        what it has done itself with all there is to do).
        """
        reader = TaggedLineDocument if self.documents else LineSentence
        path = str(self.corpus.path)
        self.model.train(
            **({"corpus_iterable": reader(path)} if iterable else {"corpus_file": path}),
            total_words=self.model.corpus_total_words,
            total_examples=self.model.corpus_count,
            epochs=self.model.epochs,
        )

    def _matrices(self) -> list[Any]:
        model = self.model
        holders = [(model.wv, "vectors"), (model, "syn1"), (model, "syn1neg")]
        holders += [(model.dv, "vectors")] if self.documents else []
        return [getattr(holder, name) for holder, name in holders if hasattr(holder, name)]
