"""A model: vocabulary, weights and the settings that shape it; and the same as files.

The files are data, whatever program reads them: the words with their counts as an Arrow IPC file,
the matrices as .npy, the settings as JSON. Loading maps them and runs nothing.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.training import WordSettings
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Weights

WORDS, VECTORS, OUTPUT, SETTINGS = "words.arrow", "vectors.npy", "output.npy", "settings.json"


class ModelError(MillraceError):
    """A model's files don't fit together, or settings don't fit the model."""


class Model:
    """What training makes and publishing saves.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, pyarrow as pa
    >>> words = Vocabulary.empty().add(pa.array(["a", "b"]), np.array([3, 2]), min_count=1)
    >>> model = Model.fresh(words, WordSettings(vector_size=4), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(Path(folder))
    ...     again = Model.open(Path(folder))
    >>> bool((again.vectors == model.vectors).all()), again.settings == model.settings
    (True, True)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: WordSettings,
        weights: Weights | tuple[NDArray[np.float32], NDArray[np.float32]],
    ) -> None:
        self.vocabulary = vocabulary
        self.settings = settings
        self._weights = weights  # or what is mapped: vectors and output, (rows, dim)

    @classmethod
    def fresh(cls, vocabulary: Vocabulary, settings: WordSettings, seed: int) -> "Model":
        """Return a model that has not been trained."""
        return cls(vocabulary, settings, Weights.fresh(vocabulary.size, settings.vector_size, seed))

    def grow(self, vocabulary: Vocabulary, seed: int) -> None:
        """Take a vocabulary that this model's was updated to, and make rows for its new words."""
        self._weights = self.weights.grow(vocabulary.size, seed)
        self.vocabulary = vocabulary

    @property
    def weights(self) -> Weights:
        """The matrices, to be trained; of a model that was opened, a copy in memory."""
        if not isinstance(self._weights, Weights):
            self._weights = Weights.of(*self._weights)
        return self._weights

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(words, dimensions) the word vectors; they can't be written to."""
        held = self._weights
        view = (held.vectors if isinstance(held, Weights) else held[0]).view()
        view.flags.writeable = False
        return view

    @property
    def keyed_vectors(self) -> KeyedVectors:
        """The word vectors with their words."""
        return KeyedVectors(self.vocabulary.retained, self.vectors)

    def save(self, folder: Path) -> None:
        """Write the model's files into an empty folder."""
        vocabulary, dim = self.vocabulary, self.settings.vector_size
        table = pa.table({"word": vocabulary.words, "count": pa.array(vocabulary.counts)})
        path = str(folder / WORDS)
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
        held = self._weights
        pair = (held.vectors, held.output[:, :dim]) if isinstance(held, Weights) else held
        for name, matrix in zip((VECTORS, OUTPUT), pair, strict=True):
            np.save(folder / name, matrix, allow_pickle=False)
        settings = {"words": vocabulary.size, "word_settings": asdict(self.settings)}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n")

    @classmethod
    def open(cls, folder: Path) -> "Model":
        """Map the model in a folder; raises ModelError for files that don't fit together."""
        try:
            said = json.loads((folder / SETTINGS).read_text())
            settings, size = WordSettings(**said["word_settings"]), int(said["words"])
            with pa.memory_map(str(folder / WORDS)) as source:
                table = pa.ipc.open_file(source).read_all()
            words = cast("pa.StringArray", table["word"].combine_chunks())
            counts = table["count"].to_numpy()
            pair = tuple(
                np.load(folder / name, mmap_mode="r", allow_pickle=False)
                for name in (VECTORS, OUTPUT)
            )
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as problem:
            raise ModelError(f"{folder} does not hold a model: {problem}") from problem
        expected = (size, settings.vector_size)
        for name, matrix in zip((VECTORS, OUTPUT), pair, strict=True):
            if matrix.shape != expected or matrix.dtype != np.float32 or size > len(words):
                raise ModelError(
                    f"{folder / name} has shape {matrix.shape} of {matrix.dtype}, "
                    f"but {expected} of float32 belong to its {size} words"
                )
        return cls(Vocabulary(words, counts, size), settings, (pair[0], pair[1]))
