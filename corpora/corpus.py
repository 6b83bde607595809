"""A corpus is a value: it can be read again and again, joined, transformed and pickled.

Nothing is read when corpora are put together. Reading happens in `batches()`, in a `for` loop, or
in `encode()`, and starts from the beginning every time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from corpora.mapping import MapBatches, MapRows
from corpora.part import Part, chained
from corpora.phrases import HasPhrases, PhraseTable, WithPhrases
from corpora.rows.tag_names import check_tags
from corpora.rows.tagged_document import TaggedDocument
from corpora.tokens.side_by_side import processors
from corpora.tokens.token_batches import TokenBatch, token_batches
from corpora.transform import Transform
from corpora.transforms.filter import Filter, Value
from corpora.transforms.interleave import Interleave
from corpora.transforms.join_phrases import JoinPhrases
from corpora.transforms.lowercase import Lowercase
from corpora.transforms.normalize import Normalize
from corpora.transforms.sample import Sample
from corpora.transforms.shard import Shard
from corpora.transforms.shuffle import Shuffle
from corpora.transforms.simple_preprocess import SimplePreprocess
from corpora.transforms.skip import Skip
from corpora.transforms.take import Take
from corpora.transforms.tokenize import Tokenize


class Corpus(ABC):
    """Rows of text, or of words that are already split.

    >>> from corpora import Sentences
    >>> corpus = (Sentences([["A", "b"]]) + Sentences([["C"], ["D"]])).lowercase().take(2)
    >>> list(corpus)
    [['a', 'b'], ['c']]
    """

    @abstractmethod
    def parts(self) -> list[Part]:
        """Return what can be read by itself, a part for each file; looks files up, reads none."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield Arrow batches of all parts in order.

        Columns: `text` (string) or `words` (list of strings); `tags` (list of strings, of int64, or
        of a dense union of both) for documents; `continued` (bool) where rows may have been cut off
        from the one before; and others that the reader was asked to keep.
        """
        return chained(self.parts())

    def token_batches(self, *, workers: int | None = None) -> Iterator[TokenBatch]:
        """Yield batches of ids, each with its own dictionary; nothing is kept on disk.

        workers: threads that tokenise, by default one for each processor; the batches are the same
        for any number. A loop that does not run to its end should close the iterator.

        >>> from corpora import Sentences
        >>> (made,) = Sentences([["to", "be", "or"], ["not", "to", "be"]]).token_batches()
        >>> made.batch["tokens"].to_pylist(), made.words.to_pylist(), made.counts.tolist()
        ([[0, 1, 2], [3, 0, 1]], ['to', 'be', 'or', 'not'], [2, 2, 1, 1])
        """
        return token_batches(self.parts(), processors() if workers is None else workers)

    def __iter__(self) -> Iterator[Any]:
        """Yield each row: a list of tokens, or a TaggedDocument where rows have tags."""
        for batch in self.batches():
            split = "words" in batch.schema.names
            rows: list[Any] = batch["words" if split else "text"].to_pylist()
            sentences = ((row or []) if split else (row or "").split() for row in rows)
            if "tags" in batch.schema.names:
                tags: list[Any] = batch["tags"].to_pylist()
                yield from map(TaggedDocument, sentences, tags)
            else:
                yield from sentences

    def __add__(self, other: "Corpus") -> "Corpus":
        """Return the rows of this corpus followed by those of the other."""
        if not isinstance(other, Corpus):
            return NotImplemented
        return Chain((*_links(self), *_links(other)))

    def then(self, transform: Transform) -> "Corpus":
        """Return this corpus with a transform put behind it."""
        return Transformed(self, transform)

    def interleave(self, weights: tuple[float, ...] | None = None) -> "Corpus":
        """Return the rows of a chain's corpora in turn, in a proportion: (a + b).interleave()."""
        return self.then(Interleave(weights))

    def take(self, n: int) -> "Corpus":
        """Return the first n rows of this corpus."""
        return self.then(Take(n))

    def skip(self, n: int) -> "Corpus":
        """Return this corpus without its first n rows."""
        return self.then(Skip(n))

    def filter(
        self,
        *,
        min_tokens: int | None = None,
        max_tokens: int | None = None,
        column: str | None = None,
        one_of: tuple[Value, ...] | None = None,
        at_least: Value | None = None,
        at_most: Value | None = None,
    ) -> "Corpus":
        """Return the rows of a given length, or with a given value in a column: see Filter."""
        return self.then(
            Filter(
                min_tokens=min_tokens,
                max_tokens=max_tokens,
                column=column,
                one_of=one_of,
                at_least=at_least,
                at_most=at_most,
            )
        )

    def sample(self, fraction: float, seed: int = 1) -> "Corpus":
        """Return a fraction of the rows, chosen by chance, always the same for one seed."""
        return self.then(Sample(fraction, seed))

    def shuffle(self, buffer: int = 100_000, seed: int = 1) -> "Corpus":
        """Return the rows in another order, mixed within a buffer of so many rows."""
        return self.then(Shuffle(buffer, seed))

    def shard(self, index: int, of: int, *, by: Literal["row", "file"] = "row") -> "Corpus":
        """Return share `index` of `of`: every of-th row of each file, or every of-th file."""
        return self.then(Shard(index, of, by=by))

    def lowercase(self) -> "Corpus":
        """Return this corpus with every letter in lower case, as `str.lower()` has it."""
        return self.then(Lowercase())

    def normalize(self, form: Literal["NFC", "NFD", "NFKC", "NFKD"] = "NFC") -> "Corpus":
        """Return this corpus in a Unicode normal form."""
        return self.then(Normalize(form))

    def tokenize(self, pattern: str = r"\w+") -> "Corpus":
        """Return this corpus with the tokens that a regular expression finds."""
        return self.then(Tokenize(pattern))

    def simple_preprocess(
        self, *, deacc: bool = False, min_len: int = 2, max_len: int = 15
    ) -> "Corpus":
        """Return this corpus with the tokens that gensim's `simple_preprocess` gives."""
        return self.then(SimplePreprocess(deacc=deacc, min_len=min_len, max_len=max_len))

    def phrases(self, phrases: HasPhrases | PhraseTable) -> "Corpus":
        """Return this corpus with the phrases joined that a model has by now."""
        table = phrases if isinstance(phrases, PhraseTable) else phrases.table
        return self.then(WithPhrases(table))

    def join_phrases(self, url: str) -> "Corpus":
        """Return this corpus with the phrases of a file joined."""
        return self.then(JoinPhrases(url))

    def map(
        self, function: Callable[[Any], str | list[str] | None], *, name: str | None = None
    ) -> "Corpus":
        """Return what a function makes of each row's text or words; None leaves the row out.

        name: changes when the function's results do; only with one may the rows be cached.
        """
        return self.then(MapRows(function, name=name))

    def map_batches(
        self, function: Callable[[pa.RecordBatch], pa.RecordBatch], *, name: str | None = None
    ) -> "Corpus":
        """Return what a function makes of each Arrow batch; name: as for map."""
        return self.then(MapBatches(function, name=name))


@dataclass(frozen=True)
class Chain(Corpus):
    """Corpora one after the other."""

    links: tuple[Corpus, ...]

    def parts(self) -> list[Part]:
        """Return the parts of every corpus; CorpusError if two files' documents share tags."""
        parts = [part for link in self.links for part in link.parts()]
        check_tags(parts)
        return parts


@dataclass(frozen=True)
class Transformed(Corpus):
    """A corpus behind a transform."""

    base: Corpus
    transform: Transform

    def parts(self) -> list[Part]:
        """Return the parts of the corpus, transformed."""
        links = [link.parts() for link in _links(self.base)]
        check_tags([part for link in links for part in link])
        return self.transform.apply_to_links(links)


def _links(corpus: Corpus) -> tuple[Corpus, ...]:
    return corpus.links if isinstance(corpus, Chain) else (corpus,)
