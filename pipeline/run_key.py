"""What a training's result depends on, as one text: by it a run that was killed is known again."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpora.shards import TokenShard
from pipeline import _train
from pipeline.core import kernels
from pipeline.core.weights import Floats
from pipeline.models.lifecycle import release
from pipeline.models.model import Model
from pipeline.stage import Stage, State

PIECE = 1 << 14  # rows looked at at a time


def run_key(
    stage: Stage,
    state: State,
    shards: Iterable[TokenShard],
    model: Model,
    rates: Iterable[Floats | None],
) -> str:
    """Return all that the weights after `stage` depend on; the store is not part of it.

    stage: the one that trains, with its keys; state: what came before it; shards: what it trains
    on; model: that it trains; rates: of its rows, besides what is set in its vectors.
    """
    before = state.receipt.epochs if state.receipt else ()
    vocabulary, tags, held = model.vocabulary, model.tags, model.files()
    return json.dumps([
        repr(stage),
        state.setting.recipe,
        state.parent,
        kernels.chosen(),
        _core(),
        # With one worker a run ends with the same bits; not, if it began with several.
        state.setting.workers == 1,
        [shard.fingerprint for shard in shards],
        _digest(vocabulary.words, vocabulary.counts, vocabulary.size),
        _digest(tags.keys, tags.counts, tags.size) if tags is not None else "",
        [repr(epoch) for epoch in before],
        # Both may come from files that have changed since: rows to freeze, vectors to begin with.
        [_bits(one) for one in (*rates, held.word_rates, held.tag_rates, model.vectors)],
    ])  # fmt: skip


def _core() -> list[str]:
    """Return what tells this version's arithmetic: a checkpoint of another must not go on here."""
    with Path(str(_train.__file__)).open("rb") as file:
        return [release(), hashlib.file_digest(file, "sha256").hexdigest()]


def _bits(array: Floats | None) -> str:
    if array is None:
        return ""
    digest = hashlib.sha256()
    for at in range(0, len(array), PIECE):
        digest.update(np.ascontiguousarray(array[at : at + PIECE]).data)
    return digest.hexdigest()


def _digest(keys: Any, counts: Any, size: int) -> str:
    batch = pa.record_batch([keys, pa.array(counts)], ["key", "count"])
    return hashlib.sha256(batch.serialize()).hexdigest() + f" {size}"
