"""What a corpus has to be, so that its documents' vectors can be trained: told before training."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from corpora.shards import TokenShard
from pipeline.core.settings import Settings
from pipeline.words.tags import TagError, TagTable


def check_tags(
    shards: Iterable[TokenShard], settings: Settings, known: TagTable | None = None
) -> None:
    """Raise one TagError if the corpus's rows are not the documents that the settings need.

    known: the tags that have rows already; with it, others are refused.
    """
    if not settings.has_tags:
        return
    before = dict[str, int]()
    for shard in shards:
        if shard.tags is None:
            raise TagError(
                f"{shard.source}: its rows have no tags, and documents' vectors are looked up by "
                "tags. To mend it: use a reader that gives tags, such as tagged_line_document or "
                "json_lines with tags, or TaggedDocument(words, tags) in Python"
            )
        if known is not None:
            _check_known(shard, known)
        if settings.join == "concat":
            _check_count(shard, settings.tag_count, before.get(shard.source, 0))
        before[shard.source] = before.get(shard.source, 0) + shard.rows


def _check_known(shard: TokenShard, known: TagTable) -> None:
    tags: Any = shard.tags
    unknown = np.flatnonzero(known.lookup(tags) < 0)
    if len(unknown):
        others = f", like {len(unknown) - 1} others" if len(unknown) > 1 else ""
        raise TagError(
            f"{shard.source}: the tag {tags[int(unknown[0])].as_py()!r} has no vector{others}. To "
            "mend it: call build_vocab with update=True on these documents first"
        )


def _check_count(shard: TokenShard, wanted: int, first: int) -> None:
    """Refuse rows with another number of tags; first: rows of the source before this shard."""
    for batch in shard.batches():
        lists: Any = batch.column("tags")
        lengths = np.diff(pa.array(lists.offsets).to_numpy())
        wrong = np.flatnonzero(lengths != wanted)
        if len(wrong):
            at, keys = int(wrong[0]), shard.tags
            assert keys is not None
            shown = ", ".join(repr(keys[i].as_py()) for i in lists[at].as_py()) or "none"
            raise TagError(
                f"{shard.source}, row {first + at}: it has {lengths[at]} tags ({shown}), but each "
                f"document needs {wanted} where tags and words are joined end to end. To mend it: "
                "give every document as many, set dm_tag_count, or set dm_concat = 0"
            )
        first += batch.num_rows
