"""From a corpus to its token shards."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from corpora.corpus import Corpus
from corpora.shards.cached import encode_cached
from corpora.shards.streamed import encode_streamed
from corpora.shards.token_shard import TokenShards
from corpora.tokens.side_by_side import Progress, processors

Report = Callable[[int, int], None]


def encode(
    corpus: Corpus,
    cache: str | os.PathLike[str] | Literal[False] | None = None,
    report: Report | None = None,
    *,
    workers: int | None = None,
) -> TokenShards:
    """Tokenise a corpus in one pass over its text; returns its shards.

    cache: a folder where shards are kept and found again, by this process and others; without one,
    and for a part of which nothing identifies the content, they lie in a temporary folder that goes
    when they do. False: nothing is written; the dictionaries stay in memory, and each pass over a
    shard's batches reads and tokenises the text again, on threads beside the caller, and compares
    it with the first pass: CorpusError for a text that has become another. report: called now and
    then, on this thread, with the tokens and rows done so far, those of reused shards included.
    workers: threads, by default one for each processor; files are encoded side by side, and each of
    them in units. The shards are the same for any number of workers, in a cache or without. Raises
    CorpusError for text that can't be read, MillraceError for a cache that can't be written;
    nothing half-done stays behind.

    >>> from corpora import Sentences
    >>> shards = encode(Sentences([["to", "be", "or"], ["not", "to", "be"]]))
    >>> shards
    <TokenShards: 1 shards, 2 rows, 6 tokens, 0 reused>
    >>> shards[0].words.to_pylist(), shards[0].counts.tolist()
    (['to', 'be', 'or', 'not'], [2, 2, 1, 1])
    >>> [batch["tokens"].to_pylist() for batch in shards[0].batches()]
    [[[0, 1, 2], [3, 0, 1]]]
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if not isinstance(corpus, Corpus):
        kind = type(corpus).__name__
        raise TypeError(f"encode takes a corpus, not {kind}: Sentences(...) makes one of a list")
    progress, workers = Progress(report), workers or processors()
    if cache is False:
        return encode_streamed(corpus.parts(), progress, workers)
    folder = None if cache is None else Path(cache)
    return encode_cached(corpus.parts(), folder, progress, workers)
