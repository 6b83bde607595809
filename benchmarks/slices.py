"""A corpus in slices, as it grows: a first part, and then equal pieces, one after the other."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from lines import Lines

from corpora import TaggedLineDocument, TokenShards, encode


@dataclass
class Slice:
    """Documents that come together. path: plain text, a line each; lines: their numbers."""

    path: Path
    lines: Sequence[int]

    @cached_property
    def shards(self) -> TokenShards:
        """Token shards; a document's tag is the file's name and its line there, from 1 on."""
        return encode(TaggedLineDocument(self.path))

    @property
    def tags(self) -> list[str]:
        """The documents' tags, in order."""
        return [f"{self.path.name}:{at}" for at in range(1, len(self.lines) + 1)]


def slices(
    corpus: str, folder: Path, *, first: float, pieces: int, labelled: int, mixed: int | None
) -> list[Slice]:
    """Cut a corpus of lines up: the first share of it, then so many pieces of what is left.

    mixed: in an order drawn at random, from this seed; None: first comes all of the first kind,
    then what has none, then all of the second kind. The first 2 * labelled lines have kinds: of
    each half's lines, first one half and then the other.
    """
    texts = Lines.of(corpus, folder / "all.txt").path.read_bytes().splitlines()
    order = list(range(len(texts)))
    if mixed is not None:
        random.Random(mixed).shuffle(order)  # noqa: S311
    else:
        half = labelled // 2
        kinds = np.full(len(texts), 1)
        for begin in (0, labelled):
            kinds[begin : begin + half], kinds[begin + half : begin + labelled] = 0, 2
        order = np.argsort(kinds, kind="stable").tolist()
    cuts = np.linspace(first * len(texts), len(texts), pieces + 1).astype(int).tolist()
    made = []
    for number, (begin, end) in enumerate(zip([0, *cuts], cuts, strict=False)):
        path, lines = folder / f"slice{number:02}.txt", order[begin:end]
        path.write_bytes(b"".join(texts[line] + b"\n" for line in lines))
        made.append(Slice(path, lines))
    return made
