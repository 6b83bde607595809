"""Filter: the rows that have a given length, or a given value in a column."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from annotated_types import Ge

from corpora.errors import CorpusError
from corpora.rows.columns import token_counts
from corpora.transform import RowTransform

Value = str | int | float | bool


@dataclass(frozen=True)
class Filter(RowTransform):
    """Keep the rows for which all conditions hold.

    min_tokens: how many tokens a row has at least; max_tokens: at most. column: one that the reader
    was asked to keep, or `text`, to go by its value, which null never passes; one_of: the values
    that it may have; at_least: the lowest; at_most: the highest. Raises CorpusError, when it is
    read, for a column that is not there, or that has another type than what it is compared with.

    >>> from corpora import Sentences
    >>> list(Sentences([["a"], ["b", "c"], ["d", "e", "f"]]).filter(min_tokens=2, max_tokens=2))
    [['b', 'c']]
    """

    _: KW_ONLY
    min_tokens: Annotated[int, Ge(0)] | None = None
    max_tokens: Annotated[int, Ge(0)] | None = None
    column: str | None = None
    one_of: tuple[Value, ...] | None = None
    at_least: Value | None = None
    at_most: Value | None = None

    def faults(self) -> Iterator[str]:
        """Refuse a filter that keeps all or nothing by mistake."""
        yield from super().faults()
        conditions = (self.one_of, self.at_least, self.at_most)
        given = (self.min_tokens, self.max_tokens, self.column, *conditions)
        if all(value is None for value in given):
            yield "give min_tokens or max_tokens, or column with one_of, at_least or at_most"
        elif self.column is None and any(value is not None for value in conditions):
            yield "one_of, at_least and at_most need a column"
        elif self.column is not None and all(value is None for value in conditions):
            yield "column needs one_of, at_least or at_most"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows for which all conditions hold."""
        keep: Any = pa.repeat(True, batch.num_rows)
        if self.min_tokens is not None or self.max_tokens is not None:
            counts = token_counts(batch)
            if self.min_tokens is not None:
                keep = pc.and_(keep, pa.array(counts >= self.min_tokens))
            if self.max_tokens is not None:
                keep = pc.and_(keep, pa.array(counts <= self.max_tokens))
        if self.column is not None:
            keep = pc.and_kleene(keep, self._by_value(batch))
        return batch.filter(keep)  # where it is null, the row goes too

    def _by_value(self, batch: pa.RecordBatch) -> Any:
        if self.column not in batch.schema.names:
            there = ", ".join(batch.schema.names)
            raise CorpusError(
                f'the rows have no column "{self.column}" to filter by; they have: {there}',
                remedy="name it among the reader's columns",
            )
        column: Any = batch[self.column]
        if pa.types.is_null(column.type):  # nothing but null, so the type is not known
            return pa.repeat(False, batch.num_rows)
        keep: Any = pa.repeat(True, batch.num_rows)
        bounds: list[Any] = [self.at_least, self.at_most]
        compared: list[Any] = [pc.greater_equal, pc.less_equal]
        try:
            if self.one_of is not None:
                values: Any = list(self.one_of)
                keep = pc.is_in(column, pa.array(values).cast(column.type))
            for compare, bound in zip(compared, bounds, strict=True):
                if bound is not None:
                    # Files of separated values have strings only.
                    number = not isinstance(bound, str) and pa.types.is_string(column.type)
                    values = column.cast(pa.float64()) if number else column
                    keep = pc.and_kleene(keep, compare(values, pa.scalar(bound)))
        except pa.ArrowException as error:
            raise CorpusError(
                f'the column "{self.column}" is {column.type}, and can\'t be compared: {error}',
                remedy="give values of the column's own type",
            ) from error
        return keep
