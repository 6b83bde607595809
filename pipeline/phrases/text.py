"""Any text in pieces: the distinct words of each, their counts, and its rows of ids."""

import logging
from collections.abc import Iterable, Iterator

from corpora import Corpus, Sentences
from corpora.shards import TokenShards
from pipeline.phrases.counts import Piece

log = logging.getLogger("pipeline")

Text = Corpus | TokenShards | Iterable[Iterable[str]]


class _Once:
    """An iterable that may be gone through only once, given out as one that may be asked again."""

    def __init__(self, sentences: Iterable[Iterable[str]]) -> None:
        self._sentences = sentences

    def __iter__(self) -> Iterator[Iterable[str]]:
        return iter(self._sentences)


def pieces(text: Text, workers: int | None = None) -> Iterator[Piece]:
    """Yield a text in pieces: the distinct words of each, their counts, and rows of ids."""
    if isinstance(text, TokenShards):
        for shard in text:
            yield shard.words, shard.counts, shard.batches()
        return
    corpus = text if isinstance(text, Corpus) else Sentences(_Once(text))
    for made in corpus.token_batches(workers=workers):
        yield made.words, made.counts, [made.batch]


def logged(text: Iterator[Piece], each: int) -> Iterator[Piece]:
    """Yield the pieces; a line goes to the log whenever so many sentences more have been read."""
    rows = words = 0
    for piece in text:
        counts = piece[1]
        batches = list(piece[2])
        before, words = rows, words + int(counts.sum())
        rows += sum(batch.num_rows for batch in batches)
        if each and rows // each > before // each:
            log.info("phrases: %d sentences, %d words read", rows, words)
        yield piece[0], counts, batches
