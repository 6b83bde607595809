"""A part of a corpus: what can be read by itself, a file as a rule."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    Read = Callable[[], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Origin:
    """A file, or what else a reader reads as one, before any transform.

    label: where it is, for people; fingerprint: changes when its content does, None: nothing is
    known; size: in bytes, as it lies there, packed or not; None: nobody knows.
    """

    label: str
    fingerprint: str | None
    size: int | None = None


@dataclass(frozen=True)
class Part:
    """Rows that can be read by themselves.

    label: where they come from, for people; fingerprint: changes when the rows do, None where
    nothing is known; read: starts reading, from the beginning each time. A batch has the columns
    `text` (string) or `words` (list of strings), perhaps `tags` (list of strings, or of int64),
    perhaps `continued` (bool): true for a row that was cut off from the one before it, and what
    else the reader was asked to keep. tagged: (tag, label) of each file whose rows have tags that
    the reader made: the tag of its first row, which stands for the others. origins: what the rows
    come from; of a part that a reader has just made, the part itself. unjoined: another way to the
    same rows, which is faster where ids are wanted.
    """

    label: str
    fingerprint: str | None
    read: Read
    tagged: tuple[tuple[str, str], ...] = ()
    origins: tuple[Origin, ...] = None  # type: ignore[assignment]  # filled in at once
    unjoined: Unjoined | None = None

    def __post_init__(self) -> None:
        """Fill in the origin of a part that no transform has changed yet."""
        if self.origins is None:
            object.__setattr__(self, "origins", (Origin(self.label, self.fingerprint),))


class Joins(Protocol):
    """Phrases that are to be joined, in rows of words or in rows of ids."""

    @property
    def names(self) -> Any:
        """The joined strings, by the phrases' numbers."""

    def join(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows with the phrases joined."""

    def joined(self, ids: Any, ends: Any, words: Any) -> tuple[Any, Any]:
        """Return ids with the phrases joined, phrase p as len(words) + p, and the rows' ends."""


@dataclass(frozen=True)
class Unjoined:
    """Rows before phrases were joined in them, and the phrases.

    whole: the part's `read` that gives the same rows; for a part with another one this says
    nothing.
    """

    whole: Read
    read: Read
    joins: tuple[Joins, ...]


def before_joins(part: Part) -> tuple[Part, tuple[Joins, ...]]:
    """Return a part, and the phrases that have to be joined in its rows: none, as a rule."""
    held = part.unjoined
    if held is None or held.whole is not part.read:
        return part, ()
    return replace(part, read=held.read, unjoined=None), held.joins


def with_joins(part: Part, read: Read, base: Part, joins: tuple[Joins, ...]) -> Part:
    """Return a part whose rows are read by `read`, or made of those of `base` by joining."""
    return replace(part, read=read, unjoined=Unjoined(read, base.read, joins) if joins else None)


def join(parts: list[Part]) -> Part:
    """Return one part that has the rows of all, in order."""
    if len(parts) == 1:
        return parts[0]
    label = f"{parts[0].label} and {len(parts) - 1} more" if parts else "nothing"
    prints = [part.fingerprint for part in parts]
    # Many files' fingerprints side by side would be a long string.
    whole = hashlib.sha256(json.dumps(prints).encode()).hexdigest()
    tagged = tuple(one for part in parts for one in part.tagged)
    origins = tuple(one for part in parts for one in part.origins)
    known = None if None in prints else whole
    return Part(label, known, partial(chained, parts), tagged, origins)


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
