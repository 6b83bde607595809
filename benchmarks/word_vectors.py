"""Word vectors beside gensim's: speed and quality, in one run, alternating.

    python benchmarks/word_vectors.py CORPUS [--pairs wordsim353.tsv --pairs simlex999.txt] ...

CORPUS is a text file, one document a line, possibly compressed; gensim gets a plain copy of it (its
faster mode reads nothing else). Prints a table and writes the figures as JSON. Needs the `bench`
extra. Speeds are raw words a second, of training alone; counting is timed by itself.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import Word2Vec as Peer
from scipy.stats import spearmanr

from corpora import LineSentence, encode
from pipeline import kernels
from pipeline.models.model import Model
from pipeline.training import Plan, WordSettings, train
from pipeline.vocabulary import Vocabulary

SEEDS = (1, 2, 3)


def read_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Read word, word, score from a file with tabs; a line whose score is no number is a header."""
    rows = []
    for line in path.read_text().splitlines():
        parts = line.split("\t")
        try:
            column = 2 if len(parts) == 3 else 3
            rows.append((parts[0].lower(), parts[1].lower(), float(parts[column])))
        except (ValueError, IndexError):
            continue
    return rows


def spearman(pairs: list[tuple[str, str, float]], index: dict[str, int], vectors: Any) -> float:
    """Return the rank correlation of cosines and scores, over pairs of known words."""
    known = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    a, b, score = (np.array(column) for column in zip(*known, strict=True))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float(spearmanr((unit[a] * unit[b]).sum(1), score).statistic)


def peak_flops() -> float:
    """Return one core's floating-point operations a second, in fused multiply-adds on registers."""
    best = 0.0
    isa = kernels.available()[-1]
    for _ in range(5):
        begun = time.perf_counter()
        done = kernels.peak(isa, 5_000_000)
        best = max(best, done / (time.perf_counter() - begun))
    return best


def millrace_run(shards: Any, words: Vocabulary, options: argparse.Namespace, seed: int) -> Any:
    """Train once; returns seconds, terms and the vectors with their index."""
    settings = WordSettings(sg=options.sg, vector_size=options.size, negative=options.negative)
    model = Model.fresh(words, settings, seed)
    plan = Plan(epochs=options.epochs, seed=seed)
    receipt = train(model.weights, words, settings, shards, plan, workers=options.workers)
    terms = sum(epoch.terms for epoch in receipt.epochs)
    return receipt.seconds, terms, model.keyed_vectors


def peer_run(plain: Path, options: argparse.Namespace, seed: int) -> Any:
    """Count and train with gensim's faster mode; returns both times and the vectors."""
    peer = Peer(
        vector_size=options.size,
        window=5,
        min_count=5,
        negative=options.negative,
        sg=options.sg,
        workers=options.workers,
        epochs=options.epochs,
        sample=1e-3,
        seed=seed,
    )
    begun = time.perf_counter()
    peer.build_vocab(corpus_file=str(plain))
    counted = time.perf_counter()
    total = peer.corpus_total_words
    peer.train(corpus_file=str(plain), total_words=total, epochs=options.epochs)
    return counted - begun, time.perf_counter() - counted, peer.wv


def plain_copy(corpus: Path, folder: Path) -> Path:
    """Return a path to the corpus as plain text, unpacked through Millrace's own reader."""
    if corpus.suffix == ".txt":
        return corpus
    plain = folder / "plain.txt"
    with plain.open("w") as out:
        for batch in LineSentence(str(corpus)).batches():
            out.writelines(f"{line}\n" for line in batch.column("text").to_pylist())
    return plain


def main() -> None:
    """Run both, seed by seed, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pairs", type=Path, action="append", default=[])
    parser.add_argument("--sg", type=int, default=1)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    plain = plain_copy(options.corpus, folder)
    pairs = {path.stem: read_pairs(path) for path in options.pairs}
    peak = peak_flops()
    runs: list[dict[str, Any]] = []
    for seed in SEEDS:
        begun = time.perf_counter()
        shards = encode(LineSentence(str(plain)))
        words = Vocabulary.build(shards, 5)
        ours_count = time.perf_counter() - begun
        seconds, terms, ours = millrace_run(shards, words, options, seed)
        peer_count, peer_seconds, peer = peer_run(plain, options, seed)
        raw = shards.tokens * options.epochs
        row = {
            "seed": seed,
            "millrace_words_per_second": raw / seconds,
            "gensim_words_per_second": raw / peer_seconds,
            "ratio": peer_seconds / seconds,
            "millrace_count_tokens_per_second": shards.tokens / ours_count,
            "gensim_count_tokens_per_second": shards.tokens / peer_count,
            "count_ratio": peer_count / ours_count,
            "flops_per_core": terms * 6 * options.size / seconds / options.workers,
            "peak_per_core": peak,
        }
        for name, scored in pairs.items():
            row[f"millrace_{name}"] = spearman(scored, dict(ours.key_to_index), ours.vectors)
            row[f"gensim_{name}"] = spearman(scored, peer.key_to_index, peer.vectors)
        runs.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    shutil.rmtree(folder)
    summary = {
        name: statistics.median(run[name] for run in runs)
        if name.endswith(("ratio", "second", "core"))
        else statistics.fmean(run[name] for run in runs)
        for name in runs[0]
        if name != "seed"
    }
    summary["share_of_peak"] = summary["flops_per_core"] / peak
    for name, value in summary.items():
        print(f"{name:36} {value:>16,.4g}")
    if options.json:
        options.json.write_text(json.dumps({"runs": runs, "summary": summary}, indent=1) + "\n")


if __name__ == "__main__":
    main()
