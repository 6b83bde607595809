"""Models that know their phrases, and FrozenPhrases, which knows nothing else."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, cast

import numpy as np
import pyarrow as pa

from corpora import Corpus
from corpora.phrases import PhraseTable
from corpora.tokens.buffers import list_offsets
from pipeline.phrases import scores, stored
from pipeline.phrases.finder import PhraseFinder
from pipeline.phrases.joining import Joiner
from pipeline.phrases.stored import Address, PhraseFileError
from pipeline.phrases.text import Text, pieces


class PhraseModel(PhraseFinder):
    """What knows its phrases beforehand, and joins them without asking about each candidate."""

    delimiter: str
    threshold: float
    min_count: int
    scoring: scores.Scorer
    _ours: ClassVar[Any]  # the class's own score_candidate

    @property
    def table(self) -> PhraseTable:
        """The phrases as they are now, ready to be joined."""
        raise NotImplementedError

    def find_phrases(self, sentences: Text) -> dict[str, float]:
        """Return the phrases that occur in sentences when they are joined, and their scores.

        >>> table = PhraseTable([["new", "york"], ["old", "york"]], np.array([3.0, 2.0]))
        >>> FrozenPhrases.of(table, threshold=1).find_phrases([["new", "york"], ["york"]])
        {'new_york': 3.0}
        """
        if self._is_changed:
            return super().find_phrases(cast("Iterable[Iterable[str]]", sentences))
        table = self.table
        there = np.zeros(len(table), bool)
        for words, _, batches in pieces(sentences):
            for batch in batches:
                lists: Any = batch["tokens"]
                ids = lists.values.to_numpy()
                made, _ = table.joined(ids, list_offsets(lists), words)
                there[made[made >= len(words)] - len(words)] = True
        names = table.names.filter(pa.array(there)).to_pylist()
        return dict(zip(names, table.scores[there].tolist(), strict=True))

    def settings(self) -> dict[str, Any]:
        """Return what a file says of how the phrases were found."""
        return {
            "threshold": self.threshold,
            "min_count": self.min_count,
            "delimiter": self.delimiter,
            "connector_words": sorted(self.connector_words),
            "scoring": scores.name_of(self.scoring),
        }

    @property
    def _is_changed(self) -> bool:
        """Whether a subclass decides by itself what is a phrase."""
        mine = type(self)
        return (
            mine.score_candidate is not mine._ours  # noqa: SLF001
            or mine.analyze_sentence is not PhraseFinder.analyze_sentence
        )

    def _join(self, sentence: list[str]) -> list[str]:
        return super()._join(sentence) if self._is_changed else self._joiner(sentence)

    def _corpus(self, corpus: Corpus) -> Corpus:
        return super()._corpus(corpus) if self._is_changed else corpus.phrases(self)

    @property
    def _joiner(self) -> Callable[[list[str]], list[str]]:
        table = self.table
        held: tuple[PhraseTable, Joiner] | None = self.__dict__.get("_joiner_held")
        if held is None or held[0] is not table:
            grams, names = table.grams.to_pylist(), table.names.to_pylist()
            held = self.__dict__["_joiner_held"] = (table, Joiner(grams, names))
        return held[1].join


class FrozenPhrases(PhraseModel):
    """Phrases as they were found once: they are joined as fast, and can't be added to.

    A phrase is known by its words: one is found also where its words have the delimiter in them.

    >>> frozen = FrozenPhrases.of(PhraseTable([["new_york", "city"]], np.array([3.0])), threshold=1)
    >>> frozen[["in", "new_york", "city"]], dict(frozen.phrasegrams)
    (['in', 'new_york_city'], {'new_york_city': 3.0})
    """

    def __init__(self, phrases_model: PhraseModel) -> None:
        of = phrases_model
        self._take(of.table, of.scoring, of.threshold, of.min_count)

    def _take(
        self, table: PhraseTable, scoring: scores.Scorer, threshold: float, min_count: int
    ) -> None:
        super().__init__(table.connectors)
        self._all = self._held = table
        self._held_at = self.threshold = threshold
        self.scoring, self.min_count, self.delimiter = scoring, min_count, table.delimiter

    @classmethod
    def of(
        cls,
        table: PhraseTable,
        *,
        threshold: float,
        min_count: int = 1,
        scoring: scores.Scorer = scores.original_scorer,
    ) -> "FrozenPhrases":
        """Return the phrases of a table; the rest says how they were found."""
        made = cls.__new__(cls)
        made._take(table, scoring, threshold, min_count)  # noqa: SLF001
        return made

    @classmethod
    def load(
        cls,
        address: Address,
        mmap: str | None = None,  # noqa: ARG003  (nothing to be mapped)
        *,
        scoring: scores.Scorer | None = None,
    ) -> "FrozenPhrases":
        """Read what `save` wrote; nothing in the file is run.

        scoring: the function that made the scores, if it was one of your own; it is also found if
        its module has been imported. Raises PhraseFileError for what is no such file.
        """
        return cls._only(stored.read(address), scoring)

    @classmethod
    def parsed(cls, content: Any, label: str) -> "FrozenPhrases":
        """Return the phrases of a file's bytes; label: its name, for errors."""
        return cls._only(stored.parsed(content, label), None)

    @classmethod
    def _only(cls, held: stored.Held, scoring: scores.Scorer | None) -> "FrozenPhrases":
        if held.column != "score":
            raise PhraseFileError(
                "these are counts, not phrases", url=held.label,
                remedy="read them with Phrases.load",
            )  # fmt: skip
        return cls.held(held, scoring)

    @classmethod
    def held(cls, held: stored.Held, scoring: scores.Scorer | None = None) -> "FrozenPhrases":
        """Return the phrases of a file that has been read."""
        said = held.settings
        with stored.blamed(held):
            table = PhraseTable(held.grams, held.numbers, **held.sides)
        found = scoring or scores.score_named(said["scoring"])
        return cls.of(
            table, threshold=said["threshold"], min_count=said["min_count"], scoring=found
        )

    @property
    def table(self) -> PhraseTable:
        """The phrases that score higher than `threshold`."""
        if self._held_at != self.threshold:
            good = self._all.scores > self.threshold
            self._held = PhraseTable(
                self._all.grams.filter(pa.array(good)), self._all.scores[good],
                delimiter=self._all.delimiter, connectors=self._all.connectors,
            )  # fmt: skip
            self._held_at = self.threshold
        return self._held

    @cached_property
    def phrasegrams(self) -> Mapping[str, float]:
        """The phrases, joined, to their scores."""
        return MappingProxyType(by_name(self._all))

    @cached_property
    def _scores(self) -> dict[tuple[str, ...], float]:
        grams: list[list[str]] = self._all.grams.to_pylist()
        return dict(zip(map(tuple, grams), self._all.scores.tolist(), strict=True))

    def score_candidate(
        self, word_a: str, word_b: str, in_between: list[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score; (None, None) where it is no phrase."""
        words = (word_a, *in_between, word_b)
        score = self._scores.get(words)
        if score is None or score <= self.threshold:
            return None, None
        return self.delimiter.join(words), score

    _ours = score_candidate

    def save(self, address: Address | BinaryIO) -> None:
        """Write one Arrow file of all phrases and their scores; it gets its name when complete."""
        stored.write(address, self._all.grams, "score", self._all.scores, self.settings())

    def __str__(self) -> str:
        """Say how many phrases there are, and how they were judged."""
        return (
            f"{type(self).__name__}<{len(self._all)} phrases, min_count={self.min_count}, "
            f"threshold={self.threshold}>"
        )


Phraser = FrozenPhrases


def by_name(table: PhraseTable) -> dict[str, float]:
    """Return the phrases, joined, and their scores."""
    # Of two phrases that are joined to one string the better one's score stands there.
    found: dict[str, float] = {}
    for name, score in zip(table.names.to_pylist(), table.scores.tolist(), strict=True):
        found[name] = max(score, found.get(name, score))
    return found
