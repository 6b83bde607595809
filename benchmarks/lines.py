"""A corpus of lines as both read it: one plain file, and the shards made of it once."""

import random
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from corpora import TaggedLineDocument, TokenShards, encode
from corpora.sources.source import expand
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary


@dataclass
class Lines:
    """path: plain text, one document a line; places: where each line of the corpus stands in it.

    Documents' tags are the lines' numbers in the plain file, from 0 on, with both.
    """

    path: Path
    places: list[int]
    _vocabularies: dict[int, Vocabulary] = field(default_factory=dict)

    @classmethod
    def of(
        cls, corpus: str, path: Path, lines: int | None = None, shuffled: int | None = None
    ) -> "Lines":
        """Write the corpus, or its first lines, plain to `path`; it has to fit into memory.

        shuffled: a seed, to put the lines in another order.
        """
        texts = _first(corpus, lines)
        order = list(range(len(texts)))
        if shuffled is not None:
            random.Random(shuffled).shuffle(order)  # noqa: S311
        path.write_bytes(b"".join(texts[i] + b"\n" for i in order))
        places = [0] * len(order)
        for place, line in enumerate(order):
            places[line] = place
        return cls(path, places)

    @cached_property
    def shards(self) -> TokenShards:
        """Millrace's token shards, in a temporary folder."""
        return encode(TaggedLineDocument(self.path, tags="line"))

    @cached_property
    def tags(self) -> TagTable:
        """The documents' tags."""
        return TagTable.empty().add(self.shards)

    def vocabulary(self, min_count: int) -> Vocabulary:
        """Return the words seen so often; counted once."""
        if min_count not in self._vocabularies:
            self._vocabularies[min_count] = Vocabulary.build(self.shards, min_count)
        return self._vocabularies[min_count]

    def texts(self, n: int) -> list[list[str]]:
        """Return the words of the first n lines."""
        with self.path.open(encoding="utf-8") as file:
            return [line.split() for line, _ in zip(file, range(n), strict=False)]


def _first(corpus: str, lines: int | None) -> list[bytes]:
    (source,) = expand(corpus)
    blocks, seen = list[bytes](), 0
    for block in source.blocks():
        blocks.append(block)
        seen += block.count(b"\n")
        if lines is not None and seen >= lines:
            break
    return b"".join(blocks).removesuffix(b"\n").split(b"\n")[:lines]
