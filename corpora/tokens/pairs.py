"""Pairs of words that follow each other, counted or looked up: the typed side of the C core.

A pair is two word ids and a chain: the number of the sequence of connectors that stands between
them, 0 for none. The C core owns no memory: where an array is too small it stops, and goes on after
the array was made larger here.
"""

import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpora._tokens import ffi, lib
from corpora.errors import MillraceError
from corpora.tokens.buffers import larger

CHAIN_BITS = 24
FIRST_SLOTS = 1 << 10
FIRST_CHAINS = 1 << 8
# No result depends on it; what it keeps off is a text made to collide. All tables of a process have
# the same one, because a pair's share goes by its hash.
SEED = [int.from_bytes(os.urandom(8), sys.byteorder) for _ in range(2)]
NO_WORD = 2**31 - 1  # in a table of ids: a word that is in no pair

Ids = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Roles = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.uint64]  # (n, 2): words and value of an mr_pair


@dataclass(frozen=True)
class Rows:
    """Rows of ids, and what each id stands for.

    ends: int64, (rows + 1), where rows begin and end in `ids`; table: int32, a word's id, or
    ~number for a connector.
    """

    ends: Counts
    ids: Ids
    table: Ids

    def to_c(self) -> Any:
        """Return the C structure; it points into these arrays."""
        rows = ffi.new("mr_rows *")
        rows.ends, rows.rows = _pointer("int64_t *", self.ends, np.int64), len(self.ends) - 1
        rows.ids, rows.ids_n = _pointer("int32_t *", self.ids, np.int32), len(self.ids)
        rows.table, rows.table_n = _pointer("int32_t *", self.table, np.int32), len(self.table)
        return rows


@dataclass(frozen=True)
class Pairs:
    """Pairs and a number for each: first, second, chain (n) int32; counts (n) int64.

    >>> one = Pairs(np.array([1]), np.array([2]), np.array([0]), np.array([7]))
    >>> Pairs.from_slots(one.to_slots()).counts
    array([7])
    """

    first: Ids
    second: Ids
    chain: Ids
    counts: Counts

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.counts)

    def taken(self, which: Any) -> "Pairs":
        """Return some of them; which: their places."""
        first, second, chain = self.first[which], self.second[which], self.chain[which]
        return Pairs(first, second, chain, self.counts[which])

    @classmethod
    def from_slots(cls, slots: Slots) -> "Pairs":
        """Unpack pairs."""
        words, value = slots[:, 0], slots[:, 1]
        return cls(
            (words >> np.uint64(32)).astype(np.int32),
            words.astype(np.uint32).astype(np.int32),
            (value & np.uint64((1 << CHAIN_BITS) - 1)).astype(np.int32),
            (value >> np.uint64(CHAIN_BITS)).astype(np.int64),
        )

    def to_slots(self) -> Slots:
        """Pack the pairs, 16 bytes each."""
        slots: Slots = np.empty((len(self), 2), np.uint64)
        slots[:, 0] = self.first.astype(np.uint64) << np.uint64(32) | self.second.astype(np.uint64)
        slots[:, 1] = self.counts.astype(np.uint64) << np.uint64(CHAIN_BITS) | self.chain.astype(
            np.uint64
        )
        return slots


class Chains:
    """The sequences of connectors that came between two words, each with a number; 0 is none.

    >>> chains = Chains()
    >>> rows = Rows(np.array([0, 4, 6]), np.array([0, 2, 2, 1, 0, 1], np.int32),
    ...             np.array([5, 6, -1], np.int32))
    >>> found = Pairs.from_slots(chains.pairs_of(rows))
    >>> found.first.tolist(), found.chain.tolist(), found.second.tolist()
    ([5, 5], [2, 0], [6, 6])
    >>> chains.spelled(np.array([0, 1, 2], np.int32))
    (array([0, 1, 3]), array([0, 0, 0], dtype=int32))
    """

    def __init__(self) -> None:
        self._slots: Ids = np.zeros(2 * FIRST_CHAINS, np.int32)
        self._parents: Ids = np.zeros(FIRST_CHAINS, np.int32)
        self._words: Ids = np.full(FIRST_CHAINS, -1, np.int32)
        self._c: Any = ffi.new("mr_chains *")
        self._c.seed = SEED
        self._c.chains_n = 1
        self._point()

    def __len__(self) -> int:
        """Return how many there are, the empty one among them."""
        return int(self._c.chains_n)

    def pairs_of(self, rows: Rows) -> Slots:
        """Return the pairs of all rows, packed, each with count 1; chains that are new get numbers.

        Raises MillraceError for ids or ends that point outside, and for too many chains.
        """
        pairs: Slots = np.empty((len(rows.ids), 2), np.uint64)
        given, reading = rows.to_c(), ffi.new("mr_reading *")
        out = ffi.cast("mr_pair *", pairs.ctypes.data)
        while code := lib.mr_pairs_of(self._c, given, reading, out):
            self._grow(code)
        return pairs[: int(reading.pairs_n)]

    def spelled(self, chains: Ids) -> tuple[Counts, Ids]:
        """Return where each chain's connectors end (n), and the connectors' numbers end to end."""
        lengths = np.zeros(len(chains), np.int64)
        at, chain = np.flatnonzero(chains), chains[chains > 0]
        while len(at):
            lengths[at] += 1
            chain = self._parents[chain]
            at, chain = at[chain > 0], chain[chain > 0]
        ends = np.cumsum(lengths)
        words: Ids = np.empty(int(ends[-1]) if len(ends) else 0, np.int32)
        at, chain = np.flatnonzero(chains), chains[chains > 0]
        back = 1
        while len(at):  # from the last connector to the first
            words[ends[at] - back] = self._words[chain]
            chain = self._parents[chain]
            at, chain = at[chain > 0], chain[chain > 0]
            back += 1
        return ends, words

    def _grow(self, code: int) -> None:
        if code == lib.MR_GROW_WORDS:
            n = 2 * len(self._parents)
            self._parents, self._words = larger(self._parents, n), larger(self._words, n)
        elif code == lib.MR_GROW_SLOTS:
            slots: Ids = np.zeros(2 * len(self._slots), np.int32)
            to = ffi.cast("int32_t *", slots.ctypes.data)
            refuse(lib.mr_chains_rehash(self._c, to, len(slots)))
            self._slots = slots
        elif code == lib.MR_LIMIT:
            raise MillraceError(
                "more than 16 million different sequences of connector words stand between words. "
                "To mend it: give fewer connector words, or split the text into sentences"
            )
        else:
            refuse(code)
        self._point()

    def _point(self) -> None:
        c = self._c
        c.slots, c.slots_n = ffi.cast("int32_t *", self._slots.ctypes.data), len(self._slots)
        c.parents = ffi.cast("int32_t *", self._parents.ctypes.data)
        c.words = ffi.cast("int32_t *", self._words.ctypes.data)
        c.chains_cap = len(self._parents)


class PairTable:
    """A hash table: pair to count.

    >>> table = PairTable()
    >>> pairs = Pairs(np.array([1, 1]), np.array([2, 2]), np.array([0, 3]), np.array([7, 8]))
    >>> table.add(pairs.to_slots())
    >>> table.add(pairs.to_slots()[:1])
    >>> len(table), table.find(pairs.to_slots()).tolist()
    (2, [14, 8])
    """

    def __init__(self, room: int = 0) -> None:
        n = FIRST_SLOTS
        while n // 4 * 3 < room + FIRST_SLOTS // 2:
            n *= 2
        self._slots: Slots = np.zeros((n, 2), np.uint64)
        self._c: Any = ffi.new("mr_pairs *")
        self._c.seed = SEED
        self._point()

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return int(self._c.pairs_n)

    @property
    def nbytes(self) -> int:
        """How much memory it takes; twice that and more while it grows."""
        return int(self._slots.nbytes)

    def add(self, pairs: Slots, part: int = 0, parts: int = 1) -> None:
        """Add the counts of packed pairs, of those only that are in share `part` of `parts`.

        Each share goes into another table, so several threads may add the same pairs.
        """
        at = ffi.new("int64_t *")
        given = _pointer("mr_pair *", pairs, np.uint64)
        while code := lib.mr_pairs_add(self._c, given, len(pairs), at, part, parts):
            if code == lib.MR_LIMIT:
                raise MillraceError("a pair of words was seen more than a million million times")
            if code != lib.MR_GROW_SLOTS:
                refuse(code)
            self._grow()

    def find(self, pairs: Slots) -> Counts:
        """Return the count of each packed pair, 0 where it is not there; theirs don't matter."""
        counts: Counts = np.empty(len(pairs), np.int64)
        given = _pointer("mr_pair *", pairs, np.uint64)
        refuse(
            lib.mr_pairs_find(self._c, given, len(pairs), ffi.cast("int64_t *", counts.ctypes.data))
        )
        return counts

    def slots(self, least: int = 1) -> Slots:
        """Return the packed pairs (n, 2) that have at least so high a count, in any order."""
        return self._slots[self._slots[:, 1] >= np.uint64(max(least, 1) << CHAIN_BITS)]

    def joined(
        self, phrases: int, roles: Roles, chains: Chains, rows: Rows, fresh: int
    ) -> tuple[Ids, Counts]:
        """Join phrases in rows; here a count is a phrase's number plus one.

        roles: uint8 by word, 1 where it begins a phrase, 2 where it ends one, 3 for both.
        Returns ids, (fewer) int32, phrase p as fresh + p, and ends, (rows + 1) int64. Raises
        MillraceError for ids or ends that point outside.
        """
        ids: Ids = np.empty(len(rows.ids), np.int32)
        ends: Counts = np.empty(len(rows.ends), np.int64)
        known = _pointer("uint8_t *", roles, np.uint8), len(roles), chains._c  # noqa: SLF001
        into = ffi.cast("int32_t *", ids.ctypes.data), ffi.cast("int64_t *", ends.ctypes.data)
        refuse(lib.mr_join(self._c, phrases, *known, rows.to_c(), fresh, *into))
        return ids[: ends[-1]], ends

    def _grow(self) -> None:
        old, self._slots = self._slots, np.zeros((2 * len(self._slots), 2), np.uint64)
        self._c.pairs_n = 0
        self._point()
        self.add(old)

    def _point(self) -> None:
        self._c.slots = ffi.cast("mr_pair *", self._slots.ctypes.data)
        self._c.slots_n = len(self._slots)


def refuse(code: int) -> None:
    """Raise for a code that only a wrong argument can bring about."""
    if code == lib.MR_DONE:
        return
    if code == lib.MR_BAD_OFFSETS:
        raise MillraceError("the ends of the rows fall, or point outside of the ids")
    raise MillraceError(f"the token core refused its arguments (code {code})")


def _pointer(kind: str, array: npt.NDArray[Any], wanted: type[np.generic]) -> Any:
    """Return where an array lies, if it is what C takes it for."""
    if array.dtype != wanted or not array.flags.c_contiguous:
        raise TypeError(f"an array of {array.dtype} where {wanted.__name__} is wanted, end to end")
    return ffi.cast(kind, array.ctypes.data)
