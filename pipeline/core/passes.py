"""Threads that share work, and the kernel that they share it for.

An exception in a thread ends the pass at once, as itself.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

from pipeline.core.batch import Tally
from pipeline.core.kernels import Kernel
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.core.weights import Weights
from pipeline.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Plan:
    """How one run trains: it may differ from run to run of the same model.

    The learning rate falls linearly from alpha to min_alpha over all tokens of all epochs.
    shared_noise: one set of noise words for a step of two windows, and not for each pair or hidden
    vector. hot_rows: with several workers, each works on copies of the busiest rows and adds their
    changes up every few uses.

    Raises ValueError, for all that is wrong at once.
    """

    epochs: int = 5
    alpha: float = 0.025
    min_alpha: float = 0.0001
    sample: float = 1e-3
    seed: int = 1
    shared_noise: bool = True
    hot_rows: bool = True

    def __post_init__(self) -> None:
        """Check the fields."""
        if found := "; ".join(self._faults()):
            raise ValueError(found)

    def _faults(self) -> Iterator[str]:
        for name in ("alpha", "min_alpha", "sample"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                yield f"{name} must be a number from 0 on, not {value}"
        if self.min_alpha > self.alpha:
            yield (
                f"min_alpha must be at most alpha ({self.alpha}), not {self.min_alpha}: "
                "alpha must not rise"
            )
        if self.epochs < 1:
            yield f"epochs must be at least 1, not {self.epochs}"


def kernel_of(
    weights: Weights,
    vocabulary: Vocabulary,
    settings: Settings,
    plan: Plan,
    tree: Tree | None,
    **how: Any,
) -> Kernel:
    """Return the kernel for a model and a plan; `how` is what only one use of it needs."""
    path_at, path = tree.paths() if tree is not None and settings.hierarchical else (None, None)
    return Kernel(
        method=settings.method,
        join=settings.join,
        exact=settings.exact_gradient,
        input=weights.input,
        output=weights.output,
        nodes=weights.nodes,
        tags=weights.tags,
        keep=vocabulary.keep_thresholds(plan.sample),
        noise=vocabulary.noise(settings.ns_exponent) if settings.negative else None,
        path_at=path_at,
        path=path,
        dim=settings.vector_size,
        window=settings.window,
        negative=settings.negative,
        hierarchical=settings.hierarchical,
        shrink=settings.shrink_windows,
        share=plan.shared_noise,
        tag_slots=settings.tag_count,
        alpha=plan.alpha,
        min_alpha=plan.min_alpha,
        seed=plan.seed,
        **how,
    )


Unit = TypeVar("Unit")


class Pass(Generic[Unit]):
    """Threads that take units from one iterator until it ends or something fails."""

    def __init__(self, do: Callable[[Unit], Tally], work: Iterator[Unit]) -> None:
        self._do = do
        self._work = work
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ended = threading.Semaphore(0)
        self._failure: BaseException | None = None
        self._total = Tally()

    def run(self, workers: int, tell: Callable[[Tally], None] = lambda _: None) -> Tally:
        """Do it all with so many threads, and return what it came to; `tell` hears in between."""
        threads = [
            threading.Thread(
                target=self._worker, args=(n,), name=f"millrace-train-{n}", daemon=True
            )
            for n in range(workers)
        ]
        try:
            for thread in threads:
                thread.start()
            # Not `join` with a timeout: until Python 3.13, one that is interrupted takes its thread
            # for ended, and then no `join` waits for it any more.
            for _ in threads:
                while not self._ended.acquire(timeout=0.2):
                    tell(self._sum())
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

    def _worker(self, number: int) -> None:
        try:
            settle(number)
            while not self._stop.is_set():
                with self._lock:
                    unit = next(self._work, None)
                if unit is None:
                    return
                tally = self._do(unit)
                with self._lock:
                    self._total.add(tally)
        except BaseException as failure:  # noqa: BLE001  (raised again by the thread that waits)
            self._stop.set()
            with self._lock:
                self._failure = self._failure or failure
        finally:
            self._ended.release()

    def _sum(self) -> Tally:
        with self._lock:
            total = Tally()
            total.add(self._total)
            return total


def settle(number: int) -> None:
    """Send the calling thread to a processor of its own, and leave it free to be moved.

    Where a machine's processors don't balance their load, as in some virtual ones, threads that
    never sleep stay where they are born: all on one, if the others are busy for that moment.
    """
    if sys.platform != "linux":
        return
    here = os.sched_getaffinity(0)
    # A processor may be taken away meanwhile, or the call not be allowed: then all is as it was.
    with suppress(OSError):
        os.sched_setaffinity(0, {sorted(here)[number % len(here)]})
        os.sched_setaffinity(0, here)
