"""Products on threads of our own, each with one thread of BLAS.

BLAS's own threads wait for each other at every product; where other programs compute as well, most
of the time goes into waiting. Threads that share nothing lose nothing.
"""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """Return how many threads can compute at a time."""
    able = getattr(os, "sched_getaffinity", None)
    return len(able(0)) if able else os.cpu_count() or 1


def side_by_side(work: Callable[[T], R], pieces: Iterable[T]) -> list[R]:
    """Return what `work` makes of each piece, on all processors if BLAS lets itself be confined.

    >>> side_by_side(abs, [-1, 2])
    [1, 2]
    """
    with _ONE.thread_each() as confined:
        if not confined:
            return list(map(work, pieces))
        with ThreadPoolExecutor(workers()) as pool:
            return list(pool.map(work, pieces))


class _Confined:
    """BLAS with one thread for as long as anybody wants that: its setting is the process's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextmanager
    def thread_each(self) -> Generator[bool]:
        """Tell whether BLAS is confined inside: not Accelerate's, nor without threadpoolctl."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._limit = self._limited()
        try:
            yield self._limit is not None
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0 and self._limit is not None:
                    self._limit.restore_original_limits()
                    self._limit = None

    def _limited(self) -> Any:
        if self._controller is None:
            try:
                library = import_module("threadpoolctl")
            except ImportError:
                return None
            self._controller = library.ThreadpoolController().select(user_api="blas")
        return self._controller.limit(limits=1) if len(self._controller) else None


_ONE = _Confined()
