"""Csv: rows from the columns of files of comma- or tab-separated values."""

import csv
import io
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from itertools import chain
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
from annotated_types import MaxLen, MinLen

from corpora.errors import CorpusError
from corpora.rows.table_rows import check_names
from corpora.sources.byte_stream import ByteStream
from corpora.sources.source import Source
from corpora.table_reader import TableReader
from corpora.tokens.decoding import Errors, checked_utf8, mended

LONGEST = 1 << 24  # bytes that a row, and the header, may have
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Character = Annotated[str, MinLen(1), MaxLen(1)]


@dataclass(frozen=True)
class Csv(TableReader):
    r"""Files of separated values with a header: a column of text, and perhaps one of tags.

    url: where the files are, as for LineSentence; errors: what becomes of bytes that are not UTF-8;
    storage_options: what the address's file system needs. text: the column's name. tags: the column
    whose value is one tag; without it, rows are sentences. tag_separator: it is several, separated
    by this. int_tags: tags are whole numbers, not strings. columns: others to keep, as strings, for
    `filter`. names: the columns' names, for a file without a header. delimiter: "\t" for
    tab-separated files. quote: around values with a delimiter or a line end in them; empty where
    quotes mean nothing. escape: a character that goes before one that else has a meaning.
    max_document_length: a row of more words is cut into several, all with its tags; the cuts are
    counted. Raises CorpusError for a column that isn't there, and for a row that doesn't fit.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "a.csv")
    >>> _ = path.write_text('id,text\nd1,"the cat, that sat"\nd2,on it\n')
    >>> [document.words for document in Csv(path, tags="id")]
    [['the', 'cat,', 'that', 'sat'], ['on', 'it']]
    >>> folder.cleanup()
    """

    _: KW_ONLY
    tag_separator: Annotated[str, MinLen(1)] | None = None
    int_tags: bool = False
    names: tuple[str, ...] | None = None
    delimiter: Character = ","
    quote: Annotated[str, MaxLen(1)] = '"'
    escape: Character | None = None
    errors: Errors = "strict"

    def options(self) -> str:
        """Return what shapes the rows."""
        signs = (self.names, self.delimiter, self.quote, self.escape)
        tags = (self.tag_separator, self.int_tags)
        return f"{self.layout!r}, {signs}, {tags}, errors={self.errors}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text: string, tags, the columns kept, continued: bool}."""
        layout = self.layout
        first = 2 if self.names is None else 1  # the header is row 1
        with closing(source.blocks()) as blocks:
            head, stream = self._checked(blocks, source.label)
            if not head:
                return
            with closing(stream):
                try:
                    for batch in self._table(stream):
                        table = self._with_tags(batch, source.label, first)
                        yield layout.rows(table, source.label, first)
                        first += batch.num_rows
                except pa.ArrowException as error:
                    # A header without a line end is no file at all to Arrow.
                    if "Empty CSV file" not in str(error):
                        raise _misfit(error, source.label, first) from error

    def _checked(self, blocks: Generator[bytes], url: str) -> tuple[bytes, io.BufferedReader]:
        """Look for the columns in the header; returns it, and the whole file once more."""
        utf8 = checked_utf8(mended(blocks, self.errors), url)
        head = b""
        while b"\n" not in head and len(head) < LONGEST and (block := next(utf8, None)):
            head += block
        if head and self.names is None:
            text = head.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "ignore")
            lines = io.StringIO(text, newline="")
            quoting: Any = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
            header = csv.reader(
                lines,
                delimiter=self.delimiter,
                quotechar=self.quote or None,
                escapechar=self.escape,
                quoting=quoting,
            )
            try:
                check_names(self.layout.needed, next(header, []), url)
            except csv.Error as error:
                raise _misfit(error, url, 1) from error
        elif self.names is not None:
            check_names(self.layout.needed, self.names, url)
        whole = (block for block in chain([head], utf8))
        return head, io.BufferedReader(ByteStream(whole), 1 << 20)

    def _table(self, stream: io.BufferedReader) -> Iterator[pa.RecordBatch]:
        reader: Any = pc_csv.open_csv(
            stream,
            # One thread: Arrow then numbers the rows in its errors.
            pc_csv.ReadOptions(
                use_threads=False, block_size=LONGEST, column_names=list(self.names or ()) or None
            ),
            pc_csv.ParseOptions(
                delimiter=self.delimiter,
                quote_char=self.quote or False,
                escape_char=self.escape or False,
                newlines_in_values=True,
            ),
            # No guesses: a column that holds numbers by chance in one file is text all the same.
            pc_csv.ConvertOptions(
                column_types=dict.fromkeys(self.layout.needed, pa.string()),
                include_columns=self.layout.needed,
                strings_can_be_null=False,
            ),
        )
        with reader:
            yield from reader

    def _with_tags(self, batch: pa.RecordBatch, url: str, first: int) -> pa.RecordBatch:
        if self.tags is None:
            return batch
        tags: Any = batch[self.tags]
        empty = pc.index(tags, "").as_py()
        if empty >= 0:
            raise CorpusError(
                f'the column "{self.tags}" is empty',
                url=url,
                position=f"row {first + empty}",
                remedy="fill it, or leave the row out",
            )
        if self.tag_separator is not None:
            tags = pc.split_pattern(tags, self.tag_separator)
        if self.int_tags:
            try:
                tags = tags.cast(pa.list_(pa.int64()) if self.tag_separator else pa.int64())
            except pa.ArrowInvalid as error:
                raise CorpusError(
                    f'a tag in the column "{self.tags}" is not a whole number ({error})',
                    url=url,
                    position=f"row {first} or one of the {batch.num_rows} from it on",
                    remedy="leave int_tags out, or mend the row",
                ) from error
        return batch.set_column(batch.schema.get_field_index(self.tags), self.tags, tags)


def _misfit(error: Exception, url: str, first: int) -> CorpusError:
    said = " ".join(str(error).removeprefix("CSV parse error: ").split())
    numbered = re.match(r"Row #(\d+): (.*)", said)  # the header is row 1
    problem = f"the row doesn't fit ({numbered[2] if numbered else said})"
    position = f"row {numbered[1]}" if numbered else f"row {first} or after"
    remedy = "mend the row, or say which delimiter and quote the file has"
    if "straddl" in said:
        problem = f"a row is longer than {LONGEST >> 20} MiB, or a quote is not closed"
        remedy = "mend the quote; keep texts that long in another format, such as Parquet"
    return CorpusError(problem, url=url, position=position, remedy=remedy)
