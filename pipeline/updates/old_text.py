"""The text that a version has learnt from, ready to be replayed: opened only where it is drawn."""

from collections.abc import Callable, Sequence
from functools import partial

from corpora.shards import TokenShard
from corpora.shards.cached import opened_set
from pipeline.core.replay import Kept
from pipeline.store.errors import DamagedError
from pipeline.store.ledger import Ledger
from pipeline.store.shards import stored_set
from pipeline.store.versions import Store


def old_text(store: Store, ledger: Ledger) -> tuple[list[Kept], int]:
    """Return the sets of shards that a ledger names, and how many rows it has no set for.

    No set is looked at before it is opened; opening raises DamagedError for one that is missing, or
    has not as many rows as the ledger says.

    >>> import tempfile
    >>> from corpora import Sentences, encode
    >>> from pipeline.store.ledger import consumed
    >>> store = Store.open(tempfile.mkdtemp())
    >>> read = list(consumed(encode(Sentences([["to", "be"]])), counted=True))
    >>> made = store.publish(lambda folder: None, consumed=read)
    >>> (kept,), lost = old_text(store, made.ledger)
    >>> kept.rows, [shard.tokens for shard in kept.open()], lost
    (1, [2], 0)
    """
    rows: dict[str, int] = {}
    sources: dict[str, str] = {}
    lost = 0
    columns = (ledger.table[name].to_pylist() for name in ("set", "rows", "source"))
    for name, count, source in zip(*columns, strict=True):
        if name is None:
            lost += count
            continue
        # Of sources that were read as one the first has all rows; equal ones have one set.
        rows[name] = max(rows.get(name, 0), count)
        sources.setdefault(name, source)
    kept = [Kept(n, _opening(store, name, sources[name], n)) for name, n in rows.items()]
    return kept, lost


def _opening(store: Store, name: str, source: str, rows: int) -> Callable[[], Sequence[TokenShard]]:
    return partial(_opened, store, name, source, rows)


def _opened(store: Store, name: str, source: str, rows: int) -> Sequence[TokenShard]:
    shards = list(opened_set(source, stored_set(store, name)))
    found = sum(shard.rows for shard in shards)
    if found != rows:
        raise DamagedError(
            f"{source}: the store has {found} rows of it, and its ledger says {rows}. To mend it: "
            "go on from another version"
        )
    return shards
