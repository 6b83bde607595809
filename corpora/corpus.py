"""A corpus is a value: it can be read again and again, joined, transformed and pickled.

Nothing is read when corpora are put together. Reading happens in `batches()`, in a `for` loop, or
in `encode()`, and starts from the beginning every time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpora.transform import Part, Transform, chained
from corpora.transforms.lowercase import Lowercase
from corpora.transforms.take import Take


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

        Columns: `text` (string) or `words` (list of strings); `tags` (list of strings) for
        documents; `continued` (bool) where rows may have been cut off from the one before.
        """
        return chained(self.parts())

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each row as a list of tokens."""
        for batch in self.batches():
            split = "words" in batch.schema.names
            rows: list[Any] = batch["words" if split else "text"].to_pylist()
            for row in rows:
                yield row if split else (row or "").split()

    def __add__(self, other: "Corpus") -> "Corpus":
        """Return the rows of this corpus followed by those of the other."""
        if not isinstance(other, Corpus):
            return NotImplemented
        return Chain((*_links(self), *_links(other)))

    def then(self, transform: Transform) -> "Corpus":
        """Return this corpus with a transform put behind it."""
        return Transformed(self, transform)

    def lowercase(self) -> "Corpus":
        """Return this corpus with every letter in lower case, as `str.lower()` has it."""
        return self.then(Lowercase())

    def take(self, n: int) -> "Corpus":
        """Return the first n rows of this corpus."""
        return self.then(Take(n))


@dataclass(frozen=True)
class Chain(Corpus):
    """Corpora one after the other."""

    links: tuple[Corpus, ...]

    def parts(self) -> list[Part]:
        """Return the parts of every corpus."""
        return [part for link in self.links for part in link.parts()]


@dataclass(frozen=True)
class Transformed(Corpus):
    """A corpus behind a transform."""

    base: Corpus
    transform: Transform

    def parts(self) -> list[Part]:
        """Return the parts of the corpus, transformed."""
        return self.transform.apply(self.base.parts())


def _links(corpus: Corpus) -> tuple[Corpus, ...]:
    return corpus.links if isinstance(corpus, Chain) else (corpus,)
