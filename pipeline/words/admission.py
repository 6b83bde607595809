"""Which of the words that were counted get ids: by their count, a rule of one's own, and caps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RULE_DEFAULT, RULE_DISCARD, RULE_KEEP = 0, 1, 2  # the numbers are the peers'

TrimRule = Callable[[str, int, int], int]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Admission:
    """What a word needs to get an id; words that have one keep it, whatever is asked here.

    min_count: that it was seen so many times. trim_rule: called with a word, its count and
    min_count; RULE_KEEP lets the word in, RULE_DISCARD forgets it and its count, RULE_DEFAULT goes
    by min_count. max_final_vocab: so many words with ids at most, the most frequent;
    max_vocab_size: so many words whose count is remembered at all. Both caps are exact; of equally
    frequent words those get in that come first by their UTF-8 bytes, and RULE_KEEP goes before
    frequency. by_count: give ids by falling count, and not in the order of first appearance.

    Raises ValueError for numbers that make no sense.

    >>> seen = ["the", "mill", "race", "rust"], np.array([9, 5, 3, 3])
    >>> Admission(min_count=3, max_final_vocab=3).chosen(*seen, known=0)
    (array([0, 1, 2]), array([3]))
    >>> rules = {"the": RULE_DISCARD, "rust": RULE_KEEP}
    >>> rule = lambda word, count, min_count: rules.get(word, RULE_DEFAULT)
    >>> Admission(min_count=5, trim_rule=rule).chosen(*seen, known=0)
    (array([1, 3]), array([2]))
    """

    min_count: int = 5
    trim_rule: TrimRule | None = None
    max_final_vocab: int | None = None
    max_vocab_size: int | None = None
    by_count: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in (("min_count", 0), ("max_final_vocab", 1), ("max_vocab_size", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")

    def chosen(self, words: Any, counts: NDArray[np.int64], known: int) -> tuple[Places, Places]:
        """Return the places of the words that get ids, and of those that are only remembered.

        words (n), counts (n): words without ids, by falling count; known: how many have one.
        """
        rules = self._rules(words, counts)
        there = self._capped(
            np.flatnonzero(rules != RULE_DISCARD), rules, known, self.max_vocab_size
        )
        fit = (rules == RULE_KEEP) | (counts >= self.min_count)
        admitted = self._capped(there[fit[there]], rules, known, self.max_final_vocab)
        return admitted, np.setdiff1d(there, admitted, assume_unique=True)

    def effective_min_count(self, left_out: NDArray[np.int64]) -> int:
        """Return the least count that was enough for certain; left_out: counts of other words."""
        return max(self.min_count, int(left_out.max()) + 1 if len(left_out) else 0)

    def _rules(self, words: Any, counts: NDArray[np.int64]) -> NDArray[np.int8]:
        rules = np.full(len(counts), RULE_DEFAULT, np.int8)
        if self.trim_rule is None:
            return rules
        listed = words if isinstance(words, list) else words.to_pylist()
        for at, (word, count) in enumerate(zip(listed, counts.tolist(), strict=True)):
            said = self.trim_rule(word, count, self.min_count)
            if said not in (RULE_DEFAULT, RULE_DISCARD, RULE_KEEP):
                raise ValueError(
                    f"trim_rule returned {said!r} for {word!r}: it has to be RULE_DEFAULT (0), "
                    "RULE_DISCARD (1) or RULE_KEEP (2)"
                )
            rules[at] = said
        return rules

    @staticmethod
    def _capped(places: Places, rules: NDArray[np.int8], known: int, most: int | None) -> Places:
        """Return as many of the places as there is room for, in order."""
        room = len(places) if most is None else max(0, most - known)
        if len(places) <= room:
            return places
        first = np.argsort(rules[places] != RULE_KEEP, kind="stable")
        return np.sort(places[first[:room]])
