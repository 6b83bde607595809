"""Stage `build_vocab`: read the corpus once, into token shards, and count its words."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from pipeline.stage import Resource, Stage, State
from pipeline.stage_corpus import encoded
from pipeline.words.fading import faded
from pipeline.words.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class BuildVocab(Stage):
    """Count the corpus's words and keep those that are frequent enough.

    min_count: Words seen fewer times than this are left out; their counts are remembered.
    update: Add to the vocabulary that `load_latest` loaded, and make a new one where there is
        none.
    decay: With update, the share of its count that a word loses in each run before the new text is
        added, for topics that fade: with 0.1 counts halve in 7 runs; 0 loses nothing. Words that
        have vectors keep them; a rarer word leaves when nothing is left of its count.
    """

    min_count: Annotated[int, Ge(1)] = 5
    update: bool = False
    decay: Annotated[float, Ge(0), Le(1)] = 0.0

    needs: ClassVar[tuple[Resource, ...]] = ("corpus",)
    uses: ClassVar[tuple[Resource, ...]] = ("vocabulary",)
    gives: ClassVar[tuple[Resource, ...]] = ("vocabulary",)

    def faults(self) -> Iterator[str]:
        """Refuse to let counts fade that are not kept."""
        yield from super().faults()
        if self.decay and not self.update:
            yield f"decay must be 0 where update is false, not {self.decay}"

    def objection(self, given: Collection[Resource]) -> str | None:
        """Refuse to throw a vocabulary away for a new one."""
        if "vocabulary" in given and not self.update:
            return (
                "would throw away the vocabulary that there is by then: set update = true, "
                "or leave the stage out that gives it"
            )
        return None

    def run(self, state: State) -> State:
        """Encode the corpus, unless its shards are in the cache, and merge the shards' counts."""
        state, shards = encoded(state)
        previous = state.vocabulary if self.update else None
        if previous is not None and self.decay:
            before = len(previous.words)
            previous = faded(previous, self.decay, state.parent or 0)
            state.report.say(
                f"older counts lost {100 * self.decay:.4g} %, and {before - len(previous.words):,} "
                "words without vectors left with theirs"
            )
        vocabulary = Vocabulary.build(shards, self.min_count, previous=previous)
        state.report.say(
            f"{vocabulary.size:,} of {len(vocabulary.words):,} words are seen at least "
            f"{self.min_count} times"
        )
        return replace(state, vocabulary=vocabulary)
