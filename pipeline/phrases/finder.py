"""Sentences to sentences with phrases: what all models of phrases have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from corpora import Corpus


class PhraseFinder(ABC):
    """Finds phrases from the left: a word, perhaps connectors, and a word that are a candidate.

    A subclass says which candidates are phrases. connector_words: may stand within one.
    """

    def __init__(self, connector_words: Collection[str] = frozenset()) -> None:
        self.connector_words = frozenset(connector_words)

    @abstractmethod
    def score_candidate(
        self, word_a: str, word_b: str, in_between: list[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score; (None, None) where it is no phrase."""

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Yield each word of a sentence with None, and each phrase in it, joined, with its score.

        What has been joined begins no other phrase.
        """
        waiting: list[str] = []  # a word that may begin a phrase, and the connectors since
        for word in sentence:
            if word in self.connector_words:
                if waiting:
                    waiting.append(word)
                else:
                    yield word, None
                continue
            if waiting:
                phrase, score = self.score_candidate(waiting[0], word, waiting[1:])
                if phrase is not None:
                    yield phrase, score
                    waiting = []
                    continue
                yield from ((passed, None) for passed in waiting)
            waiting = [word]
        yield from ((passed, None) for passed in waiting)

    def __getitem__(self, sentence: Any) -> Any:
        """Return a sentence, or each one of a corpus, with its phrases joined.

        A list of strings gives a list of strings; an iterable of sentences one that can be gone
        through as often as what was given; a Corpus a Corpus.
        """
        if isinstance(sentence, Corpus):
            return self._corpus(sentence)
        words = iter(sentence)
        try:
            first = next(words)
        except StopIteration:
            return []
        if isinstance(first, str):
            return self._join(list(chain([first], words)))
        return Joined(self, chain([first], words) if words is sentence else sentence)

    def find_phrases(self, sentences: Iterable[Iterable[str]]) -> dict[str, float]:
        """Return the phrases that sentences have in them, and their scores."""
        found: dict[str, float] = {}
        for sentence in sentences:
            told = self.analyze_sentence(sentence)
            found |= {phrase: score for phrase, score in told if score is not None}
        return found

    def _join(self, sentence: list[str]) -> list[str]:
        return [token for token, _ in self.analyze_sentence(sentence)]

    def _corpus(self, corpus: Corpus) -> Any:
        return corpus.map(self._row)

    def _row(self, row: Any) -> list[str]:
        return self._join(row.split() if isinstance(row, str) else row)


class Joined:
    """Sentences with their phrases joined, made while they are gone through."""

    def __init__(self, finder: PhraseFinder, sentences: Iterable[Iterable[str]]) -> None:
        self.finder, self.sentences = finder, sentences

    def __iter__(self) -> Iterator[list[str]]:
        """Join one sentence after the other."""
        return (self.finder._join(list(sentence)) for sentence in self.sentences)  # noqa: SLF001
