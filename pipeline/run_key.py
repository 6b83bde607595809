"""What a training's result depends on, as one text: by it a run that was killed is known again."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from corpora.shards import TokenShard
from pipeline import kernels
from pipeline.stage import Stage, State
from pipeline.tags import TagTable
from pipeline.vocabulary import Vocabulary


def run_key(
    stage: Stage,
    state: State,
    shards: Iterable[TokenShard],
    vocabulary: Vocabulary,
    tags: TagTable | None,
) -> str:
    """Return all that the weights after `stage` depend on; the store is not part of it.

    stage: the one that trains, with its keys; state: what came before it; shards: what it trains
    on; vocabulary, tags: of the model that it trains.
    """
    before = state.receipt.epochs if state.receipt else ()
    return json.dumps([
        repr(stage),
        state.setting.recipe,
        state.parent,
        kernels.chosen(),
        [shard.fingerprint for shard in shards],
        _digest(vocabulary.words, vocabulary.counts, vocabulary.size),
        _digest(tags.keys, tags.counts, tags.size) if tags is not None else "",
        [repr(epoch) for epoch in before],
    ])  # fmt: skip


def _digest(keys: Any, counts: Any, size: int) -> str:
    batch = pa.record_batch([keys, pa.array(counts)], ["key", "count"])
    return hashlib.sha256(batch.serialize()).hexdigest() + f" {size}"
