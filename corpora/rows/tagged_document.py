"""TaggedDocument: the words of one document, and the tags that name it."""

from collections.abc import Sequence
from typing import NamedTuple


class TaggedDocument(NamedTuple):
    """One document: `words` is a list of tokens, `tags` one of strings and whole numbers.

    >>> TaggedDocument(["human", "interface"], ["doc 1", "science"]).tags
    ['doc 1', 'science']
    """

    words: Sequence[str]
    tags: Sequence[str | int]
