"""Train a model on token shards: units of work, threads, learning rate, progress, receipt.

A unit is one record batch of a shard. Threads take units in the corpus's order; a unit's random
draws and learning rate depend on where it stands in the corpus and not on who takes it. With one
thread a run is the same to the last bit every time; with more, threads write rows they share
without locks. An exception in a thread ends the run at once, as itself.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from corpora.shards import TokenShard
from pipeline.core.batch import Batch, Floats, Ints, Tally
from pipeline.core.checkpoint import Checkpoints, Cursor, Pace, Paced
from pipeline.core.kernels import TrainingError
from pipeline.core.passes import Pass, Plan, kernel_of
from pipeline.core.replay import Epochs, Shards
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.core.weights import Weights
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

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
    """Proof of what a run trained: every row of the corpus, once in each epoch.

    rows, tokens, split: of the corpus; replayed: rows of older text that each epoch had besides;
    the epochs' own figures have them, too. stopped: it was ended before the last epoch of its plan,
    by `on_epoch`.
    """

    rows: int
    tokens: int
    split: int
    epochs: tuple[Epoch, ...]
    seconds: float = field(compare=False)
    stopped: bool = False
    replayed: int = 0


# Rows that a worker copies, and uses of a copy between foldings by all workers together: measured
# on two cores (ARCHITECTURE), and so that a row's staleness does not grow with the workers.
HOT_ROWS = 32
USES = 64


def train(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: Settings,
    shards: Shards | Epochs,
    plan: Plan,
    *,
    tags: TagTable | None = None,
    tree: Tree | None = None,
    word_rates: Floats | None = None,
    tag_rates: Floats | None = None,
    output_rates: Floats | None = None,
    node_rates: Floats | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_epoch: Callable[[Receipt], bool] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Receipt:
    """Train `weights`, whose rows are the ids of the vocabulary and the tags; return the receipt.

    shards: or `Epochs` of as many epochs as the plan has. tree: of the vocabulary's words, for
    hierarchical softmax. word_rates (words), tag_rates (tags), output_rates (words), node_rates
    (words - 1): factors of the learning rate by row; a row with 0 keeps every bit. `on_progress` is
    called on this thread, a few times a second. `on_epoch` is called on it after each epoch, when
    no other thread writes, with the receipt so far, and ends the run by returning True; the
    learning rate then stays above min_alpha. `checkpoints`: go on from the newest, if there is one,
    and make new ones; with one worker the weights end as those of a run that was never killed.
    Raises TrainingError if the weights stop being finite or if a row was not trained exactly once
    in an epoch, whatever reading a shard raises, and what the two functions raise. After an
    exception the weights are partly trained.
    """
    begun = time.monotonic()
    work = shards if isinstance(shards, Epochs) else Epochs(shards, plan.epochs)
    if len(work.totals) != plan.epochs:
        raise ValueError(
            f"{len(work.totals)} epochs were made ready, and the plan has {plan.epochs}"
        )
    kernel = kernel_of(
        weights,
        vocabulary,
        settings,
        plan,
        tree,
        tokens=sum(tokens for _, tokens in work.totals),
        hot=HOT_ROWS if plan.hot_rows and workers > 1 else 0,
        fold=max(USES // workers, 1),
        input_rates=word_rates,
        tag_rates=tag_rates,
        output_rates=output_rates,
        node_rates=node_rates,
    )
    maps = [
        Map(vocabulary.lookup(shard.words), _tag_rows(shard, settings, tags))
        for shard in work.shards
    ]
    for _, rows in maps[work.new :]:
        if rows is not None:
            rows[np.isin(rows, work.passed_over)] = -1
    run = _Run(kernel.train, maps, work, plan, workers, checkpoints, begun)
    run.restore(weights)
    for epochs in range(1, plan.epochs + 1):
        if epochs > len(run.done):
            run.epoch(weights, on_progress)
        # Of a run that goes on, whoever watches hears the epochs before, too.
        receipt = run.receipt(epochs)
        if on_epoch is not None and on_epoch(receipt) and epochs < plan.epochs:
            return replace(receipt, stopped=True)
    run.end(weights)
    return run.receipt(plan.epochs)


class _Run:
    """A training on its way through the epochs, with checkpoints where these are wanted."""

    def __init__(
        self,
        do: Callable[[Batch], Tally],
        maps: list["Map"],
        work: Epochs,
        plan: Plan,
        workers: int,
        checkpoints: Checkpoints | None,
        begun: float,
    ) -> None:
        self.done: list[Tally] = []  # of whole epochs
        self._do = do
        self._maps = maps
        self._work = work
        self._plan = plan
        self._workers = workers
        self._checkpoints = checkpoints
        self._pace = Pace(checkpoints.every if checkpoints else None)
        self._begun = begun
        self._start = Cursor()

    def restore(self, weights: Weights) -> None:
        """Go on from the newest checkpoint, if there is one for such weights."""
        checkpoints = self._checkpoints
        found = checkpoints.load() if checkpoints else None
        if checkpoints is None or found is None:
            return
        cursor, kept = found
        held = weights.matrices
        if {name: kept[name].shape for name in kept} != {name: held[name].shape for name in held}:
            return
        for name, matrix in held.items():
            matrix[...] = kept[name]
        self._start = cursor
        self._begun -= cursor.seconds
        self.done = list(cursor.epochs)
        checkpoints.say(f"going on from a checkpoint: {len(cursor.epochs):,} epochs are done")

    def epoch(self, weights: Weights, on_progress: Callable[[Progress], None]) -> None:
        """Train one more epoch, or what is left of the one that a checkpoint was made in."""
        epoch, start = len(self.done), self._start
        self._start = Cursor()
        work = Paced(
            units(self._work, self._maps, epoch, self._before(epoch)), self._pace, start.units
        )
        tally = start.tally.sum(Tally())
        while not work.ended:
            before = replace(tally)
            part = Pass(self._do, work).run(
                self._workers,
                lambda part: on_progress(self._progress(before.sum(part))),  # noqa: B023
            )
            tally.add(part)
            if not work.ended:
                self._keep(weights, work.taken, tally)
        rows, tokens = self._work.totals[epoch]
        if (tally.rows, tally.tokens) != (rows, tokens):
            raise TrainingError(
                f"epoch {epoch + 1} trained {tally.rows} rows with {tally.tokens} tokens, but the "
                f"corpus has {rows} with {tokens}: the shards changed on the way"
            )
        self.done.append(tally)

    def end(self, weights: Weights) -> None:
        """Make a last checkpoint of a long training: what comes after it may be killed, too."""
        if self._checkpoints and self._seconds > self._checkpoints.every:
            self._keep(weights, 0, Tally())

    def receipt(self, epochs: int) -> Receipt:
        """Return the receipt of the first so many epochs."""
        work, closed = self._work, tuple(_closed(tally) for tally in self.done[:epochs])
        return Receipt(
            work.rows, work.tokens, work.split, closed, self._seconds, replayed=work.replayed
        )

    def _before(self, epoch: int) -> int:
        """Return how many tokens come before an epoch."""
        return sum(tokens for _, tokens in self._work.totals[:epoch])

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begun

    def _keep(self, weights: Weights, units: int, tally: Tally) -> None:
        if self._checkpoints:
            with self._pace.paid():
                at = Cursor(tuple(self.done), units, tally, self._seconds)
                self._checkpoints.save(at, weights.matrices)

    def _progress(self, tally: Tally) -> Progress:
        plan, epoch = self._plan, len(self.done)
        total, tokens = self._before(plan.epochs), self._before(epoch) + tally.tokens
        return Progress(
            epoch=epoch + 1,
            epochs=plan.epochs,
            tokens=tokens,
            total=total,
            alpha=plan.alpha + (plan.min_alpha - plan.alpha) * tokens / max(total, 1),
            loss=tally.loss / max(tally.terms, 1),
            seconds=self._seconds,
        )


class Map(NamedTuple):
    """The rows of the weights that a shard's words and tags have."""

    words: Ints
    tags: Ints | None


def _tag_rows(shard: TokenShard, settings: Settings, tags: TagTable | None) -> Ints | None:
    if not settings.has_tags or tags is None or shard.tags is None:
        return None
    return tags.lookup(shard.tags)


def units(work: Epochs, maps: list[Map], epoch: int, first_token: int) -> Iterator[Batch]:
    """Yield an epoch's units of work in order; maps: of the shards."""
    first_row = 0
    for place, batch in work.batches(epoch):
        words, tags = maps[place]
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
