"""Parquet: rows from the columns of Parquet files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.errors import CorpusError
from corpora.rows.table_rows import check_names
from corpora.sources.source import Source
from corpora.table_reader import TableReader

ROWS = 1 << 12  # rows in a batch, at most


@dataclass(frozen=True)
class Parquet(TableReader):
    """Parquet files: a column of text, or of lists of words, and perhaps one of tags.

    url: where the files are, as for LineSentence; storage_options: what the address's file system
    needs. Only the columns that are needed are read. text: the column's name; null is empty text.
    tags: a column of strings or whole numbers, each one tag, or of lists of them; without it, rows
    are sentences. columns: others to keep, for `filter`. max_document_length: a row of more words
    is cut into several, all with its tags; the cuts are counted. Raises CorpusError for a column
    that isn't there or has another type, and a null tag.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = str(pathlib.Path(folder.name, "a.parquet"))
    >>> pq.write_table(pa.table({"body": ["the cat", "sat"], "id": [7, 8]}), path)
    >>> [document.tags for document in Parquet(path, text="body", tags="id")]
    [[7], [8]]
    >>> folder.cleanup()
    """

    def options(self) -> str:
        """Return what shapes the rows."""
        return repr(self.layout)

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text or words, tags, the columns kept, continued: bool}."""
        layout = self.layout
        first = 0
        with source.opened() as file:
            try:
                table: Any = pq.ParquetFile(file)
                check_names(layout.needed, table.schema_arrow.names, source.label)
                for batch in table.iter_batches(ROWS, columns=layout.needed):
                    yield layout.rows(batch, source.label, first)
                    first += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise CorpusError(
                    f"this is not a Parquet file, or it is damaged ({error})",
                    url=source.label,
                    position=f"row {first}" if first else None,
                    remedy="write the file again, or leave it out",
                ) from error
