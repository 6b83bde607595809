"""Stage `forget`: let documents leave the model, the counts and the text that was kept."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pipeline.stage import Resource, Stage, State
from pipeline.store.forgetting import recipe_to_keep
from pipeline.store.ledger import Ledger
from pipeline.updates.forget import forget


@dataclass(frozen=True, kw_only=True)
class Forget(Stage):
    """Let documents leave: their vectors, their words' counts, their text in the store and cache.

    The other vectors stay as they are, to the bit. Older versions still have the documents: `gc`
    removes these versions. The new version says how many documents left, and not which; give the
    names by ${NAME} from the environment, and they stand nowhere.
    tags: The tags of documents that are to go.
    sources: Sources that are to go with all their documents, as `millrace show --sources` has them;
        * stands for anything. A file that is still there would be read again: remove it first.
    missing: What to do where there is no such tag or source: "error", or "skip" it.
    """

    tags: tuple[str | int, ...] = ()
    sources: tuple[str, ...] = ()
    missing: Literal["error", "skip"] = "error"

    needs: ClassVar[tuple[Resource, ...]] = ("model",)
    gives: ClassVar[tuple[Resource, ...]] = ("vocabulary", "model")
    needs_store: ClassVar[bool] = True
    writes_store: ClassVar[bool] = True

    def faults(self) -> Iterator[str]:
        """Refuse to forget nothing, too."""
        yield from super().faults()
        if not self.tags and not self.sources:
            yield "tags or sources must be given, at least one of either"

    def objection(self, given: Collection[Resource]) -> str | None:
        """Refuse a place behind a reader: what a run has read is not in the store yet."""
        return "has to come before any reader" if "corpus" in given else None

    def run(self, state: State) -> State:
        """Cut the documents out of the version that was loaded."""
        recipe = state.setting.recipe
        kept = recipe_to_keep(recipe, (*self.tags, *self.sources))
        state = replace(state, setting=replace(state.setting, recipe=kept))
        if state.model is None:
            state.report.say("the store has no version yet: there is nothing to forget")
            return state
        # Until the run has ended nobody collects the sets that are made here.
        state.setting.ending.enter_context(state.store.storage.writing())
        found = forget(
            state.store,
            state.model,
            state.ledger or Ledger.empty(),
            tags=self.tags,
            sources=self.sources,
            missing=self.missing,
        )
        if found is None:
            state.report.say("there is nothing to forget")
            return state
        if state.setting.cache is not None:
            found.leave_cache(Path(state.setting.cache))
        state.report.say(found.told())
        model = found.model
        return replace(
            state,
            model=model,
            vocabulary=model.vocabulary,
            ledger=found.ledger,
            forgot=state.forgot + found.documents,
        )
