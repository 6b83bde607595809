"""Lifetime counts that fade, so that what people no longer write about weighs less and less.

A count stays a whole number. What falls between two is rounded up or down by a draw from the run
and the word's place, as likely as it is near: so a count is right on average however small it is,
the same in every repetition, and the same however the corpus was cut. Rounding down would let a
word that comes once in every run never count more than once.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.rows.draws import uniform
from pipeline.words.vocabulary import Vocabulary

Count = NDArray[np.int64]


def faded(vocabulary: Vocabulary, decay: float, run: int) -> Vocabulary:
    """Return a vocabulary whose counts have lost a share, `decay` of each, from 0 to 1.

    run: what the draws come from, another number for each run. Words with ids keep them, and a
    count of 1 at least; others leave when nothing is left of their count.

    >>> seen = Vocabulary(pa.array(["old", "rare", "once"]), np.array([1000, 2, 1]), size=2)
    >>> left = faded(seen, decay=0.9, run=1)
    >>> left.words.to_pylist(), left.counts.tolist(), left.size
    (['old', 'rare'], [100, 1], 2)
    """
    if decay == 0:
        return vocabulary
    # Below 2^53 a count and its product are the same numbers on every machine.
    left = vocabulary.counts * (1 - decay)
    whole = np.floor(left)
    counts = (whole + (uniform(run, 0, len(left)) < left - whole)).astype(np.int64)
    held = slice(0, vocabulary.size)
    counts[held] = np.maximum(counts[held], np.minimum(vocabulary.counts[held], 1))
    staying = counts > 0
    staying[held] = True
    if staying.all():
        return Vocabulary(vocabulary.words, counts, vocabulary.size)
    words = vocabulary.words.filter(pa.array(staying))
    return Vocabulary(words, counts[staying], vocabulary.size)


def without_text(counts: Count, gone: Count, kept: Count) -> Count:
    """Return what counts that may have faded are without some text; (n) each, never negative.

    gone: how often the words stand in the text that leaves; kept: in the text that stays, as far as
    it is known. A count that is lower than both together has faded, and is shared between them as
    if all text had faded alike: how much each source's has is not recorded. One of what the text
    that stays has is left at least.

    >>> counts, gone, kept = np.array([9, 9, 9, 1]), np.array([4, 4, 12, 3]), np.array([5, 2, 6, 9])
    >>> without_text(counts, gone, kept).tolist()
    [5, 5, 3, 1]
    """
    known = gone + kept
    share = np.rint(counts * (kept / np.maximum(known, 1))).astype(np.int64)
    left = np.where(counts < known, share, counts - gone)
    return np.maximum(left, np.minimum(np.minimum(counts, kept), 1))
