"""How strongly two words belong together: the scores, which pairs reach a threshold, connectors.

A score is a function of six numbers, given by these names: worda_count, wordb_count, bigram_count,
len_vocab (how many different words and pairs were seen), min_count, and corpus_word_count.
"""

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from math import inf, log
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scorer = Callable[..., float]
Numbers = NDArray[np.int64]

NAMES = (
    "worda_count",
    "wordb_count",
    "bigram_count",
    "len_vocab",
    "min_count",
    "corpus_word_count",
)

# English words that may stand within a phrase without being a part of what is scored.
ENGLISH_CONNECTOR_WORDS = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}
    | {"without"}
)


def original_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: int,
    corpus_word_count: int,  # noqa: ARG001  (one signature for all)
) -> float:
    """Return (bigram_count - min_count) / (worda_count * wordb_count) * len_vocab.

    Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 6; scaled by
    len_vocab, so that one threshold does for small and large texts.

    >>> original_scorer(3, 2, 2, 31, 1, 34)
    5.166666666666666
    """
    both = worda_count * wordb_count
    return (bigram_count - min_count) / float(both) * len_vocab if both else -inf


def npmi_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,  # noqa: ARG001
    min_count: int,
    corpus_word_count: int,
) -> float:
    """Return the normalised pointwise mutual information, from -1 to 1: ln(p / (a b)) / -ln p.

    p, a and b are the shares that the pair and the two words have in the text (Bouma 2009,
    "Normalized (Pointwise) Mutual Information in Collocation Extraction"). -inf for a pair seen
    fewer than min_count times.

    >>> round(npmi_scorer(2, 2, 2, 31, 1, 34), 6), npmi_scorer(2, 2, 2, 31, 3, 34)
    (1.0, -inf)
    """
    if bigram_count < min_count or not (worda_count and wordb_count and bigram_count):
        return -inf
    words = float(corpus_word_count)
    a, b, both = worda_count / words, wordb_count / words, bigram_count / words
    return log(both / (a * b)) / -log(both)


BUILT_IN: dict[str, Scorer] = {"default": original_scorer, "npmi": npmi_scorer}


def scorer(scoring: Any) -> Scorer:
    """Return the function that `scoring` names or is; ValueError for what is no score.

    >>> scorer("npmi") is npmi_scorer
    True
    """
    if isinstance(scoring, str) and scoring in BUILT_IN:
        return BUILT_IN[scoring]
    if not callable(scoring):
        told = f"scoring is 'default', 'npmi' or a function, not {scoring!r}"
        raise ValueError(told)  # noqa: TRY004  (as with the peers)
    missing = [name for name in NAMES if name not in inspect.signature(scoring).parameters]
    if missing:
        raise ValueError(f"the scoring function does not take {', '.join(missing)}")
    return scoring  # type: ignore[no-any-return]


def name_of(score: Scorer) -> str:
    """Return how a file names a score: a function of one's own by its module and name."""
    for name, known in BUILT_IN.items():
        if score is known:
            return name
    kind = score if hasattr(score, "__qualname__") else type(score)
    return f"{kind.__module__}:{kind.__qualname__}"


def score_named(name: str) -> Scorer:
    """Return the score that a file names; nothing is imported for it, and nothing runs.

    A function of one's own is found if its module has been imported already. One that is not found
    comes back as a function that says so when it is called.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    module, _, place = name.partition(":")
    found = getattr(sys.modules.get(module), place, None)
    if isinstance(found, FunctionType) and set(NAMES) <= inspect.signature(found).parameters.keys():
        return found

    @wraps(original_scorer)  # it takes the same
    def missing(**_numbers: Any) -> float:
        raise ValueError(
            f"these phrases were scored by {name}, which is not there. To mend it: import its "
            "module first, or give the function: load(path, scoring=...)"
        )

    return missing


def promising(
    score: Scorer, counts: tuple[Numbers, Numbers, Numbers], total: tuple[int, int, int],
    threshold: float,
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which pairs may score above a threshold: surely all that do, and few others.

    counts: of first words, second words and pairs, (n) each, none 0; total: len_vocab, min_count,
    corpus_word_count. All pairs may where the score is a function of one's own.
    """
    a, b, both = (array.astype(np.float64) for array in counts)
    len_vocab, min_count, words = total
    if score is original_scorer:
        about = (both - min_count) / (a * b) * len_vocab
    elif score is npmi_scorer:
        with np.errstate(divide="ignore", invalid="ignore"):
            about = np.log(both / words / (a / words * (b / words))) / -np.log(both / words)
        about[both < min_count] = -inf
    else:
        return np.ones(len(both), bool)
    # What rounding could have moved over the threshold is looked at again, exactly.
    return np.asarray(about > threshold - 1e-6 * max(1.0, abs(threshold)))
