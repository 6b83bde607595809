"""Documents that a model knows already: when they come again, and when they are to go."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpora.shards import TokenShard
from pipeline.core.kernels import initial_rows
from pipeline.models.model import Model
from pipeline.store.ledger import Ledger
from pipeline.store.shards import stored_shards
from pipeline.store.versions import Store
from pipeline.updates.cut_out import without
from pipeline.words.tags import TagError, TagTable

WINDOW = re.compile(r"window ([1-9][0-9]{0,5}) days")
Policy = Literal["update", "replace", "error"]


def known_again(tags: TagTable, shards: Iterable[TokenShard], policy: Policy) -> NDArray[np.int32]:
    """Return the rows, each once, of the tags of shards that a table has already.

    Raises TagError, if there are any and the policy is "error".

    >>> from corpora import Documents, encode
    >>> first, second = (encode(Documents([(["x"], [tag])])) for tag in ("a", "b"))
    >>> known_again(TagTable.empty().add(first), [*first, *second], "update").tolist()
    [0]
    """
    rows = []
    for shard in shards:
        if shard.tags is None:
            continue
        found = tags.lookup(shard.tags)
        again = np.flatnonzero(found >= 0)
        if policy == "error":  # whose old text has left, as of a file that was edited, is no error
            again = again[tags.counts[found[again]] > 0]
        if len(again) and policy == "error":
            raise TagError(
                f"{shard.source}: the tag {shard.tags[int(again[0])].as_py()!r} is known, like "
                f"{len(again) - 1} others. To mend it: give new documents tags of their own, or "
                'set known = "update" or "replace"'
            )
        rows.append(found[again])
    return np.unique(np.concatenate([np.zeros(0, np.int32), *rows]))


def begin_anew(model: Model, rows: NDArray[np.int32], seed: int) -> None:
    """Give tags' vectors the values that new ones begin with."""
    weights = model.weights
    assert weights.tags is not None
    for row in rows.tolist():
        initial_rows(weights.tags[row : row + 1], row, weights.dim, seed, tags=True)
    model.show_moved()


def staying(
    documents: str, tags: TagTable, store: Store, ledger: Ledger, now: datetime | None = None
) -> NDArray[np.bool_]:
    """Return which documents (tags) a model keeps.

    documents: "keep", "drop_old", which keeps none, or "window n days", which keeps those whose
    text was read in that time; `now` says when it ends. Documents whose text the store has not
    kept stay.
    """
    stay = np.full(tags.size, documents != "drop_old")
    window = WINDOW.fullmatch(documents)
    if window is None:
        return stay
    begin = (now or datetime.now(UTC)) - timedelta(days=int(window[1]))
    times: list[Any] = ledger.table["read"].to_pylist()
    read = [datetime.fromisoformat(text) >= begin for text in times]
    for late in (False, True):
        part = Ledger(ledger.table.filter(np.array(read, bool) == late))
        for shard in stored_shards(store, part):
            if shard.tags is not None:
                rows = tags.lookup(shard.tags)
                stay[rows[rows >= 0]] = late
    return stay


def with_only(model: Model, stay: NDArray[np.bool_]) -> Model:
    """Return the model with those documents alone; the others' vectors keep every bit."""
    if stay.all():
        return model
    words = np.ones(len(model.vocabulary.words), bool)
    return Model.of(without(model.files(), words, stay))
