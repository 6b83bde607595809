"""What a run does with the parts of `corpora`: readers add to its corpus, transforms wrap it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from corpora.declared import Declared
from corpora.errors import MillraceError
from corpora.reader import FileReader, Reader
from corpora.shards import TokenShards, encode
from corpora.transform import Transform
from pipeline.source_names import named
from pipeline.stage import Stage, State
from pipeline.unseen import Compared, Listed, compared

if TYPE_CHECKING:
    from corpora.corpus import Corpus

SHOWN = 3  # files that a message names


def applied(stage: Declared, state: State) -> State:
    """Return the state after a reader or a transform; nothing is read yet.

    A reader with new_only lists its files, and gives those that the loaded version has not read.
    """
    if isinstance(stage, Reader):
        corpus: Corpus = stage
        unread = 0 if state.corpus is None else state.unread
        if isinstance(stage, FileReader) and stage.new_only:
            state, listed = _unread(stage, state)
            corpus, unread = listed, None if unread is None else unread + len(listed.listed)
        else:
            unread = None
        if state.corpus is not None:
            corpus = state.corpus + corpus
        state = replace(state, unread=unread)
    elif isinstance(stage, Transform) and state.corpus is not None:
        corpus = state.corpus.then(stage)
    else:
        raise TypeError(f"{stage!r} can't be applied")
    return replace(state, corpus=corpus, shards=None)


def has_nothing_new(state: State) -> bool:
    """Return whether every reader so far left out all that it found: nothing is there to read."""
    return state.unread == 0


def is_idle(stage: Declared, state: State) -> bool:
    """Return whether there is nothing for a stage to do, because there is no new text."""
    return isinstance(stage, Stage) and "corpus" in stage.needs and has_nothing_new(state)


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


def _unread(reader: FileReader, state: State) -> tuple[State, Listed]:
    """Return what a reader has that the loaded version has not read, and the state after it."""
    setting = state.setting
    found = compared(reader, state.ledger, setting.hide, setting.show)
    state.report.say(f"of {reader.use()}'s files {found.told()}")
    return _without(reader, found, state), Listed(reader, found.read(reader.changed))


def _without(reader: FileReader, found: Compared, state: State) -> State:
    """Return the state after old text of changed and vanished files is taken out, as is wanted."""
    changed = named((part.label for part in found.changed), state.setting.hide)
    if changed and reader.changed == "error":
        some = ", ".join(changed[:SHOWN]) + (", ..." if len(changed) > SHOWN else "")
        raise MillraceError(
            f"{len(changed):,} files are not what version {state.parent} has read: {some}. To mend "
            'it: set changed = "update" to read them as new text, "replace" to take their old text '
            'out, too, or "skip" to leave them as they are'
        )
    gone = [*(changed if reader.changed == "replace" else ())]
    gone += found.vanished if reader.vanished == "forget" else ()
    return _forget(state, gone) if gone else state


def _forget(state: State, gone: list[str]) -> State:
    raise MillraceError(f"{len(gone)} sources can't be taken out yet")
