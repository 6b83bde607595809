"""Word2Vec under the names that people know, over the same parts that recipes use."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora import Corpus, LineSentence, Sentences
from corpora.old_names import old_names
from pipeline.core import inference
from pipeline.core.callbacks import listed
from pipeline.core.settings import Settings
from pipeline.models.given import Files
from pipeline.models.model import ModelError
from pipeline.models.parameters import Cache, OnProgress, no_progress, plain, whole
from pipeline.models.preparing import LINES
from pipeline.models.saved import Saved
from pipeline.old_names import MODEL
from pipeline.words.admission import TrimRule


@old_names(MODEL)
class Word2Vec(Saved):
    """Word vectors from sentences: a corpus, or any iterable of token lists; or from corpus_file.

    With one of them, the vocabulary is built and the model trained at once. The arguments are kept
    as attributes, which may be changed: they hold from the next call on.

    sentences: a list, a corpus, or an iterator, since text is read once and kept as ids.
    corpus_file: an address that LineSentence reads, packed, remote or a list of them. vector_size:
    numbers in a vector. alpha, min_alpha: the learning rate falls from one to the other. window: a
    word learns from up to so many on each side. min_count: occurrences that a word needs.
    max_vocab_size: words that are counted on, at most; max_final_vocab: words with vectors, at
    most; both exact. sample: the share of a text above which a word is passed over at times, or
    from 1 on its count; 0 or None passes over none. seed: what all chance comes from. workers:
    threads; with 1 results are the same to the last bit. sg: 1 for skip-gram (usually the better
    vectors), 0 for CBOW. hs: 1 for hierarchical softmax, besides noise or with negative=0 alone.
    negative: words of noise. ns_exponent: noise is drawn by count to this power. cbow_mean: 1 for
    the mean of a window's vectors, 0 for their sum. hashfxn: nothing but the builtin hash, see
    below. epochs: passes over the text. trim_rule: see `pipeline.words.admission`; it holds for
    every build_vocab that is given none, and is not saved. sorted_vocab: 0 gives words ids in the
    order of first appearance. comment: text that is kept with the model. callbacks: for the
    training at once, see `pipeline.core.callbacks`. shrink_windows: let windows have every size
    from 1 to `window`.

    Without effect on results, with the peers or here: null_word (windows are padded with zeros),
    batch_words (work is cut by the text alone), compute_loss (it is always computed).

    Of our own: exact_gradient=True takes CBOW's exact gradient and not the peers',
    shared_noise=False and hot_rows=False turn off what makes training faster than by the letter,
    `cache` is a folder that keeps token shards for the next time, or False to read the text in
    every epoch, and on_progress is told how far a training is.

    Raises ValueError for arguments that make no sense, a hashfxn among them: no vector begins with
    numbers that depend on a hash.

    >>> sentences = [["the", "mill", "turns"], ["the", "race", "runs"]] * 50
    >>> model = Word2Vec(sentences, vector_size=8, min_count=1, workers=1, sg=1, epochs=2)
    >>> model.wv["mill"].shape, len(model.wv)
    ((8,), 5)
    >>> model
    Word2Vec<vocab=5, vector_size=8, alpha=0.025>
    """

    def __init__(
        self,
        sentences: Corpus | Iterable[Any] | None = None,
        corpus_file: Files | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float | None = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[..., int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Iterable[object] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        exact_gradient: bool = False,
        shared_noise: bool = True,
        hot_rows: bool = True,
        cache: Cache = None,
        on_progress: OnProgress = no_progress,
    ) -> None:
        self._begin()
        callbacks = listed(callbacks)
        self.vector_size, self.window, self.shrink_windows = (
            whole("vector_size", vector_size),
            whole("window", window),
            shrink_windows,
        )
        self.sg, self.cbow_mean, self.exact_gradient = int(sg), int(cbow_mean), exact_gradient
        self.hs, self.negative, self.ns_exponent = int(hs), whole("negative", negative), ns_exponent
        self.alpha, self.min_alpha = float(alpha), float(min_alpha)
        self.sample, self.epochs = sample, whole("epochs", epochs)
        self.seed, self.workers = whole("seed", seed), whole("workers", workers)
        self.min_count, self.trim_rule, self.sorted_vocab = min_count, trim_rule, sorted_vocab
        self.max_vocab_size, self.max_final_vocab = max_vocab_size, max_final_vocab
        self.shared_noise, self.hot_rows = shared_noise, hot_rows
        self.cache, self.on_progress, self.comment = cache, on_progress, comment
        self.hashfxn, self.null_word, self.batch_words = hashfxn, null_word, batch_words
        self.compute_loss = bool(compute_loss)
        self.effective_min_count, self.min_alpha_yet_reached = self.min_count, self.alpha
        self._check()
        self.add_lifecycle_event("created", params=str(self))
        if sentences is not None or corpus_file is not None:
            shards = self._encode(self._corpus_of(sentences, corpus_file), LINES)
            self._build(shards)
            self._train(shards, self.plan, callbacks)

    @property
    def settings(self) -> Settings:
        """What the attributes make of a model; raises ValueError for what none can be."""
        return Settings(
            method="skip_gram" if self.sg else "cbow",
            join="mean" if self.sg or self.cbow_mean else "sum",
            exact_gradient=self.exact_gradient and not self.sg,
            **self._of_all(),
        )

    def score(
        self,
        sentences: Iterable[list[str]],
        total_sentences: int | None = None,
        chunksize: int = 100,  # noqa: ARG002
        queue_factor: int = 2,  # noqa: ARG002
        report_delay: float = 1,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return the log probability (n), in nats, of each of n sentences; nothing is trained.

        Each word of a sentence is predicted as in training, from whole windows and without
        dropping frequent words; unknown words are left out. total_sentences: the first so many;
        None for all. What says how work is cut has no effect. Raises ModelError for a model without
        hierarchical softmax, whose probabilities cost too much.
        """
        model = self._known()
        if model.tree is None:
            raise ModelError("score needs hierarchical softmax: make the model with hs=1")
        return inference.score(
            model.weights, model.vocabulary, model.settings,
            list(islice(sentences, total_sentences)), tree=model.tree, workers=self.workers,
        )  # fmt: skip

    def __repr__(self) -> str:
        """Show how many words there are, of what size, and the learning rate."""
        words = 0 if self._model is None else self._model.vocabulary.size
        return (
            f"{type(self).__name__}<vocab={words}, vector_size={self.vector_size}, "
            f"alpha={self.alpha}>"
        )

    def _defaults(self) -> None:
        Word2Vec.__init__(self)

    def _of_all(self) -> dict[str, Any]:
        """Return the settings that are spelt alike for every kind of model."""
        same = ("vector_size", "window", "negative", "ns_exponent", "shrink_windows")
        held = {name: plain(getattr(self, name)) for name in same}
        return held | {"hierarchical": bool(self.hs)}

    def _listed(self, given: Any) -> Corpus:
        return Sentences(given)

    def _filed(self, given: Any) -> Corpus:
        return LineSentence(given)
