"""A file that a program holds open, in the place of an address: read anew each time."""

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from corpora.errors import CorpusError
from corpora.sources.codecs import decompressed
from corpora.sources.source import Source
from corpora.sources.stored import StoredFile

BLOCK = 1 << 20  # bytes, or characters, asked for at a time


class OpenFile(os.PathLike[str]):
    """An open file of bytes or text that can be sought in; packed bytes are unpacked.

    Nothing is known of its content before it is read, so its rows are not cached. It is never
    closed here, and can't be read by two at the same time.

    >>> import io
    >>> held = OpenFile(io.BytesIO(b"the cat"))
    >>> list(held.source().blocks()), list(held.source().blocks())
    ([b'the cat'], [b'the cat'])
    """

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def __fspath__(self) -> str:
        """Return the file's name, for people."""
        name = getattr(self.handle, "name", None)
        return name if isinstance(name, str) else "an open file"

    def __repr__(self) -> str:
        """Show the file."""
        return repr(self.handle)

    def source(self) -> Source:
        """Return what reads the file."""
        name = os.fspath(self)
        return _OpenSource(StoredFile(name, name, None), name, None, held=self)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning on; raises CorpusError where that can't be."""
        held = self.handle
        try:
            held.seek(0)
            at = held.tell()
            while held.tell() == at and (block := held.read(BLOCK)):
                at = held.tell()
                yield block.encode("utf-8", "surrogateescape") if isinstance(block, str) else block
        except (OSError, ValueError, AttributeError) as error:
            raise self._wrong(str(error)) from error
        if held.tell() != at:
            raise self._wrong("something else read it meanwhile")

    def _wrong(self, problem: str) -> CorpusError:
        return CorpusError(
            f"the open file can't be read from its beginning to its end ({problem})",
            url=os.fspath(self),
            remedy="give its address instead",
        )


@dataclass(frozen=True)
class _OpenSource(Source):
    """A file's blocks, as they are read from what holds it open."""

    held: OpenFile = field(kw_only=True, compare=False)

    def blocks(self) -> Generator[bytes]:
        """Yield the file's bytes, unpacked."""
        with closing(decompressed(self.held.blocks(), self.label)) as unpacked:
            yield from unpacked
