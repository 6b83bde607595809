"""Forgetting in a store: the newest version without some documents becomes the next one."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpora.shards.cut import drop_documents
from pipeline.models.model import Model
from pipeline.store.versions import Store, StoreError, Version
from pipeline.updates.forget import Forgotten, Missing, arrays_of, forget
from pipeline.words.tags import Tag, TagTable

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
            raise StoreError(f"{store.without_versions()}; there is nothing to forget")
        model = Model.open(version.folder())
        wanted = _meant(tags, model.tags)
        found = forget(
            store, model, version.ledger, tags=wanted, sources=sources, missing=missing,
            dry_run=dry_run,
        )  # fmt: skip
        if found is None and cache is not None and not dry_run:  # a cache that was not thought of
            drop_documents(Path(cache).expanduser(), arrays_of(wanted))
        if found is None or dry_run:
            return None, found
        made = store.publish(
            found.model.save,
            parent=version.number,
            recipe=recipe_to_keep(version.manifest.recipe, _names(wanted, version, found)),
            ledger=found.ledger,
            forgot=found.documents,
        )
    if cache is not None:
        found.leave_cache(Path(cache).expanduser())
    return made, found


def recipe_to_keep(recipe: str, names: Iterable[Tag]) -> str:
    r"""Return what a version keeps of a recipe: nothing, where that has one of these names in it.

    >>> recipe_to_keep('tags = ["a\u006en"]', ["ann"])
    '# left out: it names what was forgotten\n'
    """
    try:
        said = [recipe, *_texts(tomllib.loads(recipe))]  # a name may be spelt with escapes
    except tomllib.TOMLDecodeError:
        said = [recipe]
    return LEFT_OUT if any(str(name) in text for name in names for text in said) else recipe


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings in what a recipe says."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _names(tags: Sequence[Tag], version: Version, found: Forgotten) -> Iterator[Tag]:
    """Yield what a recipe must not have in it: tags, and sources by their files' names."""
    yield from tags
    for some in found.gone:
        yield from (tag for tag in some.to_pylist() if isinstance(tag, str))
    sources: list[list[Any]] = [
        one.table["source"].to_pylist() for one in (version.ledger, found.ledger)
    ]
    for source in set(sources[0]) - set(sources[1]):
        yield source.rpartition("/")[2].partition(" #")[0]


def _meant(tags: Sequence[str], table: TagTable | None) -> list[Tag]:
    if table is None:
        return list(tags)
    numbers = pa.types.is_integer(table.keys.type)  # so is the tag of a document that has left

    def meant(tag: str, place: int) -> Tag:
        if place >= 0 or not NUMBER.fullmatch(tag):
            return tag
        return int(tag) if numbers or table.find([int(tag)])[0] >= 0 else tag

    return [meant(tag, place) for tag, place in zip(tags, table.find(tags), strict=True)]
