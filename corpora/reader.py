"""What a reader is: a corpus that a recipe can name.

A new reader is one new file in `corpora/readers`, called by its recipe name, with one frozen
dataclass. One that reads text files has only to say how the blocks of a file become batches.
"""

from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa

from corpora.address import Address
from corpora.corpus import Corpus
from corpora.declared import Declared
from corpora.readahead import Readahead
from corpora.registry import Registry
from corpora.source import Options, Source, Url, expand
from corpora.transform import Part


class Reader(Declared, Corpus):
    """A corpus whose fields are a recipe's keys."""


class FileReader(Reader):
    """A reader of files: one part for each file. Subclasses have `url` and `storage_options`.

    version: goes up when the same file gives other rows than before, so that old shards are not
    taken for new ones.
    """

    version: ClassVar[int] = 1
    url: Url
    storage_options: Options

    def __post_init__(self) -> None:
        """Make a list of addresses a tuple, so that the reader can't change, and check all.

        Addresses become such as don't show a password or token in the reader's repr.
        """
        if isinstance(self.url, list | tuple):
            object.__setattr__(self, "url", tuple(_guarded(one) for one in self.url))
        else:
            object.__setattr__(self, "url", _guarded(self.url))
        super().__post_init__()

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

    def check(self, sources: list[Source]) -> None:
        """Raise CorpusError for files that can't be read together; by default all can."""

    def parts(self) -> list[Part]:
        """Return one part for each file, in a fixed order; raises CorpusError if one is missing."""
        sources = self.sources()
        self.check(sources)
        return [Part(s.label, self._fingerprint(s), partial(self._read, s)) for s in sources]

    def _fingerprint(self, source: Source) -> str | None:
        if source.fingerprint is None:
            return None
        return f"{self.use()}/{self.version}({self.options_for(source)}) {source.fingerprint}"

    def _read(self, source: Source) -> Iterator[pa.RecordBatch]:
        with Readahead(partial(self.rows, source)) as ahead:
            yield from ahead


def _guarded(address: Any) -> Any:
    return Address(address) if type(address) is str else address


READERS = Registry(
    "reader",
    Reader,  # type: ignore[type-abstract]  # only its subclasses are made
    "corpora.readers",
    "millrace.readers",
)
