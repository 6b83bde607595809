"""Train a model on token shards: units of work, threads, learning rate, progress, receipt.

A unit is one record batch of a shard. Threads take units in the corpus's order; a unit's random
draws and learning rate depend on where it stands in the corpus and not on who takes it. With one
thread a run is the same to the last bit every time; with more, threads write rows they share
without locks. An exception in a thread ends the run at once, as itself.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from corpora.shards import TokenShard
from pipeline.kernels import Batch, Ints, Kernel, Tally, TrainingError
from pipeline.vocabulary import Vocabulary
from pipeline.weights import Weights

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class WordSettings:
    """What shapes a model of words, from its first version on."""

    vector_size: int = 100
    sg: int = 1
    window: int = 5
    negative: int = 5
    ns_exponent: float = 0.75
    shrink_windows: bool = True
    cbow_mean: int = 1


@dataclass(frozen=True)
class Plan:
    """How one run trains: it may differ from run to run of the same model.

    The learning rate falls linearly from alpha to min_alpha over all tokens of all epochs.
    shared_noise: in skip-gram, one set of noise words for each window and not for each pair.
    """

    epochs: int = 5
    alpha: float = 0.025
    min_alpha: float = 0.0001
    sample: float = 1e-3
    seed: int = 1
    shared_noise: bool = True


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


def train(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: WordSettings,
    shards: "Shards",
    plan: Plan,
    *,
    workers: int = 1,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Receipt:
    """Train `weights`, whose rows are the vocabulary's ids, and return the receipt.

    `on_progress` is called on this thread, a few times a second. Raises TrainingError if the
    weights stop being finite or if a row was not trained exactly once in an epoch, and whatever
    reading a shard raises. After an exception the weights are partly trained.
    """
    begun = time.monotonic()
    total = shards.tokens * plan.epochs
    kernel = Kernel(
        method="skip_gram" if settings.sg else "cbow",
        input=weights.input,
        output=weights.output,
        keep=vocabulary.keep_thresholds(plan.sample),
        noise=vocabulary.noise(settings.ns_exponent),
        dim=settings.vector_size,
        window=settings.window,
        negative=settings.negative,
        shrink=settings.shrink_windows,
        mean=bool(settings.cbow_mean),
        share=plan.shared_noise,
        alpha=plan.alpha,
        min_alpha=plan.min_alpha,
        tokens=total,
        seed=plan.seed,
    )
    mapped = [(shard, vocabulary.lookup(shard.words)) for shard in shards]
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

        tally = _Pass(kernel, units(mapped, epoch, before)).run(workers, tell)
        if (tally.rows, tally.tokens) != (shards.rows, shards.tokens):
            raise TrainingError(
                f"epoch {epoch + 1} trained {tally.rows} rows with {tally.tokens} tokens, but the "
                f"corpus has {shards.rows} with {shards.tokens}: the shards changed on the way"
            )
        epochs.append(_closed(tally))
    return Receipt(
        shards.rows, shards.tokens, shards.split, tuple(epochs), time.monotonic() - begun
    )


def units(
    mapped: Sequence[tuple[TokenShard, Ints]], epoch: int, first_token: int
) -> Iterator[Batch]:
    """Yield an epoch's units of work in the corpus's order."""
    first_row = 0
    for shard, ids in mapped:
        for batch in shard.batches():
            tokens, offsets = arrays(cast("pa.ListArray[pa.Int32Scalar]", batch.column("tokens")))
            yield Batch(tokens, offsets, ids, first_row, first_token, epoch)
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


class _Pass:
    """One epoch: threads that take units from one iterator until it ends or something fails."""

    def __init__(self, kernel: Kernel, work: Iterator[Batch]) -> None:
        self._kernel = kernel
        self._work = work
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._total = Tally()

    def run(self, workers: int, tell: Callable[[Tally], None]) -> Tally:
        threads = [
            threading.Thread(target=self._worker, name=f"millrace-train-{n}", daemon=True)
            for n in range(workers)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
                    tell(self._sum())
        finally:
            # Also when this thread is interrupted, or `tell` fails: no thread goes on alone.
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._failure is not None:
            raise self._failure
        return self._sum()

    def _worker(self) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    batch = next(self._work, None)
                if batch is None:
                    return
                tally = self._kernel.train(batch)
                with self._lock:
                    self._total.add(tally)
        except BaseException as failure:  # noqa: BLE001  (raised again by the thread that waits)
            self._stop.set()
            with self._lock:
                self._failure = self._failure or failure

    def _sum(self) -> Tally:
        with self._lock:
            total = Tally()
            total.add(self._total)
            return total


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
