"""A model: vocabulary, tags, weights and the settings that shape it; and the same as files."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from corpora.shards import TokenShard
from pipeline.core import inference, training
from pipeline.core.checkpoint import Checkpoints
from pipeline.core.passes import Plan
from pipeline.core.replay import Epochs, Shards
from pipeline.core.settings import Settings
from pipeline.core.training import Progress, Receipt
from pipeline.core.tree import Tree
from pipeline.core.weights import Floats, Weights, unpadded
from pipeline.models import model_files
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model_files import Files, Matrices, ModelError
from pipeline.phrases.frozen import FrozenPhrases  # noqa: TC001  (one for all modules)
from pipeline.vectors.attributes import Attributes
from pipeline.words.tag_checks import check_tags
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

Number = TypeVar("Number", bound=np.generic)

# Attributes that are made of the model whenever they are wanted; all others are somebody's notes.
MADE = ("count", "sample_int", "code", "point"), ("doc_count",)

__all__ = ["Model", "ModelError", "tags_with"]


class Model:
    """What training makes and publishing saves.

    vocabulary: the words; tags: the documents, where the settings give these vectors; tree: the
    paths of hierarchical softmax, where the settings have it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, pyarrow as pa
    >>> words = Vocabulary.empty().add(pa.array(["a", "b"]), np.array([3, 2]), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=4), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(Path(folder))
    ...     again = Model.open(Path(folder))
    >>> bool((again.vectors == model.vectors).all()), again.settings == model.settings
    (True, True)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: Settings,
        weights: Weights | Matrices,
        tags: TagTable | None = None,
        tree: Tree | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.settings = settings
        self.tags = tags
        self.tree = tree
        self.phrases: tuple[FrozenPhrases, ...] = ()
        self._weights = weights  # Matrices: as they are mapped from files
        self._inference: inference.Inference | None = None  # for the weights as they are
        self._read: Weights | None = None  # what inference reads of a model that was opened
        self._trainings: set[object] = set()  # those that are going on
        self._words = KeyedVectors(settings.vector_size)
        self._documents = KeyedVectors(settings.vector_size)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle all but what inference has made ready, which is C's memory."""
        return {**vars(self), "_inference": None, "_trainings": set()}

    @classmethod
    def fresh(
        cls,
        vocabulary: Vocabulary,
        settings: Settings,
        seed: int,
        tags: TagTable | None = None,
        tag_file: Path | None = None,
    ) -> "Model":
        """Return a model that has not been trained; tags: for settings that have tags.

        tag_file: a new file for the documents' vectors: see `map_documents`.
        """
        tree = Tree.of(vocabulary.retained_counts) if settings.hierarchical else None
        if settings.has_tags:
            tags = tags or TagTable.empty()
        rows = 0 if tags is None else tags.size
        weights = Weights.fresh(vocabulary.size, rows, settings, seed, tag_file)
        return cls(vocabulary, settings, weights, tags, tree)

    def grow(self, vocabulary: Vocabulary, seed: int, tags: TagTable | None = None) -> None:
        """Take a vocabulary and tags that this model's were updated to; new ones get rows.

        Rows that are there stay as they are. tags: None leaves them. Raises ModelError while it is
        being trained.
        """
        self.demand_rest()
        if tags is None:
            tags = self.tags
        rows = 0 if tags is None else tags.size
        held, upto = self._weights, (vocabulary.size, rows)
        self._weights = (
            Weights.of(*held.parts, rows=upto, seed=seed)
            if isinstance(held, Matrices)
            else held.grow(*upto, seed)
        )
        if self.tree is not None:
            self.tree = self.tree.grow(vocabulary.retained_counts)
        self.vocabulary, self.tags = vocabulary, tags
        counts = vocabulary.retained_counts
        self._words.follow(vocabulary.retained, self._weights.vectors, count=_locked(counts))
        if tags is not None and self._weights.tag_vectors is not None:
            self._documents.follow(tags, self._weights.tag_vectors, doc_count=_locked(tags.counts))
        self._inference = self._read = None

    def train(
        self,
        shards: Shards | Epochs,
        plan: Plan,
        *,
        word_rates: NDArray[np.float32] | None = None,
        tag_rates: NDArray[np.float32] | None = None,
        output_rates: NDArray[np.float32] | None = None,
        node_rates: NDArray[np.float32] | None = None,
        workers: int = 1,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_epoch: Callable[[Receipt], bool] | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Receipt:
        """Train on a corpus's shards and return the receipt.

        word_rates (words), tag_rates (tags): factors of the learning rate by row, besides what the
        keyed vectors have as `vectors_lockf`; output_rates (words), node_rates (words - 1): of the
        rows that are predicted. A row with 0 keeps every bit. Raises TagError
        where their rows are not the documents that the settings need or have tags without a vector,
        ValueError for rates that don't fit, and what `training.train` raises.
        """
        check_tags(shards, self.settings, self.tags)
        word_rates = _for_each(self.keyed_vectors, word_rates)
        if self.tags is not None:
            tag_rates = _for_each(self.keyed_documents, tag_rates)
        with self._moving():
            return training.train(
                self.weights,
                self.vocabulary,
                self.settings,
                shards,
                plan,
                tags=self.tags,
                tree=self.tree,
                word_rates=word_rates,
                tag_rates=tag_rates,
                output_rates=output_rates,
                node_rates=node_rates,
                workers=workers,
                on_progress=on_progress,
                on_epoch=on_epoch,
                checkpoints=checkpoints,
            )

    def infer(self, texts: inference.Texts, plan: Plan, workers: int = 1) -> inference.Inferred:
        """Find vectors for texts, (n) lists of words; the model stays as it is.

        Raises ModelError for a model without documents' vectors.
        """
        self._demand_documents()
        held = self._inference
        if held is None or held.plan != plan:
            held = self._inference = inference.Inference(
                self._without_tags(), self.vocabulary, self.settings, plan, self.tree
            )
        return held.infer(texts, workers)

    @property
    def settings(self) -> Settings:
        """What shapes the model; may become others that leave the matrices their shapes."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._inference = None

    def show_in(self, words: KeyedVectors, documents: KeyedVectors) -> None:
        """Let these objects, whatever they showed before, be the keyed vectors and documents."""
        for vectors in (words, documents):
            vectors.forget(self.settings.vector_size)
        self._words, self._documents = words, documents

    @property
    def weights(self) -> Weights:
        """The matrices, to be trained; of a model that was opened, a copy in memory."""
        if isinstance(self._weights, Matrices):
            held = self._weights
            self._weights = Weights.of(*held.parts)
            self._moved()
        return self._weights

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(words, dimensions) the words' vectors; they can't be written to."""
        return _locked(self._weights.vectors)

    @property
    def tag_vectors(self) -> NDArray[np.float32]:
        """(tags, dimensions) the documents' vectors; they can't be written to."""
        self._demand_documents()
        found = self._weights.tag_vectors
        assert found is not None
        return _locked(found)

    @property
    def keyed_vectors(self) -> KeyedVectors:
        """The words' vectors with their words: one object for the model's life.

        It shows what is trained, as it is, and what is written to it is what training goes on from;
        those of a model that was opened can't be written to before it is trained. `vectors_lockf`
        are rates for `train`. Words are added by `grow` alone.
        """
        if not self._words.follows(self._weights.vectors):
            counts = self.vocabulary.retained_counts
            self._words.follow(
                self.vocabulary.retained, self._weights.vectors, count=_locked(counts)
            )
        return self._words

    @property
    def keyed_documents(self) -> KeyedVectors:
        """The documents' vectors with their tags, as `keyed_vectors` are the words'.

        Raises ModelError where there are none.
        """
        tags, vectors = self._demand_documents(), self._weights.tag_vectors
        assert vectors is not None
        if not self._documents.follows(vectors):
            self._documents.follow(tags, vectors, doc_count=_locked(tags.counts))
        return self._documents

    def save(self, folder: Path) -> None:
        """Write the model's files into an empty folder."""
        model_files.write(folder, self.files())

    def files(self) -> Files:
        """Return all that is saved, as it is: nothing is copied."""
        tag_rates = None if self.tags is None else self.keyed_documents.rates()
        rates = self.keyed_vectors.rates(), tag_rates
        known = self.vocabulary, self.settings, self._matrices(), self.tags, self.tree
        noted = _noted(self._words, MADE[0]), _noted(self._documents, MADE[1])
        return Files(*known, *rates, *noted, self.phrases)

    @classmethod
    def of(cls, files: Files) -> "Model":
        """Return the model of such files; its matrices stay where they are until it is trained."""
        made = cls(files.vocabulary, files.settings, files.matrices, files.tags, files.tree)
        made.phrases = files.phrases
        shown = (
            (made._words, files.word_rates, files.word_attributes),
            (made._documents, files.tag_rates, files.tag_attributes),
        )
        for vectors, rates, noted in shown:
            vectors.expandos.update(noted)
            if rates is not None:
                vectors.vectors_lockf = np.array(rates)
        return made

    def map_documents(self, path: Path) -> None:
        """Move the documents' vectors into a new file, to be trained there: a .npy, mapped.

        They then are no part of the memory, which may be smaller. The file is the training's own:
        what it holds after a crash is of no use, and `save` copies it. Raises ModelError for a
        model without documents, RowFileError for a path where no such file can be made.
        """
        self._demand_documents()
        self.demand_rest()
        held = self._weights
        self._weights = (
            Weights.of(*held.parts, tag_file=path)
            if isinstance(held, Matrices)
            else held.with_tag_file(path)
        )
        self._moved()

    @classmethod
    def open(cls, folder: Path) -> "Model":
        """Map the model in a folder; raises ModelError for files that don't fit together."""
        return cls.of(model_files.read(folder))

    def demand_trained_words(self) -> None:
        """Raise ModelError for a model whose words' vectors are still those it began with."""
        if not self.settings.trains_words:
            raise ModelError(
                "the model has vectors of documents only: with PV-DBOW the words' vectors are not "
                "trained. To mend it: set dbow_words = 1, or ask for documents"
            )

    @property
    def is_mapped(self) -> bool:
        """Whether its matrices still lie in the files that it was opened from."""
        return isinstance(self._weights, Matrices)

    def show_moved(self) -> None:
        """Forget what was computed of the weights: somebody has written into them."""
        self._inference = self._read = None
        with self._moving():
            pass

    def _without_tags(self) -> Weights:
        """Return what inference reads: of a model that was opened, a copy without its documents."""
        held = self._weights
        if not isinstance(held, Matrices):
            return held
        if self._read is None:
            self._read = Weights.of(held.vectors, held.output, held.nodes, None)
        return self._read

    def _moved(self) -> None:
        """Let all that looks at the weights look at those that there are now."""
        self._inference = self._read = None
        _ = self.keyed_vectors
        if self.tags is not None:
            _ = self.keyed_documents

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Say to those who look at the weights that they are being trained."""
        shown, this = (self._words, self._documents), object()
        try:
            self._trainings.add(this)
            for vectors in shown:
                vectors.moving(True)
            yield
        finally:  # whatever interrupts us wherever: nothing of this training stays
            self._trainings.discard(this)
            for vectors in shown:
                vectors.moving(bool(self._trainings))

    def demand_rest(self) -> None:
        """Raise ModelError while the model is being trained."""
        if self._trainings:
            raise ModelError(
                "the model is being trained, in its old shape: what is learnt would be lost. To "
                "mend it: do this when train() has ended, not in a callback or another thread"
            )

    def _matrices(self) -> Matrices:
        held = self._weights
        if isinstance(held, Matrices):
            return held
        output, nodes = (
            None if wide is None else unpadded(wide, held.dim) for wide in (held.output, held.nodes)
        )
        return Matrices(held.vectors, output, nodes, held.tag_vectors)

    def _demand_documents(self) -> TagTable:
        if self.tags is None:
            raise ModelError(
                "the model has vectors of words only. To mend it: train one with train_doc2vec, or "
                "with Doc2Vec in Python"
            )
        return self.tags


def tags_with(
    shards: Iterable[TokenShard], settings: Settings, held: TagTable | None = None
) -> TagTable | None:
    """Return the tags held with those of a corpus's shards, or None for settings without tags.

    Raises TagError where the rows are not the documents that the settings need.
    """
    if not settings.has_tags:
        return None
    check_tags(shards, settings)
    return (held or TagTable.empty()).add(shards)


def _locked(matrix: NDArray[Number]) -> NDArray[Number]:
    view = matrix.view()
    view.flags.writeable = False
    return view


def _noted(vectors: KeyedVectors, made: tuple[str, ...]) -> Attributes:
    """Return the attributes of keys that are not made of the model."""
    held = vectors.expandos.items()
    return {name: values[: len(vectors)] for name, values in held if name not in made}


def _for_each(vectors: KeyedVectors, given: Floats | None) -> Floats | None:
    """Return the rate of every row, or None where all are 1."""
    rates = vectors.rates(given)
    return None if rates is None else np.ascontiguousarray(np.broadcast_to(rates, len(vectors)))
