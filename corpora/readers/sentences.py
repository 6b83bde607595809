"""Sentences: token lists that are in memory, or made by an iterable of one's own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from corpora.reader import IterableReader
from corpora.rows.row_builder import unfit_tokens

ROWS = 1 << 12  # rows in a batch, at most
TOKENS = 1 << 16  # tokens in a batch, about

WORDS = pa.schema([("words", pa.list_(pa.string()))])


@dataclass(frozen=True)
class Sentences(IterableReader):
    """An iterable of token lists that can be iterated again: a list, or an object with `__iter__`.

    A token may be any string, with spaces too. A generator is refused, since training reads a
    corpus more than once; so is a `str` in the place of a token list, since its letters would be
    the tokens.

    >>> from corpora import encode
    >>> encode(Sentences([["new york", "is", "big"], ["is", "it"]]))[0].words.to_pylist()
    ['new york', 'is', 'big', 'it']
    """

    kind: ClassVar[str] = "sentence"
    wanted: ClassVar[str] = "token lists"

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of {words: list<string>}."""
        rows: list[list[str]] = []
        first, tokens = 0, 0
        for row, sentence in enumerate(self.iterable):
            if isinstance(sentence, str | bytes):
                problem = "is one string where a list of tokens is wanted"
                raise self.refused(row, problem, "split it")
            if not isinstance(sentence, Iterable):
                problem = f"is {type(sentence).__name__} where a list of tokens is wanted"
                raise self.refused(row, problem, "give lists of strings")
            rows.append(list(sentence))
            tokens += len(rows[-1])
            if len(rows) == ROWS or tokens >= TOKENS:
                yield _batch(rows, first)
                rows, tokens, first = [], 0, row + 1
        if rows:
            yield _batch(rows, first)


def _batch(rows: list[list[str]], first: int) -> pa.RecordBatch:
    try:
        words: Any = pa.array(rows, WORDS.field(0).type)
        if words.values.null_count == 0:
            return pa.record_batch([words], schema=WORDS)
    except (pa.ArrowException, UnicodeError, TypeError):
        pass  # found again below: slower, but with its place
    for row, sentence in enumerate(rows, first):
        problem = unfit_tokens(sentence)
        if problem:
            raise Sentences.refused(row, problem, "give strings that can be UTF-8")
    raise Sentences.refused(first, "can't be put into an Arrow column", "give lists of strings")
