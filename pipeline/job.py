"""A job: one recipe, run once from its first stage to its last."""

from contextlib import ExitStack

from pipeline.recipe.recipe import Recipe
from pipeline.recipe.same_text import demand_same_text, loaded
from pipeline.stage import Report, Setting, Stage, State
from pipeline.store.versions import Store


def run(recipe: Recipe, report: Report) -> State:
    """Run `recipe`, telling `report` how it goes, and return what it made.

    A store that the recipe publishes to is tried before the first stage, and so are files that
    stages need, so that no long training ends at a full disk, a missing right or a name that is
    misspelt. Raises MillraceError for what a user can mend.
    """
    store = None if recipe.store is None else Store.open(recipe.store)
    if store is not None and any(isinstance(s, Stage) and s.writes_store for s in recipe.stages):
        store.demand_writable()
    version = loaded(recipe)
    if version is not None:
        demand_same_text(recipe, version)
    for stage in recipe.stages:
        if isinstance(stage, Stage):
            stage.demand(recipe.stages)
    with ExitStack() as ending:
        setting = Setting(
            report=report,
            workers=recipe.engine.workers,
            cache=recipe.cache,
            store=store,
            recipe=recipe.text,
            hide=recipe.variables.hide,
            show=recipe.variables.show,
            checkpoint=recipe.engine.checkpoint,
            ending=ending,
        )
        return recipe.engine.run(recipe.stages, State(setting))
