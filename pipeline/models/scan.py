"""A scan: the words of a corpus, or of a table, with their counts, before they are a vocabulary."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.shards import TokenShards
from pipeline.words.vocabulary import Counted, Vocabulary


class Table(NamedTuple):
    """Words (n), each once, and how often each was seen (n)."""

    words: pa.StringArray
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, given: Mapping[str, int]) -> "Table":
        """Return a dict's words and counts; raises TypeError or ValueError for what are none.

        >>> Table.of({"mill": 3}).counts.tolist()
        [3]
        """
        for word, count in given.items():
            if not isinstance(word, str):
                raise TypeError(f"a word is a string, not {word!r}")
            if not isinstance(count, int | np.integer) or count < 0:
                raise ValueError(f"the count of {word!r} must be a whole number, not {count!r}")
        words: Any = pa.array(list(given), pa.string())
        return cls(words, np.fromiter(given.values(), np.int64, len(given)))


@dataclass
class Scan:
    """What was counted and is not yet a vocabulary.

    tables: words and counts, one of each shard; shards: the corpus, if there is one.

    >>> scan = Scan([Table.of({"a": 1, "b": 2}), Table.of({"b": 1})])
    >>> scan.raw
    {'a': 1, 'b': 3}
    >>> scan.raw["c"] = 5
    >>> scan.counted()[0].counts.tolist()
    [1, 3, 5]
    """

    tables: Sequence[Counted]
    shards: TokenShards | None = None
    _raw: dict[str, int] | None = field(default=None, repr=False)

    @property
    def raw(self) -> dict[str, int]:
        """Every word's count in order of first appearance; made when asked for, and may be changed.

        A dict takes some 100 bytes a word, which the tables don't.
        """
        if self._raw is None:
            self._raw = _summed(self.tables)
        return self._raw

    @raw.setter
    def raw(self, given: Mapping[str, int]) -> None:
        self._raw = dict(given)

    def counted(self) -> Sequence[Counted]:
        """Return the words with their counts: those of `raw` where it was looked at."""
        return self.tables if self._raw is None else [Table.of(self._raw)]


def report(vocabulary: Vocabulary, sample: float) -> dict[str, int]:
    """Return what a vocabulary keeps of all the words that were ever counted.

    drop_unique: words without ids; num_retained_words, retain_total: words with ids, and how often
    they were seen; downsample_unique: those that `sample` passes over at times; downsample_total:
    how many of all occurrences it is expected to leave.

    >>> import pyarrow as pa
    >>> seen = Vocabulary.empty().add(pa.array(["the", "mill"]), np.array([90, 1]), min_count=2)
    >>> report(seen, 0.0)["drop_unique"], report(seen, 1e-2)["downsample_total"]
    (1, 9)
    """
    counts = vocabulary.retained_counts
    kept = vocabulary.keep_thresholds(sample) / 0xFFFFFFFF
    return {
        "drop_unique": len(vocabulary.words) - vocabulary.size,
        "retain_total": int(counts.sum()),
        "downsample_unique": int((kept < 1).sum()),
        "downsample_total": int((kept * counts).sum()),
        "num_retained_words": vocabulary.size,
    }


def _summed(tables: Iterable[Counted]) -> dict[str, int]:
    total: dict[str, int] = {}
    for table in tables:
        words: Any = table.words.to_pylist()
        for word, count in zip(words, table.counts.tolist(), strict=True):
            total[word] = total.get(word, 0) + count
    return total
