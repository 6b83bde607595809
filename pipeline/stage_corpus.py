"""What a run does with the parts of `corpora`: readers add to its corpus, transforms wrap it."""

from dataclasses import replace

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
    """Return the corpus's token shards, and the state that has them; a text is read once only."""
    assert state.corpus is not None
    shards = state.shards
    if shards is None:
        setting = state.setting
        shards = encode(state.corpus, setting.cache, state.report.counted, workers=setting.workers)
        cut = f", {shards.split:,} rows cut for their length" if shards.split else ""
        state.report.say(
            f"{shards.tokens:,} words in {shards.rows:,} rows{cut}; "
            f"{shards.reused} of {len(shards)} shards were in the cache"
        )
    return replace(state, shards=shards), shards
