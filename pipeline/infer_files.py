"""Vectors of new files, which are read as a version's own were: by its recipe, or by another."""

from collections.abc import Callable

from corpora.corpus import Corpus
from corpora.errors import MillraceError
from corpora.reader import Reader
from corpora.transform import Transform
from pipeline.core.passes import Plan
from pipeline.inferring import demand_parquet, infer_to
from pipeline.models.model import Model
from pipeline.recipe.recipe import Recipe, read
from pipeline.recipe.same_text import recipe_of
from pipeline.store.versions import Version
from pipeline.updates.read_alike import read_alike


def recipe_for(version: Version, path: str | None) -> Recipe:
    """Return the recipe in a file, or else the one that made a version; raises MillraceError.

    What the version's own takes from the environment, and isn't there, is empty: it may not be
    needed.
    """
    if path is not None:
        return read(path, store=version.store.url)
    recipe = recipe_of(version)
    if recipe is None:
        raise MillraceError(
            f"version {version.number} of the store {version.store.url} does not say by which "
            "recipe it was made. To mend it: give one that reads such files with --recipe"
        )
    return recipe


def infer_files(
    version: Version,
    recipe: Recipe,
    url: str,
    to: str,
    plan: Plan,
    *,
    workers: int = 1,
    report: Callable[[int, int], None] = lambda _, __: None,
) -> int:
    """Write the vectors of the documents at `url`, as `infer_to` does; returns how many.

    They are read as the recipe's first reader reads its own, but for bounds on their length and
    number. Raises UsageError where `to` doesn't end in .parquet.
    """
    demand_parquet(to)
    corpus = read_alike(_corpus(recipe), url, max_document_length=None, limit=None)
    model = Model.open(version.folder())
    return infer_to(model, corpus, to, plan, workers=workers, report=report)


def _corpus(recipe: Recipe) -> Corpus:
    """Return what the recipe reads; nothing is listed."""
    corpus: Corpus | None = None
    for stage in recipe.stages:
        if isinstance(stage, Reader):
            corpus = corpus or stage
        elif isinstance(stage, Transform) and corpus is not None:
            corpus = corpus.then(stage)
    if corpus is None:
        raise MillraceError(
            f"{recipe.place} reads nothing. To mend it: give a recipe with a reader, with --recipe"
        )
    return corpus
