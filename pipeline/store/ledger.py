"""What a model has learnt from: a row for each source that was ever read, as an Arrow table.

It is one of a version's files, so vectors and what they have read can't disagree. A source is told
from its own later contents by its fingerprint, of which a hash is kept: it is long, and may name
what is nobody's business. Where sources were read as one (a shuffle joins them), rows and tokens
stand at the first of them.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from corpora.shards import TokenShards
from corpora.shards.shard_set import ShardSet
from pipeline.store.errors import DamagedError
from pipeline.store.source_names import named

NAME = "ledger.arrow"
Standing = Literal["new", "changed", "known"]

_FIELDS: list[Any] = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("fingerprint", pa.string()),
    pa.field("rows", pa.int64(), nullable=False),
    pa.field("tokens", pa.int64(), nullable=False),
    pa.field("version", pa.int64(), nullable=False),
    pa.field("read", pa.string(), nullable=False),
    pa.field("set", pa.string()),
    pa.field("counted", pa.bool_(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)
PIECE = 1 << 16  # rows in a batch


@dataclass(frozen=True)
class Consumed:
    """One source that a run has read and not published yet.

    fingerprint: as its reader gives it, None where nothing is known; counted: whether its words
    were added to the vocabulary's counts; made: the set of its shards, if it is on a disk.
    """

    source: str
    fingerprint: str | None
    rows: int
    tokens: int
    counted: bool = True
    made: ShardSet | None = field(default=None, repr=False, compare=False)
    _home: object = field(default=None, repr=False, compare=False)


def consumed(
    shards: TokenShards, *, counted: bool, hide: Callable[[str], str] = str
) -> Iterator[Consumed]:
    """Yield what the ledger has to say of a corpus that was encoded.

    hide: takes out of a source's name what is secret.

    >>> from corpora import Sentences, encode
    >>> list(consumed(encode(Sentences([["to", "be"]])), counted=True))
    [Consumed(source='sentences in memory', fingerprint=None, rows=1, tokens=2, counted=True)]
    """
    names = iter(named((one.label for part in shards.parts for one in part.origins), hide))
    for part in shards.parts:
        rows, tokens = part.rows, part.tokens
        for origin in part.origins:
            yield Consumed(next(names), origin.fingerprint, rows, tokens, counted, part.made, part)
            rows = tokens = 0


@dataclass(frozen=True, eq=False)
class Ledger:
    """All sources that a version's vectors have learnt from, a row for each.

    table: source, fingerprint (hashed), rows, tokens, the version and the time (`read`) in which it
    was read, `set`: its shards' name in the store or null, and whether its words were `counted`.

    >>> ledger = Ledger.empty().add([Consumed("a.txt", "size 7", 2, 9)], 1, "2026-01-01T00:00:00Z")
    >>> len(ledger), ledger.rows, ledger.tokens, ledger.sets
    (1, 2, 9, set())
    >>> ledger.standing("a.txt", "size 7"), ledger.standing("a.txt", "size 8")
    ('known', 'changed')
    >>> ledger.standing("b.txt", "size 7"), ledger.vanished(["b.txt"])
    ('new', ['a.txt'])
    """

    table: pa.Table

    @classmethod
    def empty(cls) -> "Ledger":
        """Return the ledger of a model that has read nothing."""
        return cls(SCHEMA.empty_table())

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Return the ledger in a file; raises DamagedError for what is none."""
        try:
            with pa.OSFile(str(path), "rb") as source:
                table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
        except (OSError, pa.ArrowException) as error:
            raise DamagedError(f"{path} is not a ledger: {error}") from error
        if table.schema != SCHEMA:
            raise DamagedError(f"{path} is not a ledger: it has the columns {table.column_names}")
        for name in [one.name for one in SCHEMA if not one.nullable]:
            if table[name].null_count:
                raise DamagedError(f"{path} is not a ledger: a {name} is missing")
        return cls(table)

    def write(self, path: Path) -> None:
        """Write the ledger into a new file; raises OSError."""
        packed = pa.ipc.IpcWriteOptions(compression="zstd")
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, SCHEMA, options=packed) as out,
        ):
            out.write_table(self.table.combine_chunks(), PIECE)

    def __len__(self) -> int:
        """Return how many sources were read; one that was read twice counts twice."""
        return self.table.num_rows

    @property
    def rows(self) -> int:
        """How many rows of text were read."""
        return self._sum("rows")

    @property
    def tokens(self) -> int:
        """How many words of text were read."""
        return self._sum("tokens")

    @property
    def sets(self) -> set[str]:
        """The names of the shard sets in the store."""
        found: Any = pc.drop_null(pc.unique(self.table["set"]))
        return set(found.to_pylist())

    def add(
        self,
        consumed: Iterable[Consumed],
        version: int,
        read: str,
        sets: Mapping[str, str] | None = None,
    ) -> "Ledger":
        """Return this ledger with what a run has read in making a version; `read` says when.

        sets: for the `content` of a set of shards the name that it is kept under.
        """
        rows = [
            {
                "source": one.source,
                "fingerprint": hashed(one.fingerprint),
                "rows": one.rows,
                "tokens": one.tokens,
                "version": version,
                "read": read,
                "set": None if one.made is None else (sets or {}).get(one.made.content),
                "counted": one.counted,
            }
            for one in consumed
        ]
        if not rows:
            return self
        return Ledger(pa.concat_tables([self.table, pa.Table.from_pylist(rows, SCHEMA)]))

    def standing(self, source: str, fingerprint: str | None) -> Standing:
        """Return whether a source was read as it is, or only as it was ("changed"), or never.

        A source that nothing identifies is never known.
        """
        if source not in self._prints:
            return "new"
        print_ = hashed(fingerprint)
        return "known" if print_ is not None and print_ in self._prints[source] else "changed"

    def vanished(self, sources: Iterable[str]) -> list[str]:
        """Return the sources of this ledger that are not among these, each once, in order."""
        there = set(sources)
        return [source for source in self._prints if source not in there]

    def of(self, sources: Sequence[str]) -> "Ledger":
        """Return the rows of these sources."""
        chosen: Any = pc.is_in(self.table["source"], pa.array(sources, pa.string()))
        return Ledger(self.table.filter(chosen))

    @cached_property
    def _prints(self) -> dict[str, tuple[str | None, ...]]:
        """Of each source the contents that were read."""
        found: dict[str, tuple[str | None, ...]] = {}
        columns: list[list[Any]] = [self.table[n].to_pylist() for n in ("source", "fingerprint")]
        for source, print_ in zip(*columns, strict=True):
            found[source] = (*found.get(source, ()), print_)
        return found

    def _sum(self, column: str) -> int:
        total: Any = pc.sum(self.table[column])
        return int(total.as_py() or 0)


def hashed(fingerprint: str | None) -> str | None:
    """Return what the ledger keeps of a fingerprint: 128 bits of its SHA-256.

    >>> hashed("size 7")
    'f0b24caabfc8c384709c3800ed5ae235'
    """
    if fingerprint is None:
        return None
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
