"""What a reader is: a corpus that a recipe can name.

A new reader is one new file in `corpora/readers`, called by its recipe name, with one frozen
dataclass. One that reads text files has only to say how the blocks of a file become batches.
"""

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa

from corpora.corpus import Corpus
from corpora.declared import Declared
from corpora.errors import CorpusError
from corpora.part import Part
from corpora.registry import Registry
from corpora.sources.address import Address
from corpora.sources.readahead import Readahead
from corpora.sources.source import Source, Url, expand


class Reader(Declared, Corpus):
    """A corpus whose fields are a recipe's keys."""


@dataclass(frozen=True)
class FileReader(Reader):
    """A reader of files: one part for each file.

    url: a file, a glob, or a list of them; storage_options: what the address's file system needs.
    version: goes up when the same file gives other rows than before, so that old shards are not
    taken for new ones.
    """

    version: ClassVar[int] = 1
    url: Url
    _: KW_ONLY
    storage_options: dict[str, Any] | None = field(default=None, repr=False, hash=False)

    def __post_init__(self) -> None:
        """Make a list of addresses a tuple, so that the reader can't change, and check all.

        Addresses become such as don't show a password or token in the reader's repr.
        """
        if isinstance(self.url, list | tuple):
            object.__setattr__(self, "url", tuple(_guarded(one) for one in self.url))
        else:
            object.__setattr__(self, "url", _guarded(self.url))
        super().__post_init__()

    def faults(self) -> Iterator[str]:
        """Refuse an address that is none."""
        yield from super().faults()
        several = self.url if isinstance(self.url, tuple) else ()
        for one in [self.url] if isinstance(self.url, bytes) else several:
            if not isinstance(one, str | os.PathLike):
                yield f"url must be a string or a path, or a list of them, not {one!r}"

    @abstractmethod
    def rows(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one file; runs on a thread of its own, ahead of who reads them."""

    @abstractmethod
    def options(self) -> str:
        """Return the settings that shape the rows, for the fingerprint: no address, no secret."""

    def options_for(self, source: Source) -> str:  # noqa: ARG002
        """Return the same for one file, for a reader whose rows say where they come from."""
        return self.options()

    def sources(self) -> list[Source]:
        """Return the files that the address stands for, in a fixed order."""
        return expand(self.url, self.storage_options)

    def first_tag(self, source: Source) -> str | None:  # noqa: ARG002
        """Return the first tag of a file, for a reader that makes tags and doesn't read them."""
        return None

    def check(self, sources: list[Source]) -> None:
        """Raise CorpusError for files that can't be read together; by default all can."""

    def parts(self) -> list[Part]:
        """Return one part for each file, in a fixed order; raises CorpusError if one is missing."""
        sources = self.sources()
        self.check(sources)
        return [self._part(source) for source in sources]

    def _part(self, source: Source) -> Part:
        tag = self.first_tag(source)
        tagged = () if tag is None else ((tag, source.label),)
        return Part(source.label, self._fingerprint(source), partial(self._read, source), tagged)

    def _fingerprint(self, source: Source) -> str | None:
        if source.fingerprint is None:
            return None
        return f"{self.use()}/{self.version}({self.options_for(source)}) {source.fingerprint}"

    def _read(self, source: Source) -> Iterator[pa.RecordBatch]:
        with Readahead(partial(self.rows, source)) as ahead:
            yield from ahead


@dataclass(frozen=True)
class IterableReader(Reader):
    """A reader of what is in memory, or is made by an iterable of one's own: one part.

    kind: what the rows are called; wanted: what they are to be, for an error.
    """

    kind: ClassVar[str]
    wanted: ClassVar[str]
    iterable: Any = field(repr=False)

    def faults(self) -> Iterator[str]:
        """Refuse what can be iterated only once, and what can't be at all."""
        yield from super().faults()
        if isinstance(self.iterable, str | bytes):
            yield f"iterable must be {self.wanted}, not one string"
        elif isinstance(self.iterable, Iterator):
            yield (
                "iterable must be iterable more than once, and a generator is used up by the first "
                "pass: give a list, or an object whose __iter__ starts again"
            )
        elif not isinstance(self.iterable, Iterable):
            yield f"iterable must be iterable, not {type(self.iterable).__name__}"

    @abstractmethod
    def rows(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""

    def parts(self) -> list[Part]:
        """Return one part; nothing is known of its content before it is read."""
        return [Part(f"{self.kind}s in memory", None, self.rows)]

    @classmethod
    def refused(cls, row: int, problem: str, remedy: str) -> CorpusError:
        """Return the error for a row, counted from 0."""
        return CorpusError(f"the {cls.kind} {problem}", position=f"{cls.kind} {row}", remedy=remedy)


def _guarded(address: Any) -> Any:
    return Address(address) if type(address) is str else address


READERS = Registry(
    "reader",
    Reader,  # type: ignore[type-abstract]  # only its subclasses are made
    "corpora.readers",
    "millrace.readers",
)
