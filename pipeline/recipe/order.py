"""What is wrong with the order of a recipe's stages: each needs what an earlier one gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpora.declared import Declared
from corpora.reader import Reader
from corpora.transform import Transform
from pipeline.recipe.mistakes import Mistake
from pipeline.stage import Resource, Stage

TRAIN = "train_word2vec or train_doc2vec"
BEFORE = {
    "corpus": "needs a corpus: put a reader, such as line_sentence, before it",
    "vocabulary": "needs a vocabulary: put build_vocab before it",
    "model": "needs a model: put train_word2vec, train_doc2vec or load_latest before it",
}
AFTER = {
    "corpus": f"nothing after it reads the corpus: put build_vocab and {TRAIN} after it",
    "vocabulary": f"nothing after it uses the vocabulary: put {TRAIN} after it",
    "model": "nothing after it uses the model: put publish after it",
}
TOO_LATE = "its limits hold nothing back after publish: move it before that"


@dataclass(frozen=True)
class Placed:
    """A stage where it stands. `stage` is None when its own keys are wrong."""

    number: int
    declared: type[Declared]
    stage: Declared | None


def misplaced(placed: Sequence[Placed], *, store: bool) -> list[Mistake]:
    """Return what is wrong with the order of the stages.

    A stage of a kind that is not known is to be left out by the caller, together with this check.

    >>> from pipeline.stages.publish import Publish
    >>> for mistake in misplaced([Placed(1, Publish, Publish())], store=False):
    ...     print(mistake)
    stage 1 (publish): needs a store: write store = "..." at the top, or give --store
    stage 1 (publish): needs a model: put train_word2vec, train_doc2vec or load_latest before it
    """
    mistakes: list[Mistake] = []
    given: dict[Resource, Placed] = {}
    unused: dict[int, tuple[Placed, Resource]] = {}
    for at in placed:
        needs, gives = _resources(at, given)
        wrong: list[str] = []
        if issubclass(at.declared, Stage) and at.declared.needs_store and not store:
            wrong.append('needs a store: write store = "..." at the top, or give --store')
        if isinstance(at.stage, Stage) and (why := at.stage.objection(given)):
            wrong.append(why)
        if getattr(at.stage, "new_only", False) and "model" not in given:
            wrong.append("new_only needs load_latest before it, to know what is new")
        if "corpus" in gives and (counted := _counted(given)):
            wrong.append(
                f"comes after stage {counted.number} ({counted.declared.use()}), which so would "
                "not count its words: move it before that"
            )
        wrong += _untagged(placed, at)
        wrong += [BEFORE[need] for need in needs if need not in given]
        mistakes += [Mistake(what, at.number, at.declared.use()) for what in wrong]
        for need in (*needs, *(at.declared.uses if issubclass(at.declared, Stage) else ())):
            if need in given:
                unused.pop(given[need].number, None)
        for gift in gives:
            given[gift] = at
            unused[at.number] = (at, gift)
    for at, gift in unused.values():
        mistakes.append(Mistake(AFTER[gift], at.number, at.declared.use()))
    return [*mistakes, *_too_late(placed)]


def _too_late(placed: Sequence[Placed]) -> Iterator[Mistake]:
    """Yield a mistake for each stage with limits on what has been published before it."""
    uses = [at.declared.use() for at in placed]
    for number, at in enumerate(placed):
        limits = isinstance(at.stage, Stage) and at.stage.holds_back()
        if limits and "publish" in uses[:number] and "publish" not in uses[number:]:
            yield Mistake(TOO_LATE, at.number, at.declared.use())


def _resources(
    at: Placed, given: dict[Resource, Placed]
) -> tuple[tuple[Resource, ...], tuple[Resource, ...]]:
    """Return what a stage needs and gives; a second reader needs the corpus that it adds to."""
    if issubclass(at.declared, Stage):
        return at.declared.needs, at.declared.gives
    if issubclass(at.declared, Reader) and "corpus" not in given:
        return (), ("corpus",)
    return ("corpus",), ("corpus",)


def _untagged(placed: Sequence[Placed], at: Placed) -> Iterator[str]:
    """Yield a mistake for each reader before a stage that gives it rows without tags."""
    if not (issubclass(at.declared, Stage) and at.declared.needs_tags):
        return
    before = [one for one in placed if one.number < at.number]
    # An installed package's transform may give tags.
    foreign = (
        isinstance(one.stage, Transform) and not type(one.stage).__module__.startswith("corpora.")
        for one in before
    )
    if any(foreign):
        return
    for one in before:
        if isinstance(one.stage, Reader) and one.stage.has_tags() is False:
            mend = (
                "set its key tags"
                if hasattr(one.stage, "tags")
                else "use one that gives them, such as tagged_line_document"
            )
            yield (
                f"needs documents with tags, and stage {one.number} ({one.declared.use()}) gives "
                f"none: {mend}"
            )


def _counted(given: dict[Resource, Placed]) -> Placed | None:
    """Return the stage that has already counted the corpus's words, if one has."""
    at = given.get("vocabulary")
    return at if at and issubclass(at.declared, Stage) and "corpus" in at.declared.needs else None
