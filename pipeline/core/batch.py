"""A unit of work for the training core, and what the core made of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass
class Tally:
    """What training came to, for a batch, an epoch or a thread; values add up.

    `loss` is the sum over `terms` of -log sigma of the signed logit.
    """

    rows: int = 0
    tokens: int = 0
    unknown: int = 0
    dropped: int = 0
    terms: int = 0
    loss: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another's figures to these."""
        self.rows += other.rows
        self.tokens += other.tokens
        self.unknown += other.unknown
        self.dropped += other.dropped
        self.terms += other.terms
        self.loss += other.loss

    def sum(self, other: "Tally") -> "Tally":
        """Return the two added up."""
        total = replace(self)
        total.add(other)
        return total


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows of one shard, and where they stand in the run.

    tokens (t) and offsets (rows + 1) as in an Arrow list array; map (words): local id -> row of the
    weights or -1. first_row counts the corpus's rows, first_token the run's tokens over all epochs.
    tags, tag_offsets and tag_map: the same for the rows' tags; None for sentences.
    """

    tokens: Ints
    offsets: Ints
    map: Ints
    first_row: int = 0
    first_token: int = 0
    epoch: int = 0
    tags: Ints | None = None
    tag_offsets: Ints | None = None
    tag_map: Ints | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1
