"""The columns of a batch of rows: their tokens, which rows begin something, making batches alike.

A batch has `text` (string) or `words` (list of strings); for documents `tags` (list of strings, of
int64, or of a dense union of both); `continued` (bool) where rows may have been cut off from the
one before; and whatever else a reader was asked to keep.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpora.errors import CorpusError
from corpora.rows.tag_kinds import BOTH, lists_of_both
from corpora.tokens.interner import Interner

OWN = ("text", "words", "tags", "continued")
STRINGS = pa.list_(pa.string())
NUMBERS = pa.list_(pa.int64())
WIDE = 1 << 31  # bytes from which on 32-bit offsets may not do


def words_of(batch: pa.RecordBatch) -> Any:
    """Return the tokens of each row, list<string>; text is split as `str.split()` does it.

    >>> words_of(pa.record_batch({"text": ["to be", None]})).to_pylist()
    [['to', 'be'], []]
    """
    if "words" in batch.schema.names:
        return batch["words"]
    interner = Interner()
    ids: Any = interner.split(batch["text"])
    return pa.ListArray.from_arrays(ids.offsets, interner.words.take(ids.values))


def token_counts(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return how many tokens each row has; int64, (rows)."""
    split = "words" in batch.schema.names
    lists: Any = batch["words"] if split else Interner().split(batch["text"])
    counts: Any = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
    return counts.to_numpy()  # type: ignore[no-any-return]


def beginnings(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Return which rows are not the rest of the row before them; bool, (rows)."""
    if "continued" not in batch.schema.names:
        return np.ones(batch.num_rows, np.bool_)
    continued: Any = batch["continued"]
    return ~continued.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def with_words(batch: pa.RecordBatch, words: Any) -> pa.RecordBatch:
    """Return the batch with other tokens in the place of its text or words."""
    name = "words" if "words" in batch.schema.names else "text"
    return batch.set_column(batch.schema.get_field_index(name), "words", words)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return one batch with the rows of all, even where their columns differ.

    Beside rows of words, text is split; tags stay strings or numbers; rows without tags get none.
    Raises CorpusError for other columns of one name and two types.
    """
    batches = _alike(batches)
    schema = batches[0].schema
    if sum(batch.nbytes for batch in batches) >= WIDE:
        schema = pa.schema([pa.field(field.name, _wide(field.type)) for field in schema])
    columns = [
        pa.concat_arrays([_cast(batch.column(i), field.type) for batch in batches])
        for i, field in enumerate(schema)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _alike(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    if all(batch.schema.equals(batches[0].schema) for batch in batches):
        return batches
    kinds: dict[str, Any] = {}
    for batch in batches:
        for field in batch.schema:
            known = kinds.setdefault(field.name, field.type)
            if known != field.type:
                kinds[field.name] = _common(field.name, known, field.type)
    if "words" in kinds:
        kinds.pop("text", None)
        kinds = {"words": STRINGS, **kinds}
    return [_like(batch, kinds) for batch in batches]


def _common(name: str, one: Any, other: Any) -> Any:
    if pa.types.is_null(one) or pa.types.is_null(other):
        return other if pa.types.is_null(one) else one
    if name == "tags":
        return _tags_of(one, other)
    if {one, other} == {pa.string(), pa.large_string()}:
        return pa.large_string()
    if name in OWN:
        return STRINGS if name == "words" else one
    raise CorpusError(
        f'the column "{name}" is {one} in one part and {other} in another',
        remedy="keep it in neither, or make it alike where the rows are written",
    )


def _like(batch: pa.RecordBatch, kinds: dict[str, Any]) -> pa.RecordBatch:
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        if name == "words":
            columns[name] = words_of(batch).cast(kind)
        elif name in batch.schema.names:
            columns[name] = _cast(batch[name], kind)
        elif name == "tags":
            columns[name] = _cast(pa.array([[]] * batch.num_rows, STRINGS), kind)
        elif name == "continued":
            columns[name] = pa.repeat(False, batch.num_rows)
        else:
            columns[name] = pa.nulls(batch.num_rows, kind)
    return pa.RecordBatch.from_pydict(columns)


def _tags_of(one: Any, other: Any) -> Any:
    """Return what lists of tags of two types have in common."""
    kinds = [kind.value_type for kind in (one, other)]
    if all(map(pa.types.is_integer, kinds)):
        return NUMBERS
    whole = any(pa.types.is_integer(kind) or pa.types.is_union(kind) for kind in kinds)
    return pa.list_(BOTH) if whole else STRINGS


def _cast(column: Any, kind: Any) -> Any:
    # Not `cast` alone: it makes no unions, and joining slices of them keeps what lies beside these.
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    both = lists and pa.types.is_union(kind.value_type)
    return (lists_of_both(column) if both else column).cast(kind)


def _wide(kind: Any) -> Any:
    if pa.types.is_string(kind):
        return pa.large_string()
    if pa.types.is_list(kind):
        return pa.large_list(_wide(kind.value_type))
    return kind
