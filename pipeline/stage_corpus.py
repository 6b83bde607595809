"""What a run does with the parts of `corpora`: readers add to its corpus, transforms wrap it."""

from dataclasses import replace
from typing import Literal

from corpora.declared import Declared
from corpora.reader import Reader
from corpora.shards import TokenShards, encode
from corpora.transform import Transform
from pipeline.stage import State


def applied(stage: Declared, state: State) -> State:
    """Return the state after a reader or a transform; nothing is read yet."""
    if isinstance(stage, Reader):
        corpus = stage if state.corpus is None else state.corpus + stage
    elif isinstance(stage, Transform) and state.corpus is not None:
        corpus = state.corpus.then(stage)
    else:
        raise TypeError(f"{stage!r} can't be applied")
    return replace(state, corpus=corpus, shards=None)


def encoded(state: State) -> tuple[State, TokenShards]:
    """Return the corpus's token shards, and the state that has them.

    With a cache a text is read once only, and without one once more in each epoch.
    """
    assert state.corpus is not None
    shards = state.shards
    if shards is None:
        setting = state.setting
        cache: str | Literal[False] = False if setting.cache is None else setting.cache
        shards = encode(state.corpus, cache, state.report.counted, workers=setting.workers)
        cut = f", {shards.split:,} rows cut for their length" if shards.split else ""
        if shards.replaced:
            cut += f", {shards.replaced:,} words with U+FFFD for what is not UTF-8"
        kept = f"{shards.reused} of {len(shards)} shards were in the cache"
        state.report.say(
            f"{shards.tokens:,} words in {shards.rows:,} rows{cut}; "
            f"{kept if cache else 'nothing is cached: each epoch reads the text again'}"
        )
    return replace(state, shards=shards), shards
