"""What a training does that goes on from a loaded version: its keys, and how they are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

from annotated_types import Ge, Gt, Le

from corpora.declared import Declared
from corpora.errors import CorpusError
from corpora.rows.draws import draws
from corpora.shards import TokenShards
from pipeline.core.passes import Plan
from pipeline.core.replay import Epochs, Replay
from pipeline.models.model import Model, ModelError
from pipeline.stage import Stage, State
from pipeline.updates.align import align
from pipeline.updates.anchor import Anchor
from pipeline.updates.first_vectors import begin_from
from pipeline.updates.old_text import old_text
from pipeline.updates.row_rates import NAMES, Known, RowRates, row_rates
from pipeline.vectors.files import source

TIMES = 4  # as many old rows as new ones, where the recipe doesn't say


class Prepared(NamedTuple):
    """A training made ready: what it goes through, how, and how fast each row learns."""

    work: Epochs
    plan: Plan
    rates: RowRates


@dataclass(frozen=True, kw_only=True)
class UpdateStage(Stage):
    """Keys of a training that goes on from a loaded version; a first one only has init_from.

    replay: the share of the text that was read in earlier runs, that each epoch goes through
    besides the new text: other rows in each. It comes from the store; nothing is fetched. By
    default four times as many rows as are new, so that a run costs five times what is new; with
    less, words' vectors keep less well. update_alpha: the learning rate at the start of an update;
    by default alpha. New words and documents begin with alpha in any case. anchor: the share of the
    way that an update moves a row that was there, by which it is taken back at the end: so
    neighbours stay, and chance is averaged out. freeze: what keeps every bit: "words", "tags",
    "old_words" or "old_tags" (those that were there before), or a file with a word or tag on each
    line. init_from: vectors that new words begin with: a store, a file that KeyedVectors saved, or
    one in word2vec's format. init_locked: these words never learn. align: of a training that begins
    anew in a store that has versions, turn the vectors onto those of the newest, which changes no
    similarity.
    """

    replay: Annotated[float, Ge(0), Le(1)] | None = None
    update_alpha: Annotated[float, Gt(0)] | None = None
    anchor: Annotated[float, Ge(0), Le(1)] = 0.7
    freeze: str = ""
    init_from: str = ""
    init_locked: bool = False
    align: bool = False

    slower: ClassVar[float] = 1.0
    """By what alpha is multiplied for an update, where the recipe doesn't say."""

    def begins(self, alpha: float) -> float:
        """Return the learning rate at the start of an update, where a first training has alpha."""
        return self.slower * alpha if self.update_alpha is None else self.update_alpha

    def replays(self, new: int, old: int) -> float:
        """Return the share of old rows that an epoch with so many new ones goes through."""
        return min(TIMES * new / max(old, 1), 1.0) if self.replay is None else self.replay

    def faults(self) -> Iterator[str]:
        """Refuse keys without what they are about, too."""
        yield from super().faults()
        if self.init_locked and not self.init_from:
            yield "init_locked must be false where init_from is not given, not true"

    def demand(self, stages: Sequence[Declared]) -> None:
        """Refuse a file of rows to freeze that is not there."""
        super().demand(stages)
        if self.freeze and self.freeze not in NAMES:
            try:
                source(self.freeze)
            except CorpusError as error:
                names = ", ".join(f'"{name}"' for name in NAMES)
                raise ModelError(
                    f"{self.use()}, freeze: {error}. It is one of {names}, or a file"
                ) from error

    def known_rows(self, state: State, shards: TokenShards) -> tuple[State, Known]:  # noqa: ARG002
        """Return the state to go on from, and what its model has before it grows."""
        return state, Known.of(state.model)

    def prepared(
        self, state: State, shards: TokenShards, plan: Plan, model: Model, known: Known
    ) -> Prepared:
        """Return a training of a model that has grown from rows that are `known`.

        Raises ModelError for a row to be frozen that is not there, and DamagedError where old text
        is missing from the store.
        """
        if self.init_from:
            taken = begin_from(model, self.init_from, known.words, locked=self.init_locked)
            begun = f"{taken:,} of {model.vocabulary.size - known.words:,} new words"
            state.report.say(
                f"{begun} begin with vectors from {state.setting.hide(self.init_from)}"
            )
        if state.base is None:
            return Prepared(Epochs(shards, plan.epochs), plan, row_rates(model, known, self.freeze))
        alpha = self.begins(plan.alpha)
        rates = row_rates(model, known, self.freeze, plan.alpha / alpha)
        # Each update draws noise of its own; with one seed for all, chance would add up.
        seed = int(draws(plan.seed, state.ledger.rows if state.ledger else 0, 1)[0])
        plan = replace(plan, alpha=alpha, min_alpha=min(plan.min_alpha, alpha), seed=seed)
        return Prepared(self._work(state, shards, plan, known), plan, rates)

    def anchored(self, state: State) -> Anchor | None:
        """Return where the rows of a loaded model are, if they are to be pulled back there."""
        if not self.anchor or state.base is None or state.model is None:
            return None
        return Anchor(state.model)

    def finish(self, state: State, model: Model, anchor: Anchor | None, known: Known) -> None:
        """Pull a model's rows back, or turn them, once it is trained."""
        if anchor is not None:
            anchor.pull(model, self.anchor, known.anew)
        newest = state.setting.store.latest() if self.align and state.setting.store else None
        if newest is not None and state.base is None:
            keys, cosine = align(model, Model.open(newest.folder()))
            told = f"{keys:,} keys are in both, with a mean cosine of {cosine:.3f}"
            state.report.say(f"aligned with version {newest.number}: {told}")

    def _work(self, state: State, shards: TokenShards, plan: Plan, known: Known) -> Epochs:
        store = state.setting.store
        if self.replay == 0 or store is None or state.ledger is None:
            return Epochs(shards, plan.epochs)
        kept, lost = old_text(store, state.ledger)
        if lost:
            state.report.say(f"{lost:,} rows of older text are not in the store: no replay of them")
        of = sum(one.rows for one in kept)
        share = self.replays(shards.rows, of)
        work = Replay(shards, kept, share=share, epochs=plan.epochs, seed=plan.seed)
        work.passed_over = known.anew
        if work.replayed:
            state.report.say(f"replaying {work.replayed:,} of {of:,} older rows in each epoch")
        return work
