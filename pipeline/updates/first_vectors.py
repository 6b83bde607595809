"""Vectors from elsewhere that a model's new rows begin with, locked or free to learn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.weights import Floats
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError
from pipeline.store.versions import Store
from pipeline.vectors import word2vec_read
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import local_path
from pipeline.vectors.word2vec_read import Wanted

Piece = tuple[list[str], Floats]


def begin_from(model: Model, address: str, first: int = 0, *, locked: bool = False) -> int:
    r"""Give words from row `first` on the vectors that they have elsewhere; returns to how many.

    address: a store, whose newest version is taken; vectors that KeyedVectors.save wrote; or a file
    in word2vec's format, binary where its name has .bin in it, text otherwise. locked: they never
    learn, in later runs either (`vectors_lockf` is 0 for them). Raises ModelError for vectors of
    another size, and VectorFileError for what can't be read.

    >>> import tempfile, pyarrow as pa
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> words = Vocabulary.empty().add(pa.array(["up", "on"]), np.array([2, 1]), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=2), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "vectors.txt")
    ...     _ = path.write_text("2 2\nup 3 4\ndown 3 -4\n")
    ...     begin_from(model, str(path), locked=True)
    1
    >>> model.vectors[0].tolist(), model.keyed_vectors.vectors_lockf.tolist()
    ([3.0, 4.0], [0.0, 1.0])
    """
    size = model.settings.vector_size
    shown, taken = model.keyed_vectors, 0
    rows_of = shown.key_to_index
    vectors = model.weights.vectors
    for words, block in _pieces(address, size):
        if block.shape[1] != size:
            raise ModelError(
                f"{address}: its vectors have {block.shape[1]} numbers and the model's {size}. To "
                f"mend it: set vector_size = {block.shape[1]}"
            )
        rows = np.array([rows_of.get(word, -1) for word in words], np.int64)
        here = np.flatnonzero(rows >= first)
        vectors[rows[here]] = block[here]
        taken += len(here)
        if locked and len(here):
            if len(shown.vectors_lockf) < len(shown):
                shown.vectors_lockf = np.full(len(shown), shown.vectors_lockf[0], np.float32)
            shown.vectors_lockf[rows[here]] = 0
    model.show_moved()
    return taken


def _pieces(address: str, size: int) -> Iterator[Piece]:
    """Yield words and their vectors, (m, size) as a rule, from a place of any kind."""
    path = local_path(address)
    if path is not None and path.is_dir():
        yield _newest(address)
        return
    if address.endswith((".kv", ".arrow")):
        held = KeyedVectors.load(address)
        yield [str(key) for key in held.index_to_key], np.asarray(held.vectors, np.float32)
        return
    wanted = Wanted(address, binary=".bin" in Path(address).name)
    yield from word2vec_read.each(wanted, size)


def _newest(address: str) -> Piece:
    found = Store.open(address).latest()
    if found is None:
        raise VectorFileError(
            "this folder is no store with a version", url=address,
            remedy="name a store, or a file of vectors",
        )  # fmt: skip
    held = Model.open(found.folder())
    held.demand_trained_words()
    words: list[Any] = held.vocabulary.retained.to_pylist()
    return words, held.vectors
