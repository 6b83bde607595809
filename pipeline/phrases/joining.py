"""Python's lists of words, joined word by word: for sentences that are no Arrow columns."""

from typing import Any

Branch = dict[str, Any]  # the next word to the joined phrase, or a connector to another branch


class Joiner:
    """Phrases by their first words.

    >>> joiner = Joiner([["a", "of", "b"], ["a", "b"]], ["a_of_b", "a_b"])
    >>> joiner.join("x a of b a of of b a b".split())
    ['x', 'a_of_b', 'a', 'of', 'of', 'b', 'a_b']
    """

    def __init__(self, grams: list[list[str]], names: list[str]) -> None:
        self._starts: dict[str, Branch] = {}
        for gram, name in zip(grams, names, strict=True):
            branch = self._starts.setdefault(gram[0], {})
            for word in gram[1:-1]:
                branch = branch.setdefault(word, {})
            branch[gram[-1]] = name

    def join(self, sentence: list[str]) -> list[str]:
        """Return the sentence with its phrases joined."""
        starts = self._starts
        made: list[str] = []
        at, n = 0, len(sentence)
        while at < n:
            word = sentence[at]
            at += 1
            found: Any = starts.get(word)
            if found is not None:
                end = at
                while end < n:
                    found = found.get(sentence[end])
                    end += 1
                    if found is None or isinstance(found, str):
                        break
                if isinstance(found, str):
                    made.append(found)
                    at = end
                    continue
            made.append(word)
        return made
