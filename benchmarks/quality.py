"""What vectors are good for: word similarity, analogies, and reviews told apart by their vectors.

    python benchmarks/quality.py CORPUS --pairs wordsim353.tsv --pairs simlex999.txt
        --analogies questions-words.txt [--peer file] [--modes skip_gram,dbow] [--json out.json]

CORPUS is a text file, one document a line, possibly compressed. Words: Spearman's correlation, and
analogies among the 30,000 most frequent words. Documents: with `--labelled n`, the first n lines
teach a logistic regression on their vectors, the next n test it; of each n the first half are of
one kind, the second of the other (the reviews: n = 25,000; 0 leaves it out). All lines are trained,
shuffled, and each has its tag before. Figures are means over the seeds, with the least and the
most. --peer trains gensim beside it: by "file", its faster mode, whose learning rate doesn't fall
as it should with several workers, or by "lines". Modes that end in _exact are trained once with
each --exact-alpha; gensim has none of them. Needs the `bench` extra.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from lines import Lines
from modes import MODES, Gensim, min_count_of, settings_of
from options import about, parser_of, plan_of
from sklearn.linear_model import LogisticRegression
from table import Column, Row, keep, note, show
from word_tests import Floats, Index, analogies, read_pairs, read_questions, spearman

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.models.model import Model

USUAL = "skip_gram,cbow,cbow_exact,skip_gram_hs,cbow_hs,dbow,dm"
ORDER = 1  # seed of the order in which documents are trained

Test = Callable[[Index, Floats], float]
Vectors = tuple[Index, Floats]


@dataclass(frozen=True)
class Trial:
    """A mode and how it is trained."""

    name: str
    settings: Settings
    plan: Plan


def trials(options: argparse.Namespace) -> Iterator[Trial]:
    """Yield what is trained."""
    for mode in options.modes:
        settings = settings_of(mode, options)
        epochs = options.epochs
        if settings.has_tags:
            epochs = options.dm_epochs if settings.method == "dm" else options.dbow_epochs
        plan = plan_of(settings, options, epochs)
        if settings.exact_gradient:
            for alpha in options.exact_alpha or (0.05, 0.075):
                yield Trial(f"{mode} {alpha:g}", settings, replace(plan, alpha=alpha))
        else:
            yield Trial(mode, settings, plan)


def told_apart(vectors: Floats, n: int) -> float:
    """Return how often documents n to 2n get their kind right, after documents 0 to n (2n, d)."""
    kinds = np.arange(n) >= n // 2
    taught = LogisticRegression(max_iter=2000).fit(vectors[:n], kinds)
    return float(taught.score(vectors[n : 2 * n], kinds))


def millrace(trial: Trial, corpus: Lines, workers: int) -> Vectors:
    """Train; returns where words stand, and their vectors; or those of the corpus's lines."""
    settings, plan = trial.settings, trial.plan
    tags = corpus.tags if settings.has_tags else None
    model = Model.fresh(corpus.vocabulary(min_count_of(settings)), settings, plan.seed, tags)
    model.train(corpus.shards, plan, workers=workers)
    if model.tags is not None:
        return {}, model.tag_vectors[model.tags.find(corpus.places)]
    return model.keyed_vectors.key_to_index, model.vectors


def gensim(trial: Trial, corpus: Lines, workers: int, *, iterable: bool) -> Vectors:
    """Do the same with gensim."""
    peer = Gensim(trial.settings, trial.plan, corpus, workers)
    peer.train(iterable=iterable)
    if trial.settings.has_tags:
        return {}, peer.model.dv.vectors[corpus.places]
    return peer.model.wv.key_to_index, peer.model.wv.vectors


def tested(
    trial: Trial, corpus: Lines, tests: dict[str, Test], options: argparse.Namespace
) -> Iterator[Row]:
    """Train with each seed, and yield a row for each test."""
    contestants: dict[str, Callable[[Trial, Lines, int], Vectors]] = {"millrace": millrace}
    if options.peer and not trial.settings.exact_gradient:
        contestants["gensim"] = partial(gensim, iterable=options.peer == "lines")
    scores: dict[tuple[str, str], list[float]] = {}
    for seed in range(1, options.seeds + 1):
        seeded = replace(trial, plan=replace(trial.plan, seed=seed))
        for who, train in contestants.items():
            index, vectors = train(seeded, corpus, options.workers)
            for name, test in tests.items():
                score = test(index, vectors)
                scores.setdefault((name, who), []).append(score)
                note(f"{trial.name}, seed {seed}, {who}: {name} {score:.3f}")
    for name in tests:
        row: Row = {"mode": trial.name, "test": name}
        for who in contestants:
            runs = scores[name, who]
            row |= {who: fmean(runs), f"{who}_least": min(runs), f"{who}_most": max(runs)}
            row[f"{who}_runs"] = runs
        if "gensim" in row:
            row["difference"] = row["millrace"] - row["gensim"]
        yield row | {"settings": asdict(trial.settings), "plan": asdict(trial.plan)}


TABLE = [
    Column("mode", "mode", "<16"),
    Column("test", "test", "<16"),
    Column("millrace", "millrace", "8.3f"),
    Column("least", "millrace_least", "6.3f"),
    Column("most", "millrace_most", "6.3f"),
    Column("gensim", "gensim", "6.3f"),
    Column("least", "gensim_least", "6.3f"),
    Column("most", "gensim_most", "6.3f"),
    Column("difference", "difference", "+10.3f"),
]


def main() -> None:
    """Run, print a table, write the figures."""
    parser = parser_of(__doc__, modes=USUAL, known=list(MODES))
    parser.add_argument("--pairs", type=Path, action="append", default=[])
    parser.add_argument("--analogies", type=Path, action="append", default=[])
    parser.add_argument("--restrict", type=int, default=30_000, help="words that analogies know")
    parser.add_argument("--labelled", type=int, default=25_000, help="0: no test of documents")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peer", choices=("file", "lines"), help="train gensim, too")
    parser.add_argument("--epochs", type=int, default=5, help="for words")
    parser.add_argument("--dbow-epochs", type=int, default=20)
    parser.add_argument("--dm-epochs", type=int, default=10)
    parser.add_argument("--exact-alpha", type=float, action="append", default=[])
    options = parser.parse_args()
    words: dict[str, Test] = {
        path.stem: partial(spearman, read_pairs(path)) for path in options.pairs
    }
    for path in options.analogies:
        words[path.stem] = partial(analogies, read_questions(path), restrict=options.restrict)
    documents: dict[str, Test] = {}
    if options.labelled:
        documents["labels"] = lambda _, vectors: told_apart(vectors, options.labelled)
    with tempfile.TemporaryDirectory() as folder:
        # Words are trained in the corpus's order, documents shuffled; each is encoded once.
        plain = Lines.of(options.corpus, Path(folder, "plain.txt"), options.lines)
        shuffled = Lines.of(options.corpus, Path(folder, "mixed.txt"), options.lines, ORDER)
        where = about(options, plain)
        rows = list[Row]()
        for trial in trials(options):
            tagged = trial.settings.has_tags
            if tests := documents if tagged else words:
                rows += tested(trial, shuffled if tagged else plain, tests, options)
    show(rows, TABLE)
    keep(options.json, where, rows)


if __name__ == "__main__":
    main()
