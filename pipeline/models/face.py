"""What Word2Vec and Doc2Vec have in common: a model that is trained, asked, saved and loaded."""

import logging
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora import Corpus
from corpora.shards import TokenShards
from pipeline.core.callbacks import listed, train_with
from pipeline.core.passes import Plan
from pipeline.core.training import Progress, Receipt
from pipeline.core.weights import Floats
from pipeline.models import answers
from pipeline.models.given import Files
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import ModelError
from pipeline.models.preparing import LINES, Preparing
from pipeline.models.reporting import TrainingLog

log = logging.getLogger("pipeline")


class Face(Preparing):
    """A model under names that people know.

    receipt: what the last training came to, epoch by epoch; while one runs, its epochs so far.
    train_count, total_train_time: how many trainings there were, and their seconds.
    min_alpha_yet_reached: the learning rate at the end of the last one.
    """

    receipt: Receipt | None
    train_count: int
    total_train_time: float
    min_alpha_yet_reached: float
    _loss_before: float
    _lone_words: KeyedVectors | None

    def train(
        self,
        corpus_iterable: Corpus | Iterable[Any] | None = None,
        corpus_file: Files | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,  # noqa: ARG002  (of no effect with the peers, too)
        queue_factor: int = 2,  # noqa: ARG002  (there is no queue)
        report_delay: float = 1.0,
        compute_loss: bool | None = None,  # noqa: ARG002  (it is always computed)
        callbacks: Iterable[object] = (),
    ) -> tuple[int, int]:
        """Train on a corpus; returns words trained and words read, over all epochs.

        The learning rate falls from start_alpha to end_alpha over this call; these and `epochs`
        hold for this call only, and None takes the attribute. The text is read once and measured:
        total_examples and total_words are not needed, and one that is not the corpus's brings a
        RuntimeWarning. report_delay: seconds between two lines of the log. callbacks: see
        `pipeline.core.callbacks`. `receipt` has the epochs' figures. Arguments that say how work is
        cut have no effect.

        Raises ModelError where there is no vocabulary or text, TagError for documents whose tags
        have no vectors, TypeError unless one corpus is given, and what reading it raises.
        """
        callbacks = listed(callbacks)
        corpus = self._corpus_of(corpus_iterable, corpus_file)
        self._known()
        plan = self.plan_with(epochs, start_alpha, end_alpha)
        shards = self._encode(corpus, LINES)
        for name, given, found in (
            ("total_examples", total_examples, (self._rows(shards), shards.rows)),
            ("total_words", total_words, (shards.tokens,)),
        ):
            if given is not None and given not in found:
                warnings.warn(
                    f"{name} is given as {given}, but the corpus has {found[0]}, which counts",
                    RuntimeWarning,
                    stacklevel=3,  # old_names stands between
                )
        return self._train(shards, plan, callbacks, report_delay)

    @property
    def wv(self) -> KeyedVectors:
        """The words' vectors, which training writes; without a vocabulary they are empty.

        They can be set to others with the same words: the numbers are taken over. In a model
        without a vocabulary, others can be set to be asked, but not trained.
        """
        if self._model is not None:
            return self._model.keyed_vectors
        if self._lone_words is None:
            self._lone_words = KeyedVectors(self.vector_size)
        return self._lone_words

    @wv.setter
    def wv(self, vectors: KeyedVectors) -> None:
        if self._model is None:
            self._lone_words = vectors
            return
        held = self.wv
        if list(vectors.index_to_key) != list(held.index_to_key):
            raise ModelError(
                "these vectors have other keys than the model has words. To mend it: make them of "
                "the same words in the same order, or write into wv.vectors"
            )
        held.vectors = vectors.vectors
        held.vectors_lockf = vectors.vectors_lockf.copy()

    @property
    def syn1neg(self) -> Floats:
        """(words, layer1_size) the output vectors of negative sampling; with dm_concat=1 a copy."""
        return self._outputs("output", "syn1neg", "negative=0")

    @property
    def syn1(self) -> Floats:
        """(words, layer1_size) a copy of the tree's nodes; the last row is of none, and 0."""
        held = self._outputs("nodes", "syn1", "hs=0")
        return np.concatenate([held, np.zeros((1, held.shape[1]), np.float32)])

    @property
    def cum_table(self) -> NDArray[np.uint32] | None:
        """(words) the noise distribution, summed up and scaled to 2^31 - 1; None without noise.

        It is computed from the counts when it is asked for: training has a table of its own.
        """
        if self._model is None or not self.negative:
            return None
        counts = self._model.vocabulary.retained_counts
        return answers.cumulated(counts, self.ns_exponent)

    @cached_property
    def random(self) -> np.random.RandomState:
        """A generator of random numbers for whoever wants one; training draws by `seed` alone."""
        return np.random.RandomState(self.seed)

    @property
    def running_training_loss(self) -> float:
        """The loss of the last training, or of the one that runs, summed over all its terms (nats).

        Setting it goes on counting from that number. The mean of each epoch is in `receipt`.
        """
        return self._loss() - self._loss_before

    @running_training_loss.setter
    def running_training_loss(self, value: float) -> None:
        self._loss_before = self._loss() - value

    def get_latest_training_loss(self) -> float:
        """Return `running_training_loss`."""
        return self.running_training_loss

    def predict_output_word(
        self, context_words_list: Sequence[str | int], topn: int = 10
    ) -> list[tuple[str, float]] | None:
        """Return the `topn` likeliest words between the given ones, with their probabilities.

        The words' vectors are joined as in training, by their mean or sum, and compared with every
        output vector: a softmax over the vocabulary. Words may be given by index. Unknown words
        are passed over; None where no word is known. Raises ModelError for a model without negative
        sampling.
        """
        self._known()
        if not self.negative or self.settings.join == "concat":
            raise ModelError(
                "the likeliest words are told from output vectors of words, and this model has "
                "none: it was made with negative=0 or dm_concat=1"
            )
        words = self.wv
        rows = [words.get_index(word) for word in context_words_list if words.has_index_for(word)]
        if not rows:
            return None
        mean = self.settings.join != "sum"
        found = answers.likeliest(words.vectors[rows], self.syn1neg, topn, mean=mean)
        return [(str(words.index_to_key[row]), chance) for row, chance in found]

    def reset_from(self, other_model: "Face") -> None:
        """Take another model's words and tags, and begin with untrained vectors for them."""
        other = other_model._known()  # noqa: SLF001
        self._replace(other.vocabulary, other.tags if self.settings.has_tags else None)
        self.corpus_count = other_model.corpus_count
        self.corpus_total_words = other_model.corpus_total_words

    def add_null_word(self) -> None:
        """Do nothing: windows are padded with zeros, not with a word."""

    def create_binary_tree(self) -> None:
        """Do nothing: the tree of hierarchical softmax is made, and grows, with the vocabulary.

        Each word's path in it is an attribute of `wv`, made when it is asked for: "code", the turns
        from the root on, 0 or 1, and "point", the nodes that they are taken at, rows of `syn1`.

        >>> from pipeline import Word2Vec
        >>> model = Word2Vec(hs=1, negative=0, min_count=1, vector_size=4)
        >>> model.build_vocab_from_freq({"the": 4, "mill": 2, "race": 1})
        >>> [len(model.wv.get_vecattr(word, "code")) for word in model.wv]
        [1, 2, 2]
        """

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Do nothing: `cum_table` is made when it is asked for, and noise never goes stale."""

    def _train(
        self, shards: TokenShards, plan: Plan, callbacks: Iterable[object] = (), delay: float = 1.0
    ) -> tuple[int, int]:
        model = self._known()
        if not shards.rows:
            raise ModelError(
                "the corpus is empty. To mend it: give one with text; an iterator that was gone "
                "through before has nothing left, so give a list or a corpus"
            )
        if plan.alpha > self.min_alpha_yet_reached and self.train_count:
            log.info(
                "the learning rate begins at %g, above the %g at which the last training ended",
                plan.alpha, self.min_alpha_yet_reached,
            )  # fmt: skip
        if self.hs and self.negative:
            log.info(
                "hs and negative are both set, so each word is learnt twice, by the tree and by "
                "noise; to learn it once, set one of them to 0"
            )
        said = TrainingLog(delay)

        def tell(progress: Progress) -> None:
            said(progress)
            self.on_progress(progress)

        self._loss_before = 0.0
        receipt = train_with(
            self, callbacks, plan.epochs,
            lambda on_epoch: model.train(
                shards, plan, workers=self.workers, on_progress=tell, on_epoch=on_epoch
            ),
        )  # fmt: skip
        left = 1 - len(receipt.epochs) / plan.epochs
        self.min_alpha_yet_reached = plan.min_alpha + (plan.alpha - plan.min_alpha) * left
        self.train_count += 1
        self.total_train_time += receipt.seconds
        trained = sum(epoch.trained for epoch in receipt.epochs)
        raw = sum(epoch.tokens for epoch in receipt.epochs)
        self.add_lifecycle_event(
            "train", words=raw, trained=trained, epochs=len(receipt.epochs), seconds=receipt.seconds
        )
        return trained, raw

    def _shown(self) -> tuple[KeyedVectors, KeyedVectors]:
        # Vectors that were set, to be asked, are somebody else's.
        own = self._model is not None or not len(self.wv)
        return self.wv if own else KeyedVectors(self.vector_size), KeyedVectors(self.vector_size)

    def _loss(self) -> float:
        return sum(e.loss * e.terms for e in self.receipt.epochs) if self.receipt else 0.0

    def _outputs(self, matrix: str, name: str, why: str) -> Floats:
        held: Floats | None = getattr(self._known().files().matrices, matrix)
        if held is None:
            raise AttributeError(f"the model has no {name}: it was made with {why}")
        if held.ndim == 3 and held.shape[1] == 1:
            return held[:, 0]
        return held.reshape(len(held), self.layer1_size)
