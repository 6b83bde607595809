"""Skip: all but the first rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
from annotated_types import Ge

from corpora.transform import StreamTransform


@dataclass(frozen=True)
class Skip(StreamTransform):
    """Leave the first `n` rows of the whole corpus out.

    >>> from corpora import Sentences
    >>> list(Sentences([["a"], ["b"], ["c"]]).skip(2))
    [['c']]
    """

    n: Annotated[int, Ge(0)]

    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what comes after n rows."""
        left = self.n
        for batch in batches:
            if left < batch.num_rows:
                yield batch.slice(left)
            left = max(0, left - batch.num_rows)
