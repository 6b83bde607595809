"""Parts side by side: several files are encoded at a time, and the results keep their order.

A part whose content nothing identifies may be the caller's own code, which need not expect to run
on another thread, nor beside itself: those are done one by one on the caller's thread. The others
go to threads. The first error ends all of them, and is raised as it was.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from corpora.part import Part, before_joins, opened, with_joins

T = TypeVar("T")

PATIENCE = 2.0  # seconds that an error waits for the other threads to tidy up
TICK = 0.1  # seconds between two reports of progress


class StoppedError(Exception):
    """Another part has failed, so this one is given up."""


class Progress:
    """Tokens and rows so far, over all threads; told on the thread that made this object."""

    def __init__(self, report: Callable[[int, int], None] | None) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._owner = threading.current_thread()
        self._done = self._told = (0, 0)
        self._stopped = False

    def add(self, tokens: int, rows: int) -> None:
        """Count; on the owner's thread, tell as well."""
        with self._lock:
            self._done = (self._done[0] + tokens, self._done[1] + rows)
        if threading.current_thread() is self._owner:
            self.tell()

    def watched(self, part: Part) -> Part:
        """Return the part with a look, at each batch, at whether it is over."""

        def read(some: Part) -> Iterator[pa.RecordBatch]:
            with opened(some) as batches:
                for batch in batches:
                    if self._stopped:
                        raise StoppedError
                    yield batch

        base, joins = before_joins(part)
        watched = replace(base, read=partial(read, base))
        return with_joins(part, partial(read, part), watched, joins)

    def tell(self) -> None:
        """Report what is new; only for the owner's thread."""
        done = self._done
        if self._report is not None and done != self._told:
            self._told = done
            self._report(*done)

    def stop(self) -> None:
        """Make the threads give up at their next batch."""
        self._stopped = True


def side_by_side(
    parts: Sequence[Part],
    work: Callable[[Part, int, Executor | None], T],
    progress: Progress,
    workers: int,
) -> list[T]:
    """Return `work(part, depth, pool)` for each part, in their order.

    pool: threads that all parts share, None where the parts keep all workers busy; depth: how many
    units of a part may be in front, so that memory depends on the workers, not on how many parts.
    """
    if workers == 1:
        return [work(part, 1, None) for part in parts]
    parts = [progress.watched(part) for part in parts]
    ours = [i for i, part in enumerate(parts) if part.fingerprint is None]
    others = [i for i, part in enumerate(parts) if part.fingerprint is not None]
    if len(others) == 1 and not ours:
        ours, others = others, ours
    beside = min(workers, len(others) + bool(ours))
    depth = -(-workers // max(beside, 1))
    made: dict[int, T] = {}
    # Reading, merging and writing keep about one processor busy beside the pool, and what a part's
    # own thread tokenises needs no merging: a pool is for when there are processors left over.
    left = workers - beside
    pool = ThreadPoolExecutor(workers - 1, "millrace-tokens") if left > 1 else None
    files = ThreadPoolExecutor(max(1, beside), "millrace-parts")
    running: dict[Future[T], int] = {}
    try:
        for i in others:
            running[files.submit(work, parts[i], depth, pool)] = i
        for i in ours:
            made[i] = work(parts[i], depth, pool)
            _gather(running, made)
        while running:
            wait(running, TICK, FIRST_COMPLETED)
            progress.tell()
            _gather(running, made)
        progress.tell()
    finally:
        progress.stop()
        files.shutdown(wait=False, cancel_futures=True)
        wait(running, PATIENCE)
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
    return [made[i] for i in range(len(parts))]


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gather(running: dict["Future[Any]", int], made: dict[int, Any]) -> None:
    """Move what is done; raises what has failed, before what only gave up because of it."""
    done = [future for future in running if future.done()]
    for future in done:
        made[running.pop(future)] = future.result()
