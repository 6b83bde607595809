"""Which words a model knows, how often they were ever seen, and under which ids.

Every word ever seen keeps its count, also below `min_count`; a word that was seen 3 + 3 times gets
in at 5. The words with ids come first: an id is a position. Ids are given by falling count, then by
the word itself (its UTF-8 bytes), so that they don't depend on how the corpus was cut or read;
later words are appended, and no id ever changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Protocol, Union, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpora.errors import MillraceError
from pipeline import kernels

Strings = Union["pa.StringArray", "pa.ChunkedArray[pa.StringScalar]"]


class Counted(Protocol):
    """Anything with a dictionary: words, each once, and how often each was seen."""

    @property
    def words(self) -> pa.StringArray:
        """The distinct words."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each was seen."""


class VocabularyError(MillraceError):
    """No vocabulary can be made of these words."""


@dataclass(frozen=True)
class Vocabulary:
    """words (n) and their lifetime counts (n); the first `size` have ids: their positions.

    >>> import pyarrow as pa
    >>> import numpy as np
    >>> v = Vocabulary.empty().add(pa.array(["b", "a", "c"]), np.array([2, 2, 1]), min_count=2)
    >>> v.words.to_pylist(), v.counts.tolist(), v.size
    (['a', 'b', 'c'], [2, 2, 1], 2)
    >>> v.lookup(pa.array(["c", "b", "x"])).tolist()
    [-1, 1, -1]
    >>> v.add(pa.array(["c"]), np.array([1]), min_count=2).size
    3
    """

    words: pa.StringArray
    counts: NDArray[np.int64]
    size: int

    @classmethod
    def empty(cls) -> "Vocabulary":
        """Return the vocabulary that every first one is an update of."""
        return cls(pa.array([], pa.string()), np.zeros(0, np.int64), 0)

    @classmethod
    def build(
        cls,
        shards: Iterable[Counted],
        min_count: int = 5,
        *,
        previous: "Vocabulary | None" = None,
    ) -> "Vocabulary":
        """Return `previous`, or a new vocabulary, with the counts of all shards added.

        Raises VocabularyError if no word has been seen `min_count` times.
        """
        start = previous or cls.empty()
        shards = list(shards)
        words = pa.chunked_array([s.words.cast(pa.string()) for s in shards], pa.string())
        counts = [s.counts for s in shards]
        made = start.add(words, np.concatenate([np.zeros(0, np.int64), *counts]), min_count)
        if not made.size:
            top = int(made.counts.max()) if len(made.counts) else 0
            found = f"the most frequent was seen {top} times" if top else "it is empty"
            raise VocabularyError(
                f"no word of the corpus has been seen {min_count} times: {found}. "
                f"To mend it: lower min_count, or give more text."
            )
        return made

    def add(self, words: "Strings", counts: NDArray[np.int64], min_count: int) -> "Vocabulary":
        """Return this vocabulary after `words`, which may repeat, were seen `counts` more times."""
        seen = pa.table({"word": words, "count": pa.array(counts, pa.int64())})
        past = pa.table({"word": self.words, "count": pa.array(self.counts)})
        total = pa.concat_tables([past, seen]).group_by("word").aggregate([("count", "sum")])
        order = pc.sort_indices(
            total, sort_keys=[("count_sum", "descending"), ("word", "ascending")]
        )
        total = total.take(order)
        word = cast("pa.StringArray", total["word"].combine_chunks())
        count = total["count_sum"].to_numpy()

        # Words with ids stay where they are; the others follow, frequent ones first.
        place = _positions(word, self.words.slice(0, self.size))
        known = np.zeros(len(word), bool)
        known[place] = True
        later = np.flatnonzero(~known)
        grown = self.size + int(np.count_nonzero(count[later] >= min_count))
        new_order = np.concatenate([place, later])
        return Vocabulary(word.take(pa.array(new_order)), count[new_order], grown)

    def __len__(self) -> int:
        """Return how many words have ids."""
        return self.size

    @property
    def retained(self) -> pa.StringArray:
        """The words that have ids, by id."""
        return self.words.slice(0, self.size)

    @property
    def retained_counts(self) -> NDArray[np.int64]:
        """(size) counts of the words that have ids, by id."""
        return self.counts[: self.size]

    def lookup(self, words: pa.StringArray) -> NDArray[np.int32]:
        """Return the id of each word, -1 where it has none."""
        return _positions(self.retained, words)

    def keep_thresholds(self, sample: float) -> NDArray[np.uint32]:
        """Return (size) thresholds: an occurrence stays if a uniform 32-bit draw is at most that.

        With v the word's count, n all retained occurrences and t = sample * n, it stays with
        probability (sqrt(v / t) + 1) * t / v (word2vec.c; a variant of Mikolov et al. 2013,
        section 2.3). A sample of 1 or more is a count itself, scaled as in the peers; 0 keeps all.
        """
        counts = self.retained_counts.astype(np.float64)
        if sample <= 0:
            return np.full(self.size, 0xFFFFFFFF, np.uint32)
        threshold = sample * counts.sum() if sample < 1 else int(sample * (3 + sqrt(5)) / 2)
        keep = (np.sqrt(counts / threshold) + 1) * (threshold / counts)
        return (np.minimum(keep, 1) * 0xFFFFFFFF).astype(np.uint32)

    def noise(self, ns_exponent: float) -> NDArray[np.uint64]:
        """Return the alias table (size) of the noise distribution, count ** ns_exponent."""
        return kernels.noise_table(self.retained_counts.astype(np.float64) ** ns_exponent)


def _positions(where: pa.StringArray, words: pa.StringArray) -> NDArray[np.int32]:
    """Return the position in `where` of each of `words`, -1 where it is not there."""
    found = pc.index_in(words, value_set=where).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int32)
