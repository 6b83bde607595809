"""Stage `phrases`: find words that belong together, and join them in the corpus."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from pipeline.models.model_files import PHRASES
from pipeline.phrases.frozen import FrozenPhrases
from pipeline.phrases.joined import PhraseError, demand_equal, next_of
from pipeline.phrases.model import Phrases as Counted
from pipeline.phrases.scores import ENGLISH_CONNECTOR_WORDS
from pipeline.stage import Resource, Stage, State
from pipeline.stage_corpus import encoded

BEST = 10  # phrases that are shown


@dataclass(frozen=True, kw_only=True)
class Phrases(Stage):
    """Count which words follow each other, and join those that do so more often than by chance.

    "new" and "york" become "new_york" in all that comes after; a second such stage joins phrases of
    phrases. Where `load_latest` has loaded a version, its phrases are joined and none are looked
    for: words keep their meaning.
    min_count: What is subtracted from a pair's count, and with "npmi" the least count.
    threshold: A pair is a phrase if its score is higher.
    scoring: "default" (Mikolov et al. 2013), or "npmi" (from -1 to 1; Bouma 2009).
    connector_words: Words that may stand within a phrase and are not scored, as in "bank of
        america": a list, or "english".
    delimiter: What words are joined with.
    max_vocab_size: How many words and pairs are counted, those seen most often.
    """

    min_count: Annotated[int, Ge(1)] = 5
    threshold: float = 10.0
    scoring: Literal["default", "npmi"] = "default"
    connector_words: Literal["english"] | tuple[str, ...] = ()
    delimiter: str = "_"
    max_vocab_size: Annotated[int, Ge(1)] = 40_000_000

    needs: ClassVar[tuple[Resource, ...]] = ("corpus",)

    def faults(self) -> Iterator[str]:
        """Refuse a threshold that the scores don't have, too."""
        wrong = list(super().faults())
        yield from wrong
        if not wrong:
            try:
                self._counting()
            except ValueError as error:
                yield str(error)

    def run(self, state: State) -> State:
        """Find the phrases, unless a loaded model has them, and put the joining into the corpus."""
        counting = self._counting()
        if state.model is not None:
            frozen = next_of(state.model.phrases, len(state.phrases))
            demand_equal(frozen, counting)
            state.report.say(f"{len(frozen.table):,} phrases of the loaded version are joined")
        else:
            if len(state.phrases) == len(PHRASES):
                raise PhraseError(f"there are more than {len(PHRASES)} stages phrases")
            state, shards = encoded(state)
            counting.workers = state.setting.workers
            counting.add_vocab(shards)
            frozen = counting.freeze()
            state.report.say(
                f"{len(frozen.table):,} phrases among {len(counting.vocab):,} words and pairs"
            )
            state.report.table("phrases", [("best by score", _best(frozen))])
        assert state.corpus is not None
        corpus = state.corpus.phrases(frozen)
        return replace(state, corpus=corpus, shards=None, phrases=(*state.phrases, frozen))

    def _counting(self) -> Counted:
        english = self.connector_words == "english"
        return Counted(
            min_count=self.min_count,
            threshold=self.threshold,
            scoring=self.scoring,
            connector_words=ENGLISH_CONNECTOR_WORDS if english else self.connector_words,
            delimiter=self.delimiter,
            max_vocab_size=self.max_vocab_size,
        )


def _best(frozen: FrozenPhrases) -> list[tuple[str, float]]:
    scores = frozen.table.scores
    best = np.argsort(-scores, kind="stable")[:BEST].tolist()
    return [(frozen.table.names[i].as_py(), float(scores[i])) for i in best]
