"""TaggedBrown: the sentences of the Brown corpus as documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from corpora.old_names import BROWN, old_names
from corpora.reader import FileReader
from corpora.rows.brown_lines import brown_lines
from corpora.rows.row_builder import RowBuilder
from corpora.rows.tag_names import check_tag_names, tag_name
from corpora.sources.source import Source


@old_names(BROWN)
@dataclass(frozen=True)
class TaggedBrown(FileReader):
    r"""The rows of `Brown`, each with a tag such as "ca01_SENT_3".

    url, storage_options: as for Brown. The tag has the file's name and the line's number from 0 on,
    counting every line. The name is the file's path within the folder, not with the folder's own:
    tags are the same wherever the folder lies. Raises CorpusError if two files have one name.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = pathlib.Path(folder.name, "ca01").write_text("\n\tThe/at Jury/nn-tl said/vbd ./.\n")
    >>> list(TaggedBrown(folder.name))
    [TaggedDocument(words=['the/at', 'jury/nn', 'said/vb'], tags=['ca01_SENT_1'])]
    >>> folder.cleanup()
    """

    def first_tag(self, source: Source) -> str:
        """Return the tag of the first line."""
        return f"{tag_name(self.url, source)}_SENT_0"

    def check(self, sources: list[Source]) -> None:
        """Refuse files whose sentences would have the same tags."""
        check_tag_names([tag_name(self.url, source) for source in sources], sources)

    flat: ClassVar[bool] = True

    def options(self) -> str:
        """Return what shapes the rows."""
        return ""

    def options_for(self, source: Source) -> str:
        """Return what shapes the rows of one file: what it is called in its tags."""
        return f"name={tag_name(self.url, source)}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {words: list<string>, tags: list<string>}."""
        builder = RowBuilder(None)
        name = tag_name(self.url, source)
        for number, words in brown_lines(source):
            yield from builder.add(words, [f"{name}_SENT_{number}"])
        yield from builder.end()
