"""Parts of a corpus, and what a transform of them is.

A part is what can be read by itself, a file as a rule. A transform takes a list of parts and gives
one. Row-wise transforms keep the parts apart, so each can still be read, cached and encoded alone;
stream-wise ones need all rows in one order, so they make one part of many.
"""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pyarrow as pa

from corpora.declared import Declared
from corpora.registry import Registry


@dataclass(frozen=True)
class Part:
    """Rows that can be read by themselves.

    label: where they come from, for people; fingerprint: changes when the rows do, None where
    nothing is known; read: starts reading, from the beginning each time. A batch has the columns
    `text` (string) or `words` (list of strings), perhaps `tags` (list of strings, or of int64),
    perhaps `continued` (bool): true for a row that was cut off from the one before it, and what
    else the reader was asked to keep.
    """

    label: str
    fingerprint: str | None
    read: Callable[[], Iterator[pa.RecordBatch]]


class Transform(Declared):
    """From parts to parts. Subclass RowTransform, PartTransform or StreamTransform.

    version: changes when the same settings give other rows than before.
    """

    version: ClassVar[str] = ""

    @abstractmethod
    def apply(self, parts: list[Part]) -> list[Part]:
        """Return the parts as they are after the transform; nothing is read yet."""

    def apply_to_links(self, links: list[list[Part]]) -> list[Part]:
        """Return the parts of a chain of corpora, each given by its own parts, transformed."""
        return self.apply([part for link in links for part in link])

    def extended(self, fingerprint: str | None) -> str | None:
        """Return the fingerprint of rows that went through this transform; None: never cached."""
        version = f" ({self.version})" if self.version else ""
        return None if fingerprint is None else f"{fingerprint} | {self!r}{version}"


class PartTransform(Transform):
    """A transform that needs the rows of a part in their order, but no other part."""

    @abstractmethod
    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches of one part as they are after the transform."""

    def apply(self, parts: list[Part]) -> list[Part]:
        """Keep every part, with its rows transformed."""
        return [
            Part(part.label, self.extended(part.fingerprint), partial(self._read, part))
            for part in parts
        ]

    def _read(self, part: Part) -> Iterator[pa.RecordBatch]:
        with opened(part) as batches:
            yield from self.stream(batches)


class RowTransform(PartTransform):
    """A transform that looks at each batch by itself."""

    @abstractmethod
    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch as it is after the transform."""

    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Transform batch after batch."""
        return map(self.rows, batches)


class StreamTransform(Transform):
    """A transform that needs all rows in their order."""

    @abstractmethod
    def stream(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches as they are after the transform."""

    def apply(self, parts: list[Part]) -> list[Part]:
        """Join all parts into one."""
        joined = join(parts)
        return [Part(joined.label, self.extended(joined.fingerprint), partial(self._read, joined))]

    def _read(self, part: Part) -> Iterator[pa.RecordBatch]:
        with opened(part) as batches:
            yield from self.stream(batches)


def join(parts: list[Part]) -> Part:
    """Return one part that has the rows of all, in order."""
    if len(parts) == 1:
        return parts[0]
    label = f"{parts[0].label} and {len(parts) - 1} more" if parts else "nothing"
    prints = [part.fingerprint for part in parts]
    # Many files' fingerprints side by side would be a long string.
    whole = hashlib.sha256(json.dumps(prints).encode()).hexdigest()
    return Part(label, None if None in prints else whole, partial(chained, parts))


def chained(parts: list[Part]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of all parts, one part after the other."""
    for part in parts:
        with opened(part) as batches:
            yield from batches


@contextmanager
def opened(part: Part) -> Iterator[Iterator[pa.RecordBatch]]:
    """Start reading a part; on leaving, what it holds open is closed."""
    batches = part.read()
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()


TRANSFORMS = Registry(
    "transform",
    Transform,  # type: ignore[type-abstract]  # only its subclasses are made
    "corpora.transforms",
    "millrace.transforms",
)
