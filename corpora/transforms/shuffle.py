"""Shuffle: rows in another order, as far as a buffer of bounded size allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
from annotated_types import Ge

from corpora.rows.columns import joined
from corpora.rows.draws import permutation
from corpora.transform import StreamTransform

ROWS = 1 << 12  # rows in a batch, at most


@dataclass(frozen=True)
class Shuffle(StreamTransform):
    """Put the rows of the whole corpus in another order, always the same for one seed.

    buffer: how many rows are held in memory. They are put in a random order, and one half of them
    goes out as new rows come in: a row moves forward by less than `buffer` places, and back by any
    number, more than a few buffers rarely. seed: another one makes another order.

    >>> from corpora import Sentences
    >>> numbers = Sentences([[str(i)] for i in range(8)])
    >>> [row[0] for row in numbers.shuffle(4)]
    ['3', '0', '1', '5', '2', '6', '7', '4']
    """

    buffer: Annotated[int, Ge(2)] = 100_000
    seed: int = 1

    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in their new order."""
        waiting: list[Any] = []
        rows = drawn = 0
        half = self.buffer // 2
        for batch in batches:
            rest: Any = batch
            while rest.num_rows:
                fitting = rest.slice(0, self.buffer - rows)
                waiting.append(fitting)
                rows += fitting.num_rows
                rest = rest.slice(fitting.num_rows)
                if rows == self.buffer:
                    mixed = self._mixed(waiting, drawn)
                    drawn += rows
                    yield from _pieces(mixed.slice(0, half))
                    waiting, rows = [mixed.slice(half)], rows - half
        if rows:
            yield from _pieces(self._mixed(waiting, drawn))

    def _mixed(self, waiting: list[Any], drawn: int) -> Any:
        pool: Any = joined(waiting)
        return pool.take(pa.array(permutation(self.seed, drawn, pool.num_rows)))


def _pieces(batch: Any) -> Iterator[pa.RecordBatch]:
    for at in range(0, batch.num_rows, ROWS):
        yield batch.slice(at, ROWS)
