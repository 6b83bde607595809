"""What a recipe does to its text, compared with what was done to the loaded version's text."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from corpora.declared import Declared
from corpora.errors import UsageError
from corpora.reader import Reader
from corpora.transform import Transform
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import Recipe, parse
from pipeline.stage import Stage
from pipeline.stages.load_latest import LoadLatest
from pipeline.store.errors import StoreError
from pipeline.store.versions import Store, Version
from pipeline.updates.read_alike import changes_text

Changes = tuple[Transform, ...]


class OtherTextError(UsageError):
    """A recipe changes its text in other ways than a version's text was changed."""


def recipe_of(version: Version) -> Recipe | None:
    """Return the recipe that made a version, or None where the version does not hold it.

    What it takes from the environment, and isn't there, is empty: it may not be needed. Raises
    RecipeError for one that this Millrace can't read.
    """
    text = version.manifest.recipe
    if "[[stage]]" not in text:
        return None
    place = f"the recipe of version {version.number}"
    return parse(text, place=place, store=version.store.url, environment=_Environment())


def loaded(recipe: Recipe) -> Version | None:
    """Return the version that a run would go on from now, or None where there is none."""
    loads = any(isinstance(stage, LoadLatest) for stage in recipe.stages)
    return Store.open(recipe.store).latest() if loads and recipe.store is not None else None


def demand_same_text(recipe: Recipe, version: Version) -> None:
    """Raise OtherTextError where a recipe that trains would mix texts in the model of a version.

    Each of its readers' text has to go through the transforms that some text of the version's
    recipe went through; those that choose, mix or order rows are left out. What the version's
    recipe says is not there after a forgetting that it named; nothing is compared then.
    """
    loads = next((stage for stage in recipe.stages if isinstance(stage, LoadLatest)), None)
    if loads is None or loads.other_transforms or not _learns(recipe.stages):
        return
    before = _teacher(version)
    if before is None:
        return
    there = list(_changes(before.stages))
    for changes in _changes(recipe.stages):
        if there and changes not in there:
            was = before.variables.hide(" or ".join(dict.fromkeys(map(told, there))))
            raise OtherTextError(
                f"the text of version {version.number} went through {was}, and this recipe's goes "
                f"through {told(changes)}: words would be other words than before. To mend it: "
                "give the same transforms, or publish to another store; if both are wanted in one "
                "model, set other_transforms = true in the stage load_latest"
            )


def told(changes: Changes) -> str:
    """Return transforms as a recipe has them, with the keys that are not the usual ones.

    >>> from corpora.transforms.simple_preprocess import SimplePreprocess
    >>> told((SimplePreprocess(min_len=3),)), told(())
    ('simple_preprocess (min_len = 3)', 'no transform')
    """
    return ", then ".join(map(_one, changes)) or "no transform"


def _one(transform: Transform) -> str:
    values = ((one, getattr(transform, one.name)) for one in fields(transform) if one.repr)  # type: ignore[arg-type]
    keys = ", ".join(f"{one.name} = {value!r}" for one, value in values if value != one.default)
    return type(transform).use() + (f" ({keys})" if keys else "")


def _changes(stages: Sequence[Declared]) -> Iterator[Changes]:
    """Yield what the text of each reader goes through."""
    for at, stage in enumerate(stages):
        if isinstance(stage, Reader):
            rest = (one for one in stages[at + 1 :] if isinstance(one, Transform))
            yield tuple(one for one in rest if changes_text(one))


def _learns(stages: Sequence[Declared]) -> bool:
    """Return whether a run makes something of its corpus that a model keeps."""
    return any(isinstance(one, Stage) and "corpus" in one.needs and one.gives for one in stages)


def _teacher(version: Version) -> Recipe | None:
    """Return the newest recipe, of a version's and those before it, that has read and learnt.

    One that only compacts, say, tells nothing of the text.
    """
    while True:
        try:
            recipe = recipe_of(version)
        except RecipeError:  # of a Millrace, or a package, that is no longer here
            return None
        if recipe is None or _learns(recipe.stages):
            return recipe
        # What was rolled back to has the recipe again, and its own parent.
        parent = version.manifest.rolled_back_to or version.manifest.parent
        try:
            version = version.store.version(parent or 0)
        except StoreError:  # collected, or there was none
            return None


class _Environment(Mapping[str, str]):
    """The environment, in which every variable is set."""

    def __getitem__(self, name: str) -> str:
        return os.environ.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def __contains__(self, name: object) -> bool:
        return True
