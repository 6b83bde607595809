"""What the epochs of a training go through: the rows of new shards, and some of old ones.

Old rows are drawn anew for each epoch, from shards that were made long ago; no text is read. No row
is drawn a second time before all others of its batch were drawn once: on the film reviews that was
worth one of the three points that analogies lacked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.rows.draws import draws, permutation
from corpora.shards import TokenShard


class Shards(Protocol):
    """Token shards in the corpus's order, with what they come to together."""

    rows: int
    tokens: int
    split: int

    def __iter__(self) -> Iterator[TokenShard]:
        """Go through the shards in order."""


class Kept(NamedTuple):
    """Old shards that belong together: how many rows they have, and what opens them."""

    rows: int
    open: Callable[[], Iterable[TokenShard]]


class Epochs:
    """Shards that are gone through so many times.

    rows, tokens, split: what they come to; replayed: how many other rows come in each epoch
    besides; totals: all rows and all tokens, for each epoch; shards: all that batches come from,
    of which the first `new` are the corpus's own; passed_over: tags' rows of the model that old
    text teaches nothing any more.
    """

    def __init__(self, shards: Shards, epochs: int) -> None:
        self.shards: Sequence[TokenShard] = list(shards)
        self.new = len(self.shards)
        self.rows, self.tokens, self.split = shards.rows, shards.tokens, shards.split
        self.replayed = 0
        self.passed_over = np.zeros(0, np.int32)
        self.totals = [(shards.rows, shards.tokens)] * epochs

    def __iter__(self) -> Iterator[TokenShard]:
        """Go through the corpus's own shards."""
        return iter(self.shards[: self.new])

    def batches(self, epoch: int) -> Iterator[tuple[int, pa.RecordBatch]]:  # noqa: ARG002
        """Yield an epoch's batches, each with the place of its shard in `shards`."""
        for place, shard in enumerate(self):
            for batch in shard.batches():
                yield place, batch


class Replay(Epochs):
    """New shards, all of them in every epoch, and round(share * rows) rows of old ones.

    The new rows come in order, with old ones, from all over the old shards, between them. Which,
    depends on the seed and on how many old rows there are; so each run on a corpus that has grown
    draws others. What nothing is drawn from is not opened. Raises ValueError for a share outside of
    0 to 1, or where shards don't have the rows that were said.

    >>> from corpora import Sentences, encode
    >>> new, old = (encode(Sentences([[word] * 3] * 10)) for word in ("new", "old"))
    >>> mixed = Replay(new, [Kept(10, lambda: old)], share=0.5, epochs=2, seed=1)
    >>> mixed.rows, mixed.replayed, mixed.totals
    (10, 5, [(15, 45), (15, 45)])
    >>> [(place, batch.num_rows) for place, batch in mixed.batches(epoch=0)]
    [(0, 10), (1, 5)]
    """

    def __init__(
        self, new: Shards, old: Sequence[Kept], *, share: float, epochs: int, seed: int
    ) -> None:
        super().__init__(new, epochs)
        if not 0 <= share <= 1:
            raise ValueError(f"replay must be from 0 to 1, not {share}")
        self._old_rows = sum(kept.rows for kept in old)
        self.replayed = round(share * self._old_rows)
        self._key = int(draws(seed, self._old_rows, 1)[0])
        # Where in the row of all batches an epoch's draws begin, so that small batches get turns.
        phases = draws(self._key, self._old_rows, epochs)
        self._phases = [int(x) % max(self._old_rows, 1) for x in phases]
        # With the number of its first row: each old shard that is drawn from.
        self._drawn_from = list(self._opened(old))
        self.shards = [*self.shards, *(shard for _, shard in self._drawn_from)]
        self._old_tokens = self._counted()
        self.totals = [(self.rows + self.replayed, self.tokens + old) for old in self._old_tokens]

    def batches(self, epoch: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield an epoch's batches, each with the place of its shard in `shards`."""
        streams = (super().batches(epoch), self._drawn(epoch))
        totals = (self.tokens, self._old_tokens[epoch])
        waiting = [next(stream, None) for stream in streams]
        done = [0, 0]
        while any(waiting):
            # The stream that is behind; the new one, where both are level.
            late = done[0] * totals[1] > done[1] * totals[0]
            turn = int(late if all(waiting) else waiting[0] is None)
            item = waiting[turn]
            assert item is not None
            yield item
            done[turn] += int(_lengths(item[1]).sum())
            waiting[turn] = next(streams[turn], None)

    def _opened(self, old: Sequence[Kept]) -> Iterator[tuple[int, TokenShard]]:
        first = 0
        for kept in old:
            at, first = first, first + kept.rows
            if not self._is_drawn_from(at, kept.rows):
                continue
            for shard in kept.open():
                if self._is_drawn_from(at, shard.rows):
                    yield at, shard
                at += shard.rows
            if at != first:
                raise ValueError(f"shards of {kept.rows} rows have {at - first + kept.rows}")

    def _drawn(self, epoch: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        for place, (at, shard) in enumerate(self._drawn_from, start=self.new):
            if not self._share_of(at, shard.rows, epoch):
                continue
            for first, batch in _numbered(shard, at):
                rows = self._rows(first, batch.num_rows, epoch)
                if len(rows):
                    yield place, batch.take(rows)

    def _counted(self) -> list[int]:
        """Return how many tokens the old rows of each epoch have."""
        counted = [0] * len(self._phases)
        for at, shard in self._drawn_from:
            for first, batch in _numbered(shard, at):
                lengths = _lengths(batch)
                for epoch in range(len(counted)):
                    counted[epoch] += int(lengths[self._rows(first, len(lengths), epoch)].sum())
        return counted

    def _is_drawn_from(self, first: int, rows: int) -> bool:
        return any(self._share_of(first, rows, epoch) for epoch in range(len(self._phases)))

    def _share_of(self, first: int, rows: int, epoch: int) -> int:
        """Return how many of the rows from `first` on an epoch draws: in sum, exactly all."""
        phase, all_rows = self._phases[epoch], max(self._old_rows, 1)
        end, begin = ((at * self.replayed + phase) // all_rows for at in (first + rows, first))
        return end - begin

    def _rows(self, first: int, rows: int, epoch: int) -> NDArray[np.int64]:
        """Return which of a batch's rows an epoch draws."""
        each = [self._share_of(first, rows, before) for before in range(epoch + 1)]
        if not each[-1]:
            return np.zeros(0, np.int64)
        order = permutation(self._key, first, rows)
        return np.sort(order[(sum(each[:-1]) + np.arange(each[-1])) % rows])


def _numbered(shard: TokenShard, first: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield a shard's batches, each after the number of its first row; first: of the shard's."""
    for batch in shard.batches():
        yield first, batch
        first += batch.num_rows


def _lengths(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return how many tokens each row of a batch has."""
    tokens: Any = batch.column("tokens")
    lengths: NDArray[np.int64] = np.diff(tokens.offsets.to_numpy())
    return lengths
