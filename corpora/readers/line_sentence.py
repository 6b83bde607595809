"""LineSentence: one sentence a line, words separated by white space."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

import pyarrow as pa
from annotated_types import Ge

from corpora.old_names import LINES, old_names
from corpora.reader import FileReader
from corpora.sources.source import Source
from corpora.tokens.decoding import Errors
from corpora.tokens.lines import split_lines


@old_names(LINES)
@dataclass(frozen=True)
class LineSentence(FileReader):
    r"""Text files of one sentence a line; blank lines give nothing.

    url: a file, a glob, or a list of them, at any address that fsspec knows, or an open file;
    packed with gzip, bzip2, xz or zstandard, or not. UTF-8; a byte-order mark is dropped; lines end
    at "\n" only.
    max_sentence_length: a line of more words is cut after every so many; the cuts are counted.
    limit: read only so many lines of each file, blank ones included. errors: what becomes of bytes
    that are not UTF-8, as in `bytes.decode`: "strict" raises, "replace" puts U+FFFD in their place,
    "ignore" leaves them out. storage_options: what the address's file system needs, credentials for
    instance; never shown, logged or stored.
    Raises CorpusError, when it is read, for what is missing, damaged or not UTF-8.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "two.txt")
    >>> _ = path.write_text("the cat\n\nsat on the mat\n")
    >>> list(LineSentence(path, max_sentence_length=3))
    [['the', 'cat'], ['sat', 'on', 'the'], ['mat']]
    >>> folder.cleanup()
    """

    max_sentence_length: Annotated[int, Ge(1)] = 10_000
    limit: Annotated[int, Ge(0)] | None = None
    _: KW_ONLY
    errors: Errors = "strict"

    def has_tags(self) -> bool:
        """Return that its rows have none."""
        return False

    def options(self) -> str:
        """Return what shapes the rows."""
        mended = "" if self.errors == "strict" else f", errors={self.errors}"
        return f"max_sentence_length={self.max_sentence_length}, limit={self.limit}{mended}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text: string, continued: bool}."""
        with closing(source.blocks()) as blocks:
            yield from split_lines(
                blocks,
                url=source.label,
                max_words=self.max_sentence_length,
                max_lines=self.limit,
                errors=self.errors,
            )
