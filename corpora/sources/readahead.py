"""Read ahead: run an iterator on a thread of its own, a bounded number of items in front.

Reading, decompressing and splitting lines spend their time outside of the interpreter's lock, so
they run beside the tokeniser.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")

PATIENCE = 2.0  # seconds that close() waits for a thread that is held up in a read


class Readahead(Iterator[T], Generic[T]):
    """Iterate over what `start()` returns, made on a thread up to `depth` items ahead.

    An exception in the thread is raised here, with the traceback that it had there. Closing, or
    leaving the `with` block, stops the thread also in the middle.

    >>> with Readahead(lambda: range(3)) as ahead:
    ...     list(ahead)
    [0, 1, 2]
    """

    def __init__(self, start: Callable[[], Iterable[T]], depth: int = 4) -> None:
        self._start = start
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False  # the thread brings no more
        self._closed = False  # nobody wants more
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="millrace-readahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            items = iter(self._start())
            try:
                for item in items:
                    if not self._put(item):
                        break
            finally:
                close = getattr(items, "close", None)
                if close is not None:
                    close()
        except BaseException as error:  # noqa: BLE001  # raised again where it is read
            self._error = error
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._depth)
            self._items.append(item)
            self._changed.notify_all()
            return not self._closed

    def __next__(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._finished or self._items)
            if self._closed:
                raise StopIteration
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
        self.close()
        error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def close(self) -> None:
        """Stop the thread, and wait for it unless it is held up in a read."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
