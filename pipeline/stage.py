"""What a stage is: a declared step from one state of a run to the next."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from corpora.declared import Declared
from pipeline.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from corpora import Corpus
    from corpora.shards import TokenShards
    from pipeline.core.training import Progress, Receipt
    from pipeline.models.model import Model
    from pipeline.phrases.frozen import FrozenPhrases
    from pipeline.store.ledger import Consumed, Ledger
    from pipeline.store.versions import Store, Version
    from pipeline.words.vocabulary import Vocabulary

Resource = Literal["corpus", "vocabulary", "model"]


class Report(Protocol):
    """Where a run tells how it goes; the command line shows it, a test may keep it."""

    def stage(self, number: int, total: int, name: str) -> None:
        """Say that stage `number` of `total` begins."""

    def counted(self, tokens: int, rows: int) -> None:
        """Say how much text has been read so far in this stage."""

    def trained(self, progress: Progress) -> None:
        """Say how far the training is."""

    def say(self, text: str) -> None:
        """Say something worth a line."""

    def table(self, name: str, rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> None:
        """Show the result `name`: a row for each key, with keys and numbers beside it."""


@dataclass(frozen=True)
class Setting:
    """What a run has around it and no stage changes.

    `cache` is the folder for token shards, or None where none are kept. `hide` takes values that
    came from the environment out of a text, `show` puts them in again. `checkpoint`: seconds of
    training between two checkpoints, None for none; `ending` is closed when the run has ended, well
    or not.
    """

    report: Report
    workers: int
    cache: str | None = None
    store: Store | None = None
    recipe: str = ""
    hide: Callable[[str], str] = field(default=str, repr=False)
    show: Callable[[str], str] = field(default=str, repr=False)
    checkpoint: float | None = None
    ending: ExitStack = field(default_factory=ExitStack, repr=False)


@dataclass(frozen=True)
class State:
    """What a run has made so far; a stage returns a new one.

    `base` is the version that the run goes on from, `parent` its number: 0 where the store was
    found empty, None where nobody looked. `ledger` is what that version had read, and `consumed`
    what the run has trained on since. `forgot`: how many documents the run has made the model
    forget. `unread`: how many files readers with new_only have for this run, None where another
    reader has a part in it; `changed`: sources that were read before, as they were, and
    `replaced` those of them whose old text is to leave. `phrases`: those that have been joined in
    the corpus, in this order.
    """

    setting: Setting
    corpus: Corpus | None = None
    shards: TokenShards | None = None
    phrases: tuple[FrozenPhrases, ...] = ()
    vocabulary: Vocabulary | None = None
    model: Model | None = None
    parent: int | None = None
    base: Version | None = None
    ledger: Ledger | None = None
    consumed: tuple[Consumed, ...] = ()
    forgot: int = 0
    unread: int | None = None
    changed: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    metrics: Mapping[str, float] = field(default_factory=dict)
    receipt: Receipt | None = None
    version: Version | None = None

    @property
    def report(self) -> Report:
        """Where to tell how it goes."""
        return self.setting.report

    def demand_model(self) -> Model:
        """Return the model; raises StoreError where the store has none and the run made none."""
        if self.model is None:
            raise StoreError(
                f"the store {self.store.url} has no version yet, and this run has trained nothing: "
                "there is no model to be looked at. To mend it: put a stage that trains before"
            )
        return self.model

    @property
    def store(self) -> Store:
        """The recipe's store; only for stages that have `needs_store`, whose recipes have one."""
        assert self.setting.store is not None
        return self.setting.store


class Stage(Declared):
    """A stage of a recipe: a frozen dataclass whose fields are the recipe's keys.

    A new stage is one new module in `pipeline/stages`, or an installed package's entry point in the
    group "millrace.stages", named as the stage is in recipes.
    """

    needs: ClassVar[tuple[Resource, ...]] = ()
    """What an earlier stage has to have given."""
    uses: ClassVar[tuple[Resource, ...]] = ()
    """What this stage goes on from when an earlier one has given it."""
    gives: ClassVar[tuple[Resource, ...]] = ()
    """What this stage makes, for a later one."""
    needs_tags: ClassVar[bool] = False
    """Whether the rows of the corpus have to have tags."""
    needs_store: ClassVar[bool] = False
    writes_store: ClassVar[bool] = False

    def objection(self, given: Collection[Resource]) -> str | None:  # noqa: ARG002
        """Return why this stage can't stand after stages that have given `given`, or None."""
        return None

    def holds_back(self) -> bool:
        """Return whether the stage may end a run so that nothing is published."""
        return False

    def demand(self, stages: Sequence[Declared]) -> None:
        """Raise MillraceError for what would end a run of `stages` here, before it has begun."""

    @abstractmethod
    def run(self, state: State) -> State:
        """Do the work and return what is known after it."""
