"""Words to ids: the typed side of the C tokeniser.

An `Interner` is one dictionary that grows. It takes Arrow columns, of text or of words, and gives
Arrow columns of ids; no word becomes a Python object. The C core owns no memory: where an array is
too small it stops, says which, and goes on after the array was made larger here.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora._tokens import ffi, lib
from corpora.errors import MillraceError
from corpora.tokens import isa
from corpora.tokens.buffers import (
    INT32_MAX,
    id_lists,
    larger,
    list_offsets,
    string_array,
    string_buffers,
)

# What there is room for at first. C wants some room free before it starts a chunk, see words.c.
FIRST_WORDS = 1 << 14
FIRST_BYTES = 1 << 17
FIRST_SLOTS = 1 << 15
FIRST_IDS = 1 << 12
CHUNK = 1 << 10  # bytes of text that C takes at a time


class DictionaryFullError(Exception):
    """The words of one dictionary would take more bytes than it may have.

    done: the ids of the rows that still went in. The dictionary holds exactly those rows and takes
    no more.
    """

    def __init__(self, done: "pa.ListArray[Any]") -> None:
        super().__init__("the dictionary is full")
        self.done = done


class Interner:
    """A dictionary that grows: word to id, in the order in which words are first seen.

    most_bytes: how many bytes all words together may have; an Arrow string array holds 2^31 - 1.
    room: for how many words there is memory before it has to grow.

    >>> interner = Interner()
    >>> interner.split(pa.array(["a b  a", " ", "b c"])).to_pylist()
    [[0, 1, 0], [], [1, 2]]
    >>> interner.intern(pa.array([["c", "new york"]])).to_pylist()
    [[2, 3]]
    >>> interner.words.to_pylist(), interner.counts.tolist()
    (['a', 'b', 'c', 'new york'], [2, 2, 2, 1])
    """

    def __init__(self, most_bytes: int = INT32_MAX, room: int = FIRST_WORDS) -> None:
        self._isa = isa.chosen()
        self.most_bytes = min(most_bytes, INT32_MAX)
        self._closed = False
        times = max(0, room - 1) // FIRST_WORDS
        more = 1 << times.bit_length()  # C wants a power of two of slots
        size = min(more * FIRST_BYTES, most_bytes)
        self._slots: npt.NDArray[np.uint64] = np.zeros((more * FIRST_SLOTS, 2), np.uint64)
        self._bytes: npt.NDArray[np.uint8] = np.empty(size, np.uint8)
        self._starts: npt.NDArray[np.int32] = np.zeros(more * FIRST_WORDS + 1, np.int32)
        self._counts: npt.NDArray[np.int64] = np.zeros(more * FIRST_WORDS, np.int64)
        self._c: Any = ffi.new("mr_words *")
        # Ids don't depend on the seed; what it keeps off is a text made to collide.
        self._c.seed = [int.from_bytes(os.urandom(8), sys.byteorder) for _ in range(2)]
        self._point()

    def __len__(self) -> int:
        """Return the number of distinct words."""
        return int(self._c.words_n)

    @property
    def words(self) -> pa.StringArray:
        """The distinct words, by id; a copy that stays as it is."""
        starts = self._starts[: len(self) + 1].copy()
        return string_array(starts, self._bytes[: starts[-1]].copy())

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word came, by id; a copy that stays as it is."""
        return self._counts[: len(self)].copy()

    def split(self, text: "pa.Array[Any]") -> "pa.ListArray[Any]":
        """Split each string as `str.split()` does; returns list<int32>, one list a string.

        text: string or large_string, (rows); null counts as empty. Raises DictionaryFullError.
        """
        offsets, chars = string_buffers(text)
        rows = len(text)
        ends = np.empty(rows, np.int64)
        state = self._pass(offsets, chars, rows)
        state.ends = ffi.cast("int64_t *", ends.ctypes.data)
        spanned = min(int(offsets[-1] - offsets[0]), int(state.text_n))  # not checked before C
        guess = max(0, spanned) // 5 + FIRST_IDS
        ids, full = self._run(lambda: lib.mr_split_words(self._c, state, self._isa), state, guess)
        lists = np.zeros(int(state.row) + 1, np.int64)
        lists[1:] = ends[: len(lists) - 1]
        return self._finished(ids, lists, full=full)

    def intern(self, words: "pa.Array[Any]") -> "pa.ListArray[Any]":
        """Take each string as one word; returns list<int32> like the lists given.

        words: list<string>, (rows). Raises DictionaryFullError, and MillraceError for a null.
        """
        if words.null_count:
            raise MillraceError("a list of words is null")
        lists = list_offsets(words)
        child: Any = words.values  # type: ignore[attr-defined]
        inner = child.slice(int(lists[0]), int(lists[-1] - lists[0]))
        if len(inner) != lists[-1] - lists[0]:
            raise MillraceError("the lists of an Arrow column reach beyond its words")
        if inner.null_count:
            raise MillraceError("a word is null")
        lists = lists - lists[0]
        offsets, chars = string_buffers(inner)
        state = self._pass(offsets, chars, len(inner))
        room = len(inner) + 1
        ids, full = self._run(lambda: lib.mr_intern(self._c, state), state, room)
        if full:
            lists = lists[: int(np.searchsorted(lists, len(ids), "right"))]
        return self._finished(ids, lists, full=full)

    def find(self, words: "pa.Array[Any]") -> npt.NDArray[np.int32]:
        """Return the id of each string, -1 for one that is not there; nothing is added or counted.

        words: string or large_string, (n). Several threads may find side by side.

        >>> interner = Interner()
        >>> _ = interner.split(pa.array(["to be or not to be"]))
        >>> interner.find(pa.array(["be", "question", "or"])).tolist()
        [1, -1, 2]
        """
        offsets, chars = string_buffers(words)
        state = self._pass(offsets, chars, len(words))
        ids: npt.NDArray[np.int32] = np.empty(len(words), np.int32)
        state.ids, state.ids_cap = ffi.cast("int32_t *", ids.ctypes.data), len(ids)
        _refuse(lib.mr_find(self._c, state))
        return ids

    def add(self, words: "pa.Array[Any]", counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Add words, (n) string, and how often each came; returns their ids. Raises MillraceError.

        >>> interner = Interner()
        >>> interner.add(pa.array(["b", "a"]), np.array([3, 2])).tolist(), interner.counts.tolist()
        ([0, 1], [3, 2])
        """
        offsets, chars = string_buffers(words)
        state = self._pass(offsets, chars, len(words))
        weights = np.ascontiguousarray(counts, np.int64)
        state.weights = ffi.cast("const int64_t *", weights.ctypes.data)
        ids, full = self._run(lambda: lib.mr_intern(self._c, state), state, len(words) + 1)
        if full:
            raise MillraceError("the distinct words of a few rows take more than 2 GiB")
        return ids

    def fits(self, other: "Interner") -> bool:
        """Whether `absorb` has room, and taking the other's text itself would have had it, too."""
        # `split` wants room for a chunk and for the word that is open, whether they are new or not.
        wanted = 2 * int(other._c.bytes_n) + CHUNK  # noqa: SLF001
        return int(self._c.bytes_n) + wanted <= self.most_bytes

    def absorb(self, other: "Interner") -> npt.NDArray[np.int32]:
        """Add the other's words and counts; returns the id here of each id there. It has to fit.

        >>> one, two = Interner(), Interner()
        >>> _ = one.split(pa.array(["a b"])), two.split(pa.array(["c b b"]))
        >>> one.absorb(two).tolist(), one.words.to_pylist(), one.counts.tolist()
        ([2, 1], ['a', 'b', 'c'], [1, 3, 1])
        """
        n = len(other)
        starts, chars, counts = other._starts, other._bytes, other._counts  # noqa: SLF001
        state = self._pass(starts, None, n)
        state.text = ffi.cast("const uint8_t *", chars.ctypes.data)
        state.text_n = len(chars)
        state.weights = ffi.cast("const int64_t *", counts.ctypes.data)
        ids, _ = self._run(lambda: lib.mr_intern(self._c, state), state, n + 1)
        return ids

    def forget(self, ids: npt.NDArray[np.int32]) -> None:
        """Take back the rows that came last, by their ids; after that it takes no more words."""
        self._closed = True
        counts = self._counts[: len(self)]
        np.subtract.at(counts, ids, 1)
        # Ids are given in order, so the words seen in these rows only are the last ones.
        seen = np.flatnonzero(counts)
        self._c.words_n = int(seen[-1]) + 1 if len(seen) else 0
        self._c.bytes_n = int(self._starts[self._c.words_n])

    def _finished(
        self, ids: npt.NDArray[np.int32], lists: npt.NDArray[np.int64], *, full: bool
    ) -> "pa.ListArray[Any]":
        kept = int(lists[-1])
        made = id_lists(lists, ids[:kept])
        if full:
            self.forget(ids[kept:])
            raise DictionaryFullError(made)
        return made

    def _pass(self, offsets: npt.NDArray[Any], chars: pa.Buffer | None, rows: int) -> Any:
        if self._closed:
            raise MillraceError("the dictionary is full and takes no more words")
        state = ffi.new("mr_pass *")
        state.text = ffi.cast("const uint8_t *", 0 if chars is None else chars.address)
        state.text_n = 0 if chars is None else chars.size
        state.offsets = ffi.cast("const void *", offsets.ctypes.data)
        state.width = offsets.itemsize
        state.rows = rows
        state.at = -1
        return state

    def _run(
        self, call: Callable[[], int], state: Any, room: int
    ) -> tuple[npt.NDArray[np.int32], bool]:
        """Call until it is done or the dictionary is full; returns the ids, and which it is."""
        ids: npt.NDArray[np.int32] = np.empty(room, np.int32)
        while True:
            state.ids = ffi.cast("int32_t *", ids.ctypes.data)
            state.ids_cap = len(ids)
            code = call()
            if code == lib.MR_GROW_IDS:
                ids = larger(ids, 2 * len(ids))
            elif code == lib.MR_GROW_BYTES and len(self._bytes) >= self.most_bytes:
                return ids[: int(state.ids_n)], True
            elif code != lib.MR_DONE:
                self._grow(code)
            else:
                return ids[: int(state.ids_n)], False

    def _grow(self, code: int) -> None:
        if code == lib.MR_GROW_WORDS:
            n = 2 * len(self._counts)
            self._counts, self._starts = larger(self._counts, n), larger(self._starts, n + 1)
        elif code == lib.MR_GROW_BYTES:
            self._bytes = larger(self._bytes, min(2 * len(self._bytes), self.most_bytes))
        elif code == lib.MR_GROW_SLOTS:
            slots = np.zeros((2 * len(self._slots), 2), np.uint64)
            target = ffi.cast("mr_slot *", slots.ctypes.data)
            _refuse(lib.mr_rehash(self._c, target, len(slots)))
            self._slots = slots
        else:
            _refuse(code)
        self._point()

    def _point(self) -> None:
        c = self._c
        c.slots = ffi.cast("mr_slot *", self._slots.ctypes.data)
        c.slots_n = len(self._slots)
        c.bytes = ffi.cast("uint8_t *", self._bytes.ctypes.data)
        c.bytes_cap = len(self._bytes)
        c.starts = ffi.cast("int32_t *", self._starts.ctypes.data)
        c.counts = ffi.cast("int64_t *", self._counts.ctypes.data)
        c.words_cap = len(self._counts)


def rename(ids: npt.NDArray[np.int32], table: npt.NDArray[np.int32]) -> None:
    """Put table[id] in the place of each id, where it lies. Raises for an id beyond the table.

    >>> ids = np.array([1, 0, 1], np.int32)
    >>> rename(ids, np.array([7, 8], np.int32))
    >>> ids.tolist()
    [8, 7, 8]
    """
    into, by = (ffi.cast("int32_t *", array.ctypes.data) for array in (ids, table))
    _refuse(lib.mr_rename(into, len(ids), by, len(table)))


def _refuse(code: int) -> None:
    """Raise for a code that only a wrong argument can bring about."""
    if code == lib.MR_DONE:
        return
    if code == lib.MR_BAD_OFFSETS:
        raise MillraceError("the offsets of the Arrow column fall, or point outside of its data")
    raise MillraceError(f"the token core refused its arguments (code {code})")
