"""Forgetting in a store: the newest version without some documents becomes the next one."""

import re
from collections.abc import Sequence
from pathlib import Path

from corpora.shards.shard_set import drop_contents
from pipeline.forget import Forgotten, Missing, forget
from pipeline.models.model import Model
from pipeline.store.versions import Store, StoreError, Version
from pipeline.tags import Tag, TagTable

NUMBER = re.compile(r"-?\d{1,19}")
LEFT_OUT = "# left out: it names what was forgotten\n"


def forget_in(
    store: Store,
    tags: Sequence[str],
    sources: Sequence[str],
    missing: Missing = "error",
    cache: str | None = None,
    *,
    dry_run: bool = False,
) -> tuple[Version | None, Forgotten | None]:
    """Publish the newest version without some documents; (None, None) where none is to go.

    tags: as a person writes them: "7" is the tag 7 if there is no "7". cache: a folder of shards
    that the text is to leave, too. dry_run: publish nothing. Raises what `forget` and
    `Store.publish` do.
    """
    # Nobody may collect the sets that are made before the commit names them.
    with store.storage.writing():
        version = store.latest()
        if version is None:
            raise StoreError(f"the store {store.url} has no version: there is nothing to forget")
        model = Model.open(version.folder())
        wanted = _meant(tags, model.tags)
        found = forget(
            store, model, version.ledger, tags=wanted, sources=sources, missing=missing,
            dry_run=dry_run,
        )  # fmt: skip
        if found is None or dry_run:
            return None, found
        made = store.publish(
            found.model.save,
            parent=version.number,
            recipe=LEFT_OUT,
            ledger=found.ledger,
            forgot=found.documents,
        )
    if cache is not None:
        drop_contents(Path(cache).expanduser(), found.old)
    return made, found


def _meant(tags: Sequence[str], table: TagTable | None) -> list[Tag]:
    if table is None:
        return list(tags)
    places = table.find(tags)
    return [
        int(tag) if place < 0 and NUMBER.fullmatch(tag) and table.find([int(tag)])[0] >= 0 else tag
        for tag, place in zip(tags, places, strict=True)
    ]
