"""Text8: a file that is one long text, without sentences."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

import pyarrow as pa
from annotated_types import Ge

from corpora.errors import CorpusError
from corpora.old_names import TEXT8, old_names
from corpora.reader import FileReader
from corpora.sources.source import Source
from corpora.tokens.decoding import Errors
from corpora.tokens.lines import split_lines


@old_names(TEXT8)
@dataclass(frozen=True)
class Text8(FileReader):
    r"""Files of running text, such as text8, as sentences of so many words; line ends are spaces.

    url: where the files are, as for LineSentence; errors: what becomes of bytes that are not UTF-8;
    storage_options: what the address's file system needs. max_sentence_length: how many words go
    into a row; the last row of a file has what is left. Raises CorpusError as LineSentence does.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "text")
    >>> _ = path.write_text(" anarchism originated as\na term of")
    >>> list(Text8(path, max_sentence_length=4))
    [['anarchism', 'originated', 'as', 'a'], ['term', 'of']]
    >>> folder.cleanup()
    """

    max_sentence_length: Annotated[int, Ge(1)] = 10_000
    _: KW_ONLY
    errors: Errors = "strict"

    def has_tags(self) -> bool:
        """Return that its rows have none."""
        return False

    def options(self) -> str:
        """Return what shapes the rows."""
        return f"max_sentence_length={self.max_sentence_length}, errors={self.errors}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text: string}: here no row is a piece of a longer one."""
        with closing(source.blocks()) as blocks:
            spaced = (block.replace(b"\n", b" ") for block in blocks)
            rows = split_lines(
                spaced, url=source.label, max_words=self.max_sentence_length, errors=self.errors
            )
            try:
                for batch in rows:
                    yield batch.select(["text"])
            except CorpusError as error:
                # The splitter saw a single line, so only the byte is right.
                place = (error.position or "").partition(", line")[0]
                raise CorpusError(
                    error.problem, url=error.url, position=place, remedy=error.remedy
                ) from error
