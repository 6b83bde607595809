"""What a reader lists against what a version has read: new, changed, known and vanished files.

Files are told apart by their addresses, and a file from what it was by its fingerprint: both come
with the listing, so that no file is opened, or asked for by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from corpora.corpus import Chain, Corpus, Transformed
from corpora.errors import MillraceError
from corpora.part import Part
from corpora.reader import Changed, FileReader
from pipeline.store.ledger import Ledger
from pipeline.store.source_names import label_of, named


@dataclass(frozen=True)
class Listed(Corpus):
    """Parts that a reader has listed, some or all, and that are not listed again."""

    reader: FileReader
    listed: tuple[Part, ...]

    def parts(self) -> list[Part]:
        """Return them."""
        return list(self.listed)


def without_parts(corpus: Corpus, labels: set[str]) -> Corpus:
    """Return a corpus without the listed parts that have these labels."""
    if isinstance(corpus, Listed):
        return replace(corpus, listed=tuple(p for p in corpus.listed if p.label not in labels))
    if isinstance(corpus, Chain):
        return Chain(tuple(without_parts(link, labels) for link in corpus.links))
    if isinstance(corpus, Transformed):
        return Transformed(without_parts(corpus.base, labels), corpus.transform)
    return corpus


@dataclass(frozen=True)
class Compared:
    """The files of one reader by how they stand to a ledger, in the order of the listing.

    listed: all that are there; vanished: sources that were read, that the reader's address would
    stand for, and that are gone.
    """

    listed: tuple[Part, ...]
    new: tuple[Part, ...]
    changed: tuple[Part, ...]
    known: tuple[Part, ...]
    vanished: tuple[str, ...]

    def read(self, changed: Changed) -> tuple[Part, ...]:
        """Return the files to read, by a reader's policy for those that have changed."""
        if changed == "skip" or not self.changed:
            return self.new
        wanted = {id(part) for part in (*self.new, *self.changed)}
        return tuple(part for part in self.listed if id(part) in wanted)

    def told(self) -> str:
        """Return the figures, for people."""
        kinds = ("new", "changed", "vanished", "known")
        return ", ".join(f"{len(getattr(self, kind)):,} {kind}" for kind in kinds)


def read_before(
    parts: Sequence[Part], ledger: Ledger | None, hide: Callable[[str], str] = str
) -> int:
    """Return how many of a reader's files a ledger has as they are."""
    if not ledger:
        return 0
    origins = [origin for part in parts for origin in part.origins]
    names = named((origin.label for origin in origins), hide)
    standings = (
        ledger.standing(name, one.fingerprint) for name, one in zip(names, origins, strict=True)
    )
    return sum(standing == "known" for standing in standings)


def told_again(known: int, total: int) -> str:
    """Return what to say of files that a version has read and that are read again.

    >>> told_again(1, 3)
    '1 of 3 files was read before and counts again; set new_only = true to leave it out'
    """
    files, it = ("file", "it") if total == 1 else ("files", "it" if known == 1 else "them")
    does = "was read before and counts" if known == 1 else "were read before and count"
    return f"{known:,} of {total:,} {files} {does} again; set new_only = true to leave {it} out"


def compared(
    reader: FileReader,
    ledger: Ledger | None,
    hide: Callable[[str], str] = str,
    show: Callable[[str], str] = str,
) -> Compared:
    """List the reader's files and compare them with what a ledger says was read.

    hide, show: take secret values out of a file's address, and put them in again. Raises
    CorpusError for a file that isn't there, and MillraceError for one that nothing tells from what
    it may have been before.
    """
    listed = replace(reader, new_only=False, changed="update", vanished="keep").parts()
    read = Ledger.empty() if ledger is None else ledger
    found: dict[str, list[Part]] = {"new": [], "changed": [], "known": []}
    names = named((part.label for part in listed), hide)
    for part, name in zip(listed, names, strict=True):
        (origin,) = part.origins
        if origin.fingerprint is None:
            raise MillraceError(
                f"{part.label}: nothing that is said of it tells its content from a later one, so "
                "new_only can't know whether it has been read. To mend it: leave new_only out, or "
                "keep the file where it has an entity tag or a time of change"
            )
        found[read.standing(name, origin.fingerprint)].append(part)
    covers = reader.covers()
    gone = [
        name
        for name in read.vanished(names)
        if (label := label_of(name, show)) is not None and covers(label)
    ]
    new, changed, known = (tuple(found[kind]) for kind in ("new", "changed", "known"))
    return Compared(tuple(listed), new, changed, known, tuple(gone))
