"""Sequences of words with a number each, as one Arrow IPC file: counts, or phrases and scores.

The file has one batch with the columns `words` (lists of strings, dictionary-encoded) and `count`
(int64) or `score` (float64); how they came about stands in its metadata, as JSON. Whatever reads
Arrow can read it, and nothing in it is code.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from corpora.errors import CorpusError
from corpora.sources.address import shown
from corpora.sources.source import expand

MARK = b"millrace.phrases"
VERSION = 1
# Sequences (n), lists of strings; what their numbers are; these (n); what is said of them.
Found = tuple[Any, str, Any, dict[str, Any]]
COLUMNS = {"count": pa.int64(), "score": pa.float64()}


class PhraseFileError(CorpusError, ValueError):
    """A file of phrases is not what it should be."""


def write(out: BinaryIO, grams: Any, column: str, numbers: Any, said: Mapping[str, Any]) -> None:
    """Write one file. grams (n): lists of strings; numbers (n); column: what they are."""
    kind: Any = grams.type.value_type
    fields: list[Any] = [pa.field("words", pa.list_(kind)), pa.field(column, COLUMNS[column])]
    meta: Any = {MARK: json.dumps({"version": VERSION, **said}, sort_keys=True).encode()}
    schema = pa.schema(fields, meta)
    batch = pa.record_batch([grams, pa.array(numbers, COLUMNS[column])], schema=schema)
    sink: Any = out
    with pa.ipc.new_file(sink, schema) as file:
        file.write_batch(batch)


def read(address: str | os.PathLike[str]) -> Found:
    """Return what a file holds.

    Raises PhraseFileError for a file that is no such one, CorpusError for one that can't be read.
    """
    found = expand(os.fspath(address))
    if len(found) != 1:
        raise PhraseFileError(
            f"{len(found)} files where one is wanted",
            url=shown(os.fspath(address)),
            remedy="give the address of one",
        )
    (source,) = found
    return parsed(b"".join(source.blocks()), source.label)


def parsed(content: Any, label: str) -> Found:
    """Return what a file's bytes hold; label: its name, for errors."""
    try:
        return _held(content)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise PhraseFileError(
            f"this is no file of phrases ({error})",
            url=label,
            remedy="give one that save() wrote; pickles are not read, since they run code",
        ) from None


def _held(content: Any) -> Found:
    with pa.ipc.open_file(pa.BufferReader(pa.py_buffer(content))) as file:
        said = json.loads((file.schema.metadata or {})[MARK])
        if said.pop("version") != VERSION or file.num_record_batches != 1:
            raise ValueError("it is of another version")
        batch: Any = file.get_batch(0)
    column = batch.schema.names[-1]
    if batch.schema.names != ["words", column] or column not in COLUMNS:
        raise ValueError(f"it has the columns {', '.join(batch.schema.names)}")
    batch.validate(full=True)
    grams, numbers = batch["words"], batch[column]
    words = grams.flatten()
    if pa.types.is_dictionary(words.type):
        words = words.cast(pa.string())
    if not pa.types.is_string(words.type) or numbers.type != COLUMNS[column]:
        raise ValueError("its columns are of other types")
    if grams.null_count or words.null_count or numbers.null_count:
        raise ValueError("it lacks values")
    lists: Any = pa.ListArray.from_arrays(_from_zero(grams), words)
    return lists, column, numbers, said


def _from_zero(lists: Any) -> Any:
    return pc.subtract(lists.offsets, lists.offsets[0])
