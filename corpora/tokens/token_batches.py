"""Token batches: a corpus as a stream of ids, each batch with a dictionary of its own.

Nothing is written: every pass reads and tokenises the text anew. What has to be read more often
than once is better encoded into shards.
"""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.part import Part, before_joins, opened
from corpora.tokens.units import Bounds, Tokenised, tokenised_ahead, units


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """Rows of ids, and the dictionary that the ids belong to: a word's id is its place in `words`.

    batch: {tokens: list<int32>, tags: list<int32>}, tags for documents only; words: distinct, in
    the order in which they came; counts: int64, (words), how often each stands in the batch; tags,
    tag_counts: the same for tags, or None; split: rows that were cut off from the one before.
    A TokenBatch can be given to whatever takes an Arrow record batch.
    """

    batch: pa.RecordBatch
    words: pa.StringArray
    counts: npt.NDArray[np.int64]
    tags: pa.StringArray | pa.Int64Array | pa.UnionArray | None
    tag_counts: npt.NDArray[np.int64] | None
    split: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.batch.num_rows

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return int(self.counts.sum())

    def with_words(self) -> pa.RecordBatch:
        """Return the batch with the words in it: each id is of Arrow's dictionary type.

        >>> from corpora import Sentences
        >>> (made,) = Sentences([["to", "be"], ["be"]]).token_batches(workers=1)
        >>> made.with_words()["tokens"].to_pylist()
        [['to', 'be'], ['be']]
        """
        named = {"tokens": self.words, "tags": self.tags}
        columns: dict[str, Any] = {}
        for name in self.batch.schema.names:
            lists: Any = self.batch[name]
            dictionary: Any = named[name]
            ids = pa.DictionaryArray.from_arrays(lists.values, dictionary)
            columns[name] = pa.ListArray.from_arrays(lists.offsets, ids)
        return pa.RecordBatch.from_pydict(columns)

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        """Hand `batch` to other Arrow software, without a copy."""
        batch: Any = self.batch
        return batch.__arrow_c_array__(requested_schema)


def token_batches(
    parts: Iterable[Part], workers: int, bounds: Bounds | None = None
) -> Generator[TokenBatch]:
    """Yield the parts' rows in order, a few mebibytes of text in each batch.

    workers: threads that tokenise; they are as far ahead as there are of them. The batches are the
    same for any number.
    """
    bounds = bounds or Bounds()
    pool = ThreadPoolExecutor(workers, "millrace-tokens")
    try:
        for part in parts:
            base, joins = before_joins(part)
            with opened(base) as batches:
                pending = units(batches, bounds.text_bytes)
                with closing(tokenised_ahead(pending, pool, workers, joins)) as made:
                    for _, unit in made:
                        yield _batch(unit)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batch(unit: Tokenised) -> TokenBatch:
    words, tags = unit.by.dictionaries()
    columns = zip(*(rows.columns for rows in unit.rows), strict=True)
    joined: list[Any] = [pa.concat_arrays(list(column)) for column in columns]
    return TokenBatch(
        batch=pa.RecordBatch.from_arrays(joined, names=["tokens", "tags"][: len(joined)]),
        words=words.words,
        counts=words.counts,
        tags=None if tags is None else tags.words,
        tag_counts=None if tags is None else tags.counts,
        split=unit.by.split,
    )
