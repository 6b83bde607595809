"""What a reader is: a corpus that a recipe can name.

A new reader is one new file in `corpora/readers`, called by its recipe name, with one frozen
dataclass. One that reads text files has only to say how the blocks of a file become batches.
"""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

import pyarrow as pa

from corpora.corpus import Corpus
from corpora.declared import Declared
from corpora.errors import CorpusError, RowError
from corpora.part import Origin, Part
from corpora.registry import Registry
from corpora.sources.address import Address
from corpora.sources.covered import covered
from corpora.sources.folders import in_folder
from corpora.sources.open_file import OpenFile
from corpora.sources.readahead import Readahead
from corpora.sources.source import Source, Url, expand

Changed = Literal["update", "replace", "skip", "error"]
Vanished = Literal["keep", "forget"]


class Reader(Declared, Corpus):
    """A corpus whose fields are a recipe's keys."""

    def has_tags(self) -> bool | None:
        """Return whether its rows have tags; None where that is known only when it is read."""
        return None


@dataclass(frozen=True)
class FileReader(Reader):
    """A reader of files: one part for each file.

    url: a file, a glob, a list of them, or an open file; storage_options: what the address's file
    system needs. version: goes up when the same file gives other rows than before, so that old
    shards are not taken for new ones. flat: a folder stands for the files directly in it. new_only:
    in a recipe, leave out the files that the version which was loaded has read; changed: what to
    do, with new_only, about a file that it has read as it was: "update" reads it as new text,
    "replace" does that and takes the old text out, "skip" leaves the old text as it is, "error"
    ends the run; vanished: what to do, with new_only, about a file that it has read and that is
    gone: "keep" or "forget" its text.
    """

    version: ClassVar[int] = 1
    flat: ClassVar[bool] = False
    url: Url
    _: KW_ONLY
    storage_options: dict[str, Any] | None = field(default=None, repr=False, hash=False)
    new_only: bool = False
    changed: Changed = "update"
    vanished: Vanished = "keep"

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
        if not self.new_only and (self.changed, self.vanished) != ("update", "keep"):
            yield "changed and vanished need new_only = true"

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
        if isinstance(self.url, OpenFile):
            return [self.url.source()]
        return (in_folder if self.flat else expand)(self.url, self.storage_options)

    def covers(self) -> Callable[[str], bool]:
        """Return what tells, for a file's label, whether the address would stand for that file."""
        return covered(self.url, self.storage_options, flat=self.flat)

    def first_tag(self, source: Source) -> str | None:  # noqa: ARG002
        """Return the first tag of a file, for a reader that makes tags and doesn't read them."""
        return None

    def check(self, sources: list[Source]) -> None:
        """Raise CorpusError for files that can't be read together; by default all can."""

    def parts(self) -> list[Part]:
        """Return one part for each file, in a fixed order; raises CorpusError if one is missing.

        What is to be left out with new_only a corpus alone can't know: it is an error here.
        """
        if self.new_only:
            raise CorpusError(
                "new_only needs a version to compare with, which the stage load_latest loads",
                remedy="use it in a recipe",
            )
        sources = self.sources()
        self.check(sources)
        return [self._part(source) for source in sources]

    def _part(self, source: Source) -> Part:
        tag = self.first_tag(source)
        return Part(
            source.label,
            self._fingerprint(source),
            partial(self._read, source),
            () if tag is None else ((tag, source.label),),
            # A reader's own settings may change: that does not make the file another one.
            (Origin(source.label, source.fingerprint, source.size),),
        )

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
        return RowError(f"the {cls.kind} {problem}", position=f"{cls.kind} {row}", remedy=remedy)


def _guarded(address: Any) -> Any:
    if hasattr(address, "read") and not isinstance(address, os.PathLike):
        return OpenFile(address)
    return Address(address) if type(address) is str else address


READERS = Registry(
    "reader",
    Reader,  # type: ignore[type-abstract]  # only its subclasses are made
    "corpora.readers",
    "millrace.readers",
)
