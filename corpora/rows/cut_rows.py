"""Over-long rows cut into several, where they come as whole columns and not as a stream of bytes.

A row of more tokens than may be becomes several rows with the same tags, none of its tokens lost.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def cut_rows(batch: pa.RecordBatch, max_words: int | None) -> pa.RecordBatch:
    """Cut rows after every `max_words` tokens; adds `continued`, true for the rest of a row.

    None: cut nothing, and add no column.

    >>> cut_rows(pa.record_batch({"text": ["a b c", "d"], "tags": [[7], [8]]}), 2).to_pydict()
    {'text': ['a b', 'c', 'd'], 'tags': [[7], [7], [8]], 'continued': [False, True, False]}
    """
    if max_words is None:
        return batch
    name = "words" if "words" in batch.schema.names else "text"
    column: Any = batch[name]
    if name == "words":
        long = pc.any(pc.greater(pc.list_value_length(column), pa.scalar(max_words)))
    else:
        # n words take at least 2n - 1 bytes, so most rows need not be looked into.
        long = pc.any(pc.greater_equal(pc.binary_length(column), pa.scalar(2 * max_words + 1)))
    if not long.as_py():
        return batch.append_column("continued", pa.repeat(False, batch.num_rows))
    pieces: list[str | list[str] | None] = []
    rows: list[int] = []
    for i, row in enumerate(column.to_pylist()):
        cut = _pieces(row, max_words)
        pieces += cut
        rows += [i] * len(cut)
    made: Any = batch.take(pa.array(rows, pa.int64()))
    made = made.set_column(made.schema.get_field_index(name), name, pa.array(pieces, column.type))
    follows = [i > 0 and rows[i] == rows[i - 1] for i in range(len(rows))]
    return made.append_column("continued", pa.array(follows, pa.bool_()))  # type: ignore[no-any-return]


def _pieces(row: str | list[str] | None, max_words: int) -> list[Any]:
    if row is None or len(row) <= max_words:
        return [row]
    words = row.split() if isinstance(row, str) else row
    if len(words) <= max_words:
        return [row]
    cut = [words[at : at + max_words] for at in range(0, len(words), max_words)]
    return [" ".join(piece) for piece in cut] if isinstance(row, str) else cut
