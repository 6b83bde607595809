"""Word2Vec under the names that people know, over the same parts that recipes use."""

from collections.abc import Callable, Iterable
from os import PathLike

from corpora import Corpus, Sentences, encode
from corpora.shards import TokenShards
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError
from pipeline.training import Plan, Progress, Receipt, WordSettings, train
from pipeline.vocabulary import Vocabulary


class Word2Vec:
    """Word vectors from sentences: a corpus, or any re-iterable of token lists.

    With `sentences`, the vocabulary is built and the model trained at once. The defaults are the
    peers': sg=0 is CBOW, sg=1 skip-gram (usually the better vectors). `cache` is a folder that
    keeps token shards for the next time.

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
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        epochs: int = 5,
        shrink_windows: bool = True,
        cache: str | PathLike[str] | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        for name, value in (("vector_size", vector_size), ("window", window)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        for name, value in (("negative", negative), ("workers", workers), ("epochs", epochs)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not 0 <= min_alpha <= alpha:
            raise ValueError(f"alpha must not rise: from {alpha} to min_alpha {min_alpha}")
        self.settings = WordSettings(
            vector_size=vector_size,
            sg=sg,
            window=window,
            negative=negative,
            ns_exponent=ns_exponent,
            shrink_windows=shrink_windows,
            cbow_mean=cbow_mean,
        )
        self.plan = Plan(
            epochs=epochs, alpha=alpha, min_alpha=min_alpha, sample=sample or 0.0, seed=seed
        )
        self.min_count = min_count
        self.workers = workers
        self.receipt: Receipt | None = None
        self._cache = cache
        self._on_progress = on_progress
        self._model: Model | None = None
        if sentences is not None:
            shards = self._encode(sentences)
            self._learn_words(shards, update=False)
            self._train(shards, self.plan)

    def build_vocab(
        self, corpus_iterable: Corpus | Iterable[list[str]], *, update: bool = False
    ) -> None:
        """Count the words of a corpus; with `update`, add them to what is known already."""
        self._learn_words(self._encode(corpus_iterable), update=update)

    def train(
        self, corpus_iterable: Corpus | Iterable[list[str]], *, epochs: int | None = None
    ) -> Receipt:
        """Train on a corpus, `epochs` times or as often as the model was told, and say what of.

        The learning rate falls from alpha to min_alpha over this call. Raises ModelError where no
        vocabulary has been built.
        """
        plan = self.plan if epochs is None else Plan(**{**vars(self.plan), "epochs": epochs})
        return self._train(self._encode(corpus_iterable), plan)

    @property
    def wv(self) -> KeyedVectors:
        """The words' vectors."""
        return self._known().keyed_vectors

    def _known(self) -> Model:
        if self._model is None:
            raise ModelError("the model has no vocabulary yet: call build_vocab first")
        return self._model

    def _encode(self, sentences: Corpus | Iterable[list[str]]) -> TokenShards:
        corpus = sentences if isinstance(sentences, Corpus) else Sentences(sentences)
        return encode(corpus, self._cache)

    def _learn_words(self, shards: TokenShards, *, update: bool) -> None:
        previous = self._known().vocabulary if update else None
        vocabulary = Vocabulary.build(shards, self.min_count, previous=previous)
        if update:
            self._known().grow(vocabulary, self.plan.seed)
        else:
            self._model = Model.fresh(vocabulary, self.settings, self.plan.seed)

    def _train(self, shards: TokenShards, plan: Plan) -> Receipt:
        model = self._known()
        self.receipt = train(
            model.weights,
            model.vocabulary,
            self.settings,
            shards,
            plan,
            workers=self.workers,
            on_progress=self._on_progress,
        )
        return self.receipt
