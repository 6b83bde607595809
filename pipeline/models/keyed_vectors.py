"""Vectors with keys: look one up, compare, find the nearest, test, save and exchange them."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from corpora.old_names import old_names
from pipeline.old_names import KEYED_VECTORS
from pipeline.vectors import arrow_file, export, judged, mover, word2vec_read, word2vec_write
from pipeline.vectors.approximate import ApproximateIndex
from pipeline.vectors.correlation import Correlation
from pipeline.vectors.files import Address
from pipeline.vectors.keys import Key
from pipeline.vectors.rows import Matrix
from pipeline.vectors.searched import Searched
from pipeline.vectors.word2vec_read import Wanted

__all__ = ["KeyedVectors"]

MOST_ASKED = 300_000  # words that tests are confined to, unless told otherwise


@old_names(KEYED_VECTORS)
class KeyedVectors(Searched):
    """keys (n) and their vectors (n, d); the vectors may be a model's own or mapped from a file.

    Keys are words, or documents' tags. Where tags are whole numbers an int is a tag; where all keys
    are strings it is an index. Keys are looked up where they lie: millions of them make no Python
    object before they are asked for.

    >>> import numpy as np
    >>> vectors = np.array([[0, 1], [.1, 1], [0, -1]], np.float32)
    >>> wv = KeyedVectors.of(["up", "high", "down"], vectors)
    >>> wv.most_similar("up", topn=1)[0][0]
    'high'
    >>> round(wv.similarity("up", "down"), 3)
    -1.0
    >>> wv.doesnt_match(["up", "down", "high"])
    'down'
    >>> wv["left"] = np.array([-1, 0])
    >>> wv, wv.key_to_index["left"], wv.closer_than("up", "left")
    (KeyedVectors<vector_size=2, 4 keys>, 3, ['high'])
    """

    @classmethod
    def load_word2vec_format(
        cls,
        fname: Address,
        fvocab: Address | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: DTypeLike = np.float32,
        no_header: bool = False,
        strict: bool = True,
    ) -> Self:
        r"""Read vectors in word2vec's format, text or binary, from a path or URL, packed or not.

        fvocab: a file of words' counts; without one, falling counts keep the words' order. encoding
        and unicode_errors: how words are decoded. limit: read the first so many. datatype: float16,
        float32 or float64. no_header: the file is text whose first line is a vector already
        (GloVe). strict: a word that comes twice, a number that is not finite and rows beyond those
        promised are errors; otherwise the first such word counts and the rest is taken as it is.
        With unicode_errors other than "strict", words may become alike: the first of them counts.

        Raises VectorFileError, a ValueError, with file, place and remedy; a file that ends early is
        an EOFError, too, and a word of other bytes a UnicodeDecodeError.

        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "vectors.txt")
        ...     _ = path.write_text("2 3\nup 0 0 1\ndown 0 0 -1\n")
        ...     KeyedVectors.load_word2vec_format(path)["down"].tolist()
        [0.0, 0.0, -1.0]
        """
        wanted = Wanted(fname, binary, encoding, unicode_errors, no_header, strict)
        words, vectors, promised = word2vec_read.read(wanted, limit, datatype)
        counts = (
            np.arange(promised, promised - len(words), -1)
            if fvocab is None
            else word2vec_read.counts(fvocab, words, unicode_errors)
        )
        return cls.of(words, vectors, count=counts)

    def save_word2vec_format(
        self,
        fname: Address,
        fvocab: Address | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write vectors in word2vec's format, which the C tool, fastText and gensim read.

        A name in .gz or .zst is packed; the file has its name only when it is complete. Rows go by
        falling `sort_attr`, where there is that attribute. fvocab: write that, too, to this file.
        total_vec: the number to promise in the header; prefix: put before each key; append: after
        what is in the file. Numbers in text read as the same floats; in binary they are float32.
        Raises VectorFileError for a key with a space, which the format has no way to write.
        """
        word2vec_write.write(
            self, fname, fvocab=fvocab, binary=binary, total_vec=total_vec,
            write_header=write_header, prefix=prefix, append=append, sort_attr=sort_attr,
        )  # fmt: skip

    def intersect_word2vec_format(
        self,
        fname: Address,
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> int:
        """Take the vectors of keys that are here from a file; returns of how many.

        lockf: what `vectors_lockf` becomes for them: 0 keeps them as they are in training, 1 lets
        them be trained. Raises ValueError for vectors of another size or that can't be written to,
        and what load_word2vec_format does, with the vectors taken that come before the mistake.
        """
        self.demand_writable()
        taken = 0
        wanted = Wanted(fname, binary, encoding, unicode_errors)
        if len(self.vectors_lockf) < len(self):
            self.vectors_lockf = np.full(len(self), self.vectors_lockf[0], np.float32)
        for words, block in word2vec_read.each(wanted, self.vector_size):
            where = np.array(self._keys.find(words), np.int64)
            here = where >= 0
            self.vectors[where[here]] = block[here]
            self.vectors_lockf[where[here]] = lockf
            taken += int(here.sum())
        self.fill_norms(force=True)
        return taken

    def save(self, fname: Address) -> None:
        """Write keys, vectors and attributes to one Arrow file, which `load` reads and can map.

        Whatever reads Arrow reads it, too; it holds no code. The file has its name only when it is
        complete.
        """
        arrow_file.write(self, fname)

    @classmethod
    def load(cls, fname: Address, mmap: str | None = None) -> Self:
        """Read what `save` wrote; with mmap="r" the vectors stay in the file and can't be changed.

        Raises VectorFileError for any other file.

        >>> import tempfile, pathlib
        >>> wv = KeyedVectors.of(["up", "down"], np.eye(2, dtype=np.float32))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     wv.save(pathlib.Path(folder, "vectors.kv"))
        ...     again = KeyedVectors.load(pathlib.Path(folder, "vectors.kv"), mmap="r")
        >>> again.most_similar("up"), again.vectors.flags.writeable
        ([('down', 0.0)], False)
        """
        keys, vectors, attributes = arrow_file.read(fname, mmap)
        locks = attributes.pop(arrow_file.LOCKS, None)
        made = cls.of(keys, vectors, **attributes)
        if locks is not None:
            made.vectors_lockf = np.array(locks, np.float32)
        return made

    def export(self, fname: Address) -> None:
        """Write the format that the name ends in: .parquet, .arrow, .npy or .safetensors.

        Beside a .npy, NAME.keys.jsonl holds the keys in order. Raises VectorFileError for another
        end, MillraceError where a library is missing.
        """
        export.write(self, fname)

    def embedding_matrix(self, reserved: int = 0) -> tuple[Matrix, dict[Key, int]]:
        """Return a matrix (reserved + n, d) for another program's layer, and the row of every key.

        The first `reserved` rows are zero, for padding and for words without a vector.

        >>> wv = KeyedVectors.of(["up", "down"], np.eye(2, dtype=np.float32))
        >>> matrix, rows = wv.embedding_matrix(reserved=1)
        >>> matrix.tolist(), rows
        ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], {'up': 1, 'down': 2})
        """
        return export.embedding_matrix(self, reserved)

    def torch_embedding(
        self, reserved: int = 1, *, freeze: bool = True
    ) -> tuple[Any, dict[Key, int]]:
        """Return a torch.nn.Embedding of `embedding_matrix`, and the row of every key.

        Row 0, if any is reserved, is padding. freeze: the layer is not trained. Raises
        MillraceError where torch is missing.
        """
        return export.torch_embedding(self, reserved, freeze=freeze)

    def keras_embedding(
        self, reserved: int = 1, *, trainable: bool = False
    ) -> tuple[Any, dict[Key, int]]:
        """Return a keras.layers.Embedding of `embedding_matrix`, and the row of every key.

        Row 0, if any is reserved, is masked. Raises MillraceError where Keras is missing.
        """
        return export.keras_embedding(self, reserved, trainable=trainable)

    def vectors_for_all(
        self,
        keys: Iterable[Key],
        allow_inference: bool = True,  # noqa: ARG002  # see below
        copy_vecattrs: bool = False,
    ) -> "KeyedVectors":
        """Return vectors of their own for some keys, each once, in their order; unknown are left.

        allow_inference: for classes that can make vectors of unknown words; this one can't.
        copy_vecattrs: with these keys' attributes; otherwise with falling counts.
        """
        listed = list(dict.fromkeys(keys))
        found = zip(listed, self._keys.find(listed), strict=True)
        known = [(key, index) for key, index in found if index >= 0]
        rows = np.array([index for _, index in known], np.int64)
        attributes = {"count": np.arange(len(known), 0, -1)}
        if copy_vecattrs:
            attributes = {name: values[rows] for name, values in self.expandos.items()}
        return KeyedVectors.of([key for key, _ in known], self.vectors[rows], **attributes)

    def approximate_index(
        self, connectivity: int = 16, precision: str = "f16", workers: int = 0
    ) -> ApproximateIndex:
        """Return an index that finds most of the nearest keys quickly: `most_similar(indexer=...)`.

        connectivity: neighbours kept for each row; precision: "f32", "f16" or "i8"; workers:
        threads that build it, 0 for all. Raises MillraceError where the package usearch is missing.
        """
        return ApproximateIndex.build(self, connectivity, precision, workers)

    def wmdistance(
        self, document1: Sequence[Key], document2: Sequence[Key], norm: bool = True
    ) -> float:
        """Return the word mover's distance of two lists of words; unknown words are left out.

        norm: take words' vectors with length 1. Infinity where one has no known word. Raises
        MillraceError where the package POT is missing.
        """
        return mover.distance(self, document1, document2, norm=norm)

    def evaluate_word_analogies(
        self,
        analogies: Address,
        restrict_vocab: int | None = MOST_ASKED,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """Return the share of analogies that come out, and a dict for each section of the file.

        A line is four words, "a is to b as c is to d"; ": name" begins a section. The answer is the
        word nearest to b - a + c (Mikolov et al. 2013) that is none of the three, among the first
        `restrict_vocab`; questions with a word beyond them are left out, or with dummy4unknown
        wrong. A section is {"section": name, "correct": [...], "incorrect": [...]}; the last is of
        all. similarity_function: "most_similar", or "most_similar_cosmul" for the word with the
        best product of cosines (Levy and Goldberg 2014). Raises ValueError for another, and
        VectorFileError for a line that is no question.
        """
        if similarity_function not in ("most_similar", "most_similar_cosmul"):
            raise ValueError(
                'similarity_function is "most_similar" or "most_similar_cosmul", not '
                f"{similarity_function!r}"
            )
        return judged.analogies(
            self, analogies, restrict_vocab,
            case_insensitive=case_insensitive, dummy4unknown=dummy4unknown,
            product=similarity_function == "most_similar_cosmul",
        )  # fmt: skip

    def evaluate_word_pairs(
        self,
        pairs: Address,
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = MOST_ASKED,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Correlation, Correlation, float]:
        r"""Return Pearson's and Spearman's correlation with people, and unknown pairs in %.

        A line is two words and a score; lines with "#" and a heading are passed over. Each
        correlation is (statistic, pvalue). Pairs with a word beyond the first `restrict_vocab` are
        left out, or with dummy4unknown have cosine 0. Raises VectorFileError for a line that is
        none of these, and where no pair is known.
        """
        return judged.pairs(
            self, pairs, restrict_vocab, delimiter=delimiter, encoding=encoding,
            case_insensitive=case_insensitive, dummy4unknown=dummy4unknown,
        )  # fmt: skip
