"""What a run of a recipe would do, as figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from corpora.part import Part


@dataclass(frozen=True)
class Files:
    """Some files: how many, and their bytes as they lie there, None where not all tell."""

    files: int = 0
    bytes: int | None = 0

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Files":
        """Return the figures of parts."""
        sizes = [origin.size for part in parts for origin in part.origins]
        known = [size for size in sizes if size is not None]
        return cls(len(sizes), sum(known) if len(known) == len(sizes) else None)


@dataclass(frozen=True)
class Reading:
    """What a reader has for a run.

    new, changed, known: its files, all new to a reader without new_only; vanished: how many are
    gone. reads: those that the run reads; tokens, rows: about how many are in them, None where
    nothing is known; tokens_per_byte: what that is reckoned with, `measured` on files that were
    read before, or a rule of thumb. again: files that the version has read and that a reader
    without new_only reads again.
    """

    reader: str
    new_only: bool
    new: Files
    changed: Files
    known: Files
    vanished: int
    if_changed: str
    if_vanished: str
    reads: Files
    tokens: int | None
    rows: int | None
    tokens_per_byte: float
    measured: bool
    again: int


@dataclass(frozen=True)
class Training:
    """What a stage trains: words in each epoch, and over all; about `seconds` at the last speed.

    alpha: the learning rate at the start, for what the version has already. replayed: words of old
    text in each epoch; seconds_anew: of a training of all text that was ever read; bytes: of the
    matrices for the words that there are now and the documents that there will be about.
    """

    stage: str
    epochs: int
    alpha: float
    min_alpha: float
    tokens: int | None
    replayed: int
    trained: int | None
    seconds: float | None
    seconds_anew: float | None
    words_per_second: float | None
    bytes: int | None


@dataclass(frozen=True)
class Outlook:
    """What a run would do.

    version: that it goes on from, None for none; words, documents: that have vectors there;
    words_seen: with those that were too rare; sources: read so far. passes: over the text of new
    files. gates: limits to come up to. publishes: whether a version would be added.
    """

    store: str | None
    version: int | None
    words: int
    words_seen: int
    documents: int
    sources: int
    readings: tuple[Reading, ...]
    passes: int
    trainings: tuple[Training, ...]
    gates: tuple[str, ...]
    nothing_new: bool
    publishes: bool
    stages: tuple[str, ...] = field(default=())
