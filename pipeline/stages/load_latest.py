"""Stage `load_latest`: go on from the store's newest version."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar

from pipeline.models.model import Model
from pipeline.stage import Resource, Stage, State


@dataclass(frozen=True, kw_only=True)
class LoadLatest(Stage):
    """Load the store's newest version, so that the run goes on from it; nothing in an empty store.

    The first run and every later one can so be the same recipe.
    other_transforms: Let the recipe change its text otherwise than the loaded version's was changed
        (lowercase in place of simple_preprocess, say), so that both are in one model. To be given
        for one run: from then on the recipe is compared with that run's.
    """

    other_transforms: bool = False

    gives: ClassVar[tuple[Resource, ...]] = ("vocabulary", "model")
    needs_store: ClassVar[bool] = True

    def objection(self, given: Collection[Resource]) -> str | None:
        """Refuse any place but the first: what was made before would be thrown away."""
        return "has to come before every other stage" if given else None

    def run(self, state: State) -> State:
        """Map the newest version's files, after checking their hashes."""
        version = state.store.latest()
        if version is None:
            state.report.say("the store has no version yet: this run makes the first")
            return replace(state, parent=0)
        model = Model.open(version.folder())
        return replace(
            state,
            model=model,
            vocabulary=model.vocabulary,
            parent=version.number,
            base=version,
            ledger=version.ledger,
        )
