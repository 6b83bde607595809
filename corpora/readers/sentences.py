"""Sentences: token lists that are in memory, or made by an iterable of one's own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from corpora.errors import CorpusError
from corpora.reader import Reader
from corpora.transform import Part

ROWS = 1 << 12  # rows in a batch, at most
TOKENS = 1 << 16  # tokens in a batch, about

WORDS = pa.schema([("words", pa.list_(pa.string()))])


@dataclass(frozen=True)
class Sentences(Reader):
    """An iterable of token lists that can be iterated again: a list, or an object with `__iter__`.

    A token may be any string, with spaces too. A generator is refused, since training reads a
    corpus more than once; so is a `str` in the place of a token list, since its letters would be
    the tokens.

    >>> from corpora import encode
    >>> encode(Sentences([["new york", "is", "big"], ["is", "it"]]))[0].words.to_pylist()
    ['new york', 'is', 'big', 'it']
    """

    iterable: Any = field(repr=False)

    def faults(self) -> Iterator[str]:
        """Refuse what can be iterated only once, and what can't be at all."""
        if isinstance(self.iterable, str | bytes):
            yield "iterable must be token lists, not one string: split it first"
        elif isinstance(self.iterable, Iterator):
            yield (
                "iterable must be iterable more than once, and a generator is used up by the first "
                "pass: give a list, or an object whose __iter__ starts again"
            )
        elif not isinstance(self.iterable, Iterable):
            yield f"iterable must be iterable, not {type(self.iterable).__name__}"

    def parts(self) -> list[Part]:
        """Return one part; nothing is known of its content before it is read."""
        return [Part("sentences in memory", None, self._read)]

    def _read(self) -> Iterator[pa.RecordBatch]:
        rows: list[list[str]] = []
        first, tokens = 0, 0
        for row, sentence in enumerate(self.iterable):
            if isinstance(sentence, str | bytes):
                raise _refused(row, "is one string where a list of tokens is wanted", "split it")
            if not isinstance(sentence, Iterable):
                problem = f"is {type(sentence).__name__} where a list of tokens is wanted"
                raise _refused(row, problem, "give lists of strings")
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
        for place, token in enumerate(sentence):
            reason = _unfit(token)
            if reason:
                where = f"has a token that {reason} at place {place}"
                raise _refused(row, where, "give strings that can be UTF-8")
    raise _refused(first, "can't be put into an Arrow column", "give lists of strings")


def _unfit(token: object) -> str | None:
    if not isinstance(token, str):
        return f"is {type(token).__name__}, not str,"
    try:
        token.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    return None


def _refused(row: int, problem: str, remedy: str) -> CorpusError:
    return CorpusError(f"the sentence {problem}", position=f"sentence {row}", remedy=remedy)
