"""A model: vocabulary, tags, weights and the settings that shape it; and the same as files."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.shards import TokenShard
from pipeline import inference, training
from pipeline.models import model_files
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model_files import Files, Matrices, ModelError
from pipeline.passes import Plan
from pipeline.settings import Settings
from pipeline.tag_checks import check_tags
from pipeline.tags import TagTable
from pipeline.training import Progress, Receipt, Shards
from pipeline.tree import Tree
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Floats, Weights, unpadded

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
        self._weights = weights  # Matrices: as they are mapped from files
        self._inference: inference.Inference | None = None  # for the weights as they are

    @classmethod
    def fresh(
        cls, vocabulary: Vocabulary, settings: Settings, seed: int, tags: TagTable | None = None
    ) -> "Model":
        """Return a model that has not been trained; tags: for settings that have tags."""
        tree = Tree.of(vocabulary.retained_counts) if settings.hierarchical else None
        if settings.has_tags:
            tags = tags or TagTable.empty()
        rows = 0 if tags is None else tags.size
        weights = Weights.fresh(vocabulary.size, rows, settings, seed)
        return cls(vocabulary, settings, weights, tags, tree)

    def grow(self, vocabulary: Vocabulary, seed: int, tags: TagTable | None = None) -> None:
        """Take a vocabulary and tags that this model's were updated to; new ones get rows.

        Rows that are there stay as they are. tags: None leaves them.
        """
        if tags is None:
            tags = self.tags
        rows = 0 if tags is None else tags.size
        self._weights = self.weights.grow(vocabulary.size, rows, seed)
        if self.tree is not None:
            self.tree = self.tree.grow(vocabulary.retained_counts)
        self.vocabulary, self.tags = vocabulary, tags
        self._inference = None

    def train(
        self,
        shards: Shards,
        plan: Plan,
        *,
        word_rates: NDArray[np.float32] | None = None,
        tag_rates: NDArray[np.float32] | None = None,
        workers: int = 1,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> Receipt:
        """Train on a corpus's shards and return the receipt.

        word_rates (words), tag_rates (tags): factors of the learning rate by row; a vector with 0
        keeps every bit. Raises TagError where their rows are not the documents that the settings
        need or have tags without a vector, and what `training.train` raises.
        """
        check_tags(shards, self.settings, self.tags)
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
            workers=workers,
            on_progress=on_progress,
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
    def weights(self) -> Weights:
        """The matrices, to be trained; of a model that was opened, a copy in memory."""
        if isinstance(self._weights, Matrices):
            held = self._weights
            self._weights = Weights.of(held.vectors, held.output, held.nodes, held.tag_vectors)
            self._inference = None  # it had a copy of its own
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
        """The words' vectors with their words."""
        counts = self.vocabulary.retained_counts
        return KeyedVectors.of(self.vocabulary.retained, self.vectors, count=counts)

    @property
    def keyed_documents(self) -> KeyedVectors:
        """The documents' vectors with their tags; raises ModelError where there are none."""
        tags = self._demand_documents()
        return KeyedVectors.of(tags, self.tag_vectors, doc_count=tags.counts)

    def save(self, folder: Path) -> None:
        """Write the model's files into an empty folder."""
        model_files.write(
            folder,
            Files(self.vocabulary, self.settings, self._matrices(), self.tags, self.tree),
        )

    @classmethod
    def open(cls, folder: Path) -> "Model":
        """Map the model in a folder; raises ModelError for files that don't fit together."""
        held = model_files.read(folder)
        return cls(held.vocabulary, held.settings, held.matrices, held.tags, held.tree)

    def demand_trained_words(self) -> None:
        """Raise ModelError for a model whose words' vectors are still those it began with."""
        if not self.settings.trains_words:
            raise ModelError(
                "the model has vectors of documents only: with PV-DBOW the words' vectors are not "
                "trained. To mend it: set dbow_words = 1, or ask for documents"
            )

    def _without_tags(self) -> Weights:
        """Return what inference reads: of a model that was opened, a copy without its documents."""
        held = self._weights
        if isinstance(held, Matrices):
            return Weights.of(held.vectors, held.output, held.nodes, None)
        return held

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


def _locked(matrix: Floats) -> Floats:
    view = matrix.view()
    view.flags.writeable = False
    return view
