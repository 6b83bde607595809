"""Stage `train_word2vec`: train the vectors of words."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import groupby
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from corpora.shards import TokenShards
from pipeline.manifest import Consumed
from pipeline.models.model import Model, ModelError
from pipeline.stage import Resource, Stage, State
from pipeline.stage_corpus import encoded
from pipeline.training import Plan, WordSettings, train


@dataclass(frozen=True, kw_only=True)
class TrainWord2vec(Stage):
    """Train vectors of words with negative sampling (Mikolov et al. 2013).

    sg: 1 for skip-gram, 0 for CBOW. vector_size: numbers in a vector. window: a word learns from up
    to so many words on each side of it. negative: words of noise for each word learnt.
    sample: the share of a text above which a word is passed over more and more often; 0 passes over
    none. epochs: how often every document is trained. alpha: the learning rate at the start.
    min_alpha: the learning rate at the end. seed: what all chance comes from. ns_exponent: noise is
    drawn by count to this power. shrink_windows: draw each window's size from 1 to `window`.
    cbow_mean: with CBOW, 1 to take the mean of a window's words, 0 their sum. shared_noise: with
    skip-gram, draw noise once for a window (several times faster) and not for each of its pairs.
    """

    sg: Literal[0, 1] = 1
    vector_size: Annotated[int, Ge(1)] = 100
    window: Annotated[int, Ge(1)] = 5
    negative: Annotated[int, Ge(1)] = 5
    sample: Annotated[float, Ge(0)] = 1e-3
    epochs: Annotated[int, Ge(1)] = 5
    alpha: Annotated[float, Gt(0)] = 0.025
    min_alpha: Annotated[float, Ge(0)] = 0.0001
    seed: Annotated[int, Ge(0)] = 1
    ns_exponent: float = 0.75
    shrink_windows: bool = True
    cbow_mean: Literal[0, 1] = 1
    shared_noise: bool = True

    needs: ClassVar[tuple[Resource, ...]] = ("corpus", "vocabulary")
    uses: ClassVar[tuple[Resource, ...]] = ("model",)
    gives: ClassVar[tuple[Resource, ...]] = ("model",)

    def faults(self) -> Iterator[str]:
        """Refuse a learning rate that rises, too."""
        yield from super().faults()
        if self.min_alpha > self.alpha:
            yield f"min_alpha must be at most alpha ({self.alpha}), not {self.min_alpha}"

    def run(self, state: State) -> State:
        """Train a new model, or go on with the one that was loaded."""
        state, shards = encoded(state)
        model = self._model(state)
        receipt = train(
            model.weights,
            model.vocabulary,
            model.settings,
            shards,
            self._part(Plan),
            workers=state.setting.workers,
            on_progress=state.report.trained,
        )
        state.report.say(
            f"trained {receipt.tokens * self.epochs:,} words in {receipt.seconds:.1f} s: "
            f"{receipt.tokens * self.epochs / max(receipt.seconds, 1e-9) / 1e6:.2f} M words/s, "
            f"loss {receipt.epochs[-1].loss:.4f}"
        )
        learnt = tuple(_consumed(shards, state))
        return replace(
            state,
            model=model,
            ledger=(*state.ledger, *learnt),
            metrics={**state.metrics, "loss": receipt.epochs[-1].loss},
            receipt=receipt,
        )

    def _model(self, state: State) -> Model:
        settings = self._part(WordSettings)
        if state.vocabulary is None:
            raise ModelError(
                "the store has no version to go on from, and nothing has counted the words: "
                "put build_vocab, with update = true, before train_word2vec"
            )
        if state.model is None:
            return Model.fresh(state.vocabulary, settings, self.seed)
        _demand_equal(state.model.settings, settings)
        if state.vocabulary is not state.model.vocabulary:
            state.model.grow(state.vocabulary, self.seed)
        return state.model

    def _part(self, kind: Any) -> Any:
        """Return the settings, or the plan, that the keys of this stage spell."""
        return kind(**{field.name: getattr(self, field.name) for field in fields(kind)})


def _demand_equal(held: WordSettings, asked: WordSettings) -> None:
    """Refuse to train on with other settings than those that the model was made with."""
    wanted = asdict(asked)
    wrong = [f"{k} is {v} there and {wanted[k]} here" for k, v in asdict(held).items()
             if v != wanted[k]]  # fmt: skip
    if wrong:
        raise ModelError(
            f"the loaded model has other settings than this recipe: {'; '.join(wrong)}. To mend "
            "it: give the model's settings, or publish to another store"
        )


def _consumed(shards: TokenShards, state: State) -> Iterator[Consumed]:
    """Yield a line of the ledger for each source."""
    for source, group in groupby(shards, key=lambda shard: shard.source):
        its = list(group)
        prints = [shard.fingerprint for shard in its]
        whole = hashlib.sha256("\n".join(prints).encode()).hexdigest()
        yield Consumed(
            state.setting.hide(source),
            prints[0] if len(its) == 1 else whole,
            sum(shard.rows for shard in its),
            sum(shard.tokens for shard in its),
        )
