"""Stage `evaluate`: measure the model, and end the run if it does not come up to the limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from corpora.declared import Declared
from corpora.reader import FileReader
from corpora.shards import TokenShard
from corpora.shards.cached import opened_set
from corpora.sources.source import expand
from pipeline.core.passes import Plan
from pipeline.evaluation import measures
from pipeline.evaluation.gates import Limit, demand
from pipeline.evaluation.held_out import held_out_loss
from pipeline.models.model import Model, ModelError
from pipeline.stage import Resource, Stage, State
from pipeline.store.shards import stored_set
from pipeline.store.versions import Store
from pipeline.updates.read_alike import read_alike
from pipeline.vectors.files import source

Share = Annotated[float, Ge(0), Le(1)]
Cosine = Annotated[float, Ge(-1), Le(1)]

# What each key is a bound on.
LIMITS = {
    "max_loss": ("held_out_loss",),
    "max_loss_rise": ("held_out_loss_rise",),
    "min_word_pairs": ("word_pairs",),
    "min_analogies": ("analogies",),
    "min_self_rank": ("self_rank",),
    "min_cosine": ("words_cosine", "documents_cosine"),
    "min_worst_cosine": ("words_worst_cosine", "documents_worst_cosine"),
    "min_overlap": ("words_overlap", "documents_overlap"),
}


@dataclass(frozen=True, kw_only=True)
class Evaluate(Stage):
    """Measure the model before it is published; beyond a limit the run ends with exit code 6.

    The model is then kept in the store's folder `candidates`, and not published. What is measured
    stands in the version's metrics. What a first version has no parent for is not measured.

    held_out: Files that are never trained on, read as the corpus is; gives held_out_loss, and
        held_out_loss_rise, the share by which it is above the parent's.
    word_pairs: A file of pairs of words with people's scores of their similarity; gives Spearman's
        correlation.
    analogies: A file of questions, "a is to b as c is to d"; gives the share that comes out.
    sample: How many documents and words are drawn for self_rank and overlap.
    infer_epochs: In how many passes a document's vector is inferred.
    seed: What all chance comes from.
    max_loss: The highest held_out_loss, in nats for each term.
    max_loss_rise: The highest held_out_loss_rise; 0.02 is 2 %.
    min_word_pairs: The lowest correlation.
    min_analogies: The lowest share of analogies.
    min_self_rank: The lowest share of documents that are the nearest to the vector that is inferred
        from their own text, among all documents.
    min_cosine: The lowest mean cosine of old vectors with the parent's.
    min_worst_cosine: The lowest cosine of any old vector with the parent's.
    min_overlap: The lowest share of the ten nearest that are still those of the parent.
    """

    held_out: str | tuple[str, ...] | None = None
    word_pairs: str | None = None
    analogies: str | None = None
    sample: Annotated[int, Ge(1)] = 300
    infer_epochs: Annotated[int, Ge(1)] = 20
    seed: Annotated[int, Ge(0)] = 1
    max_loss: Annotated[float, Ge(0)] | None = None
    max_loss_rise: float | None = None
    min_word_pairs: Cosine | None = None
    min_analogies: Share | None = None
    min_self_rank: Share | None = None
    min_cosine: Cosine | None = None
    min_worst_cosine: Cosine | None = None
    min_overlap: Share | None = None

    needs: ClassVar[tuple[Resource, ...]] = ("model",)
    uses: ClassVar[tuple[Resource, ...]] = ("corpus",)

    def faults(self) -> Iterator[str]:
        """Refuse a limit on what is not measured, too."""
        yield from super().faults()
        for limit, needed in (
            ("max_loss", "held_out"),
            ("max_loss_rise", "held_out"),
            ("min_word_pairs", "word_pairs"),
            ("min_analogies", "analogies"),
        ):
            if getattr(self, limit) is not None and getattr(self, needed) is None:
                yield f"{limit} needs {needed}"

    def limits(self) -> list[Limit]:
        """Return the limits that are set."""
        return [
            Limit(key, measure, bound)
            for key, its in LIMITS.items()
            if (bound := getattr(self, key)) is not None
            for measure in its
        ]

    def holds_back(self) -> bool:
        """Return whether there are limits."""
        return bool(self.limits())

    def demand(self, stages: Sequence[Declared]) -> None:
        """Refuse files to measure with that aren't there."""
        for one in (self.word_pairs, self.analogies):
            if one is not None:
                source(one)
        if self.held_out is not None:
            readers = (stage for stage in stages if isinstance(stage, FileReader))
            reader = next(readers, None)
            expand(self.held_out, None if reader is None else reader.storage_options)

    def run(self, state: State) -> State:
        """Measure, tell, and raise GateError beyond a limit."""
        model, base = state.demand_model(), state.base
        parent = None if base is None else Model.open(base.folder(hashes=False))
        found = dict(self._measured(state, model, parent))
        told = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        state.report.say(f"measured: {told or 'nothing'}")
        demand(self.limits(), {**state.metrics, **found}, model, state.setting.store)
        # A correlation of less than three pairs, say, is no number.
        finite = {name: value for name, value in found.items() if isfinite(value)}
        return replace(state, metrics={**state.metrics, **finite})

    def _measured(
        self, state: State, model: Model, parent: Model | None
    ) -> Iterator[tuple[str, float]]:
        if self.held_out is not None:
            yield from self._held_out(state, model, parent)
        if self.word_pairs is not None or self.analogies is not None:
            model.demand_trained_words()
        if self.word_pairs is not None:
            _, spearman, unknown = model.keyed_vectors.evaluate_word_pairs(self.word_pairs)
            yield "word_pairs", float(spearman[0])
            yield "word_pairs_unknown", unknown / 100
        if self.analogies is not None:
            yield "analogies", model.keyed_vectors.evaluate_word_analogies(self.analogies)[0]
        if model.tags is not None:
            ranks = self._self_ranks(state, model)
            if len(ranks):
                yield "self_rank", float((ranks == 1).mean())
                yield "self_rank_median", float(np.median(ranks))
        if parent is not None:
            if model.settings.trains_words:
                words = model.vocabulary.lookup(parent.vocabulary.retained)
                yield from self._moved("words", model.vectors, parent.vectors, words)
            if model.tags is not None and parent.tags is not None:
                rows = _rows_of(model, parent)
                yield from self._moved("documents", model.tag_vectors, parent.tag_vectors, rows)

    def _held_out(
        self, state: State, model: Model, parent: Model | None
    ) -> Iterator[tuple[str, float]]:
        if state.corpus is None:
            raise ModelError(
                "held_out is read as the corpus is, and there is none. To mend it: put a reader "
                "before evaluate"
            )
        corpus = read_alike(state.corpus, self.held_out or ())
        workers = state.setting.workers
        mine = held_out_loss(model, corpus, self._plan(), workers=workers)
        if not mine.terms:
            raise ModelError(
                "held_out has no text that the model knows words of. To mend it: give other files"
            )
        yield "held_out_loss", mine.loss
        yield "held_out_known", mine.known
        if parent is not None:
            before = held_out_loss(parent, corpus, self._plan(), workers=workers)
            yield "held_out_loss_rise", mine.loss / before.loss - 1

    def _self_ranks(self, state: State, model: Model) -> NDArray[np.int64]:
        texts: list[measures.Text] = [
            (shard.rows, partial(iter, (shard,))) for shard in state.shards or ()
        ]
        if state.setting.store is not None and state.ledger is not None:
            kept = (state.ledger.table[name].to_pylist() for name in ("rows", "set"))
            texts += [
                (rows, partial(_stored, state.setting.store, name))
                for rows, name in zip(*kept, strict=True)
                if name is not None
            ]
        return measures.self_ranks(
            model, texts, self._plan(),
            sample=self.sample, seed=self.seed, workers=state.setting.workers,
        )  # fmt: skip

    def _moved(
        self, name: str, new: Any, old: Any, rows: NDArray[np.integer[Any]]
    ) -> Iterator[tuple[str, float]]:
        """Yield how far old rows are from where they were; rows: where each is now, or -1."""
        before = np.flatnonzero(rows >= 0)
        now = rows[before].astype(np.int64)
        moved = measures.drift(new, old, now, before)
        if moved is None:
            return
        yield f"{name}_cosine", moved.mean
        yield f"{name}_worst_cosine", moved.worst
        shared = measures.overlap(new, old, now, before, sample=self.sample, seed=self.seed)
        if shared is not None:
            yield f"{name}_overlap", shared

    def _plan(self) -> Plan:
        return Plan(epochs=self.infer_epochs, seed=self.seed)


def _stored(store: Store, name: str) -> Iterator[TokenShard]:
    """Return the shards of a set in the store."""
    return opened_set(name, stored_set(store, name))


def _rows_of(model: Model, parent: Model) -> NDArray[np.int64]:
    """Return the row of each of the parent's documents, -1 where it is gone."""
    assert model.tags is not None
    assert parent.tags is not None
    return model.tags.lookup(parent.tags.keys).astype(np.int64)
