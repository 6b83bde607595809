"""The text that a version has learnt from, as token shards in the store; nothing is fetched again.

A set of shards lies in `shards/<SHA-256 of its content>`, and ledgers name the sets they need.
"""

from collections.abc import Iterator
from pathlib import Path

from corpora.shards import TokenShard, TokenShards
from corpora.shards.cached import opened_set
from corpora.shards.shard_set import ShardSet, verified
from corpora.shards.token_shard import ReadPart
from pipeline.store.errors import DamagedError
from pipeline.store.ledger import Ledger
from pipeline.store.versions import Store


def stored_shards(store: Store, ledger: Ledger, *, hashes: bool = False) -> TokenShards:
    """Return the shards, mapped, of all sets that a ledger names, each once, in its order.

    What the ledger names no set for was not kept, and is not there. hashes: compare every byte with
    what was kept, and not only sizes. Raises DamagedError for a set that is missing or different.

    >>> import tempfile
    >>> from corpora import Sentences, encode
    >>> from pipeline.store.ledger import consumed
    >>> store = Store.open(tempfile.mkdtemp())
    >>> read = consumed(encode(Sentences([["to", "be"]])), counted=True)
    >>> made = store.publish(lambda folder: None, consumed=list(read))
    >>> stored_shards(store, made.ledger)
    <TokenShards: 1 shards, 1 rows, 2 tokens, 1 reused>
    """
    shards: list[TokenShard] = []
    parts: list[ReadPart] = []
    for source, made in stored_sets(store, ledger, hashes=hashes):
        shards += opened_set(source, made)
        rows, tokens = (sum(getattr(e, n) for e in made.entries) for n in ("rows", "tokens"))
        parts.append(ReadPart((), rows, tokens, made))
    return TokenShards(shards, len(shards), parts)


def stored_sets(
    store: Store, ledger: Ledger, *, hashes: bool = False
) -> Iterator[tuple[str, ShardSet]]:
    """Yield the sets that a ledger names, each once, with the source that it names first."""
    seen: set[str] = set()
    columns = (ledger.table[name].to_pylist() for name in ("source", "set"))
    for source, name in zip(*columns, strict=True):
        if name is not None and name not in seen:
            seen.add(name)
            yield source, stored_set(store, name, hashes=hashes)


def stored_set(store: Store, name: str, *, hashes: bool = False) -> ShardSet:
    """Return one set; raises DamagedError where it is missing or different."""
    folder = store.storage.folder(f"shards/{name}", ())
    made = verified(folder, hashes=hashes) if _is_name(name) else None
    if made is None or made.content != name:
        raise DamagedError(
            f"the shards {name} of the store {store.url} are not what was kept: restore the folder "
            f"{Path('shards') / name} from a copy, or use a version that does not need it"
        )
    return made


def _is_name(name: str) -> bool:
    """Return whether a name from a ledger, which is data from outside, stays within the store."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")
