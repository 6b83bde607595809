"""Tokenising and counting: in memory, from files of each codec, and beside gensim's build_vocab.

    python benchmarks/tokens.py CORPUS [--rounds 5] [--json tokens.json] [--no-gensim]

CORPUS is a text file, one document a line, possibly compressed. All cases run in turn, round after
round, in one process; figures are medians of the calm rounds, in which other programs had less than
a twentieth of a processor (the last column counts them), and the best and the processors' time of
all rounds. Tokens are those of `str.split()`. In memory: lines are
Arrow columns already, and what is timed makes them ids and counts. Threads are kept on a processor
of their own where the system lets us, because some kernels pack short runs onto one. From file: the
page cache is warm, shards go to a temporary folder. gensim reads the plain file in its faster mode.
"""

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import zstandard

from corpora import LineSentence, encode
from corpora.sources.source import expand
from corpora.tokens import isa
from corpora.tokens.side_by_side import processors
from corpora.tokens.units import Bounds, Tokeniser, tokenised_ahead, units
from pipeline.words.vocabulary import Vocabulary

MIN_COUNT = 5


class Pinned:
    """Gives each thread that asks a processor of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def take(self) -> None:
        """Keep the calling thread on the next processor."""
        if hasattr(os, "sched_setaffinity"):
            with self._lock:
                mine = sorted(os.sched_getaffinity(0))
                chosen = mine[self._next % len(mine)]
                self._next += 1
            os.sched_setaffinity(0, {chosen})


def in_memory(batches: list[pa.RecordBatch], workers: int) -> int:
    """Tokenise and count; returns the tokens. Several workers merge into one dictionary."""
    bounds = Bounds()
    whole = Tokeniser(tagged=False)
    if workers == 1:
        with ThreadPoolExecutor(1, initializer=Pinned().take) as pool:
            pool.submit(lambda: [whole.add(batch) for batch in batches]).result()
        return whole.tokens
    with ThreadPoolExecutor(workers, initializer=Pinned().take) as pool:
        for _, made in tokenised_ahead(units(batches, bounds.text_bytes), pool, workers + 1):
            whole.absorb(made)
    return whole.tokens


def drained(path: Path) -> int:
    """Read and unpack only."""
    (source,) = expand(path)
    return sum(len(block) for block in source.blocks())


def encoded(path: Path, workers: int) -> int:
    """From the file to shards on disk."""
    return encode(LineSentence(path), workers=workers).tokens


def to_vocabulary(path: Path) -> int:
    """From the file to a vocabulary; like gensim it writes nothing."""
    return Vocabulary.build(encode(LineSentence(path), cache=False), MIN_COUNT).size


def gensims_vocabulary(path: Path) -> int:
    """Do the same with gensim."""
    from gensim.models import Word2Vec  # noqa: PLC0415  # optional

    model = Word2Vec(min_count=MIN_COUNT, workers=processors())
    model.build_vocab(corpus_file=str(path))
    return len(model.wv)


def written(corpus: str, folder: Path) -> dict[str, Path]:
    """Write the corpus plain, with gzip and with zstandard."""
    paths = {name: folder / f"corpus.txt{end}" for name, end in ENDS.items()}
    (source,) = expand(corpus)
    text = b"".join(source.blocks())
    paths["plain"].write_bytes(text)
    paths["gzip"].write_bytes(gzip.compress(text, 6))
    paths["zstandard"].write_bytes(zstandard.ZstdCompressor(level=3).compress(text))
    return paths


def all_busy() -> float:
    """Return the seconds that all processors have worked, for anybody; 0 where nobody tells."""
    counters = Path("/proc/stat")
    if not counters.exists():
        return 0.0
    user, nice, system, _, _, *rest = map(int, counters.read_text().split(None, 9)[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def calm(seconds: list[float], others: list[float]) -> list[float]:
    """Return the rounds in which others took less than a twentieth of a processor, or else all."""
    quiet = [s for s, o in zip(seconds, others, strict=True) if o < 0.05 * s + 0.02]
    return quiet or seconds


ENDS = {"plain": "", "gzip": ".gz", "zstandard": ".zst"}


def cases(
    paths: dict[str, Path], batches: list[pa.RecordBatch], *, gensim: bool
) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield what is timed, by name."""
    yield "in memory, one core", lambda: in_memory(batches, 1)
    yield "in memory, two cores", lambda: in_memory(batches, 2)
    for name, path in paths.items():
        yield f"{name}: unpacking alone", lambda path=path: drained(path)
        yield f"{name}: encode, one worker", lambda path=path: encoded(path, 1)
        yield f"{name}: encode", lambda path=path: encoded(path, processors())
    yield "plain file to vocabulary", lambda: to_vocabulary(paths["plain"])
    if gensim:
        yield "gensim's build_vocab", lambda: gensims_vocabulary(paths["plain"])


def main() -> None:
    """Run, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-gensim", dest="gensim", action="store_false")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = written(options.corpus, Path(folder))
        tokens = encode(LineSentence(paths["plain"])).tokens
        batches = list(LineSentence(paths["plain"]).batches())
        seconds: dict[str, list[float]] = {}
        cpu: dict[str, list[float]] = {}
        others: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, work in cases(paths, batches, gensim=options.gensim):
                begun, spent, busy = time.perf_counter(), time.process_time(), all_busy()
                work()
                seconds.setdefault(name, []).append(time.perf_counter() - begun)
                cpu.setdefault(name, []).append(time.process_time() - spent)
                others.setdefault(name, []).append(all_busy() - busy - cpu[name][-1])
    middle = {name: statistics.median(calm(seconds[name], others[name])) for name in seconds}
    print(f"{tokens:,} tokens, {processors()} processors, {isa.available()[-1]}")
    print(f"{'':32} {'seconds':>8} {'M tokens/s':>11} {'best':>8} {'processor s':>12} {'calm':>5}")
    for name, took in middle.items():
        best, spent = min(seconds[name]), statistics.median(cpu[name])
        rounds = f"{len(calm(seconds[name], others[name]))}/{options.rounds}"
        speed = tokens / took / 1e6
        print(f"{name:32} {took:8.3f} {speed:11.1f} {best:8.3f} {spent:12.3f} {rounds:>5}")
    ratios = {"two cores / one": middle["in memory, one core"] / middle["in memory, two cores"]}
    if options.gensim:
        ours = middle["plain file to vocabulary"]
        ratios["vocabulary: gensim / ours"] = middle["gensim's build_vocab"] / ours
    for name, ratio in ratios.items():
        print(f"{name:32} {ratio:8.2f}")
    if options.json:
        figures = {"tokens": tokens, "seconds": seconds, "processor_seconds": cpu}
        figures |= {"others_seconds": others}
        figures |= {"medians": middle, "ratios": ratios}
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
