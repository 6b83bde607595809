"""Tokenize: tokens are what a regular expression finds."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from corpora.rows.columns import STRINGS, with_words
from corpora.transform import RowTransform


@dataclass(frozen=True)
class Tokenize(RowTransform):
    r"""Replace the text by the words that a pattern finds in it.

    pattern: a regular expression of Python's `re`. With one group in it, the token is what the
    group holds; empty finds are left out. Rows that are words already are joined by single spaces
    first. A token may have spaces in it.

    >>> from corpora import Sentences
    >>> list(Sentences([["It's 5 o'clock,", "(already)!"]]).tokenize(r"[\w']+"))
    [["It's", '5', "o'clock", 'already']]
    """

    pattern: str = r"\w+"
    version: ClassVar[str] = f"Unicode {unicodedata.unidata_version}"

    def faults(self) -> Iterator[str]:
        """Refuse what is not a regular expression."""
        yield from super().faults()
        if not isinstance(self.pattern, str):
            return
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            yield f"pattern must be a regular expression, and {self.pattern!r} is not: {error}"
        else:
            if groups > 1:
                yield f"pattern must have one group at most, not {groups}: write others as (?:...)"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with `words`."""
        # RE2, which Arrow has, finds other things than `re` does: its \w is ASCII only.
        find = re.compile(self.pattern).findall
        tokens = [[found for found in find(row) if found] for row in texts_of(batch)]
        return with_words(batch, pa.array(tokens, STRINGS))


def texts_of(batch: pa.RecordBatch) -> Iterator[str]:
    """Yield each row's text; words are joined by single spaces."""
    if "words" in batch.schema.names:
        words: Any = batch["words"].to_pylist()
        return (" ".join(row or ()) for row in words)
    text: Any = batch["text"].to_pylist()
    return (row or "" for row in text)
