"""A model that is kept up to date, beside one that is trained anew on everything, and the peer's.

    python benchmarks/incremental.py CORPUS --pairs wordsim353.tsv --pairs simlex999.txt
        --analogies questions-words.txt [--sorted] [--peer] [--modes skip_gram,dbow] [--json out]

CORPUS is a text file, one document a line, possibly compressed. The first half is trained, then
come 10 slices of a twentieth: mixed, or sorted by kind (--labelled: as in quality.py). After the
last one words are judged by similarities and analogies, documents by their kinds, as in quality.py,
and the models compared with one that was trained once on all of the text in the same order. `cost`
is the share of the tokens trained, of those that training anew would train at that step: the mean
over the steps, and the most. `overlap` is how many of 10 neighbours a row keeps in an update,
`cosine` how far old rows turn, means over the steps. --peer: gensim's update of words; of
documents, as its users do it: build_vocab with update=True, and the new documents' vectors in place
of the old ones'.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from gensim.models import KeyedVectors, Word2Vec
from gensim.models.doc2vec import TaggedLineDocument
from modes import MODES, Gensim, min_count_of, settings_of
from options import parser_of, plan_of
from quality import told_apart
from slices import Slice, slices
from table import Column, Row, keep, note, show
from word_tests import Floats, Index, analogies, read_pairs, read_questions, spearman

from corpora import TokenShards
from pipeline.core.passes import Plan
from pipeline.core.replay import Epochs, Kept, Replay
from pipeline.core.settings import Settings
from pipeline.evaluation.measures import drift, overlap
from pipeline.models.model import Model, tags_with
from pipeline.stages.train_doc2vec import TrainDoc2vec
from pipeline.stages.train_word2vec import TrainWord2vec
from pipeline.updates.anchor import Anchor
from pipeline.updates.row_rates import Known, row_rates
from pipeline.words.vocabulary import Vocabulary

COMMON = 20_000  # rows whose neighbours are compared
Scores = dict[str, float]
Test = Callable[[Index, Floats], float]


class Growing:
    """A model that is trained on one slice after the other."""

    def __init__(self, settings: Settings, plan: Plan, options: argparse.Namespace) -> None:
        self.settings, self.plan, self.options = settings, plan, options
        usual = TrainDoc2vec() if settings.has_tags else TrainWord2vec()
        given = {name: getattr(options, name) for name in ("replay", "update_alpha", "anchor")}
        self.stage = replace(usual, **{name: v for name, v in given.items() if v is not None})
        self.model: Model | None = None
        self.seen: list[TokenShards] = []
        self.costs: list[float] = []
        self.kept: list[tuple[float, float]] = []

    def take(self, shards: TokenShards) -> None:
        """Train on what is new, beside a share of what is not."""
        held, plan, seen = self.model, self.plan, self.seen
        previous = held.vocabulary if held else None
        words = Vocabulary.build(shards, min_count_of(self.settings), previous=previous)
        tags = tags_with(shards, self.settings, held.tags if held else None)
        if held is None:
            self.model = Model.fresh(words, self.settings, plan.seed, tags)
            self.model.train(shards, plan, workers=self.options.workers)
        else:
            known, before = Known.of(held), (held.vectors.copy(), _tagged(held))
            anchor = Anchor(held) if self.stage.anchor else None
            held.grow(words, plan.seed, tags)
            alpha = self.stage.begins(plan.alpha)
            rates = row_rates(held, known, self.options.freeze, plan.alpha / alpha)
            work = self._work(shards)
            slow = replace(plan, alpha=alpha, seed=plan.seed + 1000 * len(self.seen))
            receipt = held.train(work, slow, **rates._asdict(), workers=self.options.workers)
            if anchor is not None:
                anchor.pull(held, self.stage.anchor)
            trained = sum(epoch.tokens for epoch in receipt.epochs)
            whole = plan.epochs * (shards.tokens + sum(one.tokens for one in seen))
            self.costs.append(trained / whole)
            self.kept.append(self._kept(*before))
        self.seen.append(shards)

    def _work(self, shards: TokenShards) -> Epochs:
        """Return an update's epochs: with replay, but no more than may be spent."""
        old = sum(one.tokens for one in self.seen)
        usual = self.stage.replays(shards.rows, sum(one.rows for one in self.seen))
        share = min(usual, (self.options.most * (old + shards.tokens) - shards.tokens) / old)
        kept = [Kept(one.rows, lambda one=one: one) for one in self.seen]
        how = {"epochs": self.plan.epochs, "seed": self.plan.seed}
        return Replay(shards, kept, share=max(share - 0.001, 0), **how)

    def _kept(self, words: Floats, tags: Floats | None) -> tuple[float, float]:
        assert self.model is not None
        now, then = (self.model.vectors, words) if tags is None else (_tagged(self.model), tags)
        assert now is not None
        rows = np.arange(min(len(then), COMMON))
        common = overlap(now, then, rows, rows, sample=1000)
        turned = drift(now, then, rows, rows)
        assert common is not None
        assert turned is not None
        return common, turned.mean


def _tagged(model: Model) -> Floats | None:
    return None if model.tags is None else model.tag_vectors.copy()


def ranked(words: list[str], counts: Any, vectors: Floats) -> tuple[Index, Floats]:
    """Return words and vectors by falling count, as analogies want them."""
    order = np.lexsort((words, -np.asarray(counts)))
    return {words[row]: at for at, row in enumerate(order)}, np.asarray(vectors[order], np.float32)


def judged(model: Model, parts: list[Slice], tests: dict[str, Test]) -> Scores:
    """Return what a model is worth."""
    index: Index = {}
    if model.tags is not None:
        vectors = np.empty((sum(len(one.lines) for one in parts), model.settings.vector_size))
        for one in parts:
            vectors[one.lines] = model.tag_vectors[model.tags.find(one.tags)]
    else:
        known = model.vocabulary
        words: list[Any] = known.retained.to_pylist()
        index, vectors = ranked(words, known.retained_counts, model.vectors)
    return {name: test(index, vectors) for name, test in tests.items()}


def peer(
    settings: Settings, plan: Plan, parts: list[Slice], tests: dict[str, Test], workers: int
) -> Scores:
    """Do it with gensim: of documents each slice's vectors are those of its own update."""
    first: Any = argparse.Namespace(path=parts[0].path)
    model = Gensim(settings, plan, first, workers).model
    found = np.empty((sum(len(one.lines) for one in parts), settings.vector_size), np.float32)
    for number, one in enumerate(parts):
        path = str(one.path)
        if number and not settings.has_tags:
            model.build_vocab(corpus_file=path, update=True)
        elif number:
            texts = TaggedLineDocument(path)
            model.build_vocab(corpus_iterable=texts, update=True)
            fresh = KeyedVectors(settings.vector_size, count=len(one.lines))
            fresh.index_to_key = list(range(len(one.lines)))
            fresh.key_to_index = {key: key for key in fresh.index_to_key}
            rng = np.random.default_rng(plan.seed)
            fresh.vectors = rng.uniform(-1, 1, fresh.vectors.shape).astype(np.float32)
            fresh.vectors /= settings.vector_size
            fresh.vectors_lockf = np.ones(1, np.float32)
            model.dv = fresh
        model.train(
            corpus_file=path,
            total_words=model.corpus_total_words,
            total_examples=model.corpus_count,
            epochs=plan.epochs,
        )
        if settings.has_tags:
            found[one.lines] = model.dv.vectors
    index: Index = {}
    if isinstance(model, Word2Vec) and not settings.has_tags:
        words = model.wv.index_to_key
        counts = [model.wv.get_vecattr(word, "count") for word in words]
        index, found = ranked(words, counts, model.wv.vectors)
    return {name: test(index, found) for name, test in tests.items()}


def cut(folder: str, seed: int, options: argparse.Namespace) -> list[Slice]:
    """Return the slices; mixed ones are others with each seed."""
    how = {"first": options.first, "pieces": options.slices, "labelled": options.labelled}
    mixed = None if options.sorted else seed
    return slices(options.corpus, Path(folder), **how, mixed=mixed)


def trials(mode: str, tests: dict[str, Test], options: argparse.Namespace) -> Iterator[Row]:
    """Train a mode in all ways, with each seed; yield a row for each test."""
    settings = settings_of(mode, options)
    plan = plan_of(settings, options, 20 if settings.has_tags else 5)
    runs: dict[str, list[Scores]] = {}
    costs, kept = [], []
    for seed in range(1, options.seeds + 1):
        seeded = replace(plan, seed=seed)
        growing, whole = (Growing(settings, seeded, options) for _ in range(2))
        with tempfile.TemporaryDirectory() as folder:
            parts = cut(folder, seed, options)
            for one in parts:
                growing.take(one.shards)
            whole.take(TokenShards([shard for one in parts for shard in one.shards]))
            found = {"updated": growing, "anew": whole}
            for name, model in found.items():
                assert model.model is not None
                runs.setdefault(name, []).append(judged(model.model, parts, tests))
            if options.peer:
                scores = peer(settings, seeded, parts, tests, options.workers)
                runs.setdefault("peer", []).append(scores)
        costs += growing.costs
        kept += growing.kept
        note(f"{mode}, seed {seed}: " + str({name: scores[-1] for name, scores in runs.items()}))
    for test in tests:
        row: Row = {"mode": mode, "test": test, "cost": fmean(costs), "most": max(costs)}
        row |= {"overlap": fmean(a for a, _ in kept), "cosine": fmean(b for _, b in kept)}
        for name, scores in runs.items():
            row |= {name: fmean(one[test] for one in scores), f"{name}_runs": scores}
        row["kept"] = row["updated"] / row["anew"]
        if "peer" in row:
            row["peer_kept"] = row["peer"] / row["anew"]
        yield row | {"settings": asdict(settings), "plan": asdict(plan)}


TABLE = [
    Column("mode", "mode", "<10"),
    Column("test", "test", "<16"),
    Column("anew", "anew", "6.3f"),
    Column("updated", "updated", "7.3f"),
    Column("of it", "kept", "6.1%"),
    Column("gensim", "peer", "6.3f"),
    Column("of it", "peer_kept", "6.1%"),
    Column("cost", "cost", "6.1%"),
    Column("most", "most", "6.1%"),
    Column("overlap", "overlap", "7.2f"),
    Column("cosine", "cosine", "6.3f"),
]


def main() -> None:
    """Run, print a table, write the figures."""
    parser = parser_of(__doc__, modes="skip_gram,dbow", known=list(MODES))
    parser.add_argument("--pairs", type=Path, action="append", default=[])
    parser.add_argument("--analogies", type=Path, action="append", default=[])
    parser.add_argument("--restrict", type=int, default=30_000, help="words that analogies know")
    parser.add_argument("--labelled", type=int, default=25_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=float, default=0.5, help="share of the text at the start")
    parser.add_argument("--slices", type=int, default=10)
    parser.add_argument("--sorted", action="store_true", help="slices by kind")
    parser.add_argument("--replay", type=float, help="instead of what the stage has")
    parser.add_argument("--update-alpha", type=float, help="likewise")
    parser.add_argument("--anchor", type=float, help="likewise")
    parser.add_argument("--most", type=float, default=0.25, help="what an update may cost")
    parser.add_argument("--freeze", default="")
    parser.add_argument("--peer", action="store_true", help="gensim's update, too")
    options = parser.parse_args()
    words: dict[str, Test] = {
        path.stem: partial(spearman, read_pairs(path)) for path in options.pairs
    }
    for path in options.analogies:
        words[path.stem] = partial(analogies, read_questions(path), restrict=options.restrict)
    documents: dict[str, Test] = {"labels": lambda _, found: told_apart(found, options.labelled)}
    rows: list[Row] = []
    for mode in options.modes:
        rows += trials(mode, documents if MODES[mode].has_tags else words, options)
    show(rows, TABLE)
    told = {name: str(value) for name, value in vars(options).items() if name != "corpus"}
    keep(options.json, told, rows)


if __name__ == "__main__":
    main()
