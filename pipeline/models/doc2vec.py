"""Doc2Vec under the names that people know: paragraph vectors (Le and Mikolov 2014)."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Unpack

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora import Corpus, Documents, TaggedDocument, TaggedLineDocument
from corpora.old_names import old_names
from corpora.shards import TokenShards
from pipeline.core.settings import Method, Settings
from pipeline.models import memory
from pipeline.models.given import Files
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import ModelError
from pipeline.models.parameters import Common, plain
from pipeline.models.word2vec import Word2Vec
from pipeline.old_names import DOC2VEC
from pipeline.vectors.files import Address
from pipeline.words.admission import TrimRule
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary


@old_names(DOC2VEC)
class Doc2Vec(Word2Vec):
    """Vectors of documents and words: from a corpus with tags, or an iterable of TaggedDocument.

    With documents or corpus_file, the vocabulary is built and the model trained at once.
    corpus_file: an address that TaggedLineDocument reads; the tags are the lines' numbers from 0
    on. dm=1 is PV-DM, where tags and words together predict a word, joined by their mean, with
    dm_mean=0 by their sum, with dm_concat=1 end to end (then each document has dm_tag_count tags);
    dm=0 is PV-DBOW, where tags alone do, which is faster and usually gives the better documents;
    with dbow_words=1 it trains words, too, as skip-gram does. dv: vectors that the documents with
    their tags begin with. dv_mapfile: a new file that the documents' vectors lie in while they are
    trained, where memory is too small. Other names are those of Word2Vec.

    >>> from corpora import TaggedDocument
    >>> texts = {"mill": "the mill turns", "race": "the race runs"}
    >>> documents = [TaggedDocument(text.split(), [tag]) for tag, text in texts.items()] * 20
    >>> model = Doc2Vec(documents, dm=0, vector_size=8, min_count=1, workers=1)
    >>> model.dv["mill"].shape, model.infer_vector(["the", "mill"]).shape
    ((8,), (8,))
    >>> model
    Doc2Vec<dbow,d8,n5,s0.001>
    """

    _lone_documents: KeyedVectors | None

    def __init__(
        self,
        documents: Corpus | Iterable[TaggedDocument] | None = None,
        corpus_file: Files | None = None,
        vector_size: int = 100,
        dm_mean: int | None = None,
        dm: int = 1,
        dbow_words: int = 0,
        dm_concat: int = 0,
        dm_tag_count: int = 1,
        dv: KeyedVectors | None = None,
        dv_mapfile: str | PathLike[str] | None = None,
        comment: str | None = None,
        trim_rule: TrimRule | None = None,
        callbacks: Iterable[object] = (),
        window: int = 5,
        epochs: int = 10,
        shrink_windows: bool = True,
        **others: Unpack[Common],
    ) -> None:
        self.dbow_words, self.dm_concat = int(dbow_words), int(dm_concat)
        self.dm_tag_count = dm_tag_count
        self._first_vectors, self._mapfile = dv, dv_mapfile
        if dm_mean is not None:
            others["cbow_mean"] = int(dm_mean)
        super().__init__(
            documents,
            corpus_file,
            vector_size=vector_size,
            sg=int(not dm),
            comment=comment,
            trim_rule=trim_rule,
            callbacks=callbacks,
            window=window,
            epochs=epochs,
            shrink_windows=shrink_windows,
            **others,
        )

    @property
    def settings(self) -> Settings:
        """What the attributes make of a model; raises ValueError for what none can be."""
        return document_settings(
            dm=self.dm,
            dm_mean=self.cbow_mean,
            dm_concat=self.dm_concat,
            dm_tag_count=plain(self.dm_tag_count),
            dbow_words=self.dbow_words,
            exact_gradient=self.exact_gradient,
            **self._of_all(),
        )

    @property
    def dm(self) -> bool:
        """Whether this is PV-DM, and not PV-DBOW."""
        return not self.sg

    @dm.setter
    def dm(self, dm: int) -> None:
        self.sg = int(not dm)

    @property
    def dbow(self) -> bool:
        """Whether this is PV-DBOW, and not PV-DM."""
        return bool(self.sg)

    @property
    def dm_mean(self) -> int:
        """Whether PV-DM takes the mean of tags and words, and not their sum: `cbow_mean`."""
        return self.cbow_mean

    @dm_mean.setter
    def dm_mean(self, dm_mean: int) -> None:
        self.cbow_mean = int(dm_mean)

    @property
    def dv(self) -> KeyedVectors:
        """The documents' vectors by tag, which training writes; without a vocabulary empty."""
        if self._model is not None:
            return self._model.keyed_documents
        if self._lone_documents is None:
            self._lone_documents = KeyedVectors(self.vector_size)
        return self._lone_documents

    def __getitem__(self, tag: Any) -> NDArray[np.float32]:
        """Return the vector (d) of a word, or else of a document; of a list of them, (n, d)."""
        if isinstance(tag, str | int | np.integer):
            held: Any = self.wv if tag in self.wv else self.dv
            vector: NDArray[np.float32] = held[tag]
            return vector
        return np.vstack([self[one] for one in tag])

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
        plan = self.plan_with(epochs, alpha, min_alpha)
        model = self._known()
        if isinstance(documents, str):
            raise TypeError("documents must be lists of words, not one string")
        if not isinstance(documents, Corpus):
            return model.infer(list(documents), plan, self.workers).vectors
        found = [np.zeros((0, self.vector_size), np.float32)]
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

    def similarity_unseen_docs(
        self,
        doc_words1: Sequence[str],
        doc_words2: Sequence[str],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> float:
        """Return the cosine of two documents' inferred vectors; 0 where one has no known word."""
        for words in (doc_words1, doc_words2):
            if isinstance(words, str):
                raise TypeError(
                    "a document must be a list of words, not one string: split it first"
                )
        both = self.infer_vectors([doc_words1, doc_words2], alpha, min_alpha, epochs)
        one, other = both.astype(np.float64)
        lengths = np.linalg.norm(one) * np.linalg.norm(other)
        return float(one @ other / lengths) if lengths else 0.0

    def save_word2vec_format(
        self,
        fname: Address,
        doctag_vec: bool = False,
        word_vec: bool = True,
        prefix: str = "*dt_",
        fvocab: Address | None = None,
        binary: bool = False,
    ) -> None:
        """Write the words' vectors, the documents', or both, in word2vec's format.

        prefix: put before each tag, so that it is told from words. Other arguments and errors are
        those of KeyedVectors. Raises ValueError where neither is asked for.
        """
        if not (doctag_vec or word_vec):
            raise ValueError("nothing is to be saved: set doctag_vec or word_vec")
        if word_vec:
            total = len(self.wv) + len(self.dv) if doctag_vec else None
            self.wv.save_word2vec_format(fname, fvocab, binary, total_vec=total)
        if doctag_vec:
            self.dv.save_word2vec_format(
                fname, None if word_vec else fvocab, binary, write_header=not word_vec,
                prefix=prefix, append=word_vec, sort_attr="doc_count",
            )  # fmt: skip

    def estimate_memory(
        self, vocab_size: int | None = None, report: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Return bytes by part, those of the documents that are known included, and "total"."""
        tags = memory.of_tags(len(self.dv), self.vector_size)
        return super().estimate_memory(vocab_size, dict(report or {}) | tags)

    def estimated_lookup_memory(self) -> int:
        """Return the bytes that looking tags up takes, by the peers' rule of thumb."""
        return memory.of_tags(len(self.dv), self.vector_size)["doctag_lookup"]

    def __repr__(self) -> str:
        """Show the kind and the arguments that matter most."""
        kind = (
            f"dbow{'+w' * self.dbow_words}" if self.sg else
            "dm/c" if self.dm_concat else "dm/m" if self.cbow_mean else "dm/s"
        )  # fmt: skip
        shown = {
            f'"{self.comment}"': self.comment,
            kind: True,
            f"d{self.vector_size}": True,
            f"n{self.negative}": self.negative,
            "hs": self.hs,
            f"w{self.window}": self.dm or self.dbow_words,
            f"mc{self.min_count}": self.min_count > 1,
            f"s{self.sample or 0:g}": self.sample,
            f"t{self.workers}": self.workers > 1,
        }
        return f"{type(self).__name__}<{','.join(text for text, holds in shown.items() if holds)}>"

    def _replace(self, vocabulary: Vocabulary, tags: TagTable | None) -> None:
        super()._replace(vocabulary, tags)
        if self._first_vectors is not None:
            self._take(self._first_vectors)

    def _shown(self) -> tuple[KeyedVectors, KeyedVectors]:
        return super()._shown()[0], self.dv

    def _take(self, given: KeyedVectors) -> None:
        """Begin with these vectors for the tags that have one there."""
        if given.vector_size != self.vector_size:
            raise ModelError(
                f"dv has vectors of size {given.vector_size}, but vector_size is {self.vector_size}"
            )
        tags = list(self.dv)
        rows = [row for row, tag in enumerate(tags) if tag in given]
        if rows:
            self.dv.vectors[rows] = given[[tags[row] for row in rows]]

    def _rows(self, shards: TokenShards) -> int:
        """Return how many documents there are: cut ones count once."""
        return shards.rows - shards.split

    def _listed(self, given: Any) -> Corpus:
        return Documents(given)

    def _filed(self, given: Any) -> Corpus:
        return TaggedLineDocument(given, tags="line")

    @property
    def _more_saved(self) -> tuple[str, ...]:
        return ("dbow_words", "dm_concat", "dm_tag_count")

    @property
    def _has_tags(self) -> bool:
        return True

    def _begin(self) -> None:
        super()._begin()
        self._lone_documents = None

    def _defaults(self) -> None:
        Doc2Vec.__init__(self)


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
