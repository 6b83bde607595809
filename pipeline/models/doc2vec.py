"""Doc2Vec under the names that people know: paragraph vectors (Le and Mikolov 2014)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora import Corpus, Documents, TaggedDocument
from pipeline.models.face import Face, no_progress
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import ModelError
from pipeline.passes import Plan
from pipeline.settings import Method, Settings
from pipeline.training import Progress


class Doc2Vec(Face):
    """Vectors of documents and words: from a corpus with tags, or a re-iterable of TaggedDocument.

    With `documents`, the vocabulary is built and the model trained at once. The defaults are the
    peers': dm=1 is PV-DM, where tags and words together predict a word, joined by their mean, with
    dm_mean=0 by their sum, with dm_concat=1 end to end (then each document has dm_tag_count tags);
    dm=0 is PV-DBOW, where tags alone do, which is faster and usually gives the better documents;
    with dbow_words=1 it trains words, too, as skip-gram does. Other names are those of Word2Vec.

    >>> from corpora import TaggedDocument
    >>> texts = {"mill": "the mill turns", "race": "the race runs"}
    >>> documents = [TaggedDocument(text.split(), [tag]) for tag, text in texts.items()] * 20
    >>> model = Doc2Vec(documents, dm=0, vector_size=8, min_count=1, workers=1)
    >>> model.dv["mill"].shape, model.infer_vector(["the", "mill"]).shape
    ((8,), (8,))
    """

    def __init__(
        self,
        documents: Corpus | Iterable[TaggedDocument] | None = None,
        *,
        vector_size: int = 100,
        dm: int = 1,
        dm_mean: int | None = None,
        dm_concat: int = 0,
        dm_tag_count: int = 1,
        dbow_words: int = 0,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        epochs: int = 10,
        shrink_windows: bool = True,
        exact_gradient: bool = False,
        shared_noise: bool = True,
        hot_rows: bool = True,
        cache: str | PathLike[str] | Literal[False] | None = None,
        on_progress: Callable[[Progress], None] = no_progress,
    ) -> None:
        super().__init__(
            document_settings(
                dm=dm,
                dm_mean=1 if dm_mean is None else dm_mean,
                dm_concat=dm_concat,
                dm_tag_count=dm_tag_count,
                dbow_words=dbow_words,
                exact_gradient=exact_gradient,
                vector_size=vector_size,
                window=window,
                negative=negative,
                hierarchical=bool(hs),
                ns_exponent=ns_exponent,
                shrink_windows=shrink_windows,
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
        self._documents: KeyedVectors | None = None
        if documents is not None:
            self._begin(documents)

    @property
    def dv(self) -> KeyedVectors:
        """The documents' vectors, by tag."""
        if self._documents is None:
            self._documents = self._known().keyed_documents
        return self._documents

    def infer_vector(
        self,
        doc_words: Sequence[str],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> NDArray[np.float32]:
        """Return a vector (d) for a document that need not have been trained.

        The same words give the same vector, every time. Words that the model doesn't know are left
        out; if it knows none the vector is zero. None takes what the model was made with.
        """
        if isinstance(doc_words, str):
            raise TypeError("doc_words must be a list of words, not one string: split it first")
        vector: NDArray[np.float32] = self.infer_vectors(
            [list(doc_words)], alpha, min_alpha, epochs
        )[0]
        return vector

    def infer_vectors(
        self,
        documents: Corpus | Iterable[Sequence[str]],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> NDArray[np.float32]:
        """Return a vector for each document, (n, d): what `infer_vector` gives, on all workers.

        documents: lists of words, or a corpus, whose tags are not looked at. Raises ModelError
        where a corpus cuts long documents in pieces.
        """
        given = {"alpha": alpha, "min_alpha": min_alpha, "epochs": epochs}
        changes: Any = {name: value for name, value in given.items() if value is not None}
        plan = replace(self.plan, **changes)
        model = self._known()
        if isinstance(documents, str):
            raise TypeError("documents must be lists of words, not one string")
        if not isinstance(documents, Corpus):
            return model.infer(list(documents), plan, self.workers).vectors
        found = [np.zeros((0, self.settings.vector_size), np.float32)]
        for batch in documents.token_batches(workers=self.workers):
            if batch.split:
                raise ModelError(
                    "the corpus cuts long documents in pieces, which would get vectors each. To "
                    "mend it: read it with max_sentence_length or max_document_length = None"
                )
            lists: Any = batch.batch["tokens"]
            words: Any = pa.ListArray.from_arrays(lists.offsets, batch.words.take(lists.values))
            found.append(model.infer(words, plan, self.workers).vectors)
        return np.concatenate(found)

    def _corpus(self, given: Any) -> Corpus:
        return Documents(given)

    def _changed(self) -> None:
        super()._changed()
        self._documents = None


def document_settings(
    *,
    dm: int,
    dm_mean: int,
    dm_concat: int,
    dm_tag_count: int,
    dbow_words: int,
    exact_gradient: bool,
    **others: Any,
) -> Settings:
    """Return the settings that the peers' names for kinds of documents' vectors stand for.

    >>> document_settings(dm=0, dm_mean=1, dm_concat=0, dm_tag_count=1, dbow_words=1,
    ...                   exact_gradient=False).method
    'dbow_words'
    """
    method: Method = "dm" if dm else "dbow_words" if dbow_words else "dbow"
    joined = dm and not dm_concat
    return Settings(
        method=method,
        join="mean" if not dm else "concat" if dm_concat else "mean" if dm_mean else "sum",
        tag_count=dm_tag_count if dm and dm_concat else 1,
        exact_gradient=bool(joined and exact_gradient),
        **others,
    )
