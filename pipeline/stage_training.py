"""What the stages that train have in common: their keys, and going on from a loaded model."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from corpora.errors import UsageError
from corpora.shards import TokenShard, TokenShards
from pipeline.core.callbacks import Patience
from pipeline.core.checkpoint import Checkpoints, opened
from pipeline.core.passes import Plan
from pipeline.core.replay import Epochs
from pipeline.core.settings import Settings
from pipeline.core.training import Receipt
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.phrases.joined import demand_joined
from pipeline.run_key import run_key
from pipeline.stage import Resource, State
from pipeline.stage_corpus import encoded
from pipeline.stage_update import UpdateStage
from pipeline.store.ledger import Consumed, consumed
from pipeline.updates.row_rates import RowRates


@dataclass(frozen=True, kw_only=True)
class TrainStage(UpdateStage):
    """Train a new model, or go on with a loaded one.

    vector_size: numbers in a vector. window: a word learns from up to so many words on each side of
    it. negative: words of noise for each word learnt; 0 for none, which needs hs. hs: 1 for
    hierarchical softmax (a tree of yes-or-no questions instead of, or besides, noise).
    sample: the share of a text above which a word is passed over more and more often; 0 passes over
    none. epochs: how often every document is trained. alpha: the learning rate at the start.
    min_alpha: the learning rate at the end. seed: what all chance comes from. ns_exponent: noise is
    drawn by count to this power. shrink_windows: let windows have every size from 1 to `window`.
    exact_gradient: where a window's vectors are joined, take the exact gradient and not the peers':
    of a mean each gets its share, which wants an alpha of 0.075 or so, and of a sum all.
    shared_noise: draw noise once for two windows (several times faster) and not for each pair.
    hot_rows: let each thread keep copies of the most frequent words' rows for a while, so that
    threads don't wait for each other.
    patience: end the training after so many epochs in a row whose loss was no lower than the lowest
    one before; 0 trains all epochs. The learning rate falls as it would over all of them.
    min_delta: with patience, how much lower a loss has to be to count.
    """

    vector_size: Annotated[int, Ge(1)] = 100
    window: Annotated[int, Ge(1)] = 5
    negative: Annotated[int, Ge(0)] = 5
    hs: Literal[0, 1] = 0
    sample: Annotated[float, Ge(0)] = 1e-3
    epochs: Annotated[int, Ge(1)] = 5
    alpha: Annotated[float, Gt(0)] = 0.025
    min_alpha: Annotated[float, Ge(0)] = 0.0001
    seed: Annotated[int, Ge(0)] = 1
    ns_exponent: float = 0.75
    shrink_windows: bool = True
    exact_gradient: bool = False
    shared_noise: bool = True
    hot_rows: bool = True
    patience: Annotated[int, Ge(0)] = 0
    min_delta: Annotated[float, Ge(0)] = 0.0

    needs: ClassVar[tuple[Resource, ...]] = ("corpus", "vocabulary")
    uses: ClassVar[tuple[Resource, ...]] = ("model",)
    gives: ClassVar[tuple[Resource, ...]] = ("model",)

    @abstractmethod
    def settings(self) -> Settings:
        """Return the settings that the keys spell."""

    def faults(self) -> Iterator[str]:
        """Refuse a learning rate that rises, and settings that no model can have, too."""
        wrong = list(super().faults())
        if self.min_delta and not self.patience:
            wrong.append(f"min_delta must be 0 where patience is 0, not {self.min_delta}")
        yield from wrong
        if wrong:
            return
        for make in (self.settings, self._plan):
            try:
                make()
            except ValueError as error:
                yield str(error)
                return
        if self.freeze in ("tags", "old_tags") and not self.settings().has_tags:
            yield f"freeze must not be {self.freeze!r} where there are no documents' vectors"
        if self.init_from and not self.settings().trains_words:
            yield "init_from must not be given where words' vectors are not trained (PV-DBOW)"

    def run(self, state: State) -> State:
        """Train a new model, or go on with the one that was loaded."""
        state, shards = encoded(state)
        learnt = _consumed(shards, state)
        state, known = self.known_rows(state, shards)
        anchor = self.anchored(state)
        # What this run has trained on before is counted already, the tags' rows of text, too.
        model = self._model(state, shards if learnt else ())
        work, plan, rates = self.prepared(state, shards, self._plan(), model, known)
        receipt = model.train(
            work,
            plan,
            **rates._asdict(),
            workers=state.setting.workers,
            on_progress=state.report.trained,
            on_epoch=self._on_epoch(),
            checkpoints=self._checkpoints(state, work, model, rates),
        )
        self.finish(state, model, anchor, known)
        if receipt.stopped:
            state.report.say(f"stopped after epoch {len(receipt.epochs)}: the loss fell no further")
        trained = sum(epoch.tokens for epoch in receipt.epochs)
        state.report.say(
            f"trained {trained:,} words in {receipt.seconds:.1f} s: "
            f"{trained / max(receipt.seconds, 1e-9) / 1e6:.2f} M words/s, "
            f"loss {receipt.epochs[-1].loss:.4f}"
        )
        if not receipt.epochs[-1].terms:
            state.report.say("nothing was learnt: no row has two words that the model knows")
        return replace(
            state,
            model=model,
            consumed=(*state.consumed, *learnt),
            metrics={**state.metrics, "loss": receipt.epochs[-1].loss},
            receipt=receipt,
        )

    def _checkpoints(
        self, state: State, work: Epochs, model: Model, rates: RowRates
    ) -> Checkpoints | None:
        """Return where this training goes on if it was killed; without a store nothing is kept."""
        setting = state.setting
        home = setting.store.storage.runs if setting.store else None
        if home is None or setting.checkpoint is None:
            return None
        key = run_key(self, state, work.shards, model, rates)
        return setting.ending.enter_context(opened(home, key, setting.checkpoint, state.report.say))

    def _on_epoch(self) -> Callable[[Receipt], bool] | None:
        """Return what says after each epoch whether to stop."""
        if not self.patience:
            return None
        patience = Patience(self.patience, self.min_delta)
        return lambda receipt: patience.is_over(-receipt.epochs[-1].loss)

    def _plan(self) -> Plan:
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})

    def _model(self, state: State, shards: Iterable[TokenShard]) -> Model:
        settings, held, vocabulary = self.settings(), state.model, state.vocabulary
        if vocabulary is None:
            raise ModelError(
                "the store has no version to go on from, and nothing has counted the words: "
                f"put build_vocab, with update = true, before {self.use()}"
            )
        if held is not None:
            demand_equal(held.settings, settings)
            demand_joined(held.phrases, state.phrases)
        before = held.tags if held else None
        tags = tags_with(shards, settings, before)
        if tags is not None:
            new = tags.size - (before.size if before else 0)
            state.report.say(f"{tags.size:,} documents, {new:,} of them new")
        if held is None:
            made = Model.fresh(vocabulary, settings, self.seed, tags)
            made.phrases = state.phrases
            return made
        held.grow(vocabulary, self.seed, tags)
        return held

    def _common(self) -> dict[str, Any]:
        """Return the settings that every stage which trains spells alike."""
        names = ("vector_size", "window", "negative", "ns_exponent", "shrink_windows")
        return {**{name: getattr(self, name) for name in names}, "hierarchical": bool(self.hs)}


class OtherSettingsError(ModelError, UsageError):
    """A recipe asks for other settings than the model has that it is to train on with."""


def demand_equal(held: Settings, asked: Settings) -> None:
    """Refuse to train on with other settings than those that the model was made with."""
    wanted = asdict(asked)
    wrong = [f"{k} is {v} there and {wanted[k]} here" for k, v in asdict(held).items()
             if v != wanted[k]]  # fmt: skip
    if wrong:
        raise OtherSettingsError(
            f"the loaded model has other settings than this recipe: {'; '.join(wrong)}. To mend "
            "it: give the model's settings, or publish to another store"
        )


def _consumed(shards: TokenShards, state: State) -> tuple[Consumed, ...]:
    """Return what the ledger has to say of the corpus, unless this run has trained on it before."""
    counted = state.model is None or state.vocabulary is not state.model.vocabulary
    found = consumed(shards, counted=counted, hide=state.setting.hide)
    before = {(one.source, one.fingerprint, one.rows, one.tokens) for one in state.consumed}
    return tuple(
        one for one in found
        if (one.source, one.fingerprint, one.rows, one.tokens) not in before
    )  # fmt: skip
