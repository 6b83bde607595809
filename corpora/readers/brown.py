"""Brown: the Brown corpus as NLTK has it, words with their parts of speech."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from corpora.old_names import BROWN, old_names
from corpora.reader import FileReader
from corpora.rows.brown_lines import brown_lines
from corpora.rows.row_builder import RowBuilder
from corpora.sources.source import Source


@old_names(BROWN)
@dataclass(frozen=True)
class Brown(FileReader):
    r"""Files of lines such as "The/at jury/nn said/vbd": the words "the/at", "jury/nn", "said/vb".

    url: the folder that has the files, which are read in the order of their names; or a file, a
    glob, a list. Tokens without a tag of letters are left out, and so are lines without tokens.
    storage_options: as for LineSentence.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = pathlib.Path(folder.name, "ca01").write_text("\n\tThe/at Jury/nn-tl said/vbd ./.\n")
    >>> list(Brown(folder.name))
    [['the/at', 'jury/nn', 'said/vb']]
    >>> folder.cleanup()
    """

    flat: ClassVar[bool] = True

    def has_tags(self) -> bool:
        """Return that its rows have none."""
        return False

    def options(self) -> str:
        """Return what shapes the rows."""
        return ""

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {words: list<string>}."""
        builder = RowBuilder(None)
        for _, words in brown_lines(source):
            yield from builder.add(words, None)
        yield from builder.end()
