"""What a run does with files that the loaded version has read: as they are, or as they were."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.errors import MillraceError
from corpora.reader import FileReader
from corpora.shards import TokenShard, TokenShards
from corpora.shards.shard_set import drop_contents
from pipeline.stage import State
from pipeline.store.ledger import Consumed
from pipeline.store.source_names import named
from pipeline.updates.forget import forget
from pipeline.updates.unseen import Compared, Listed, compared, without_parts

if TYPE_CHECKING:
    from corpora.shards.token_shard import ReadPart

SHOWN = 3  # files that a message names


def unread_of(reader: FileReader, state: State) -> tuple[State, Listed]:
    """Return what a reader has that the loaded version has not read, and the state after it."""
    setting = state.setting
    found = compared(reader, state.ledger, setting.hide, setting.show)
    state.report.say(f"of {reader.use()}'s files {found.told()}")
    state = _without(reader, found, state)
    if reader.changed in ("update", "replace"):
        changed = frozenset(named((part.label for part in found.changed), setting.hide))
        state = replace(state, changed=state.changed | changed)
        if reader.changed == "replace":
            state = replace(state, replaced=state.replaced | changed)
    return state, Listed(reader, found.read(reader.changed))


def without_old_text(state: State) -> State:
    """Return the state after the old text of the files that are to be replaced has left."""
    gone = sorted(state.replaced)
    return _forget(replace(state, replaced=frozenset()), gone, replaced=True) if gone else state


def without_known_text(state: State, shards: TokenShards) -> State:
    """Return the state without changed files that have the very text that was read before.

    A file that was copied or touched only looks changed; the ledger is to know it from now on.
    """
    assert state.corpus is not None
    assert state.ledger is not None
    table = state.ledger.table
    known = set(zip(table["source"].to_pylist(), table["set"].to_pylist(), strict=True))
    labels = ((p.origins[0].label if len(p.origins) == 1 else "") for p in shards.parts)
    left: list[TokenShard] = []
    parts: list[ReadPart] = []
    same: list[Consumed] = []
    out: set[str] = set()
    at = 0
    for part, name in zip(shards.parts, named(labels, state.setting.hide), strict=True):
        its = shards[at : at + len(part.made.entries if part.made else ())]
        at += len(its)
        if name in state.changed and part.made and (name, part.made.content) in known:
            same.append(Consumed(name, part.origins[0].fingerprint, 0, 0, False, part.made, part))
            out.add(part.origins[0].label)
        else:
            left += its
            parts.append(part)
    if not same:
        return state
    state.report.say(f"{len(same):,} changed files have the text that they had")
    return replace(
        state,
        corpus=without_parts(state.corpus, out),
        replaced=state.replaced - {one.source for one in same},
        shards=TokenShards(left, shards.reused, parts),
        unread=None if state.unread is None else state.unread - len(same),
        consumed=(*state.consumed, *same),
    )


def _without(reader: FileReader, found: Compared, state: State) -> State:
    """Return the state after the text of vanished files is taken out, if that is wanted.

    It leaves before that of changed files: by the other way round what is left would be nobody's.
    """
    changed = named((part.label for part in found.changed), state.setting.hide)
    if changed and reader.changed == "error":
        some = ", ".join(changed[:SHOWN]) + (", ..." if len(changed) > SHOWN else "")
        raise MillraceError(
            f"{len(changed):,} files are not what version {state.parent} has read: {some}. To mend "
            'it: set changed = "update" to read them as new text, "replace" to take their old text '
            'out, too, or "skip" to leave them as they are'
        )
    if found.vanished and reader.vanished == "forget":
        state = _forget(state, list(found.vanished), replaced=False)
    return state


def _forget(state: State, gone: list[str], *, replaced: bool) -> State:
    """Return the state after the text of sources has left the model and its ledger.

    replaced: they are read again as they are now, so words and documents keep their vectors.
    """
    assert state.model is not None
    assert state.ledger is not None
    # Until the run has ended nobody collects what is made here.
    state.setting.ending.enter_context(state.store.storage.writing())
    done = forget(state.store, state.model, state.ledger, sources=gone, rows_stay=replaced)
    if done is None:
        return state
    if replaced:
        files = "1 file" if len(gone) == 1 else f"{len(gone):,} files"
        state.report.say(f"took out the old text of {files}: {done.tokens:,} words")
    else:
        state.report.say(done.told())
    if state.setting.cache is not None:
        home = Path(state.setting.cache)
        # What is replaced comes again, with the same tags.
        drop = (
            partial(drop_contents, home, done.old) if replaced else partial(done.leave_cache, home)
        )
        state.setting.ending.callback(drop)
    model = done.model
    return replace(
        state,
        model=model,
        vocabulary=model.vocabulary,
        ledger=done.ledger,
        forgot=state.forgot + (0 if replaced else done.documents),
    )
