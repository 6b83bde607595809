"""Forgetting documents: their text, counts, tags and vectors leave; everything else stays as it is.

Documents are named by a tag or by the source they were read from. Their rows are cut out of the
sets of shards, the words in them are subtracted from the counts, exactly; words and tags that
nobody else has leave dictionaries, vocabulary and matrices. The other vectors keep every bit: what
they have learnt from the documents together with all else can't be taken back but by training anew.
Counts that have faded, or words that a compaction dropped, don't tell what others have: then the
dictionaries of all text that was kept do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.rows.tag_kinds import filtered, is_in, taken_apart
from corpora.shards.cached import opened_set
from corpora.shards.cut import Gone, cut, drop_documents, has_any, whole
from corpora.shards.shard_set import ShardSet, drop_contents
from corpora.tokens.interner import Interner
from pipeline.models.model import Model
from pipeline.models.model_files import Files
from pipeline.store.ledger import SCHEMA, Ledger
from pipeline.store.shards import stored_set
from pipeline.store.versions import Store
from pipeline.updates.cut_out import without
from pipeline.words.fading import without_text
from pipeline.words.key_index import word_index
from pipeline.words.tags import Tag

Row = dict[str, Any]
Counts = NDArray[np.int64]
Missing = Literal["error", "skip"]


class ForgetError(MillraceError):
    """What is to be forgotten isn't there, or can't be told from the rest."""


@dataclass(frozen=True)
class Forgotten:
    """A model without some documents, its ledger, and what has gone.

    documents: tags that left, or where the model has none, rows; rows, tokens: of text; words: that
    nobody else had; old: sets of shards that nobody needs now; gone: the tags, an array for each
    kind.
    """

    files: Files
    ledger: Ledger
    documents: int
    rows: int
    tokens: int
    words: int
    old: frozenset[str]
    gone: "list[pa.Array[Any]]" = field(default_factory=list, repr=False)

    def leave_cache(self, home: Path) -> None:
        """Remove their text from a cache of shards, in whatever form it is there by their tags."""
        drop_contents(home, self.old)
        drop_documents(home, self.gone)

    def figures(self) -> dict[str, int]:
        """Return the figures, for programs."""
        names = ("documents", "rows", "tokens", "words")
        return {**{name: getattr(self, name) for name in names}, "left": self.ledger.tokens}

    @property
    def model(self) -> Model:
        """The model that is left."""
        left = self.files
        made = Model(left.vocabulary, left.settings, left.matrices, left.tags, left.tree)
        made.phrases = left.phrases
        return made

    def told(self, verb: str = "forgot") -> str:
        """Return the figures, for people."""
        return (
            f"{verb} {self.documents:,} documents: {self.rows:,} rows, {self.tokens:,} words of "
            f"text, {self.words:,} words that nobody else had; a training anew would read the "
            f"{self.ledger.tokens:,} words of text that are left"
        )


def forget(
    store: Store,
    model: Model,
    ledger: Ledger,
    *,
    tags: Sequence[Tag] = (),
    sources: Sequence[str] = (),
    missing: Missing = "error",
    rows_stay: bool = False,
    dry_run: bool = False,
) -> Forgotten | None:
    """Return what is left of a model without some documents; sets that are cut go to the store.

    tags: of the documents. sources: as the ledger has them, or patterns of them with *. missing:
    what happens where there is no such tag or source. rows_stay: words and tags that nobody has any
    more keep their vectors, with a count of 0, because their text is about to be read as it is now.
    dry_run: nothing goes to the store. None where nothing is to be forgotten. Raises
    ForgetError where text of them was not kept, so that it is not known what only they had, and
    DamagedError for text that is not what was kept.
    """
    work = _Work(store, model.files(), ledger.table.to_pylist())
    leaving = work.chosen(sources, missing)
    wanted = work.there(tags, missing)
    for row in leaving:
        work.drop(row)
    if wanted:
        work.cut(wanted, dry_run=dry_run)
    if not leaving and not wanted:
        return None
    return work.result(wanted, rows_stay=rows_stay)


@dataclass
class _Work:
    """Counts and a ledger that get smaller; rows: the ledger's, lost: places of those that go."""

    store: Store
    files: Files
    rows: list[Row]
    lost: set[int] = field(default_factory=set)
    old: set[str] = field(default_factory=set)
    text_rows: int = 0
    tokens: int = 0

    def __post_init__(self) -> None:
        vocabulary, tags = self.files.vocabulary, self.files.tags
        self.word_counts = vocabulary.counts.astype(np.int64)
        self.tag_counts = None if tags is None else tags.counts.astype(np.int64)
        self._words = word_index(vocabulary.words)
        # A count never exceeds what was counted, so equal sums mean that none of them has faded.
        counted = [row for row in self.rows if row["counted"] and row["rows"]]
        self._exact = int(self.word_counts.sum()) == sum(row["tokens"] for row in counted)
        self._counted = Counter(row["set"] for row in counted)
        self._strays: list[tuple[Any, Counts]] = []  # what goes of words that have no count

    def chosen(self, sources: Sequence[str], missing: Missing) -> list[int]:
        """Return the places in the ledger of the sources asked for, checked."""
        names = {row["source"] for row in self.rows}
        asked: set[str] = set()
        for source in sources:
            found = {source} if source in names else {n for n in names if fnmatchcase(n, source)}
            if not found and missing == "error":
                raise ForgetError(
                    f'nothing was read from "{source}". To mend it: name a source as millrace show '
                    "--sources has it"
                )
            asked |= found
        for group in _read_as_one(self.rows):
            named = [self.rows[at]["source"] for at in group]
            inside = [name in asked for name in named]
            if any(inside) and not all(inside):
                raise ForgetError(
                    f"{named[inside.index(True)]} was read as one with "
                    f"{named[inside.index(False)]}, so their "
                    "text can't be told apart. To mend it: forget all that were read with it, or "
                    "documents by their tags"
                )
        leaving = [at for at, row in enumerate(self.rows) if row["source"] in asked]
        for row in (self.rows[at] for at in leaving):
            if row["set"] is None and row["rows"]:
                raise _not_kept(row["source"])
        return leaving

    def there(self, tags: Sequence[Tag], missing: Missing) -> list[Tag]:
        """Return the tags that documents have."""
        table = self.files.tags
        if not tags:
            return []
        if table is None:
            return list(tags)  # the sets will tell
        unknown = [tag for tag, place in zip(tags, table.find(tags), strict=True) if place < 0]
        lost = set(unknown) - self._in_text(unknown)
        if lost and missing == "error":
            first = next(tag for tag in unknown if tag in lost)
            raise ForgetError(f'the model has no document "{first}"; nothing was forgotten')
        return [tag for tag in tags if tag not in lost]

    def drop(self, at: int) -> None:
        """Let a source go with all its text."""
        row = self.rows[at]
        self.lost.add(at)
        if row["set"] is not None and row["rows"]:
            self.old.add(row["set"])
            for shard in opened_set("", self._set(row["set"])):
                self._subtract(whole(shard), row)

    def cut(self, tags: Sequence[Tag], *, dry_run: bool) -> None:
        """Let documents go, out of every set that has some of them."""
        arrays = arrays_of(tags)
        with self.store.storage.writing(), self.store.storage.scratch() as scratch:
            done: dict[str, tuple[str | None, list[Gone]]] = {}
            made: dict[str, Path] = {}
            for at, row in enumerate(self.rows):
                name = row["set"]
                if name is None or at in self.lost:
                    continue
                if name not in done:
                    done[name] = _cut_one(self.store, name, arrays, scratch, made)
                self._shrink(at, *done[name])
            if self.tag_counts is not None:
                self._demand_all(tags)
            elif not any(gone for _, gone in done.values()):
                raise ForgetError(
                    f"no text in the store has the tag {tags[0]!r}; nothing was forgotten"
                )
            if not dry_run:
                self.store.storage.adopt(made)

    def result(self, wanted: Sequence[Tag], *, rows_stay: bool) -> Forgotten:
        """Return what is left."""
        table, vocabulary = self.files.tags, self.files.vocabulary
        counts, words, lost = self._left()
        if not rows_stay and not words[: vocabulary.size].any():
            raise ForgetError(
                "no word of the model would be left. To mend it: remove the store instead"
            )
        left = replace(self.files, vocabulary=replace(vocabulary, counts=counts))
        tags = None
        if table is not None and self.tag_counts is not None:
            # One that nobody had before may have been left because its text is about to come again.
            tags = (self.tag_counts > 0) | (table.counts == 0)
            left = replace(left, tags=replace(table, counts=np.maximum(self.tag_counts, 0)))
        gone = self.text_rows if tags is None else int((~tags).sum())
        if not rows_stay:
            left = without(left, words, tags, lost)
        rows = [row for at, row in enumerate(self.rows) if at not in self.lost]
        leaving = arrays_of(wanted)
        if table is not None and tags is not None:
            leaving += taken_apart(filtered(table.keys, ~tags))[1:]
        return Forgotten(
            left,
            Ledger(pa.Table.from_pylist(rows, SCHEMA)),
            max(gone, len(wanted), 1),
            self.text_rows,
            self.tokens,
            int((~words).sum()),
            frozenset(self.old - {row["set"] for row in rows}),
            leaving,
        )

    def _in_text(self, tags: Sequence[Tag]) -> set[Tag]:
        """Return those of the tags that text has; a document may have left and its text stayed."""
        found: set[Tag] = set()
        wanted = arrays_of(tags)
        for name in sorted({row["set"] for row in self.rows if tags and row["set"] is not None}):
            for shard in opened_set("", stored_set(self.store, name)):
                if shard.tags is not None:
                    its: Any = filtered(shard.tags, is_in(shard.tags, wanted))
                    found |= set(its.to_pylist())
        return found

    def _set(self, name: str) -> ShardSet:
        return stored_set(self.store, name, hashes=True)

    def _subtract(self, gone: Gone, row: Row) -> None:
        self.text_rows += gone.rows
        self.tokens += gone.tokens
        if row["counted"]:
            places = self._words.find(gone.words)
            _take(self.word_counts, places, gone.word_counts)
            if not self._exact:
                stray = (places < 0) & (gone.word_counts > 0)
                self._strays.append((gone.words.filter(pa.array(stray)), gone.word_counts[stray]))
        if self.tag_counts is not None and gone.tags is not None and gone.tag_counts is not None:
            assert self.files.tags is not None
            _take(self.tag_counts, self.files.tags.lookup(gone.tags), gone.tag_counts)

    def _shrink(self, at: int, new: str | None, gone: Sequence[Gone]) -> None:
        """Let a source have the set that is left of its own."""
        if not gone:
            return
        row = self.rows[at]
        self.old.add(row["set"])
        row["set"] = new
        if row["rows"]:  # else another source has them, that it was read with
            for one in gone:
                self._subtract(one, row)
            row["rows"] -= sum(one.rows for one in gone)
            row["tokens"] -= sum(one.tokens for one in gone)
        if new is None:
            self.lost.add(at)  # nothing of it is left, and its name may be its documents'

    def _demand_all(self, tags: Sequence[Tag]) -> None:
        """Raise ForgetError if a document that is to go has text that was not kept."""
        assert self.files.tags is not None
        assert self.tag_counts is not None
        all_kept = not any(row["set"] is None and row["rows"] for row in self.rows)
        for tag, place in zip(tags, self.files.tags.find(tags), strict=True):
            if place >= 0 and self.tag_counts[place] > 0:
                if not all_kept:
                    raise _not_kept(f'the document "{tag}"')
                self.tag_counts[place] = 0  # it was counted for each of several trainings in a run

    def _left(self) -> tuple[Counts, NDArray[np.bool_], pa.StringArray]:
        """Return the counts that are left, which words somebody still has, and lost strays."""
        held = self.files.vocabulary
        gone = held.counts - self.word_counts
        if self._exact:
            staying = np.asarray((gone == 0) | (self.word_counts > 0))
            return np.maximum(self.word_counts, 0), staying, _none()
        strays: Any = pa.concat_arrays([_none(), *(words for words, _ in self._strays)]).unique()
        index = word_index(pa.concat_arrays([held.words, strays]))
        gone = np.concatenate([gone, np.zeros(len(strays), np.int64)])
        for words, counts in self._strays:
            gone[index.find(words)] += counts
        kept = self._read(index, len(gone)) - gone
        n = len(held.words)
        left = without_text(held.counts, gone[:n], kept[:n])
        staying = np.asarray((gone[:n] == 0) | (kept[:n] > 0) | (left > 0))
        return left, staying, strays.filter(pa.array(kept[n:] == 0))

    def _read(self, index: Interner, n: int) -> Counts:
        """Return how often each of n words stands in all text, that which leaves too, as kept."""
        found = np.zeros(n, np.int64)
        for name in sorted(self._counted.keys() - {None}):
            for shard in opened_set("", stored_set(self.store, name)):
                places = index.find(shard.words)
                known = places >= 0
                found[places[known]] += self._counted[name] * shard.counts[known]
        return found


def _none() -> pa.StringArray:
    return pa.array([], pa.string())


def _cut_one(
    store: Store, name: str, tags: "list[pa.Array[Any]]", scratch: Path, made: dict[str, Path]
) -> tuple[str | None, list[Gone]]:
    """Return the name of a set without some documents, and what has gone of each of its shards."""
    if not any(has_any(stored_set(store, name), some) for some in tags):
        return name, []
    held = stored_set(store, name, hashes=True)
    new, gone = cut(held, tags, scratch)
    if not new.entries:
        return None, gone
    made[f"shards/{new.content}"] = new.folder
    return new.content, gone


def _take(counts: NDArray[np.int64], places: NDArray[np.int32], away: NDArray[np.int64]) -> None:
    known = places >= 0
    counts[places[known]] -= away[known]


def arrays_of(tags: Sequence[Tag]) -> "list[pa.Array[Any]]":
    """Return tags as arrays, one for each kind that there is."""
    names = [tag for tag in tags if isinstance(tag, str)]
    numbers = [tag for tag in tags if not isinstance(tag, str)]
    made: list[Any] = [pa.array(names, pa.string()), pa.array(numbers, pa.int64())]
    return [some for some in made if len(some)]


def _read_as_one(rows: list[Row]) -> Iterator[range]:
    """Yield the places of sources that were read together: the first has the rows of all."""
    at = 0
    while at < len(rows):
        group = _group_of(rows, at)
        if len(group) > 1:
            yield group
        at = group.stop


def _group_of(rows: list[Row], first: int) -> range:
    held = rows[first]
    end = first + 1
    while (  # without rows it may have the set of an equal file, but none was read with it
        held["rows"] and held["set"] is not None and end < len(rows) and not rows[end]["rows"]
        and (rows[end]["set"], rows[end]["version"]) == (held["set"], held["version"])
    ):  # fmt: skip
        end += 1
    return range(first, end)


def _not_kept(what: str) -> ForgetError:
    return ForgetError(
        f"the store does not have the text of {what}: it was published without its shards, so what "
        "only it had can't be told. To mend it: train a new model without it, in another store"
    )
