"""Phrases beside gensim's: counting and finding them, and joining them in a text.

    python benchmarks/phrases.py CORPUS [--lines N] [--rounds 3] [--json phrases.json]

CORPUS is a text file, one document a line, not compressed. All cases run in turn with gensim's,
round after round, in one process; the page cache is warm. A ratio is that of one round, gensim's
seconds over ours. Found: from the file to the phrases with their scores. Joined: from the file to
what training reads, which is batches of ids here and lists of strings with gensim, by frozen
phrases. Lists: lists of strings joined to lists of strings, in memory. Before anything is timed,
the phrases and the joined text are compared.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from gensim.models import phrases as peer
from gensim.models.word2vec import LineSentence as PeerLines

from corpora import LineSentence
from pipeline import ENGLISH_CONNECTOR_WORDS, Phrases

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "npmi, connectors": {
        "scoring": "npmi",
        "threshold": 0.4,
        "connector_words": ENGLISH_CONNECTOR_WORDS,
    },
}


def took(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a piece of work, and what it made."""
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


def through(rows: Any) -> None:
    """Go through all rows and keep none."""
    for _ in rows:
        pass


def compared(path: str, given: dict[str, Any]) -> tuple[Any, Any]:
    """Return our frozen phrases and gensim's; raises AssertionError where they differ."""
    ours, theirs = Phrases(LineSentence(path), **given), peer.Phrases(PeerLines(path), **given)
    found = ours.export_phrases()
    assert found == theirs.export_phrases()
    mine, other = ours.freeze(), theirs.freeze()
    rows = zip(mine[LineSentence(path)], other[PeerLines(path)], strict=True)
    # gensim's frozen phrases leave out those with the delimiter in their words.
    names = {name for name in found if name not in other.phrasegrams}
    assert all(a == b or names & set(a) for a, b in rows)
    print(f"{len(found):,} phrases, the same ones; {len(ours.vocab):,} words and pairs")
    return mine, other


def once(path: str, rows: list[list[str]], given: dict[str, Any], frozen: Any) -> dict[str, Any]:
    """Run every case once: name to gensim's seconds and ours."""
    mine, other = frozen
    cases = {
        "found": (
            lambda: peer.Phrases(PeerLines(path), **given).export_phrases(),
            lambda: Phrases(LineSentence(path), **given).export_phrases(),
        ),
        "joined": (
            lambda: through(other[PeerLines(path)]),
            lambda: through(mine[LineSentence(path)].token_batches()),
        ),
        "lists": (lambda: through(other[rows]), lambda: through(mine[rows])),
    }
    return {name: [took(work)[0] for work in both] for name, both in cases.items()}


def main() -> None:
    """Run, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--lines", type=int, help="take the corpus's first lines only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "gensim": version("gensim"),
        "lines": options.lines,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/text.txt"
        with Path(options.corpus).open("rb") as source, Path(path).open("wb") as out:
            out.writelines(islice(source, options.lines))
        rows = list(LineSentence(path))
        figures["words"] = words = sum(map(len, rows))
        print(f"{words:,} words, {figures['processors']} processors")
        for name, given in SETTINGS.items():
            print(f"\n{name}")
            frozen = compared(path, given)
            rounds = [once(path, rows, given, frozen) for _ in range(options.rounds)]
            figures[name] = told = {}
            for case in rounds[0]:
                seconds = [found[case] for found in rounds]
                ratios = [theirs / ours for theirs, ours in seconds]
                told[case] = {"seconds": seconds, "ratios": ratios}
                theirs, ours = (statistics.median(some) for some in zip(*seconds, strict=True))
                speed = words / ours / 1e6
                print(
                    f"{case:8} gensim {theirs:.2f} s, ours {ours:.2f} s ({speed:.1f} M words/s); "
                    f"ratio {statistics.median(ratios):5.1f} "
                    f"({min(ratios):.1f} to {max(ratios):.1f})"
                )
            both = [
                sum(found[case][0] for case in ("found", "joined"))
                / sum(found[case][1] for case in ("found", "joined"))
                for found in rounds
            ]
            told["found and joined"] = {"ratios": both}
            print(f"found and joined: ratio {statistics.median(both):.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
