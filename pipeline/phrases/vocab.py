"""The counts of words and pairs as a mapping from strings, as gensim's users know them."""

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from corpora.rows.columns import STRINGS
from pipeline.phrases.counts import PhraseCounts

PIECE = 1 << 16


class PhraseVocab(Mapping[str, int]):
    """Words, and pairs joined by the delimiter, to how often they were seen; for reading.

    Where words have the delimiter in them, a string may be read in several ways: its count is that
    of all together, and it stands there once for each.

    >>> from corpora import Sentences
    >>> counts = PhraseCounts()
    >>> rows = Sentences([["new", "york"]])
    >>> counts.add((made.words, made.counts, [made.batch]) for made in rows.token_batches())
    >>> dict(PhraseVocab(counts, "_"))
    {'new': 1, 'york': 1, 'new_york': 1}
    """

    def __init__(self, counts: PhraseCounts, delimiter: str) -> None:
        self._counts, self._delimiter = counts, delimiter

    def __len__(self) -> int:
        """Return how many words and pairs there are."""
        return len(self._counts)

    def __iter__(self) -> Iterator[str]:
        """Iterate over words, then pairs, as they came first."""
        return (name for name, _ in self.items())

    def __getitem__(self, name: str) -> int:
        """Return a count; KeyError for what was never seen."""
        found = int(self._counts.word_counts([name])[0])
        ways = list(self._ways(name))
        if ways:
            found += int(self._counts.find(ways).sum())
        if not found:
            raise KeyError(name)
        return found

    def items(self) -> ItemsView[str, int]:
        """Return all, many at a time."""
        return _Items(self)

    def _ways(self, name: str) -> Iterator[list[str]]:
        """Yield the words that may have been joined to this string."""
        cuts = [i for i in range(len(name) + 1) if name.startswith(self._delimiter, i)]
        size = len(self._delimiter)
        firsts = [i for i in cuts if self._is_word(name[:i])]
        lasts = [i + size for i in cuts if self._is_word(name[i + size :])]
        for end in firsts:
            for start in lasts:
                if start == end + size:
                    yield [name[:end], name[start:]]
                elif start >= end + 2 * size:
                    between = name[end + size : start - size]
                    for middle in self._connectors(between):
                        yield [name[:end], *middle, name[start:]]

    def _connectors(self, text: str) -> Iterator[list[str]]:
        if text in self._counts.connectors:
            yield [text]
        size = len(self._delimiter)
        for i in range(0 if size else 1, len(text)):
            if text.startswith(self._delimiter, i) and text[:i] in self._counts.connectors:
                for rest in self._connectors(text[i + size :]):
                    yield [text[:i], *rest]

    def _is_word(self, text: str) -> bool:
        return bool(self._counts.word_counts([text])[0])

    def pieces(self) -> Iterator[tuple[list[str], list[int]]]:
        """Yield names and counts, many at a time."""
        grams, counts = self._counts.grams()
        for at in range(0, len(counts), PIECE):
            names: Any = pc.binary_join(grams.slice(at, PIECE).cast(STRINGS), self._delimiter)
            yield names.to_pylist(), counts[at : at + PIECE].tolist()


class _Items(ItemsView[str, int]):
    _mapping: PhraseVocab

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for names, counts in self._mapping.pieces():
            yield from zip(names, counts, strict=True)
