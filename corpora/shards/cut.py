"""Cutting documents out of a set of shards: a new set without their rows, their words, their tags.

What nobody else has leaves the dictionaries, so that no byte of it is in the new set. The others
keep their order, and ids close up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpora.rows.tag_kinds import filtered, is_in
from corpora.shards.cached import CachedShard, opened_set
from corpora.shards.encoder import End
from corpora.shards.shard_set import MANIFEST, ShardSet, Writing, remove_tree, verified
from corpora.tokens.units import Dictionary

Counts = npt.NDArray[np.int64]
Dropped = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gone:
    """What was cut out of one shard: rows, tokens, and of its words and tags how many each."""

    rows: int
    tokens: int
    words: pa.StringArray
    word_counts: Counts
    tags: Any
    tag_counts: Counts | None


def whole(shard: CachedShard) -> Gone:
    """Return what goes with a whole shard."""
    return Gone(shard.rows, shard.tokens, shard.words, shard.counts, shard.tags, shard.tag_counts)


def has_any(made: ShardSet, tags: "pa.Array[Any]") -> bool:
    """Return whether any document of a set has one of these tags, all of one kind."""
    return any(_dropped(shard, [tags]).any() for shard in opened_set("", made))


def drop_documents(home: Path, tags: "list[pa.Array[Any]]") -> None:
    """Remove the sets that have a document with one of these tags from a cache."""
    for path in home.glob(f"*/{MANIFEST}"):
        made = verified(path.parent, hashes=False)
        if made is not None and any(len(some) and has_any(made, some) for some in tags):
            remove_tree(path.parent)


def cut(made: ShardSet, tags: "list[pa.Array[Any]]", home: Path) -> tuple[ShardSet, list[Gone]]:
    """Write, in a folder of `home`, a set without the rows that have one of these tags.

    tags: strings, whole numbers, or both, an array for each kind. Returns the set and what has gone
    from each of the old one's shards. Shards without rows are left out. `split` then says how many
    rows may have been cut off from the one before: which were isn't kept.
    """
    with Writing(home, None) as writing:
        gone = [_cut(shard, _dropped(shard, tags), writing) for shard in opened_set("", made)]
        return writing.commit(), gone


def _dropped(shard: CachedShard, tags: "list[pa.Array[Any]]") -> Dropped:
    """Return which of a shard's tags are among these."""
    held: Any = shard.tags
    if held is None:
        return np.zeros(0, bool)
    return is_in(held, tags)


def _cut(shard: CachedShard, dropped: Dropped, writing: Writing) -> Gone:
    words: Counts = np.zeros(len(shard.words), np.int64)
    tags: Counts = np.zeros(len(dropped), np.int64)
    for batch in shard.batches():
        leaving = _leaving(batch, dropped)
        words += _counted(batch["tokens"].filter(pa.array(leaving)), len(words))
        if len(tags):
            tags += _counted(batch["tags"].filter(pa.array(leaving)), len(tags))
    rows = 0
    left_words, left_tags = shard.counts - words, None
    if shard.tag_counts is not None:
        left_tags = shard.tag_counts - tags
    new_word, new_tag = (
        _renumbered(left_words),
        None if left_tags is None else _renumbered(left_tags),
    )
    writer = None
    for batch in _kept(shard, dropped, new_word, new_tag):
        writer = writer or writing.open(batch.schema)
        writer.write_batch(batch)
        rows += batch.num_rows
    if writer is not None:
        writer.close()
        writing.close(_end(shard, left_words, left_tags, rows))
    return Gone(
        shard.rows - rows, int(words.sum()), shard.words, words,
        shard.tags, None if left_tags is None else tags,
    )  # fmt: skip


def _kept(
    shard: CachedShard, dropped: Dropped, new_word: Any, new_tag: Any
) -> Iterator[pa.RecordBatch]:
    for batch in shard.batches():
        staying: Any = batch.filter(pa.array(~_leaving(batch, dropped)))
        if staying.num_rows:
            columns = [_mapped(staying["tokens"], new_word)]
            if new_tag is not None:
                columns.append(_mapped(staying["tags"], new_tag))
            yield pa.record_batch(columns, schema=batch.schema)


def _end(shard: CachedShard, words: Counts, tags: Counts | None, rows: int) -> End:
    kept = Dictionary(shard.words.filter(pa.array(words > 0)), words[words > 0])
    replaced: Any = pc.match_substring(kept.words, "\N{REPLACEMENT CHARACTER}")
    own: Any = shard.tags
    return End(
        words=kept,
        tags=None if tags is None else Dictionary(filtered(own, tags > 0), tags[tags > 0]),
        rows=rows,
        tokens=int(words.sum()),
        split=min(shard.split, rows),
        replaced=int(kept.counts[np.asarray(replaced)].sum()),
    )


def _leaving(batch: pa.RecordBatch, dropped: Dropped) -> Dropped:
    """Return which rows have a tag that is dropped."""
    if not len(dropped):
        return np.zeros(batch.num_rows, bool)
    column: Any = batch["tags"]
    offsets = np.asarray(column.offsets)
    hits = np.concatenate([[0], np.cumsum(dropped[np.asarray(column.flatten())])])
    offsets = offsets - offsets[0]
    return np.asarray(hits[offsets[1:]] > hits[offsets[:-1]])


def _counted(lists: Any, n: int) -> Counts:
    return np.bincount(np.asarray(lists.flatten()), minlength=n).astype(np.int64)


def _renumbered(counts: Counts) -> npt.NDArray[np.int32]:
    return (np.cumsum(counts > 0) - 1).astype(np.int32)


def _mapped(lists: Any, new: npt.NDArray[np.int32]) -> Any:
    offsets = np.asarray(lists.offsets)
    values = new[np.asarray(lists.flatten())]
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), pa.array(values, pa.int32()))
