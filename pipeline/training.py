"""Train a model on token shards: units of work, threads, learning rate, progress, receipt.

A unit is one record batch of a shard. Threads take units in the corpus's order; a unit's random
draws and learning rate depend on where it stands in the corpus and not on who takes it. With one
thread a run is the same to the last bit every time; with more, threads write rows they share
without locks. An exception in a thread ends the run at once, as itself.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np

from corpora.shards import TokenShard
from pipeline.kernels import Batch, Floats, Ints, Tally, TrainingError
from pipeline.passes import Pass, Plan, kernel_of
from pipeline.settings import Settings
from pipeline.tags import TagTable
from pipeline.tree import Tree
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Weights

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Progress:
    """How far a run is: `tokens` of `total`, over all epochs (counted from 1).

    loss is the mean of the current epoch so far, in nats for each term.
    """

    epoch: int
    epochs: int
    tokens: int
    total: int
    alpha: float
    loss: float
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Raw tokens a second since the run began."""
        return self.tokens / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to. Tokens = trained + unknown + dropped; loss is the mean of `terms`."""

    rows: int
    tokens: int
    trained: int
    unknown: int
    dropped: int
    terms: int
    loss: float


@dataclass(frozen=True)
class Receipt:
    """Proof of what a run trained: every row of the corpus, once in each epoch."""

    rows: int
    tokens: int
    split: int
    epochs: tuple[Epoch, ...]
    seconds: float = field(compare=False)


class Shards(Protocol):
    """Token shards in the corpus's order, with what they come to together."""

    rows: int
    tokens: int
    split: int

    def __iter__(self) -> Iterator[TokenShard]:
        """Go through the shards in order."""


# Rows that a worker copies, and uses of a copy between foldings by all workers together: measured
# on two cores (ARCHITECTURE), and so that a row's staleness does not grow with the workers.
HOT_ROWS = 32
USES = 64


def train(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: Settings,
    shards: "Shards",
    plan: Plan,
    *,
    tags: TagTable | None = None,
    tree: Tree | None = None,
    word_rates: Floats | None = None,
    tag_rates: Floats | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Receipt:
    """Train `weights`, whose rows are the ids of the vocabulary and the tags; return the receipt.

    tree: of the vocabulary's words, for hierarchical softmax. word_rates (words), tag_rates (tags):
    factors of the learning rate by row; a row with 0 keeps every bit. `on_progress` is called on
    this thread, a few times a second. Raises TrainingError if the weights stop being finite or if a
    row was not trained exactly once in an epoch, and whatever reading a shard raises. After an
    exception the weights are partly trained.
    """
    begun = time.monotonic()
    total = shards.tokens * plan.epochs
    kernel = kernel_of(
        weights,
        vocabulary,
        settings,
        plan,
        tree,
        tokens=total,
        hot=HOT_ROWS if plan.hot_rows and workers > 1 else 0,
        fold=max(USES // workers, 1),
        input_rates=word_rates,
        tag_rates=tag_rates,
    )
    mapped = [
        Mapped(shard, vocabulary.lookup(shard.words), _tag_rows(shard, settings, tags))
        for shard in shards
    ]
    epochs: list[Epoch] = []
    for epoch in range(plan.epochs):
        before = epoch * shards.tokens

        def tell(tally: Tally, before: int = before, epoch: int = epoch) -> None:
            tokens = before + tally.tokens
            on_progress(
                Progress(
                    epoch=epoch + 1,
                    epochs=plan.epochs,
                    tokens=tokens,
                    total=total,
                    alpha=plan.alpha + (plan.min_alpha - plan.alpha) * tokens / max(total, 1),
                    loss=tally.loss / max(tally.terms, 1),
                    seconds=time.monotonic() - begun,
                )
            )

        tally = Pass(kernel.train, units(mapped, epoch, before)).run(workers, tell)
        if (tally.rows, tally.tokens) != (shards.rows, shards.tokens):
            raise TrainingError(
                f"epoch {epoch + 1} trained {tally.rows} rows with {tally.tokens} tokens, but the "
                f"corpus has {shards.rows} with {shards.tokens}: the shards changed on the way"
            )
        epochs.append(_closed(tally))
    return Receipt(
        shards.rows, shards.tokens, shards.split, tuple(epochs), time.monotonic() - begun
    )


class Mapped(NamedTuple):
    """A shard with the rows of the weights that its words and tags have."""

    shard: TokenShard
    words: Ints
    tags: Ints | None


def _tag_rows(shard: TokenShard, settings: Settings, tags: TagTable | None) -> Ints | None:
    if not settings.has_tags or tags is None or shard.tags is None:
        return None
    return tags.lookup(shard.tags)


def units(mapped: Sequence[Mapped], epoch: int, first_token: int) -> Iterator[Batch]:
    """Yield an epoch's units of work in the corpus's order."""
    first_row = 0
    for shard, words, tags in mapped:
        for batch in shard.batches():
            tokens, offsets = arrays(cast("pa.ListArray[pa.Int32Scalar]", batch.column("tokens")))
            unit = Batch(tokens, offsets, words, first_row, first_token, epoch)
            if tags is not None:
                of = arrays(cast("pa.ListArray[pa.Int32Scalar]", batch.column("tags")))
                unit = replace(unit, tags=of[0], tag_offsets=of[1], tag_map=tags)
            yield unit
            first_row += len(offsets) - 1
            first_token += int(offsets[-1]) - int(offsets[0])


def arrays(lists: "pa.ListArray[pa.Int32Scalar]") -> tuple[Ints, Ints]:
    """Return values and offsets (rows + 1) of a list<int32> column, without a copy."""
    buffer = lists.buffers()[1]
    assert buffer is not None
    offsets = np.frombuffer(cast("memoryview[int]", buffer), np.int32)
    return (
        np.asarray(lists.values.to_numpy(zero_copy_only=True), np.int32),
        offsets[lists.offset : lists.offset + len(lists) + 1],
    )


def _closed(tally: Tally) -> Epoch:
    return Epoch(
        rows=tally.rows,
        tokens=tally.tokens,
        trained=tally.tokens - tally.unknown - tally.dropped,
        unknown=tally.unknown,
        dropped=tally.dropped,
        terms=tally.terms,
        loss=tally.loss / max(tally.terms, 1),
    )
