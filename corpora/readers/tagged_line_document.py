"""TaggedLineDocument: one document a line, its tag where it stands."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from annotated_types import Ge

from corpora.errors import CorpusError
from corpora.old_names import LINES, old_names
from corpora.reader import FileReader
from corpora.rows.columns import beginnings
from corpora.rows.tag_names import check_tag_names, tag_name
from corpora.sources.source import Source
from corpora.tokens.decoding import Errors
from corpora.tokens.lines import split_lines


@old_names(LINES)
@dataclass(frozen=True)
class TaggedLineDocument(FileReader):
    r"""Text files of one document a line; a blank line is a document without words.

    url: where the files are, as for LineSentence; errors: what becomes of bytes that are not UTF-8;
    storage_options: what the address's file system needs. tags: "name" gives tags of the file's
    name and the line's number from 1 on, "reviews.txt:12"; the name is the file's path from the
    first wildcard of the address on, so "logs/**/*.txt" gives "2026/a.txt:1". "address" has the
    whole address instead of the name. "line" gives the number of the line alone, from 0 on, as
    gensim has it, and is for a single file. max_document_length: a document of more words is cut
    into several rows, all with its tag; the cuts are counted. None: never. Raises CorpusError if
    two documents would have one tag, and for what is missing, damaged or not UTF-8.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "two.txt")
    >>> _ = path.write_text("the cat\nsat\n")
    >>> for document in TaggedLineDocument(path):
    ...     print(document.words, document.tags)
    ['the', 'cat'] ['two.txt:1']
    ['sat'] ['two.txt:2']
    >>> [document.tags for document in TaggedLineDocument(path, tags="line")]
    [[0], [1]]
    >>> folder.cleanup()
    """

    _: KW_ONLY
    tags: Literal["name", "address", "line"] = "name"
    max_document_length: Annotated[int, Ge(1)] | None = 10_000
    errors: Errors = "strict"

    def check(self, sources: list[Source]) -> None:
        """Refuse files whose documents would have the same tags."""
        if self.tags != "line":
            check_tag_names(self._names(sources), sources)
        elif len(sources) > 1:
            raise CorpusError(
                f'tags = "line" would number the documents of {len(sources)} files from 0 each',
                url=sources[1].label,
                remedy='set tags = "name", or read a single file',
            )

    def first_tag(self, source: Source) -> str:
        """Return the tag of the first line."""
        return "0" if self.tags == "line" else f"{self._names([source])[0]}:1"

    def options(self) -> str:
        """Return what shapes the rows."""
        length = f"max_document_length={self.max_document_length}"
        return f"tags={self.tags}, {length}, errors={self.errors}"

    def options_for(self, source: Source) -> str:
        """Return what shapes the rows of one file: what it is called in its tags, too."""
        (name,) = self._names([source])
        return f"{self.options()}, name={name}"

    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield batches of {text: string, tags: list<string> or list<int64>, continued: bool}."""
        (name,) = self._names([source])
        line = 0
        with closing(source.blocks()) as blocks:
            for batch in split_lines(
                blocks,
                url=source.label,
                max_words=self.max_document_length,
                errors=self.errors,
                keep_blank=True,
            ):
                lines = line + np.cumsum(beginnings(batch))
                line = int(lines[-1]) if len(lines) else line
                yield batch.add_column(1, "tags", self._tags(name, lines))

    def _names(self, sources: list[Source]) -> list[str]:
        if self.tags == "address":
            return [source.label for source in sources]
        return [tag_name(self.url, source) for source in sources]

    def _tags(self, name: str, lines: Any) -> Any:
        tags: Any = pa.array(lines - 1, pa.int64())
        if self.tags != "line":
            tags = pc.binary_join_element_wise(name, pa.array(lines).cast(pa.string()), ":")
        return pa.ListArray.from_arrays(pa.array(np.arange(len(lines) + 1), pa.int32()), tags)
