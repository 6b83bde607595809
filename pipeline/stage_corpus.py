"""What a run does with the parts of `corpora`: readers add to its corpus, transforms wrap it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from corpora.declared import Declared
from corpora.reader import FileReader, Reader
from corpora.shards import TokenShards, encode
from corpora.transform import Transform
from pipeline.stage import Stage, State
from pipeline.stage_unread import unread_of, without_known_text, without_old_text
from pipeline.updates.unseen import Listed, read_before, told_again

if TYPE_CHECKING:
    from corpora.corpus import Corpus


def applied(stage: Declared, state: State) -> State:
    """Return the state after a reader or a transform; nothing is read yet.

    A reader with new_only lists its files, and gives those that the loaded version has not read.
    """
    if isinstance(stage, Reader):
        corpus: Corpus = stage
        unread = 0 if state.corpus is None else state.unread
        if isinstance(stage, FileReader) and stage.new_only:
            state, listed = unread_of(stage, state)
            corpus, unread = listed, None if unread is None else unread + len(listed.listed)
        else:
            unread = None
            if isinstance(stage, FileReader) and state.ledger is not None:
                corpus = listed = Listed(stage, tuple(stage.parts()))
                again = read_before(listed.listed, state.ledger, state.setting.hide)
                if again:
                    total = len(listed.listed)
                    state.report.say(f"{stage.use()}: {told_again(again, total)}")
        if state.corpus is not None:
            corpus = state.corpus + corpus
        state = replace(state, unread=unread)
    elif isinstance(stage, Transform) and state.corpus is not None:
        corpus = state.corpus.then(stage)
    else:
        raise TypeError(f"{stage!r} can't be applied")
    return replace(state, corpus=corpus, shards=None)


def settled(stage: Declared, state: State) -> tuple[State, bool]:
    """Return the state before a stage, and whether there is no new text for it to work on.

    Changed files may turn out to have the text that they had: for that they are read. Of the others
    the old text leaves now, if they are to be replaced.
    """
    if not isinstance(stage, Stage) or "corpus" not in stage.needs:
        return state, False
    if state.unread and state.changed and state.shards is None and state.setting.cache is not None:
        state, shards = encoded(state)
        state = without_known_text(state, shards)
    state = without_old_text(state)
    return state, state.unread == 0


def is_revised(state: State) -> bool:
    """Return whether the model is already another than the loaded version's."""
    base = state.base
    return state.forgot > 0 or (base is not None and state.ledger is not base.ledger)


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
