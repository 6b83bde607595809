"""Shard: every n-th row, or every n-th file, for one of n workers."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from annotated_types import Ge

from corpora.part import Part, opened
from corpora.rows.columns import beginnings
from corpora.transform import Transform


@dataclass(frozen=True)
class Shard(Transform):
    """Keep share `index` of `of`; the shares 0 to of - 1 together are the corpus, without overlap.

    index: from 0 on; of: how many shares there are. by: "row" deals out the rows of every file in
    turn, so shares are of nearly one size; "file" deals out whole files, so that each is read by
    one worker only. What was cut from one row stays together.

    >>> from corpora import Sentences
    >>> rows = Sentences([["a"], ["b"], ["c"]])
    >>> list(rows.shard(0, 2)), list(rows.shard(1, 2))
    ([['a'], ['c']], [['b']])
    """

    index: Annotated[int, Ge(0)]
    of: Annotated[int, Ge(1)]
    _: KW_ONLY
    by: Literal["row", "file"] = "row"

    def faults(self) -> Iterator[str]:
        """Refuse a share that is not there."""
        yield from super().faults()
        if self.index >= self.of:
            yield f"index must be less than of, {self.of}, not {self.index}"

    def apply(self, parts: list[Part]) -> list[Part]:
        """Keep some parts, or some rows of every part."""
        if self.by == "file":
            return parts[self.index :: self.of]
        dealt = []
        for number, part in enumerate(parts):
            # Each file begins with the next worker: else files of one row would all be the first's.
            first = (self.index - number) % self.of
            fingerprint = self.extended(part.fingerprint)
            if fingerprint is not None:
                fingerprint += f" from row {first}"
            read = partial(self._read, part, first)
            dealt.append(replace(part, fingerprint=fingerprint, read=read))
        return dealt

    def _read(self, part: Part, first: int) -> Iterator[pa.RecordBatch]:
        seen = 0
        with opened(part) as batches:
            for batch in batches:
                numbers = seen + np.cumsum(beginnings(batch)) - 1
                if len(numbers):
                    seen = int(numbers[-1]) + 1
                    yield batch.filter(pa.array(numbers % self.of == first))
