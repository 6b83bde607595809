"""A model with millions of rows: how fast it trains, and what memory it takes.

    python benchmarks/large.py [--words 5000000] [--tags 10000000] [--workers 2] [--size 100]

Tokens are drawn from a Zipf distribution, every document has a tag of its own. Prints raw words a
second (the median of rounds) of skip-gram and PV-DBOW, and the resident memory of the process.
"""

import argparse
import json
import resource
import statistics
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

from pipeline.core import kernels
from pipeline.core.batch import Batch, Floats
from pipeline.core.kernels import Kernel

LENGTH = 250  # words of a document
UNIT = 200  # documents of a unit of work


def resident() -> float:
    """Return the most memory that the process had, in GB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e9


def matrix(rows: int, size: int, *, tags: bool = False) -> Floats:
    """Return a matrix as a model has it before training."""
    made = kernels.aligned((rows, kernels.stride_of(size)))
    kernels.initial_rows(made, 0, size, 1, tags=tags)
    return made


def run(kernel: Kernel, work: Iterator[Batch], workers: int) -> None:
    """Train on all of the work."""
    lock = threading.Lock()

    def take() -> None:
        while True:
            with lock:
                batch = next(work, None)
            if batch is None:
                return
            kernel.train(batch)

    threads = [threading.Thread(target=take) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Build, train, tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--words", type=int, default=5_000_000)
    parser.add_argument("--tags", type=int, default=10_000_000)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--documents", type=int, default=20_000, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    draws = np.random.default_rng(1)
    counts = 1e9 / np.arange(1, options.words + 1)
    share = np.cumsum(counts / counts.sum())
    tokens = options.documents * LENGTH
    threshold = 1e-3 * counts.sum()
    keep = np.minimum((np.sqrt(counts / threshold) + 1) * (threshold / counts), 1)
    weights = {
        "input": matrix(options.words, options.size),
        "output": kernels.aligned((options.words, kernels.stride_of(options.size))),
        "noise": kernels.noise_table(counts**0.75),
    }
    tags = matrix(options.tags, options.size, tags=True)
    same = np.arange(max(options.words, options.tags), dtype=np.int32)
    figures: dict[str, float] = {}
    for method in ("skip_gram", "dbow"):
        kernel = Kernel(
            method=method,
            keep=(keep * 0xFFFFFFFF).astype(np.uint32),
            tags=tags if method == "dbow" else None,
            dim=options.size,
            window=5,
            tokens=tokens * options.rounds,
            hot=32 if options.workers > 1 else 0,
            fold=32,
            **weights,
        )
        speeds = []
        for _ in range(options.rounds):
            words = np.searchsorted(share, draws.random(tokens)).astype(np.int32)
            own = draws.choice(options.tags, options.documents, replace=False).astype(np.int32)
            offsets = np.arange(0, tokens + 1, LENGTH, dtype=np.int32)
            ones = np.arange(options.documents + 1, dtype=np.int32)
            work = (
                Batch(
                    words,
                    offsets[at : at + UNIT + 1],
                    same[: options.words],
                    first_row=at,
                    tags=own,
                    tag_offsets=ones[at : at + UNIT + 1],
                    tag_map=same[: options.tags],
                )
                for at in range(0, options.documents, UNIT)
            )
            begun = time.perf_counter()
            run(kernel, work, options.workers)
            speeds.append(tokens / (time.perf_counter() - begun))
        figures[f"{method}_words_per_second"] = statistics.median(speeds)
    figures["resident_gb"] = resident()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
