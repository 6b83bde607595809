"""Rows that come as Python objects, one by one, made into batches of one shape each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from corpora.errors import CorpusError
from corpora.rows.columns import STRINGS
from corpora.rows.cut_rows import cut_rows
from corpora.rows.tag_kinds import tag_lists

ROWS = 1 << 12  # rows in a batch, at most
CHARACTERS = 1 << 20  # characters of text in a batch, about; a token counts as eight

INT64 = range(-(1 << 63), 1 << 63)


@dataclass
class RowBuilder:
    """Gathers rows; gives out a batch when it is large, or when rows of another shape come.

    max_words: rows of more tokens are cut, see `cut_rows`; url: where they come from, for an error.
    """

    max_words: int | None
    url: str | None = None
    _shape: tuple[Any, ...] = ()
    _rows: list[Any] = field(default_factory=list)
    _tags: list[Any] = field(default_factory=list)
    _others: list[dict[str, Any]] = field(default_factory=list)
    _size: int = 0

    def add(
        self,
        row: str | list[str],
        tags: Sequence[str | int] | None,
        others: dict[str, Any] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Take one row in: its text or words, its tags, its other columns. Yields full batches."""
        shape = (isinstance(row, str), tags is not None)
        if shape != self._shape or len(self._rows) >= ROWS or self._size >= CHARACTERS:
            yield from self.end()
        self._shape = shape
        self._rows.append(row)
        self._tags.append(tags)
        self._others.append(others or {})
        self._size += len(row) if isinstance(row, str) else 8 * len(row)

    def end(self) -> Iterator[pa.RecordBatch]:
        """Yield what is left."""
        if not self._rows:
            return
        text, tagged = self._shape
        columns: dict[str, Any] = {}
        columns["text" if text else "words"] = pa.array(
            self._rows, pa.string() if text else STRINGS
        )
        if tagged:
            columns["tags"] = tag_lists(self._tags)
        for name in self._others[0]:
            columns[name] = self._other(name)
        batch = pa.RecordBatch.from_pydict(columns)
        self._rows, self._tags, self._others, self._size = [], [], [], 0
        yield cut_rows(batch, self.max_words)

    def _other(self, name: str) -> Any:
        try:
            return pa.array([others[name] for others in self._others])
        except (pa.ArrowException, UnicodeError, OverflowError, TypeError) as error:
            raise CorpusError(
                f'"{name}" does not fit into one column ({error})',
                url=self.url,
                remedy="leave it out of columns, or give it values of one type",
            ) from error


def unfit_tokens(words: Sequence[object]) -> str | None:
    """Return what is wrong with a list of tokens, or None."""
    for place, token in enumerate(words):
        if not isinstance(token, str):
            return f"has a token that is {type(token).__name__}, not str, at place {place}"
        if not encodable(token):
            return f"has a token that holds half of a surrogate pair at place {place}"
    return None


def unfit_tags(tags: Sequence[object]) -> str | None:
    """Return what is wrong with a list of tags, or None.

    >>> unfit_tags(["a", 1, 2.5])
    'has a tag that is float, not str or int'
    """
    kinds = {type(tag) for tag in tags}
    wrong = [kind.__name__ for kind in kinds if not issubclass(kind, str | int) or kind is bool]
    if wrong:
        return f"has a tag that is {wrong[0]}, not str or int"
    for tag in tags:
        if isinstance(tag, int) and tag not in INT64:
            return f"has the tag {tag}, which is beyond 64 bits"
        if isinstance(tag, str) and not encodable(tag):
            return "has a tag that holds half of a surrogate pair"
    return None


def encodable(text: str) -> bool:
    """Tell whether a string can be UTF-8, which one with half of a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
