"""How a run tells people how it goes: a bar on a terminal, plain log lines elsewhere, on stderr.

Results, such as tables of neighbours, go to stdout. Every text passes `hide` first, which takes
values that came from the environment out of it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

    from pipeline.core.training import Progress

Row = tuple[str, Sequence[tuple[str, float]]]

MISSING = {"neighbours": "not in the vocabulary", "documents": "not among the documents"}
EVERY = 5.0  # seconds between two log lines of the same stage


class Lines:
    """Log lines, at most one every few seconds for the same stage.

    `tables` keeps what was shown; with `results` false nothing goes to stdout.
    """

    def __init__(self, hide: Callable[[str], str], *, results: bool = True) -> None:
        self.tables: dict[str, dict[str, dict[str, float]]] = {}
        self._hide = hide
        self._results = results
        self._next = 0.0

    def stage(self, number: int, total: int, name: str) -> None:
        """Begin a stage with a line of its own."""
        self._next = monotonic() + EVERY
        self.say(f"stage {number}/{total}: {name}")

    def counted(self, tokens: int, rows: int) -> None:
        """Log how much text has been read."""
        if self._due():
            self.say(f"read {tokens:,} words in {rows:,} rows")

    def trained(self, progress: "Progress") -> None:
        """Log how far the training is."""
        if self._due():
            self.say(told(progress))

    def say(self, text: str) -> None:
        """Write one line to stderr."""
        self._write(self._hide(text), sys.stderr)

    def table(self, name: str, rows: Sequence[Row]) -> None:
        """Write a table to stdout."""
        self.tables[name] = {word: dict(near) for word, near in rows}
        if self._results:
            self._write(drawn(rows, name), sys.stdout)

    def _due(self) -> bool:
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + EVERY
        return True

    def _write(self, text: str, to: IO[str]) -> None:
        print(text, file=to, flush=True)


class Bar(Lines):
    """A bar for a person at a terminal, with the log lines of the stages above it."""

    def __init__(self, hide: Callable[[str], str], *, results: bool = True) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Live  # noqa: PLC0415

        super().__init__(hide, results=results)
        self._live = Live(
            BarColumn(bar_width=30),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task: TaskID | None = None
        self._live.start()

    def counted(self, tokens: int, rows: int) -> None:
        """Show how much text has been read; how much there is nobody knows yet."""
        self._show(f"read {tokens:,} words in {rows:,} rows", None, None)

    def trained(self, progress: "Progress") -> None:
        """Show how far the training is."""
        self._show(told(progress), progress.tokens, progress.total)

    def say(self, text: str) -> None:
        """Write one line, after which what the bar showed is over."""
        self._clear()
        super().say(text)

    def close(self) -> None:
        """Take the bar away."""
        self._live.stop()

    def _show(self, text: str, done: float | None, total: float | None) -> None:
        if self._task is None:
            self._task = self._live.add_task("", total=total)
        self._live.update(self._task, description=text, completed=done, total=total)

    def _clear(self) -> None:
        if self._task is not None:
            self._live.remove_task(self._task)
            self._task = None

    def _write(self, text: str, to: IO[str]) -> None:
        if to is sys.stderr:  # through the bar, which has to step aside
            self._live.console.print(text, markup=False, soft_wrap=True)
        else:
            self._clear()
            super()._write(text, to)


@contextmanager
def reporting(hide: Callable[[str], str], *, results: bool = True) -> Iterator[Lines]:
    """Give the report that suits where stderr goes; with `results` false stdout stays empty."""
    if not sys.stderr.isatty():
        yield Lines(hide, results=results)
        return
    bar = Bar(hide, results=results)
    try:
        yield bar
    finally:
        bar.close()


def drawn(rows: Sequence[Row], name: str = "neighbours") -> str:
    """Return a table of words, or of documents, as plain text.

    >>> print(drawn([("river", [("stream", 0.81), ("bank", 0.7)]), ("xyzzy", [])]))
    river  stream 0.81  bank 0.70
    xyzzy  not in the vocabulary
    """
    width = max((len(word) for word, _ in rows), default=0)
    longest = [
        max((len(near[at][0]) for _, near in rows if at < len(near)), default=0)
        for at in range(max((len(near) for _, near in rows), default=0))
    ]
    return "\n".join(
        f"{word:<{width}}  "
        + (
            "  ".join(
                f"{other:<{size}} {cosine:.2f}"
                for (other, cosine), size in zip(near, longest, strict=False)
            )
            or MISSING.get(name, "nothing")
        )
        for word, near in rows
    )


def told(progress: "Progress") -> str:
    """Return how far a training is, on one line."""
    share = progress.tokens / progress.total if progress.total else 1.0
    return (
        f"epoch {progress.epoch}/{progress.epochs}  {share:4.0%}  "
        f"{progress.tokens_per_second / 1e6:.2f} M words/s  "
        f"loss {progress.loss:.4f}  rate {progress.alpha:.4f}"
    )
