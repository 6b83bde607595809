"""Which words a model knows, how often they were ever seen, and under which ids.

Every word ever seen keeps its count, also below `min_count`; a word that was seen 3 + 3 times gets
in at 5. The words with ids come first: an id is a position. Ids are given by falling count, then by
the word itself (its UTF-8 bytes), so that they don't depend on how the corpus was cut or read;
later words are appended, and no id ever changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Protocol, Union

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.tokens.interner import Interner
from pipeline.core import kernels
from pipeline.words.admission import Admission
from pipeline.words.counting import Counting, Counts
from pipeline.words.key_index import word_index

COUNTING_MEMORY = 256 << 20  # bytes

Strings = Union["pa.StringArray", "pa.ChunkedArray[pa.StringScalar]"]


class Counted(Protocol):
    """Anything with a dictionary: words, each once, and how often each was seen."""

    @property
    def words(self) -> pa.StringArray:
        """The distinct words."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each was seen."""


class VocabularyError(MillraceError, RuntimeError):
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
        admission: Admission | None = None,
        previous: "Vocabulary | None" = None,
        memory: int = COUNTING_MEMORY,
    ) -> "Vocabulary":
        """Return `previous`, or a new vocabulary, with the counts of all shards added.

        shards: anything with `words` and `counts`, token batches too; each is asked for once.
        admission: which words get ids, where more than min_count says so. memory: bytes for
        counting; more distinct words than fit are sorted on disk, and the counts stay exact. Raises
        VocabularyError if no word gets an id.
        """
        start = previous or cls.empty()
        admission = admission or Admission(min_count)
        made = start._grown(((s.words, s.counts) for s in shards), admission, memory)  # noqa: SLF001
        if not made.retained_counts.any():  # all texts of a model may have been edited to nothing
            top = int(made.counts.max()) if len(made.counts) else 0
            if not top:
                raise VocabularyError(
                    "the corpus has no words. To mend it: look at its address, and at what is done "
                    "to its text"
                )
            raise VocabularyError(
                f"no word of the corpus has been seen {admission.min_count} times: the most "
                f"frequent was seen {top} {'time' if top == 1 else 'times'}. To mend it: lower "
                "min_count, or give more text."
            )
        return made

    def add(self, words: "Strings", counts: NDArray[np.int64], min_count: int) -> "Vocabulary":
        """Return this vocabulary after `words`, which may repeat, were seen `counts` more times."""
        return self._grown([(words, counts)], Admission(min_count), COUNTING_MEMORY)

    def _grown(
        self,
        seen: Iterable[tuple["Strings", NDArray[np.int64]]],
        admission: Admission,
        memory: int,
    ) -> "Vocabulary":
        appeared = None if admission.by_count else Interner()
        with Counting(memory) as counting:
            # Words with ids stay where they are; the others follow, frequent ones first.
            counting.add(self.words, self.counts, ranked=self.size)
            for words, counts in seen:
                counting.add(words, counts)
                if appeared is not None:
                    _intern(appeared, words)
            total = counting.result()
        return _admitted(total, admission, appeared)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the index, which is C's memory."""
        return Vocabulary, (self.words, self.counts, self.size)

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
        """Return the id of each word, -1 where it has none.

        The first call builds an index; after that, several threads may look up side by side.
        """
        return self._index.find(words)

    @cached_property
    def _index(self) -> Interner:
        return word_index(self.retained)

    def keep_thresholds(self, sample: float) -> NDArray[np.uint32]:
        """Return (size) thresholds: an occurrence stays if a uniform 32-bit draw is at most that.

        With v the word's count, n all retained occurrences and t = sample * n, it stays with
        probability (sqrt(v / t) + 1) * t / v (word2vec.c; a variant of Mikolov et al. 2013,
        section 2.3). A sample of 1 or more is a count itself, scaled as in the peers; 0 keeps all.
        """
        counts = np.maximum(self.retained_counts, 1).astype(np.float64)
        if sample <= 0:
            return np.full(self.size, 0xFFFFFFFF, np.uint32)
        threshold = sample * counts.sum() if sample < 1 else int(sample * (3 + sqrt(5)) / 2)
        keep = (np.sqrt(counts / threshold) + 1) * (threshold / counts)
        return (np.minimum(keep, 1) * 0xFFFFFFFF).astype(np.uint32)

    def noise(self, ns_exponent: float) -> NDArray[np.uint64]:
        """Return the alias table (size) of the noise distribution, count ** ns_exponent."""
        return kernels.noise_table(self.retained_counts.astype(np.float64) ** ns_exponent)


def _admitted(total: Counts, admission: Admission, appeared: Interner | None) -> Vocabulary:
    """Return the vocabulary of words that were counted; appeared: them, in their order."""
    known, later = total.ranked, total.counts[total.ranked :]
    if admission == Admission(admission.min_count):
        # Counts fall, so those that are frequent enough come before the first that is not.
        new = len(later) - int(np.searchsorted(later[::-1], admission.min_count))
        return Vocabulary(total.words, total.counts, known + new)
    admitted, others = admission.chosen(total.words.slice(known), later, known)
    if appeared is not None:
        words = total.words.slice(known).take(pa.array(admitted, pa.int64()))
        admitted = admitted[np.argsort(_places(appeared, words), kind="stable")]
    order = np.concatenate([np.arange(known, dtype=np.int64), known + admitted, known + others])
    return Vocabulary(
        total.words.take(pa.array(order, pa.int64())), total.counts[order], known + len(admitted)
    )


def _intern(appeared: Interner, words: "Strings") -> None:
    for chunk in words.chunks if isinstance(words, pa.ChunkedArray) else [words]:
        whole: Any = pa.ListArray.from_arrays(pa.array([0, len(chunk)], pa.int32()), chunk)
        appeared.intern(whole)


def _places(appeared: Interner, words: pa.StringArray) -> NDArray[np.int64]:
    """Return when each word appeared; those of earlier runs come first."""
    return appeared.find(words).astype(np.int64)
