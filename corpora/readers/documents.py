"""Documents: tagged documents that are in memory, or made by an iterable of one's own."""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from annotated_types import Ge

from corpora.reader import IterableReader
from corpora.rows.row_builder import RowBuilder, unfit_tags, unfit_tokens


@dataclass(frozen=True)
class Documents(IterableReader):
    """An iterable of `TaggedDocument(words, tags)` that can be iterated again.

    words: a list of tokens, each any string. tags: a list of strings and whole numbers, any number
    of them; 7 and "7" are two tags. A pair of two lists does as well, and so does any object that
    has `words` and `tags`. A generator is refused, since training reads a corpus more than once; so
    is a `str` in the place of either list, since its letters would be the words or tags.
    max_document_length: a document of more words is cut into several rows, all with its tags; the
    cuts are counted.

    >>> from corpora import TaggedDocument
    >>> list(Documents([TaggedDocument(["to", "be"], ["hamlet", "act 3"])]))
    [TaggedDocument(words=['to', 'be'], tags=['hamlet', 'act 3'])]
    """

    kind: ClassVar[str] = "document"
    wanted: ClassVar[str] = "tagged documents"
    _: KW_ONLY
    max_document_length: Annotated[int, Ge(1)] | None = 10_000

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of {words, tags, continued: bool}."""
        builder = RowBuilder(self.max_document_length)
        for number, document in enumerate(self.iterable):
            words, tags = _taken_apart(document, number)
            yield from builder.add(words, tags)
        yield from builder.end()


def _taken_apart(document: Any, number: int) -> tuple[list[str], list[str | int]]:
    words, tags = getattr(document, "words", None), getattr(document, "tags", None)
    if words is None and isinstance(document, tuple | list) and len(document) == 2:
        words, tags = document
    lists: list[list[Any]] = []
    for name, value in (("words", words), ("tags", tags)):
        if isinstance(value, str | bytes):
            shown = value if isinstance(value, str) and len(value) < 40 else "..."
            raise Documents.refused(
                number, f"has one string for its {name}", f'write ["{shown}"], a list'
            )
        if not isinstance(value, Iterable):
            problem = f"has {type(value).__name__} for its {name}, not a list"
            raise Documents.refused(number, problem, "give TaggedDocument(words, tags), two lists")
        lists.append(list(value))
    problem = unfit_tokens(lists[0]) or unfit_tags(lists[1]) or ""
    if problem:
        raise Documents.refused(
            number, problem, "give words as strings, and tags as strings or whole numbers"
        )
    return lists[0], lists[1]
