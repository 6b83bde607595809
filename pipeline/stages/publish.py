"""Stage `publish`: add the model to the store as a new version."""

import dataclasses
from dataclasses import dataclass, replace
from typing import ClassVar

from pipeline.models.model import Model
from pipeline.stage import Resource, Stage, State
from pipeline.store.errors import StoreError
from pipeline.updates.cut_out import without_unused


@dataclass(frozen=True, kw_only=True)
class Publish(Stage):
    """Add the model to the recipe's store as a new version, whole or not at all.

    keep_shards: Keep the text that was read in the store, as token shards, so that later runs can
        replay it without fetching it again, and `forget` can cut documents out of it. On the file
        system of the cache that takes no further room. With cache = false there are no shards, and
        nothing is kept.
    """

    keep_shards: bool = True

    needs: ClassVar[tuple[Resource, ...]] = ("model",)
    needs_store: ClassVar[bool] = True
    writes_store: ClassVar[bool] = True

    def run(self, state: State) -> State:
        """Write the model's files and commit them with what the run knows of them."""
        model = self._model(state)
        version = state.store.publish(
            model.save,
            parent=state.parent,
            recipe=state.setting.recipe,
            ledger=state.ledger,
            consumed=state.consumed,
            keep_shards=self.keep_shards,
            metrics=state.metrics,
            receipt=dataclasses.asdict(state.receipt) if state.receipt else {},
            forgot=state.forgot,
        )
        state.report.say(f"published version {version.number} to {state.store.url}")
        if self.keep_shards and any(one.made is None for one in state.consumed):
            state.report.say(
                "its text is not kept in the store, because without a cache there are no shards of "
                "it: it can't be replayed, nor forgotten document by document"
            )
        return replace(
            state,
            model=model,
            vocabulary=model.vocabulary,
            version=version,
            base=version,
            parent=version.number,
            ledger=version.ledger,
            consumed=(),
            forgot=0,
        )

    def _model(self, state: State) -> Model:
        """Return the model; where old text was taken out, without what only that had."""
        if state.model is None:
            raise StoreError(
                f"the store {state.store.url} has no version to go on from, and this run has "
                "trained nothing: there is nothing to publish"
            )
        if state.base is None or state.ledger is state.base.ledger:
            return state.model
        files = state.model.files()
        left = without_unused(files)
        return state.model if left is files else Model.of(left)
