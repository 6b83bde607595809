"""How often words and pairs of words were seen: what phrases are found by. Counts only grow.

Words have ids in the order in which they came. Connectors have numbers instead: they are not
counted, and what stands between the two words of a pair is a chain of them.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpora.errors import MillraceError
from corpora.phrases import connectors_first, demand_phrases, marked
from corpora.rows.columns import STRINGS
from corpora.tokens.buffers import list_offsets
from corpora.tokens.interner import DictionaryFullError
from corpora.tokens.pairs import Chains, Counts, Ids, Pairs, PairTable, Rows, Slots
from corpora.tokens.side_by_side import processors
from pipeline.phrases.counting import Share, most_frequent

MEMORY = 1 << 29  # bytes for counting pairs, before they go to disk
MOST_SHARES = 8
# The distinct words of a piece of text, how often each stands in it, and its rows of ids.
Piece = tuple[pa.StringArray, Counts, Iterable[pa.RecordBatch]]


class PhraseCounts:
    """The counts of words and pairs.

    words: all words, connectors first; counts: (words that are no connectors) int64, 0 for one that
    is known but was never counted; total: tokens read, connectors among them.

    >>> from corpora import Sentences
    >>> counts = PhraseCounts(connectors={"of"})
    >>> rows = Sentences([["bank", "of", "america"], ["bank", "america"]])
    >>> counts.add((made.words, made.counts, [made.batch]) for made in rows.token_batches())
    >>> counts.find([["bank", "of", "america"], ["america", "bank"]]).tolist()
    [1, 0]
    >>> len(counts), counts.total  # bank, america, and the two pairs
    (4, 5)
    """

    def __init__(self, connectors: Collection[str] = (), *, shares: int | None = None) -> None:
        self.connectors = frozenset(connectors)
        self.words = connectors_first(self.connectors)
        self.chains = Chains()
        self.counts: Counts = np.zeros(0, np.int64)
        self.total = 0
        self._numbers: dict[tuple[int, ...], int] = {}
        parts = shares or min(processors(), MOST_SHARES)
        self._tables = [PairTable() for _ in range(parts)]

    @classmethod
    def of(
        cls, grams: Any, counts: Counts, connectors: Collection[str], total: int
    ) -> "PhraseCounts":
        """Return counts as they were: grams (n) list<string>, words and pairs; counts (n).

        Raises ValueError for what was never counted like that.
        """
        made = cls(connectors)
        single = np.asarray(pc.list_value_length(grams)) == 1
        if (counts < 1).any() or (counts >= 1 << 40).any() or total < 0:
            raise ValueError("a count is out of bounds")
        words, pairs = (grams.filter(pa.array(which)) for which in (single, ~single))
        ids = marked(made._intern(words.flatten()), len(made.connectors))
        if (ids < 0).any() or len(np.unique(ids)) < len(ids):
            raise ValueError("a word comes twice, or is a connector")
        made.counts = np.zeros(len(made.words) - len(made.connectors), np.int64)
        made.counts[ids] = counts[single]
        rows = made._rows(pairs)
        demand_phrases(rows, pairs)
        slots = made.chains.pairs_of(rows)
        slots[:, 1] += (counts[~single] - 1).astype(np.uint64) << np.uint64(24)
        made._adopt([slots])
        if sum(map(len, made._tables)) < len(slots):
            raise ValueError("a pair comes twice")
        made.counts = np.pad(made.counts, (0, made._known() - len(made.counts)))
        made.total = total
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what was counted."""
        grams, counts = self.grams()
        lists = grams.cast(STRINGS)
        return PhraseCounts.of, (lists, counts, self.connectors, self.total)

    def __len__(self) -> int:
        """Return how many words and pairs there are."""
        return int(np.count_nonzero(self.counts)) + sum(map(len, self._tables))

    def add(
        self, pieces: Iterable[Piece], *, most: int | None = None, memory: int | None = None
    ) -> None:
        """Count the pieces of a text; whatever is raised on the way, counts stay as they were.

        most: how many words and pairs to keep, those seen most often; memory: bytes for pairs.
        """
        memory = MEMORY if memory is None else memory
        parts = len(self._tables)
        new = np.zeros(0, np.int64)
        total = 0
        with ExitStack() as stack:
            shares = [stack.enter_context(Share(i, parts, memory // parts)) for i in range(parts)]
            for words, counts, batches in pieces:
                table = marked(self._intern(words), len(self.connectors))
                new = np.pad(new, (0, self._known() - len(new)))
                real = table >= 0
                new[table[real]] += counts[real]
                total += int(counts.sum())
                for batch in batches:
                    lists: Any = batch["tokens"]
                    ends = list_offsets(lists)
                    pairs = self.chains.pairs_of(Rows(ends, lists.values.to_numpy(), table))
                    for share in shares:
                        share.add(pairs)
            for share in shares:
                share.finish()
            spilled = any(share.spilled for share in shares)
            held = self._merged(shares, most) if spilled else None
        self.counts = np.pad(self.counts, (0, self._known() - len(self.counts)))
        self.counts[: len(new)] += new
        self.total += total
        if held is not None:
            self._tables = [PairTable() for _ in self._tables]
            self._adopt(held)
        elif not any(map(len, self._tables)):
            self._tables = [share.table for share in shares]
        else:
            self._adopt([share.table.slots() for share in shares])
        if most is not None and len(self) > most:
            self._prune(most)

    def find(self, grams: Sequence[Sequence[str]]) -> Counts:
        """Return how often each pair was seen, (n); a pair is its words, with the connectors."""
        asked, chains = [], self._chain_numbers()
        for gram in grams:
            ids = self._find_words(gram)
            chain = chains.get(tuple((~ids[1:-1]).tolist()))
            known = len(ids) > 1 and ids[0] >= 0 and ids[-1] >= 0 and chain is not None
            asked.append((ids[0], ids[-1], chain) if known else (-1, -1, 0))
        first, second, chain_ids = np.array(asked, np.int32).reshape(-1, 3).T
        slots = Pairs(first, second, chain_ids, np.ones(len(asked), np.int64)).to_slots()
        found: Counts = np.sum([table.find(slots) for table in self._tables], axis=0)
        return found

    def word_counts(self, words: Sequence[str]) -> Counts:
        """Return how often each word was seen, (n); 0 for a connector."""
        ids = self._find_words(words)
        counts = np.zeros(len(ids), np.int64)
        seen = (ids >= 0) & (ids < len(self.counts))
        counts[seen] = self.counts[ids[seen]]
        return counts

    def pairs(self, least: int = 1) -> Pairs:
        """Return the pairs that were seen so often at least, as their words first came."""
        slots = np.concatenate([table.slots(least) for table in self._tables])
        return Pairs.from_slots(slots[np.lexsort((slots[:, 1], slots[:, 0]))])

    def spelled(self, pairs: Pairs) -> Any:
        """Return the words of pairs, (n) lists of dictionary-encoded strings."""
        first = np.int32(len(self.connectors))
        middle_ends, middle = self.chains.spelled(pairs.chain)
        ends = middle_ends + 2 * np.arange(1, len(pairs) + 1)
        starts = np.concatenate([[0], ends])[:-1]
        ids: Ids = np.empty(int(ends[-1]) if len(ends) else 0, np.int32)
        within = np.ones(len(ids), bool)
        within[starts] = within[ends - 1] = False
        ids[starts], ids[ends - 1], ids[within] = pairs.first + first, pairs.second + first, middle
        return self._lists(np.concatenate([[0], ends]), ids)

    def grams(self) -> tuple[Any, Counts]:
        """Return all words, as lists of one, and all pairs, (n), and how often each was seen."""
        seen = np.flatnonzero(self.counts)
        ids = (seen + len(self.connectors)).astype(np.int32)
        words = self._lists(np.arange(len(seen) + 1), ids)
        pairs = self.pairs()
        counts = np.concatenate([self.counts[seen], pairs.counts])
        return pa.concat_arrays([words, self.spelled(pairs)]), counts

    def _lists(self, ends: Counts, ids: Ids) -> Any:
        indices: Any = pa.array(ids)
        words: Any = pa.DictionaryArray.from_arrays(indices, self.words.words)
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), words)

    def _known(self) -> int:
        return len(self.words) - len(self.connectors)

    def _intern(self, words: Any) -> Ids:
        """Return the place of each word in the dictionary; new words get one."""
        whole: Any = pa.ListArray.from_arrays(pa.array([0, len(words)], pa.int32()), words)
        try:
            return self.words.intern(whole).values.to_numpy()
        except DictionaryFullError:
            raise MillraceError(
                "the distinct words take more than 2 GiB together. To mend it: split them by a "
                "tokenizer that makes fewer, or leave out rows that are no text."
            ) from None

    def _find_words(self, words: Sequence[str]) -> Ids:
        """Return the id of each word, ~number of a connector; a word that is not known is one."""
        ids = self.words.find(pa.array(list(words), pa.string()))
        return np.where(ids < 0, np.int32(-1 << 30), marked(ids, len(self.connectors)))

    def _rows(self, grams: Any) -> Rows:
        ends = list_offsets(grams)
        inner = grams.values.slice(int(ends[0]), int(ends[-1] - ends[0]))
        ids = self._intern(inner)
        known = np.arange(len(self.words), dtype=np.int32)
        return Rows(ends - ends[0], ids, marked(known, len(self.connectors)))

    def _chain_numbers(self) -> dict[tuple[int, ...], int]:
        """Return the number of each sequence of connectors."""
        known = len(self.chains)
        if len(self._numbers) < known:
            ends, words = self.chains.spelled(np.arange(known, dtype=np.int32))
            starts = np.concatenate([[0], ends])
            spelled = (tuple(words[starts[i] : starts[i + 1]].tolist()) for i in range(known))
            self._numbers = {words: i for i, words in enumerate(spelled)}
        return self._numbers

    def _merged(self, shares: list[Share], most: int | None) -> list[Slots]:
        """Return each share's pairs with those from before; the most frequent so many."""
        held = []
        for share, table in zip(shares, self._tables, strict=True):
            share.add(table.slots())
            waiting: list[Slots] = []
            size = 0
            for piece in share.result():
                waiting.append(piece)
                size += len(piece)
                if most is not None and size > 2 * most + (1 << 16):
                    waiting = [most_frequent(np.concatenate(waiting), most)]
                    size = len(waiting[0])
            held.append(np.concatenate(waiting))
        return held

    def _adopt(self, pieces: Iterable[Slots]) -> None:
        parts = len(self._tables)
        for slots in pieces:
            for part, table in enumerate(self._tables):
                table.add(slots, part, parts)

    def _prune(self, most: int) -> None:
        """Keep the words and pairs seen most often; of those seen alike words first, by age."""
        slots = np.concatenate([table.slots() for table in self._tables])
        seen = np.concatenate([self.counts[self.counts > 0], (slots[:, 1] >> np.uint64(24))])
        seen = seen.astype(np.int64)
        least = np.partition(seen, len(seen) - most)[len(seen) - most] if most else seen.max() + 1
        room = most - int(np.count_nonzero(seen > least))
        alike = np.flatnonzero(self.counts == least)[room:]
        self.counts[self.counts < least] = 0
        self.counts[alike] = 0
        kept = most_frequent(slots, most - int(np.count_nonzero(self.counts)))
        self._tables = [PairTable(len(kept) // len(self._tables)) for _ in self._tables]
        self._adopt([kept])
