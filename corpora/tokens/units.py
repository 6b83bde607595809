"""Units of tokenising: a few mebibytes of a part, split and counted with a dictionary of their own.

Units follow each other in the part's order, and each is tokenised by itself, so any thread may take
any of them. Words keep the order in which they are first seen: dictionaries of units that are
merged in the part's order give the very ids that one dictionary would have given them.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora.errors import CorpusError
from corpora.part import Joins
from corpora.rows.tag_kinds import lists_of_both, marked, unmarked
from corpora.tokens.buffers import INT32_MAX, id_lists, list_offsets
from corpora.tokens.interner import FIRST_WORDS, DictionaryFullError, Interner, rename

Unit = list[pa.RecordBatch]
BYTES_A_WORD = 1 << 6  # of text, for each distinct word in a unit
# What documents' tags are; None: no documents.
Tagged = Literal["strings", "numbers", "both"] | None


@dataclass
class Bounds:
    """How large things may get. Tests use small ones."""

    shard_tokens: int = 1 << 23
    shard_words: int = 1 << 19  # distinct; looked at between two units
    batch_tokens: int = 1 << 16
    batch_rows: int = 1 << 16
    text_bytes: int = 1 << 22  # tokenised in one unit, about
    word_bytes: int = INT32_MAX  # all words of one dictionary


@dataclass(frozen=True)
class Rows:
    """Rows of ids: columns of list<int32>, the tokens first, then the tags if there are any."""

    columns: list[Any]
    tokens: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0])


@dataclass(frozen=True)
class Dictionary:
    """Distinct words by id, or tags, and how often each came."""

    words: Any
    counts: npt.NDArray[np.int64]


class Tokeniser:
    """Two dictionaries that grow, of words and of tags, and totals of the rows they have taken.

    full: the dictionary has refused rows and takes no more.
    """

    def __init__(
        self, word_bytes: int = INT32_MAX, *, tagged: Tagged, room: int = FIRST_WORDS
    ) -> None:
        self.tagged = tagged
        self.words = Interner(word_bytes, room)
        self.tags = Interner(word_bytes)
        self.rows = self.tokens = self.split = 0
        self.full = False

    def add(self, batch: pa.RecordBatch) -> Rows:
        """Take rows in, as many as there is room for."""
        columns: list[Any] = []
        fitting = batch.num_rows
        if self.tagged:
            tags: Any = batch["tags"]
            lists = marked(tags) if self.tagged == "both" else _lists(tags)
            columns = [_all_or_some(self.tags.intern, lists)]
            fitting = len(columns[0])
        if "words" in batch.schema.names:
            ids = _all_or_some(self.words.intern, _lists(batch["words"].slice(0, fitting)))
        else:
            ids = _all_or_some(self.words.split, batch["text"].slice(0, fitting))
        done = len(ids)
        if done < fitting and self.tagged:
            self.tags.forget(columns[0].slice(done).flatten().to_numpy())
        if done < batch.num_rows:
            self.full = True
            if done + self.rows == 0:
                raise CorpusError(
                    "the distinct words or tags of one row take more than 2 GiB",
                    remedy="split the text into shorter rows",
                )
        self.rows += done
        self.tokens += len(ids.values)
        if "continued" in batch.schema.names:
            continued: Any = batch["continued"].slice(0, done)
            self.split += int(continued.true_count)
        return Rows([ids, *(column.slice(0, done) for column in columns)], len(ids.values))

    def absorb(self, made: "Tokenised") -> list[Rows] | None:
        """Take the rows of a unit in, and the unit up: they have ids of these dictionaries now.

        None: there may not be room for all, so the unit has to be added row by row.
        """
        other = made.by
        if other.full or not (self.words.fits(other.words) and self.tags.fits(other.tags)):
            return None
        tables = [self.words.absorb(other.words)]
        if self.tagged:
            tables.append(self.tags.absorb(other.tags))
        self.rows += other.rows
        self.tokens += other.tokens
        self.split += other.split
        for rows in made.rows:
            for column, table in zip(rows.columns, tables, strict=True):
                # The ids are this unit's own, and nobody has seen them yet.
                rename(column.values.to_numpy(), table)
        return made.rows

    def rejoined(self, rows: list[Rows], joins: tuple[Joins, ...]) -> list[Rows]:
        """Join phrases in all rows that were taken in; returns them with the ids they have then."""
        words: Any = self.words.words
        lists = [(one.columns[0].values.to_numpy(), list_offsets(one.columns[0])) for one in rows]
        for phrases in joins:
            lists = [phrases.joined(ids, ends, words) for ids, ends in lists]
            words = pa.concat_arrays([words, phrases.names])
        every = np.concatenate([ids for ids, _ in lists])
        # Where each comes first: of several writes to one place the last one stays.
        first = np.full(len(words), -1, np.int32)
        first[every[::-1]] = np.arange(len(every), dtype=np.int32)[::-1]
        is_first = np.zeros(len(every), bool)
        is_first[first[first >= 0]] = True
        order = every[is_first]
        counts = np.bincount(every, minlength=len(words))[order]
        self.words = Interner(self.words.most_bytes, len(order))
        table: npt.NDArray[np.int32] = np.full(len(words), -1, np.int32)
        table[order] = self.words.add(words.take(pa.array(order)), counts)
        self.tokens = len(every)
        for ids, _ in lists:
            rename(ids, table)
        return [
            Rows([id_lists(ends, ids), *one.columns[1:]], len(ids))
            for one, (ids, ends) in zip(rows, lists, strict=True)
        ]

    def dictionaries(self) -> tuple[Dictionary, Dictionary | None]:
        """Return the words, and the tags if there are any, as they are now."""
        words, tags = (Dictionary(known.words, known.counts) for known in (self.words, self.tags))
        if self.tagged == "numbers":
            tags = Dictionary(tags.words.cast(pa.int64()), tags.counts)
        elif self.tagged == "both":
            tags = Dictionary(unmarked(tags.words), tags.counts)
        return words, tags if self.tagged else None


@dataclass(frozen=True)
class Tokenised:
    """A unit after tokenising: its rows, and the dictionaries that their ids belong to."""

    by: Tokeniser
    rows: list[Rows]


def tokenised(unit: Unit, joins: tuple[Joins, ...] = ()) -> Tokenised:
    """Tokenise a unit by itself, and join phrases in it; it may run on any thread."""
    # About as many distinct words as natural text of that size has: they grow no more then.
    room = sum(batch.nbytes for batch in unit) // BYTES_A_WORD
    by = Tokeniser(tagged=is_tagged(unit), room=room)
    rows = [by.add(batch) for batch in unit]
    # One that is full is added row by row later on.
    return Tokenised(by, by.rejoined(rows, joins) if joins and not by.full else rows)


def is_tagged(unit: Unit) -> Tagged:
    """Return what the rows' tags are, None where they have none."""
    return _tagged(unit[0])


def _tagged(batch: pa.RecordBatch) -> Tagged:
    if "tags" not in batch.schema.names:
        return None
    kind: Any = batch.schema.field("tags").type
    if pa.types.is_union(kind.value_type):
        return "both"
    return "numbers" if pa.types.is_integer(kind.value_type) else "strings"


def units(batches: Iterable[pa.RecordBatch], text_bytes: int) -> Iterator[Unit]:
    """Yield the batches in units of about so much text, none empty; one row is never cut.

    After tags of both kinds all are taken for such: else a shard would end wherever they begin.
    """
    waiting: Unit = []
    size, both = 0, False
    for batch in batches:
        both = both or _tagged(batch) == "both"
        alike = _with_both(batch) if both else batch
        for piece in _pieces(alike, text_bytes):
            other = waiting and (
                waiting[0].schema.names != piece.schema.names
                or is_tagged(waiting) != _tagged(piece)
            )
            if waiting and (other or size + piece.nbytes > text_bytes):
                yield waiting
                waiting, size = [], 0
            waiting.append(piece)
            size += piece.nbytes
    if waiting:
        yield waiting


def tokenised_ahead(
    pending: Iterator[Unit], pool: Executor, depth: int, joins: tuple[Joins, ...] = ()
) -> Generator[tuple[Unit, Tokenised]]:
    """Tokenise units on the pool's threads, at most `depth` in front; yields them in order.

    An error in a thread is raised here, with the traceback that it had there.
    """
    waiting: deque[tuple[Unit, Future[Tokenised]]] = deque()
    try:
        for unit in pending:
            waiting.append((unit, pool.submit(tokenised, unit, joins)))
            if len(waiting) > depth:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)
    finally:
        for _, made in waiting:
            made.cancel()


def _taken(waiting: deque[tuple[Unit, Future[Tokenised]]]) -> tuple[Unit, Tokenised]:
    # In a function of its own, so that no name keeps a unit that nobody needs any more.
    unit, made = waiting.popleft()
    return unit, made.result()


def _with_both(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose tags are of both kinds, whatever they were."""
    if _tagged(batch) in ("strings", "numbers"):
        at = batch.schema.get_field_index("tags")
        return batch.set_column(at, "tags", lists_of_both(batch["tags"]))
    return batch


def _pieces(batch: pa.RecordBatch, text_bytes: int) -> Iterator[pa.RecordBatch]:
    pieces = max(1, min(batch.num_rows, -(-batch.nbytes // text_bytes)))
    rows = max(1, -(-batch.num_rows // pieces))
    for at in range(0, batch.num_rows, rows):
        yield batch.slice(at, rows)


def _all_or_some(intern: Any, column: Any) -> Any:
    """Return the ids of the rows that go in: all, or those before the dictionary is full."""
    try:
        return intern(column)
    except DictionaryFullError as full:
        return full.done


def _lists(column: Any) -> Any:
    """Return a column of lists of strings, whatever kind of lists they are."""
    kind = column.type
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and (
        pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
    ):
        return column
    return column.cast(pa.list_(pa.string()))
