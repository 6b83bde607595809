"""Vectors of documents that a model does not have, from a corpus into a Parquet file.

A few mebibytes of text are in memory at a time, however long the corpus is; the file appears when
it is whole, at any address that can be written.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpora.corpus import Corpus
from corpora.errors import CorpusError, UsageError
from corpora.rows.tag_kinds import as_strings
from corpora.tokens.token_batches import TokenBatch, token_batches
from pipeline.core.passes import Plan
from pipeline.models.model import Model
from pipeline.vectors.files import Address, writing


def infer_to(
    model: Model,
    corpus: Corpus,
    to: Address,
    plan: Plan,
    *,
    workers: int = 1,
    report: Callable[[int, int], None] = lambda _, __: None,
) -> int:
    """Write the vectors of a corpus's rows; returns how many. The model stays as it is.

    Columns: `row` (int64), the number from 0 on; `tags` (list of string or int64), where rows have
    some (a Parquet column can't hold both: among strings, numbers are written as strings); `vector`
    (fixed-size list of float32); `known` (bool), whether the row has a word that the model knows:
    without one the vector is zero. report: called with words and rows done so far. Raises
    ModelError for a model without documents, whatever reading the corpus raises, and CorpusError
    for what can't be written, and where strings follow on whole numbers as tags; then there is no
    file, or the one from before.

    >>> import tempfile
    >>> from corpora import Sentences
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> words = Vocabulary.empty().add(pa.array(["the", "mill"]), np.array([3, 2]), min_count=1)
    >>> model = Model.fresh(words, Settings("dbow", vector_size=4), seed=1)
    >>> with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
    ...     rows = infer_to(model, Sentences([["the", "mill"], ["?"]]), file.name, Plan())
    ...     table = pq.read_table(file.name)
    >>> rows, table.column_names, table["known"].to_pylist()
    (2, ['row', 'vector', 'known'], [True, False])
    """
    words = rows = 0
    _ = model.tag_vectors  # an error, if there are none, comes before any work
    with closing(token_batches(corpus.parts(), workers)) as made:
        first = next(made, None)
        schema = _schema(model.settings.vector_size, first)
        with writing(to, plain=True) as out, pq.ParquetWriter(out, schema) as writer:
            for batch in _all(first, made):
                writer.write_batch(_found(model, batch, plan, workers, rows, schema))
                words, rows = words + batch.tokens, rows + batch.rows
                report(words, rows)
    return rows


def demand_parquet(to: str) -> None:
    """Raise UsageError for a name that says another format than is written.

    >>> demand_parquet("s3://models/vectors.parquet?versionId=1")
    >>> demand_parquet("vectors.csv")
    Traceback (most recent call last):
    corpora.errors.UsageError: vectors.csv: vectors are written as Parquet. To mend it: give a \
name that ends in .parquet
    """
    if not to.partition("?")[0].lower().endswith(".parquet"):
        raise UsageError(
            f"{to}: vectors are written as Parquet. To mend it: give a name that ends in .parquet"
        )


def _all(first: TokenBatch | None, rest: Iterator[TokenBatch]) -> Iterator[TokenBatch]:
    if first is not None:
        yield first
        yield from rest


def _schema(size: int, first: TokenBatch | None) -> pa.Schema:
    tagged: dict[str, Any] = {}
    if first is not None and first.tags is not None:
        whole = pa.types.is_integer(first.tags.type)
        tagged = {"tags": pa.list_(pa.int64() if whole else pa.string())}
    vector = pa.list_(pa.float32(), size)
    return pa.schema({"row": pa.int64(), **tagged, "vector": vector, "known": pa.bool_()})


def _found(
    model: Model, batch: TokenBatch, plan: Plan, workers: int, first: int, schema: pa.Schema
) -> pa.RecordBatch:
    named: Any = batch.with_words()
    texts = _decoded(named["tokens"])
    found = model.infer(texts, plan, workers)
    vectors: Any = pa.array(np.ascontiguousarray(found.vectors).ravel(), pa.float32())
    columns: dict[str, Any] = {
        "row": pa.array(np.arange(first, first + batch.rows), pa.int64()),
        "vector": pa.FixedSizeListArray.from_arrays(vectors, model.settings.vector_size),
        "known": pa.array(found.known),
    }
    if batch.tags is not None:
        columns["tags"] = _tags(batch, schema.field("tags").type.value_type, first)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _tags(batch: TokenBatch, wanted: Any, first: int) -> Any:
    """Return lists of the rows' tags, of the type that the file has."""
    tags: Any = batch.tags
    if tags.type != wanted:
        if not pa.types.is_string(wanted):
            raise CorpusError(
                "documents have strings as tags, and those before them whole numbers alone",
                position=f"rows {first} to {first + batch.rows - 1}",
                remedy="give tags of one kind",
            )
        tags = as_strings(tags)
    lists: Any = batch.batch["tags"]
    return pa.ListArray.from_arrays(lists.offsets, tags.take(lists.values))


def _decoded(lists: Any) -> Any:
    """Return lists of words for lists of places in their dictionary."""
    return pa.ListArray.from_arrays(lists.offsets, lists.values.dictionary_decode())
