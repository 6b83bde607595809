"""Interleave: the rows of several corpora mixed in a fixed proportion, not one after the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from annotated_types import Gt

from corpora.errors import CorpusError
from corpora.part import Part, join, opened
from corpora.rows.columns import joined
from corpora.transform import Transform


@dataclass(frozen=True)
class Interleave(Transform):
    """Take rows in turn from each corpus of a chain; in a recipe, from each reader before this.

    weights: how many rows of each go together, 3 and 1 for three of the first and one of the
    second; by default as many of each. The rows of each corpus keep their order, none is lost: when
    one corpus ends, the others go on among themselves. Raises CorpusError if there are not as many
    corpora as weights.

    >>> from corpora import Sentences
    >>> letters, digits = Sentences([["a"], ["b"], ["c"], ["d"]]), Sentences([["1"], ["2"]])
    >>> ["".join(row) for row in (letters + digits).interleave((2, 1))]
    ['a', 'b', '1', 'c', 'd', '2']
    """

    weights: tuple[Annotated[float, Gt(0)], ...] | None = None

    def faults(self) -> Iterator[str]:
        """Refuse weights that are not above zero."""
        yield from super().faults()
        for weight in self.weights or ():
            if isinstance(weight, bool) or not isinstance(weight, int | float):
                yield f"weights must be numbers, not {weight!r}"
            elif not 0 < weight < float("inf"):
                yield f"weights must be more than 0 and finite, not {weight!r}"

    def apply(self, parts: list[Part]) -> list[Part]:
        """Interleave the parts, each as if it were a corpus of its own."""
        return self.apply_to_links([[part] for part in parts])

    def apply_to_links(self, links: list[list[Part]]) -> list[Part]:
        """Return one part that has the rows of all."""
        weights = (1.0,) * len(links) if self.weights is None else self.weights
        if len(weights) != len(links):
            raise CorpusError(
                f"interleave has {len(weights)} weights for {len(links)} corpora",
                remedy="give as many weights as there are corpora in the chain before it",
            )
        sources = [join(link) for link in links]
        whole = join(sources)
        read = partial(_read, sources, weights)
        # The links' borders are in no other place of the fingerprint.
        sizes = [len(link) for link in links]
        fingerprint = self.extended(whole.fingerprint)
        fingerprint = fingerprint and f"{fingerprint} of {sizes}"
        return [replace(whole, fingerprint=fingerprint, read=read)]


@dataclass
class _Stream:
    """One corpus being read: row k of it is due at the time (k + 1) / weight."""

    batches: Iterator[pa.RecordBatch]
    weight: float
    waiting: list[Any] = field(default_factory=list)
    times: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    seen: int = 0
    ended: bool = False

    @property
    def reach(self) -> float:
        """The time up to which all rows are here."""
        return float("inf") if self.ended else self.seen / self.weight

    def more(self) -> None:
        batch = next(self.batches, None)
        if batch is None:
            self.ended = True
            return
        self.waiting.append(batch)
        due = np.arange(self.seen + 1, self.seen + batch.num_rows + 1) / self.weight
        self.times = np.concatenate((self.times, due))
        self.seen += batch.num_rows

    def due(self, horizon: float) -> tuple[list[Any], npt.NDArray[np.float64]]:
        """Hand out the rows that are due by a time."""
        n = int(np.searchsorted(self.times, horizon, "right"))
        times, self.times = self.times[:n], self.times[n:]
        out: list[Any] = []
        while n:
            batch = self.waiting.pop(0)
            out.append(batch.slice(0, n))
            if n < batch.num_rows:
                self.waiting.insert(0, batch.slice(n))
            n -= min(n, batch.num_rows)
        return out, times


def _read(sources: list[Part], weights: tuple[float, ...]) -> Iterator[pa.RecordBatch]:
    with ExitStack() as stack:
        streams = [
            _Stream(stack.enter_context(opened(part)), weight)
            for part, weight in zip(sources, weights, strict=True)
        ]
        while not all(stream.ended for stream in streams):
            min(streams, key=lambda stream: stream.reach).more()
            horizon = min(stream.reach for stream in streams)
            taken = [stream.due(horizon) for stream in streams]
            rows = [batch for batches, _ in taken for batch in batches]
            if rows:
                # Stable, so rows that are due at one time come in the order of the corpora.
                order = np.argsort(np.concatenate([times for _, times in taken]), kind="stable")
                mixed: Any = joined(rows)
                yield mixed.take(pa.array(order))
