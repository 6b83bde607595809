"""What the readers of tables share: which column is the text, which has the tags."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from annotated_types import Ge

from corpora.reader import FileReader
from corpora.rows.table_rows import Layout


@dataclass(frozen=True)
class TableReader(FileReader):
    """A reader of files whose rows have columns.

    text: the column of the text. tags: that of the tags; without it, rows are sentences. columns:
    others to keep, for `filter`. max_document_length: a row of more words is cut into several.
    """

    _: KW_ONLY
    text: str = "text"
    tags: str | None = None
    columns: tuple[str, ...] = ()
    max_document_length: Annotated[int, Ge(1)] | None = 10_000

    def faults(self) -> Iterator[str]:
        """Refuse names that rows have already."""
        yield from super().faults()
        yield from self.layout.faults()

    def has_tags(self) -> bool:
        """Return whether a column of them is named."""
        return self.tags is not None

    @property
    def layout(self) -> Layout:
        """Where a table has what a row is made of."""
        return Layout(self.text, self.tags, self.columns, self.max_document_length)
