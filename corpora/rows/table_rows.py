"""Rows from the columns of a table: which column is the text, which has the tags."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpora.errors import CorpusError
from corpora.rows.columns import NUMBERS, OWN, STRINGS
from corpora.rows.cut_rows import cut_rows


@dataclass(frozen=True)
class Layout:
    """Where a table has what a row is made of; see the readers for what the fields mean."""

    text: str
    tags: str | None
    columns: tuple[str, ...]
    max_document_length: int | None

    @property
    def needed(self) -> list[str]:
        """The columns that have to be read."""
        names = [self.text, *([] if self.tags is None else [self.tags]), *self.columns]
        return list(dict.fromkeys(names))

    def faults(self) -> list[str]:
        """Return what is wrong with the names."""
        return [
            f'columns can\'t have "{name}": rows have a column of their own that is called so'
            for name in self.columns
            if name in OWN and name != self.text
        ]

    def rows(self, table: pa.RecordBatch, url: str, first: int) -> pa.RecordBatch:
        """Return the rows of a batch of the table. first: the number of its first row."""
        text: Any = table[self.text]
        made: dict[str, Any] = {}
        split = _is_lists(text.type)
        made["words" if split else "text"] = self._as_text(text, url, first)
        if self.tags is not None:
            made["tags"] = _as_tags(table[self.tags], self.tags, url, first)
        for name in self.columns:
            if name != self.text:
                made[name] = table[name]
        return cut_rows(pa.RecordBatch.from_pydict(made), self.max_document_length)

    def _as_text(self, column: Any, url: str, first: int) -> Any:
        if _is_lists(column.type) and _is_text(column.type.value_type):
            _refuse_null(column, self.text, url, first)
            _refuse_null_within(column, self.text, url, first)
            return column.cast(STRINGS)
        if _is_text(column.type):
            return pc.fill_null(_as_strings(column), "")
        raise CorpusError(
            f'the column "{self.text}" is {column.type}, neither text nor lists of words',
            url=url,
            remedy="name a column of text",
        )


def check_names(wanted: Sequence[str], there: Sequence[str], url: str) -> None:
    """Raise CorpusError for a column that is wanted and not there."""
    for name in wanted:
        if there.count(name) > 1:
            raise CorpusError(
                f'there are several columns "{name}"', url=url, remedy="give them different names"
            )
        if name not in there:
            near = difflib.get_close_matches(name, there, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise CorpusError(
                f'there is no column "{name}"{hint}',
                url=url,
                remedy="name one of: " + ", ".join(there) if there else "give the file a header",
            )


def _as_tags(column: Any, name: str, url: str, first: int) -> Any:
    _refuse_null(column, name, url, first)
    given = column.type
    if not _is_lists(given):
        column = _as_strings(column)
        offsets = pa.array(np.arange(len(column) + 1), pa.int32())
        column = pa.ListArray.from_arrays(offsets, column)
    kind = column.type.value_type
    _refuse_null_within(column, name, url, first)
    try:
        if pa.types.is_integer(kind):
            return column.cast(NUMBERS)
        if _is_text(kind):
            return column.cast(STRINGS)
    except pa.ArrowInvalid as error:
        problem = f'a tag of the column "{name}" doesn\'t do: {error}'
        raise CorpusError(problem, url=url, remedy="give tags as strings") from error
    raise CorpusError(
        f'the column "{name}" is {given}, and tags are strings or whole numbers',
        url=url,
        remedy="name another column for the tags, or none",
    )


def _refuse_null(column: Any, name: str, url: str, first: int) -> None:
    if column.null_count:
        row = first + pc.index(column.is_null(), True).as_py()
        raise CorpusError(
            f'the column "{name}" is null',
            url=url,
            position=f"row {row}",
            remedy="fill it, or leave the row out",
        )


def _refuse_null_within(lists: Any, name: str, url: str, first: int) -> None:
    inner = lists.flatten()
    if inner.null_count:
        row = lists.value_parent_indices()[pc.index(inner.is_null(), True).as_py()].as_py()
        raise CorpusError(
            f'a list of the column "{name}" has a null in it',
            url=url,
            position=f"row {first + row}",
            remedy="leave it out of the list, or leave the row out",
        )


def _as_strings(column: Any) -> Any:
    # A dictionary becomes its values; binary is checked to be UTF-8.
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column.cast(pa.string()) if _is_text(kind) and not _is_plain(kind) else column


def _is_plain(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return _is_plain(kind) or pa.types.is_string_view(kind)


def _is_lists(kind: Any) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)
