"""Word2Vec under the names that people know, over the same parts that recipes use."""

from collections.abc import Callable, Iterable
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpora import Corpus, Sentences
from pipeline import inference
from pipeline.models.face import Face, no_progress
from pipeline.models.model import ModelError
from pipeline.passes import Plan
from pipeline.settings import Settings
from pipeline.training import Progress


class Word2Vec(Face):
    """Word vectors from sentences: a corpus, or any re-iterable of token lists.

    With `sentences`, the vocabulary is built and the model trained at once. The defaults are the
    peers': sg=0 is CBOW, sg=1 skip-gram (usually the better vectors); negative sampling, and with
    hs=1 hierarchical softmax besides, or alone with negative=0. Of our own: exact_gradient=True
    takes CBOW's exact gradient and not the peers', shared_noise=False and hot_rows=False turn off
    what makes training faster than by the letter, `cache` is a folder that keeps token shards
    for the next time, and on_progress is told how far a training is.

    >>> sentences = [["the", "mill", "turns"], ["the", "race", "runs"]] * 50
    >>> model = Word2Vec(sentences, vector_size=8, min_count=1, workers=1, sg=1, epochs=2)
    >>> model.wv["mill"].shape, len(model.wv)
    ((8,), 5)
    """

    def __init__(
        self,
        sentences: Corpus | Iterable[list[str]] | None = None,
        *,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        epochs: int = 5,
        shrink_windows: bool = True,
        exact_gradient: bool = False,
        shared_noise: bool = True,
        hot_rows: bool = True,
        cache: str | PathLike[str] | Literal[False] | None = None,
        on_progress: Callable[[Progress], None] = no_progress,
    ) -> None:
        super().__init__(
            Settings(
                method="skip_gram" if sg else "cbow",
                vector_size=vector_size,
                window=window,
                negative=negative,
                hierarchical=bool(hs),
                ns_exponent=ns_exponent,
                shrink_windows=shrink_windows,
                join="mean" if sg or cbow_mean else "sum",
                exact_gradient=exact_gradient and not sg,
            ),
            Plan(
                epochs=epochs,
                alpha=alpha,
                min_alpha=min_alpha,
                sample=sample or 0.0,
                seed=seed,
                shared_noise=shared_noise,
                hot_rows=hot_rows,
            ),
            min_count=min_count,
            workers=workers,
            cache=cache,
            on_progress=on_progress,
        )
        if sentences is not None:
            self._begin(sentences)

    def score(self, sentences: Iterable[list[str]]) -> NDArray[np.float64]:
        """Return the log probability (n), in nats, of each of n sentences; nothing is trained.

        Each word of a sentence is predicted as in training, from whole windows and without
        dropping frequent words; unknown words are left out. Raises ModelError for a model without
        hierarchical softmax, whose probabilities cost too much.
        """
        model = self._known()
        if model.tree is None:
            raise ModelError("score needs hierarchical softmax: make the model with hs=1")
        return inference.score(
            model.weights, model.vocabulary, model.settings, list(sentences),
            tree=model.tree, workers=self.workers,
        )  # fmt: skip

    def _corpus(self, given: Any) -> Corpus:
        return Sentences(given)
