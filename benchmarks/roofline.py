"""What training asks of the processor and of memory, and the most that the processor can do."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pipeline.core import kernels
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.words.vocabulary import Vocabulary

ROUNDS = 2_000_000


@dataclass(frozen=True)
class Work:
    """What a run came to: raw words, words that were trained, terms of the loss; over all epochs.

    frozen: it was inference, where only the documents' vectors change.
    """

    words: int
    trained: int
    terms: int
    frozen: bool = False


def instruction_set() -> str:
    """Return the name of the build of Millrace's core that runs here."""
    return os.environ.get("MILLRACE_ISA") or kernels.available()[-1]


def peak(threads: int = 1) -> float:
    """Return FLOP/s of each thread, when so many do nothing but multiply-adds on registers."""

    def rate(_: int) -> float:
        begun = time.perf_counter()
        return kernels.peak(instruction_set(), ROUNDS) / (time.perf_counter() - begun)

    with ThreadPoolExecutor(threads) as pool:
        return max(sum(pool.map(rate, range(threads))) / threads for _ in range(20))


def flop_per_word(work: Work, settings: Settings) -> float:
    """Return FLOP for each raw word: 6 d for each term, and 4 d in inference.

    A term is a row x and an output w: their product, and the change of each by a multiple of the
    other, are d multiply-adds each. What else is done (sums of CBOW, sigmoids) does not count.
    """
    return work.terms / work.words * (4 if work.frozen else 6) * settings.vector_size


def bytes_per_word(
    work: Work, settings: Settings, words: Vocabulary, tree: Tree | None, sample: float
) -> float:
    """Return an estimate of the bytes of weights that are read and written for each raw word.

    A word that is trained takes up, once for its whole window, the rows that predict it and the
    rows of its outputs; each is read and written once (in inference only the document's is
    written). A row that is still in a cache since the window before counts again. Outputs are
    1 + negative, and the mean path of the tree over what subsampling leaves; rows that predict one
    by one are counted from the terms, those that are joined are a window's mean at full length:
    window + 1 words if windows shrink, else 2 * window, and a tag.
    """
    outputs = 1.0 + settings.negative if settings.negative else 0.0
    if tree is not None and settings.hierarchical:
        weight = words.retained_counts * (words.keep_thresholds(sample) / 0xFFFFFFFF)
        outputs += float(np.average(np.diff(tree.paths()[0]), weights=weight))
    if settings.method in ("cbow", "dm"):
        inputs = settings.window + 1.0 if settings.shrink_windows else 2.0 * settings.window
        inputs += settings.tag_count if settings.method == "dm" else 0
    else:
        inputs = work.terms / max(work.trained, 1) / outputs
    rows = inputs + outputs * settings.blocks
    written = min(inputs, 1.0) if work.frozen else rows
    row_bytes = 4 * kernels.stride_of(settings.vector_size)
    return work.trained / work.words * row_bytes * (rows + written)
