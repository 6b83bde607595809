"""Searching and exchanging vectors, beside NumPy's matrix-vector product and gensim, in one run.

    python benchmarks/keyed_vectors.py --rows 1000000 --dimensions 100 --json keyed_vectors.json

Every figure is the median of some repeats, by turns, so that what else the machine does falls on
all alike; of gensim's loop of queries a part is timed and multiplied.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from gensim.models.keyedvectors import KeyedVectors as Peer

from pipeline import KeyedVectors


def seconds(turns: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each, run by turns after one run that is not timed."""
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for turn in range(repeats + 1):
        for name, run in turns.items():
            begun = perf_counter()
            run()
            if turn:
                taken[name].append(perf_counter() - begun)
    return {name: median(times) for name, times in taken.items()}


def search(
    rows: int, dimensions: int, queries: int, *, part: int, repeats: int
) -> dict[str, float]:
    """Return seconds for one query, and for a batch of them."""
    vectors = np.random.default_rng(1).standard_normal((rows, dimensions), np.float32)
    keys = [f"w{i}" for i in range(rows)]
    ours, theirs = KeyedVectors.of(keys, vectors), Peer(dimensions)
    theirs.index_to_key, theirs.vectors = keys, vectors
    theirs.key_to_index = {key: index for index, key in enumerate(keys)}
    query = vectors[5] / np.linalg.norm(vectors[5])
    asked = keys[:queries]
    one = seconds(
        {
            "NumPy's product": lambda: vectors @ query,
            "one query": lambda: ours.most_similar("w5"),
            "one query, gensim": lambda: theirs.most_similar("w5"),
        },
        repeats,
    )
    many = seconds(
        {
            f"{queries} queries": lambda: ours.most_similar_each(asked),
            f"{part} queries, gensim": lambda: [theirs.most_similar(key) for key in asked[:part]],
        },
        max(1, repeats // 5),
    )
    found = ours.most_similar_each(asked[:5])
    for key, near in zip(asked, found, strict=False):
        if [name for name, _ in near] != [name for name, _ in theirs.most_similar(key)]:
            raise AssertionError(f"other neighbours of {key}")
    times = one["one query"] / one["NumPy's product"]
    faster = many[f"{part} queries, gensim"] * queries / part / many[f"{queries} queries"]
    return {**one, **many, "one query / product": times, "gensim's loop / batch": faster}


def exchange(rows: int, dimensions: int) -> dict[str, float]:
    """Return seconds for writing and reading the word2vec formats, once each."""
    vectors = np.random.default_rng(1).standard_normal((rows, dimensions), np.float32)
    ours, theirs = KeyedVectors.of([f"w{i}" for i in range(rows)], vectors), Peer(dimensions)
    theirs.add_vectors(list(ours), vectors)
    taken: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "vectors"))
        for kind, binary in (("text", False), ("binary", True)):
            for name, one in (("", ours), (", gensim", theirs)):
                begun = perf_counter()
                one.save_word2vec_format(path, binary=binary)
                taken[f"write {kind}{name}"] = perf_counter() - begun
                begun = perf_counter()
                type(one).load_word2vec_format(path, binary=binary)
                taken[f"read {kind}{name}"] = perf_counter() - begun
    return taken


def main() -> None:
    """Measure, and show or write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--gensim-queries", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--exchanged", type=int, default=50_000, help="rows of the files")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = {
        "search": search(
            given.rows, given.dimensions, given.queries,
            part=given.gensim_queries, repeats=given.repeats,
        ),
        "files": exchange(given.exchanged, given.dimensions),
    }  # fmt: skip
    for name, value in [pair for some in figures.values() for pair in some.items()]:
        print(f"{name:<24} {value:9.4f}")
    if given.json:
        given.json.write_text(json.dumps({"arguments": vars(given), **figures}, default=str))


if __name__ == "__main__":
    main()
