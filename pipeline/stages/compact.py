"""Stage `compact`: sort the words by their counts again, and drop rare ones' vectors."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from pipeline.models.model import Model
from pipeline.stage import Resource, Stage, State
from pipeline.updates.compacting import compacted


@dataclass(frozen=True, kw_only=True)
class Compact(Stage):
    """Sort the loaded version's words by falling count, and drop rare ones with their vectors.

    This is the only stage that gives words other ids. The vectors that stay keep every bit, so
    their neighbours are the same but for words that went. Documents stay: `forget` lets them go.
    min_count: Words that were seen fewer times lose their vectors. Their counts are remembered, so
        build_vocab's min_count should be no lower, or they come back.
    remember: Counts below this are dropped of words without vectors, as if they were never seen.
    """

    min_count: Annotated[int, Ge(1)] = 1
    remember: Annotated[int, Ge(1)] = 1

    needs: ClassVar[tuple[Resource, ...]] = ("model",)
    gives: ClassVar[tuple[Resource, ...]] = ("vocabulary", "model")

    def objection(self, given: Collection[Resource]) -> str | None:
        """Refuse a place behind a reader: what is counted or trained by then has the old ids."""
        return "has to come before any reader" if "corpus" in given else None

    def run(self, state: State) -> State:
        """Give the model that was loaded its words' new ids."""
        if state.model is None:
            state.report.say("the store has no version yet: there is nothing to compact")
            return state
        held = state.model.files()
        files = compacted(held, self.min_count, self.remember)
        if files is held:
            state.report.say("the words are in order, and none is too rare")
            return state
        was, now = held.vocabulary, files.vocabulary
        state.report.say(
            f"{now.size:,} words have vectors, {was.size - now.size:,} fewer than before; "
            f"{len(was.words) - len(now.words):,} words were dropped altogether"
        )
        model = Model.of(files)
        return replace(state, model=model, vocabulary=model.vocabulary)
