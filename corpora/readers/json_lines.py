"""JsonLines: one JSON object a line.

Parsed line by line with Python's own parser and not with Arrow's: Arrow takes a block of many lines
at once, guesses types from the first one, takes several objects on one line, and says of a mistake
only in which row of which block it is. Here it has the file, the line and the column.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from typing import Any

import pyarrow as pa

from corpora.errors import CorpusError
from corpora.rows.row_builder import RowBuilder, encodable, unfit_tags, unfit_tokens
from corpora.rows.table_rows import check_names
from corpora.sources.source import Source
from corpora.table_reader import TableReader
from corpora.tokens.decoding import Errors
from corpora.tokens.lines import split_lines


@dataclass(frozen=True)
class JsonLines(TableReader):
    r"""Files of one JSON object a line; blank lines give nothing.

    url: where the files are, as for LineSentence; errors: what becomes of bytes that are not UTF-8;
    storage_options: what the address's file system needs. text: the key of the text, or of a list
    of words. tags: the key of a string or a whole number, which is one tag, or of a list of them;
    without it, rows are sentences. columns: other keys to keep, for `filter`; null where an object
    lacks one. max_document_length: a row of more words is cut into several, all with its tags; the
    cuts are counted. Raises CorpusError with file and line for what is not JSON, or lacks the text
    or the tags.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "a.jsonl")
    >>> _ = path.write_text('{"id": "d1", "text": "the cat"}\n{"id": "d2", "text": "sat"}\n')
    >>> [document.tags for document in JsonLines(path, tags="id")]
    [['d1'], ['d2']]
    >>> folder.cleanup()
    """

    _: KW_ONLY
    errors: Errors = "strict"

    def options(self) -> str:
        """Return what shapes the rows."""
        names = (self.text, self.tags, self.columns)
        return f"{names}, max_document_length={self.max_document_length}, errors={self.errors}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text or words, tags, the columns kept, continued: bool}."""
        builder = RowBuilder(self.max_document_length, source.label)
        before = 0
        with closing(source.blocks()) as blocks:
            for batch in split_lines(blocks, url=source.label, keep_blank=True, errors=self.errors):
                lines: list[Any] = batch["text"].to_pylist()
                for number, line in enumerate(lines, before + 1):
                    if line and not line.isspace():
                        yield from builder.add(*self._parsed(line, source.label, number))
                before += len(lines)
        yield from builder.end()

    def _parsed(self, line: str, url: str, number: int) -> tuple[Any, Any, dict[str, Any]]:
        """Return the text or words, the tags and the other columns of a line."""
        place = f"line {number}"
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(
                f"this is not JSON: {error.msg}",
                url=url,
                position=f"{place}, column {error.colno}",
                remedy="mend the line, or leave it out",
            ) from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, [[[[...
            raise CorpusError(
                f"this is not JSON to read: {error}",
                url=url,
                position=place,
                remedy="mend the line, or leave it out",
            ) from error
        try:
            return self._row(found, url)
        except CorpusError as error:
            raise CorpusError(
                error.problem, url=url, position=place, remedy=error.remedy
            ) from error.__cause__

    def _row(self, found: Any, url: str) -> tuple[Any, Any, dict[str, Any]]:
        if not isinstance(found, dict):
            raise CorpusError(
                f"this is {_called(found)}, not an object",
                remedy='write an object on every line, {"text": "..."}',
            )
        check_names([self.text, *([] if self.tags is None else [self.tags])], list(found), url)
        row = found[self.text]
        if not isinstance(row, str | list):
            raise CorpusError(
                f'"{self.text}" is {_called(row)}, neither text nor a list of words',
                remedy="name the key of the text, or mend the line",
            )
        tags = None if self.tags is None else found[self.tags]
        if tags is not None and not isinstance(tags, list):
            tags = [tags]
        wrong = unfit_tags(tags or []) or (unfit_tokens(row) if isinstance(row, list) else None)
        if isinstance(row, str) and not encodable(row):
            wrong = "has text that holds half of a surrogate pair"
        if self.tags is not None and tags is None:
            wrong = f'has null for "{self.tags}"'
        if wrong:
            raise CorpusError(f"the object {wrong}", remedy="mend the line, or leave it out")
        return row, tags, {name: found.get(name) for name in self.columns}


def _called(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
