"""Phrases, and joining them: rows with "new" and "york" to rows with "new_york".

A phrase is two words, perhaps with connectors between them, such as "bank of america". It is known
by its words and not by the joined string: a word that has the delimiter in it is a word like any
other.
"""

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpora import phrase_files
from corpora.part import Part, before_joins, with_joins
from corpora.rows.columns import STRINGS, with_words
from corpora.sources.address import shown
from corpora.tokens.buffers import list_offsets
from corpora.tokens.interner import Interner
from corpora.tokens.pairs import CHAIN_BITS, NO_WORD, Chains, Ids, Pairs, PairTable, Rows
from corpora.transform import RowTransform

Lists = Any  # a pa.ListArray


class PhraseTable:
    """Phrases, made ready to be joined.

    grams: list<string>, (phrases), the words of each; scores: float64, (phrases), or None.
    Raises ValueError for what can be no phrase: it begins or ends with a connector, has another
    word inside, or comes twice.

    >>> table = PhraseTable([["bank", "of", "america"], ["new", "york"]], connectors={"of"})
    >>> batch = pa.record_batch({"text": ["the bank of america in new york", "bank of new york"]})
    >>> table.join(batch)["words"].to_pylist()
    [['the', 'bank_of_america', 'in', 'new_york'], ['bank', 'of', 'new_york']]
    """

    def __init__(
        self,
        grams: Lists,
        scores: npt.NDArray[np.float64] | None = None,
        *,
        delimiter: str = "_",
        connectors: Collection[str] = (),
    ) -> None:
        self.grams: Lists = grams if isinstance(grams, pa.Array) else pa.array(grams, STRINGS)
        self.scores = np.zeros(len(self), np.float64) if scores is None else scores
        self.delimiter = delimiter
        self.connectors = frozenset(connectors)
        self._words = connectors_first(self.connectors)
        ids = self._words.intern(self.grams).values.to_numpy()
        ends = list_offsets(self.grams)
        known = np.arange(len(self._words), dtype=np.int32)
        rows = Rows(ends - ends[0], ids, marked(known, len(self.connectors)))
        demand_phrases(rows, self.grams)
        self._chains = Chains()
        pairs = self._chains.pairs_of(rows)
        held = Pairs.from_slots(pairs)
        self._roles = np.zeros(len(self._words) - len(self.connectors), np.uint8)
        self._roles[held.first] |= 1
        self._roles[held.second] |= 2
        # In this table a count is a phrase's number plus one.
        pairs[:, 1] += np.arange(len(pairs), dtype=np.uint64) << np.uint64(CHAIN_BITS)
        self._table = PairTable(len(pairs))
        self._table.add(pairs)
        if len(self._table) < len(pairs):
            raise ValueError("a phrase comes twice")

    @classmethod
    def read(cls, address: str | os.PathLike[str]) -> "PhraseTable":
        """Return the phrases of a file; PhraseFileError where it is no such file."""
        grams, column, scores, said = phrase_files.read(address)
        try:
            sides = {"delimiter": said["delimiter"], "connectors": said["connector_words"]}
            return cls(_phrases(grams, column), np.asarray(scores), **sides)
        except (KeyError, TypeError, ValueError) as error:
            raise phrase_files.PhraseFileError(
                f"this is no file of phrases ({error})",
                url=shown(os.fspath(address)),
                remedy="give one that save() of frozen phrases wrote",
            ) from None

    def write(self, out: BinaryIO, **said: Any) -> None:
        """Write a file; said: what else it is to say of the phrases."""
        sides = {"delimiter": self.delimiter, "connector_words": sorted(self.connectors)}
        phrase_files.write(out, self.grams, "score", self.scores, {**sides, **said})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what it was made from."""
        return _again, (self.grams, self.scores, self.delimiter, self.connectors)

    def __len__(self) -> int:
        """Return how many phrases there are."""
        return len(self.grams)

    @cached_property
    def names(self) -> Any:
        """The joined strings, (phrases)."""
        return pc.binary_join(self.grams, self.delimiter)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when joining gives something else."""
        told = (self.delimiter, sorted(self.connectors), self.grams.to_pylist())
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def joined(self, ids: Ids, ends: Any, words: pa.StringArray) -> tuple[Ids, Any]:
        """Join phrases in rows of ids; returns ids, phrase p as len(words) + p, and the rows' ends.

        ends: (rows + 1) int64; words: what the ids stand for.
        """
        found = self._words.find(words)
        table = marked(found, len(self.connectors))
        table[found < 0] = NO_WORD
        rows = Rows(ends, ids, table)
        return self._table.joined(len(self), self._roles, self._chains, rows, len(words))

    def join(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of rows, with text or words, with the words of its rows joined."""
        interner = Interner()
        if "words" in batch.schema.names:
            lists = interner.intern(_whole(batch["words"]))
        else:
            lists = interner.split(batch["text"])
        words = interner.words
        ids, ends = self.joined(lists.values.to_numpy(), list_offsets(lists), words)
        known: Any = pa.concat_arrays([words, self.names])
        made: Any = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), known.take(pa.array(ids)))
        return with_words(batch, made)


def _again(grams: Lists, scores: Any, delimiter: str, connectors: frozenset[str]) -> PhraseTable:
    return PhraseTable(grams, scores, delimiter=delimiter, connectors=connectors)


class HasPhrases(Protocol):
    """A model of phrases."""

    @property
    def table(self) -> PhraseTable:
        """Its phrases as they are now."""


@dataclass(frozen=True)
class WithPhrases(RowTransform):
    """Join the phrases of a table; columns other than the text or the words stay as they are."""

    phrases: PhraseTable

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with `words`, joined."""
        return self.phrases.join(batch)

    def apply(self, parts: list[Part]) -> list[Part]:
        """Keep every part; rows that become ids are joined as ids, by the threads that do that."""
        made = []
        for part, whole in zip(parts, super().apply(parts), strict=True):
            base, joins = before_joins(part)
            made.append(with_joins(whole, whole.read, base, (*joins, self.phrases)))
        return made

    def extended(self, fingerprint: str | None) -> str | None:
        """Return the fingerprint with that of the phrases."""
        made = f"with_phrases({self.phrases.fingerprint})"
        return None if fingerprint is None else f"{fingerprint} | {made}"


def connectors_first(connectors: Collection[str]) -> Interner:
    """Return a dictionary in which the connectors have the first ids, in order."""
    interner = Interner()
    interner.intern(pa.array([sorted(connectors)], STRINGS))
    return interner


def marked(ids: Ids, connectors: int) -> Ids:
    """Return what the core takes for ids of such a dictionary: ~number, or the id of a word.

    >>> marked(np.arange(4, dtype=np.int32), 2).tolist()
    [-1, -2, 0, 1]
    """
    return np.where(ids < connectors, ~ids, ids - np.int32(connectors))


def _phrases(grams: Lists, column: str) -> Lists:
    if column != "score":
        raise ValueError("it holds counts and not phrases; freeze() gives phrases")
    return grams


def demand_phrases(rows: Rows, grams: Lists) -> None:
    """Raise ValueError for rows that are not a word, connectors, and a word."""
    is_word = np.concatenate([[0], np.cumsum(rows.table[rows.ids] >= 0)])
    starts, ends = rows.ends[:-1], rows.ends[1:]
    words = is_word[ends] - is_word[starts]
    wrong = (words != 2) | (ends - starts < 2)
    # The first and the last one are among the two.
    edges = np.zeros(len(starts), bool)
    fine = ~wrong
    edges[fine] = (rows.table[rows.ids[starts[fine]]] < 0) | (
        rows.table[rows.ids[ends[fine] - 1]] < 0
    )
    for at in np.flatnonzero(wrong | edges)[:1]:
        found: Any = grams[int(at)].as_py()
        raise ValueError(f"{found!r} is no phrase: two words with connectors between them are")


def _whole(column: Any) -> Any:
    """Return lists of strings, of whatever kind they were; null counts as empty."""
    column = column.cast(STRINGS)
    if column.null_count:
        rows: list[Any] = column.to_pylist()
        return pa.array([row or [] for row in rows], STRINGS)
    return column
