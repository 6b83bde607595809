"""What a transform is: it takes a list of parts and gives one.

Row-wise transforms keep the parts apart, so each can still be read, cached and encoded alone;
stream-wise ones need all rows in one order, so they make one part of many.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar

import pyarrow as pa

from corpora.declared import Declared
from corpora.part import Part, join, opened
from corpora.registry import Registry


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
            replace(p, fingerprint=self.extended(p.fingerprint), read=partial(self._read, p))
            for p in parts
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


class StreamTransform(PartTransform):
    """A transform that needs all rows in their order."""

    def apply(self, parts: list[Part]) -> list[Part]:
        """Join all parts into one."""
        return super().apply([join(parts)])


TRANSFORMS = Registry(
    "transform",
    Transform,  # type: ignore[type-abstract]  # only its subclasses are made
    "corpora.transforms",
    "millrace.transforms",
)
