"""Phrases: counting words and pairs, and finding phrases by that, as gensim's users know it."""

import logging
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

import numpy as np

from corpora.phrases import PhraseTable
from corpora.rows.columns import STRINGS
from pipeline.phrases import scores, stored
from pipeline.phrases.counts import PhraseCounts
from pipeline.phrases.frozen import FrozenPhrases, PhraseModel, by_name
from pipeline.phrases.stored import Address
from pipeline.phrases.text import Text, logged, pieces
from pipeline.phrases.vocab import PhraseVocab

log = logging.getLogger("pipeline")


class Phrases(PhraseModel):
    """Counts words and the pairs of them that follow each other, and finds phrases by that.

    sentences: a Corpus, token shards, or an iterable of lists of words, gone through once.
    min_count: what is subtracted from each pair's count, and the least count with "npmi".
    threshold: a pair is a phrase if its score is higher. max_vocab_size: how many words and pairs
    are kept after each text, exactly those seen most often; memory does not depend on it while
    counting. delimiter: what words are joined with. progress_per: sentences between two lines of
    the log. scoring: "default", "npmi", or a function of the six numbers that
    `pipeline.phrases.scores` names. connector_words: may stand within a phrase, and are not
    counted. workers: threads, by default one for each processor; they change no count.
    Raises ValueError for parameters out of range, CorpusError for sentences that are no words.

    >>> phrases = Phrases([["new", "york", "is", "big"], ["new", "york", "is", "it"]], min_count=1,
    ...                   threshold=2)
    >>> phrases[["is", "new", "york", "new"]]
    ['is', 'new_york', 'new']
    >>> phrases.add_vocab([["york", "is"]])
    >>> phrases.vocab["york_is"], phrases.corpus_word_count
    (3, 10)
    """

    def __init__(
        self,
        sentences: Text | None = None,
        min_count: int = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        scoring: str | scores.Scorer = "default",
        connector_words: Collection[str] = frozenset(),
        *,
        workers: int | None = None,
    ) -> None:
        super().__init__(_words(connector_words))
        self.scoring = scores.scorer(scoring)
        _demand_sound(min_count, threshold, max_vocab_size, delimiter, self.scoring)
        self.min_count, self.threshold = min_count, threshold
        self.max_vocab_size, self.delimiter = max_vocab_size, delimiter
        self.progress_per, self.workers = progress_per, workers
        self._counts = PhraseCounts(self.connector_words)
        self._held: tuple[Any, PhraseTable] | None = None
        if sentences is not None:
            self.add_vocab(sentences)

    @classmethod
    def load(
        cls,
        address: Address,
        mmap: str | None = None,  # noqa: ARG003  (nothing to be mapped)
        *,
        scoring: scores.Scorer | None = None,
    ) -> Any:
        """Read what `save` wrote, Phrases or FrozenPhrases; nothing in the file is run.

        scoring: the function that makes the scores, if it was one of your own; it is also found if
        its module has been imported. Raises PhraseFileError for what is no such file.
        """
        held = stored.read(address)
        if held.column == "score":
            return FrozenPhrases.held(held, scoring)
        said = {**held.settings, "delimiter": held.sides["delimiter"]}
        said["scoring"] = scoring or scores.score_named(said["scoring"])
        connectors = held.sides["connectors"]
        with stored.blamed(held):
            made = cls(**said, connector_words=connectors)
            made._counts = PhraseCounts.of(held.grams, held.numbers, connectors, held.total)
        return made

    @property
    def vocab(self) -> Mapping[str, int]:
        """Words and pairs, joined by the delimiter, to their counts."""
        return PhraseVocab(self._counts, self.delimiter)

    @property
    def corpus_word_count(self) -> int:
        """How many words were read, connectors among them."""
        return self._counts.total

    def add_vocab(self, sentences: Text) -> None:
        """Add the counts of a text. If it ends in an error, nothing is added."""
        if self.connector_words != self._counts.connectors:
            raise ValueError(
                "connector_words have changed, and what was counted with others can't be added to. "
                "To mend it: make new Phrases"
            )
        told = logged(pieces(sentences, self.workers), self.progress_per)
        self._counts.add(told, most=self.max_vocab_size)
        self._held = None
        log.info("counted: %s", self)

    def score_candidate(
        self, word_a: str, word_b: str, in_between: list[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score; (None, None) where it is no phrase."""
        words = [word_a, *in_between, word_b]
        both = int(self._counts.find([words])[0])
        a, b = self._counts.word_counts([word_a, word_b]).tolist()
        if not (a and b and both):
            return None, None
        score = self._score(a, b, both, len(self._counts))
        return (self.delimiter.join(words), score) if score > self.threshold else (None, None)

    _ours = score_candidate

    def export_phrases(self) -> dict[str, float]:
        """Return all phrases, joined, and their scores, as their words came first.

        >>> Phrases([["new", "york"]] * 3, min_count=1, threshold=0.1).export_phrases()
        {'new_york': 0.6666666666666666}
        """
        return by_name(self.table)

    def freeze(self) -> "FrozenPhrases":
        """Return the phrases alone, without the counts: smaller, and never another."""
        return FrozenPhrases(self)

    def save(self, address: Address | BinaryIO) -> None:
        """Write one Arrow file with all counts and settings; it gets its name when complete."""
        grams, counts = self._counts.grams()
        said = {
            "max_vocab_size": self.max_vocab_size,
            "progress_per": self.progress_per,
            "corpus_word_count": self.corpus_word_count,
        }
        stored.write(address, grams, "count", counts, {**self.settings(), **said})

    @property
    def table(self) -> PhraseTable:
        """The phrases as they are now, ready to be joined."""
        made_of = (self.threshold, self.min_count, self.delimiter, self.scoring)
        if self._held is None or self._held[0] != made_of:
            self._held = (made_of, self._found())
        return self._held[1]

    def _found(self) -> PhraseTable:
        counts = self._counts
        least = 1
        if self.scoring is scores.npmi_scorer:
            least = self.min_count
        elif self.scoring is scores.original_scorer and self.threshold >= 0:
            least = self.min_count + 1  # others score 0 at most
        pairs = counts.pairs(least)
        a, b = counts.counts[pairs.first], counts.counts[pairs.second]
        total = (len(counts), self.min_count, counts.total)
        may = np.flatnonzero(
            scores.promising(self.scoring, (a, b, pairs.counts), total, self.threshold)
            & (a > 0) & (b > 0)
        )  # fmt: skip
        numbers = zip(a[may].tolist(), b[may].tolist(), pairs.counts[may].tolist(), strict=True)
        score = self._score
        made = np.array([score(*three, total[0]) for three in numbers], np.float64)
        good = made > self.threshold
        grams = counts.spelled(pairs.taken(may[good]))
        sides: dict[str, Any] = {"delimiter": self.delimiter, "connectors": counts.connectors}
        return PhraseTable(grams.cast(STRINGS), made[good], **sides)

    def _score(self, a: int, b: int, both: int, len_vocab: int) -> float:
        return self.scoring(
            worda_count=a,
            wordb_count=b,
            bigram_count=both,
            len_vocab=len_vocab,
            min_count=self.min_count,
            corpus_word_count=self._counts.total,
        )

    def __str__(self) -> str:
        """Say how many words and pairs there are, and how they are judged."""
        return (
            f"{type(self).__name__}<{len(self._counts)} vocab, min_count={self.min_count}, "
            f"threshold={self.threshold}, max_vocab_size={self.max_vocab_size}>"
        )


def _words(words: Any) -> frozenset[str]:
    if isinstance(words, str):
        raise TypeError("connector_words is a set of words, not one string")
    return frozenset(words)


def _demand_sound(
    min_count: int, threshold: float, most: int, delimiter: Any, score: scores.Scorer
) -> None:
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, not {min_count}")
    if most < 1:
        raise ValueError(f"max_vocab_size must be at least 1, not {most}")
    if score is scores.original_scorer and threshold <= 0:
        raise ValueError(f"threshold must be more than 0 with default scoring, not {threshold}")
    if score is scores.npmi_scorer and not -1 <= threshold <= 1:
        raise ValueError(f"threshold must be from -1 to 1 with npmi scoring, not {threshold}")
    if not isinstance(delimiter, str):
        raise TypeError(f"delimiter must be a string, not {type(delimiter).__name__}")
