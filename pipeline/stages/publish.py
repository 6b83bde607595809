"""Stage `publish`: add the model to the store as a new version."""

import dataclasses
from dataclasses import dataclass, replace
from typing import ClassVar

from pipeline.stage import Resource, Stage, State


@dataclass(frozen=True, kw_only=True)
class Publish(Stage):
    """Add the model to the recipe's store as a new version, whole or not at all."""

    needs: ClassVar[tuple[Resource, ...]] = ("model",)
    needs_store: ClassVar[bool] = True
    writes_store: ClassVar[bool] = True

    def run(self, state: State) -> State:
        """Write the model's files and commit them with what the run knows of them."""
        assert state.model is not None
        version = state.store.publish(
            state.model.save,
            parent=state.parent,
            recipe=state.setting.recipe,
            ledger=state.ledger,
            metrics=state.metrics,
            receipt=dataclasses.asdict(state.receipt) if state.receipt else {},
        )
        state.report.say(f"published version {version.number} to {state.store.url}")
        return replace(state, version=version)
