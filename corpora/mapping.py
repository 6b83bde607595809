"""A function of one's own as a transform, on rows or on batches. It has no name in a recipe."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import pyarrow as pa

from corpora.errors import CorpusError
from corpora.rows.columns import STRINGS
from corpora.transform import RowTransform


@dataclass(frozen=True)
class MapBatches(RowTransform):
    """Call a function with each Arrow batch; it returns a batch that again has text or words.

    name: changes when the function's results do. With a name, the rows may be kept in a cache;
    without one they are made anew every time. To be pickled, the function must be defined in a
    module, not be a lambda.
    """

    function: Callable[[pa.RecordBatch], pa.RecordBatch]
    _: KW_ONLY
    name: str | None = None

    def extended(self, fingerprint: str | None) -> str | None:
        """Return a fingerprint only where the function was given a name."""
        return _extended(self, self.name, fingerprint)

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return what the function makes of the batch."""
        made = self.function(batch)
        if not isinstance(made, pa.RecordBatch):
            raise _refused(self.function, f"returned {type(made).__name__}, not a record batch")
        if not {"text", "words"} & set(made.schema.names):
            raise _refused(self.function, "returned a batch that has neither text nor words")
        return made


@dataclass(frozen=True)
class MapRows(RowTransform):
    """Call a function with the text of each row, or with its list of words if it is split already.

    The function returns text, or a list of tokens, or None to leave the row out; always the same of
    the first two. The row's tags stay. name: as for MapBatches.

    >>> from corpora import Sentences
    >>> def first_letters(words):
    ...     return [word[0] for word in words] if len(words) > 1 else None
    >>> list(Sentences([["to", "be"], ["or"]]).map(first_letters))
    [['t', 'b']]
    """

    function: Callable[[Any], str | list[str] | None]
    _: KW_ONLY
    name: str | None = None

    def extended(self, fingerprint: str | None) -> str | None:
        """Return a fingerprint only where the function was given a name."""
        return _extended(self, self.name, fingerprint)

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with what the function makes of its rows."""
        name = "words" if "words" in batch.schema.names else "text"
        rows: list[Any] = batch[name].to_pylist()
        made = [self.function(row if row is not None else "") for row in rows]
        found = {str if isinstance(row, str) else type(row) for row in made if row is not None}
        if len(found) > 1 or not all(issubclass(kind, str | list | tuple) for kind in found):
            kinds = ", ".join(sorted(kind.__name__ for kind in found))
            raise _refused(self.function, f"returned {kinds} for the rows of one batch")
        text = found == {str} or (not found and name == "text")
        try:
            column: Any = pa.array(made, pa.string() if text else STRINGS)
        except (pa.ArrowException, UnicodeError, TypeError) as error:
            raise _refused(self.function, f"returned what is not text ({error})") from error
        at = batch.schema.get_field_index(name)
        return batch.set_column(at, "text" if text else "words", column).filter(column.is_valid())


def _extended(transform: RowTransform, name: str | None, fingerprint: str | None) -> str | None:
    # The function itself is not in it: its repr is an address in memory.
    if fingerprint is None or name is None:
        return None
    return f"{fingerprint} | {transform.use()}({name!r})"


def _refused(function: object, problem: str) -> CorpusError:
    called = getattr(function, "__qualname__", repr(function))
    remedy = "return text (str) or a list of tokens for a row, a record batch for a batch"
    return CorpusError(f"the function {called} {problem}", remedy=remedy)
