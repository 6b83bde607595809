"""Take: the first rows only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
from annotated_types import Ge

from corpora.transform import StreamTransform


@dataclass(frozen=True)
class Take(StreamTransform):
    """Keep the first `n` rows of the whole corpus, and read no further than that.

    >>> from corpora import Sentences
    >>> list(Sentences([["a"], ["b"], ["c"]]).take(2))
    [['a'], ['b']]
    """

    n: Annotated[int, Ge(0)]

    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches until there are n rows."""
        left = self.n
        while left > 0:
            batch = next(batches, None)
            if batch is None:
                return
            yield batch.slice(0, left)
            left -= batch.num_rows
