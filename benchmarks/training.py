"""Training and inference beside gensim's, by turns: words a second, and how near to the roofline.

    python benchmarks/training.py CORPUS [--lines 40000] [--modes skip_gram,cbow] [--json out.json]
    python benchmarks/training.py CORPUS --scaling [--workers 16]

CORPUS is a text file, one document a line, possibly compressed. It is encoded once; gensim gets a
plain copy, for its faster mode reads nothing else. Speeds are raw words a second of training alone
(see contestants.py), medians over the repeats; a ratio is the median of the repeats' ratios. Both
are credited with the corpus's words, whatever they count themselves. "reading" is the share of
Millrace's threads' time that going through the mapped shards takes, measured by itself.
The roofline (see roofline.py) is Millrace's: FLOP for each raw word, the share of the multiply-add
peak that each thread reaches, and bytes of weights for each raw word. With --scaling Millrace runs
alone, with 1, 2, 4 .. threads by turns, also without subsampling; no thread is pinned. The load
average is shown where others on the machine would spoil the figures. Needs the `bench` extra.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

from contestants import Contest, Inference, Training
from lines import Lines
from modes import MODES, settings_of
from options import about, parser_of, plan_of
from roofline import bytes_per_word, flop_per_word, peak
from table import Column, Row, keep, note, show

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings

USUAL = "skip_gram,cbow,dbow,dm,skip_gram_hs,cbow_hs,infer"
INFERENCE = {"infer": "dbow", "infer_dm": "dm", "infer_dbow_hs": "dbow_hs"}


def made_of(mode: str, options: argparse.Namespace) -> tuple[Settings, Plan]:
    """Return what a mode is."""
    settings = settings_of(INFERENCE.get(mode, mode), options)
    epochs = options.infer_epochs if mode in INFERENCE else options.epochs
    return settings, plan_of(settings, options, epochs)


def contest(
    mode: str, corpus: Lines, options: argparse.Namespace, sample: float | None = None
) -> Contest:
    """Make a mode ready; sample: other than the options'."""
    settings, plan = made_of(mode, options)
    if sample is not None:
        plan = replace(plan, sample=sample)
    if mode in INFERENCE:
        return Inference(corpus, settings, plan, options.infer_documents, options.workers)
    return Training(corpus, settings, plan)


def beside_gensim(mode: str, corpus: Lines, options: argparse.Namespace) -> Iterator[Row]:
    """Run a mode by turns."""
    both = contest(mode, corpus, options)
    most = peak(options.workers)
    ours, theirs, loads = list[float](), list[float](), list[float]()
    for _ in range(options.repeats):
        loads.append(os.getloadavg()[0])
        seconds, work = both.millrace(options.workers)
        ours.append(work.words / seconds)
        theirs.append(work.words / both.gensim(options.workers))
        note(f"{mode}: {ours[-1] / 1e6:.2f} and {theirs[-1] / 1e6:.2f} M words/s")
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    flop = flop_per_word(work, both.settings)
    vocabulary, tree = both.model.vocabulary, both.model.tree
    moved = bytes_per_word(work, both.settings, vocabulary, tree, both.plan.sample)
    row: Row = {
        "mode": mode,
        "millrace": median(ours),
        "gensim": median(theirs),
        "ratio": median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "flop_per_word": flop,
        "share_of_peak": median(ours) * flop / options.workers / most,
        "bytes_per_word": moved,
        "bytes_per_second": median(ours) * moved,
        "peak_per_thread": most,
        "load": max(loads),
        "runs": {"millrace": ours, "gensim": theirs},
        "work": asdict(work),
        "plan": asdict(both.plan),
        "settings": asdict(both.settings),
    }
    if isinstance(both, Training):
        row["reading_share"] = both.reading() * median(ours) / work.words / options.workers
    yield row


def scaled(mode: str, corpus: Lines, options: argparse.Namespace) -> Iterator[Row]:
    """Run a mode with several numbers of threads by turns, with subsampling and without."""
    threads = [n for n in (1 << k for k in range(16)) if n < options.workers] + [options.workers]
    for sample in dict.fromkeys((made_of(mode, options)[1].sample, 0.0)):
        alone = contest(mode, corpus, options, sample)
        most = {n: peak(n) for n in threads}
        speeds: dict[int, list[float]] = {n: [] for n in threads}
        loads = list[float]()
        for _ in range(options.repeats):
            for n in threads:
                loads.append(os.getloadavg()[0])
                seconds, work = alone.millrace(n)
                speeds[n].append(work.words / seconds)
                note(f"{mode}, sample {sample:g}, {n}: {speeds[n][-1] / 1e6:.2f} M words/s")
        flop = flop_per_word(work, alone.settings)
        for n in threads:
            times = [many / one for many, one in zip(speeds[n], speeds[1], strict=True)]
            yield {
                "mode": mode,
                "sample": sample,
                "threads": n,
                "millrace": median(speeds[n]),
                "times_one": median(times),
                "times_one_least": min(times),
                "times_one_most": max(times),
                "share_of_peak": median(speeds[n]) * flop / n / most[n],
                "peak_per_thread": most[n],
                "load": max(loads),
                "runs": speeds[n],
            }


BESIDE = [
    Column("mode", "mode", "<14"),
    Column("millrace M/s", "millrace", "12.2f", 1e6),
    Column("gensim M/s", "gensim", "10.2f", 1e6),
    Column("ratio", "ratio", "6.1f"),
    Column("least", "ratio_least", "6.1f"),
    Column("most", "ratio_most", "6.1f"),
    Column("kFLOP/word", "flop_per_word", "10.2f", 1e3),
    Column("of peak", "share_of_peak", "7.1%"),
    Column("kB/word", "bytes_per_word", "7.2f", 1e3),
    Column("GB/s", "bytes_per_second", "6.1f", 1e9),
    Column("reading", "reading_share", "7.2%"),
    Column("load", "load", "5.1f"),
]
ALONE = [
    Column("mode", "mode", "<14"),
    Column("sample", "sample", "7g"),
    Column("threads", "threads", "7d"),
    Column("M words/s", "millrace", "9.2f", 1e6),
    Column("times one", "times_one", "9.2f"),
    Column("least", "times_one_least", "6.2f"),
    Column("most", "times_one_most", "6.2f"),
    Column("of peak", "share_of_peak", "7.1%"),
    Column("load", "load", "5.1f"),
]


def main() -> None:
    """Run, print a table, write the figures."""
    parser = parser_of(__doc__, modes=USUAL, known=[*MODES, *INFERENCE])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scaling", action="store_true", help="Millrace alone, 1 .. workers")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--infer-documents", type=int, default=2000)
    parser.add_argument("--infer-epochs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Lines.of(options.corpus, Path(folder, "plain.txt"), options.lines)
        where = about(options, corpus)
        note(str(where))
        rows = [
            row
            for mode in options.modes
            for row in (scaled if options.scaling else beside_gensim)(mode, corpus, options)
        ]
    show(rows, ALONE if options.scaling else BESIDE)
    keep(options.json, where, rows)


if __name__ == "__main__":
    main()
