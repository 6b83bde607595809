"""Sample: a fraction of the rows, chosen by chance and always the same."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Le

from corpora.rows.columns import beginnings
from corpora.rows.draws import uniform
from corpora.transform import PartTransform


@dataclass(frozen=True)
class Sample(PartTransform):
    """Keep each row with probability `fraction`; what was cut from one row stays or goes together.

    fraction: from 0 to 1; seed: another one makes another choice. The choice depends on the seed,
    the file's first row and the row's number in its file. So it is the same on every machine, and
    more files beside a file change nothing in it.

    >>> from corpora import Sentences
    >>> numbers = Sentences([[str(i)] for i in range(1000)])
    >>> 450 < len(list(numbers.sample(0.5))) < 550
    True
    """

    fraction: Annotated[float, Ge(0), Le(1)]
    seed: int = 1

    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows that were chosen."""
        key: int | None = None
        drawn = 0
        last = False  # whether the last row of the batch before was kept
        for batch in batches:
            if not batch.num_rows:
                continue
            if key is None:
                # Without this, files of one row each would stay all together or go all together.
                first: Any = batch.column(0)[0].as_py()
                digest = hashlib.sha256(repr((self.seed, first)).encode()).digest()
                key = int.from_bytes(digest[:8], "little")
            begin = beginnings(batch)
            n = int(begin.sum())
            chosen = np.concatenate(([last], uniform(key, drawn, n) < self.fraction))
            drawn += n
            keep = chosen[np.cumsum(begin)]
            last = bool(keep[-1])
            yield batch.filter(pa.array(keep))
