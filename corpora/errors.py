"""Errors that a user can mend: each says what is wrong, where, and what to do about it."""

from typing import Any


class MillraceError(Exception):
    """Base of every error that a user can mend; `str(error)` is one paragraph for a terminal.

    >>> raise MillraceError("the store is read-only")
    Traceback (most recent call last):
    corpora.errors.MillraceError: the store is read-only
    """


class UsageError(MillraceError):
    """What is asked for can't be had, whatever the text and the store hold: ask otherwise."""


class CorpusError(MillraceError):
    """Something is wrong with a corpus: where it lies, how it is packed, or what stands in it.

    url: the file or address; position: the place in it, for example "byte 1234, line 7";
    remedy: what to do, as a clause without a full stop. All three are kept as attributes.

    >>> error = CorpusError("bytes are not UTF-8", url="a.txt", position="byte 3, line 1",
    ...                     remedy="convert the file to UTF-8")
    >>> print(error)
    a.txt, byte 3, line 1: bytes are not UTF-8. To mend it: convert the file to UTF-8.
    >>> error.position
    'byte 3, line 1'
    """

    def __init__(
        self,
        problem: str,
        *,
        url: str | None = None,
        position: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.url = url
        self.position = position
        self.remedy = remedy
        place = ", ".join(part for part in (url, position) if part)
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text}. To mend it: {remedy}." if remedy else text)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the four parts: an exception's own way would lose the keywords."""
        state = {"url": self.url, "position": self.position, "remedy": self.remedy}
        return (_rebuild, (type(self), self.problem, state))


class RowError(CorpusError, TypeError):
    """A row of a corpus in memory is of a type that no row can be."""


def _rebuild(kind: type[CorpusError], problem: str, state: dict[str, str | None]) -> CorpusError:
    return kind(problem, **state)
