"""Where text lies: one address, a list, a glob or a folder, over any protocol that fsspec speaks.

Addresses become files in a fixed order; a file becomes blocks of bytes, unpacked. Nothing is
skipped in silence: a glob that matches nothing, a file that isn't there, one that changes while it
is read are all errors.
"""

import os
import re
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from fsspec.utils import glob_translate

from corpora.errors import CorpusError
from corpora.sources import archives, fingerprint
from corpora.sources.address import archive as archive_of
from corpora.sources.address import is_pattern, shown, unsecret
from corpora.sources.archived import Archive, read_ahead
from corpora.sources.codecs import decompressed
from corpora.sources.filesystems import Options
from corpora.sources.stored import CHANGED, StoredFile, listed, spooled

__all__ = ["Options", "Source", "Url", "expand"]

Url = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Source:
    """One file of text: what it lies in, and what its content was identified by when listed.

    file: as it lies there; label: its address for people; fingerprint: changes when the content
    does, None where the remote end says nothing to go by. archive, member: of a file in an archive,
    that one, and the file's name in it.
    """

    file: StoredFile
    label: str
    fingerprint: str | None
    archive: Archive | None = field(default=None, repr=False, compare=False)
    member: str | None = None

    @property
    def url(self) -> str:
        """The file's address, or its archive's, without password and query."""
        return unsecret(self.file.url)

    @property
    def size(self) -> int | None:
        """Its bytes as it lies there, packed or not; None where nobody knows, as in a tar."""
        if self.archive is None:
            return self.file.size
        said = self.archive.entries[self.member or ""].said
        return said[1] if said else None

    @property
    def options(self) -> Options:
        """What the file system is made with: here may be secrets."""
        return self.file.options

    def blocks(self) -> Generator[bytes]:
        """Yield the file's bytes, unpacked, in blocks of about a mebibyte.

        A zip or a tar that is not asked for one of its members has to have only one. Raises
        CorpusError for what can't be read, is damaged or cut short, or changes meanwhile.
        """
        try:
            yield from self._unpacked()
        except CorpusError as error:
            # Two contents mixed are damage to a codec; the cause is what a user wants to hear.
            if error.problem != CHANGED:
                self.file.hold()
            raise

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file as it lies there, not decompressed, to read and seek in.

        For formats that have a table of contents. A member of an archive is copied to a temporary
        file first. Raises CorpusError, at the end, for a file that has changed meanwhile.
        """
        if self.archive is None:
            with self.file.opened() as file:
                yield file
            return
        with closing(self._member(self.archive)) as blocks, spooled(blocks) as copy:
            yield copy

    def _unpacked(self) -> Generator[bytes]:
        if self.archive is not None:
            with closing(self._member(self.archive)) as blocks:
                yield from self._inner(blocks, self.member or "")
            return
        with read_ahead(self.file) as packed:
            head, packed_blocks = _peeked(packed, 4)
            if not archives.is_zip(head, self.label):
                yield from self._plain_or_tar(packed_blocks)
                return
        with self.file.opened() as file, archives.whole_zip(self.label):
            archive = zipfile.ZipFile(file)
            name = archives.only(list(archives.zip_members(archive)), "zip", self.label)
            with closing(archives.zip_blocks(archive, name, self.label)) as member:
                yield from self._inner(member, "")

    def _plain_or_tar(self, packed: Iterable[bytes]) -> Generator[bytes]:
        with closing(decompressed(packed, self.label)) as unpacked:
            head, blocks = _peeked(unpacked, archives.TAR_UNIT)
            if archives.is_tar(head, self.label):
                with closing(archives.tar_blocks(blocks, self.label)) as member:
                    yield from self._inner(member, "")
            else:
                yield from blocks

    def _inner(self, member: Iterable[bytes], name: str) -> Generator[bytes]:
        """Yield an archive's member, unpacked; one that is an archive itself is no text."""
        with closing(decompressed(member, self.label, name)) as unpacked:
            head, blocks = _peeked(unpacked, archives.TAR_UNIT)
            if archives.is_zip(head[:4], "") or archives.is_tar(head, ""):
                raise _nested(self.label)
            yield from blocks

    def _member(self, archive: Archive) -> Generator[bytes]:
        """Yield the member's bytes as they lie in the archive's directory, not decompressed."""
        return archive.blocks(self.member or "")


def expand(url: Url, options: Options = None) -> list[Source]:
    """Return the files that an address, a list, a glob or a folder stands for.

    A glob is as fsspec's: "*" within a folder, "**" across folders; an address that ends in "/"
    stands for every file below it. Their files are sorted by path; the addresses of a list keep
    their order. "zip://name::address" and "tar://name::address", where the name may be a pattern,
    stand for files within archives. options: what the protocol's file system is made with. Raises
    CorpusError for a file that isn't there, and for a pattern that nothing matches.

    >>> expand("/nowhere/at/all.txt")
    Traceback (most recent call last):
    corpora.errors.CorpusError: /nowhere/at/all.txt: there is no such file. To mend it: check the \
address.
    """
    urls = [url] if isinstance(url, str | os.PathLike) else list(url)
    if not urls:
        raise CorpusError("the list of addresses is empty", remedy="give at least one")
    return [source for one in urls for source in _expand_one(os.fspath(one), options)]


def _expand_one(url: str, options: Options) -> Iterator[Source]:
    inside = archive_of(url)
    if inside is None:
        for file in listed(url, options):
            yield Source(file, file.label, file.fingerprint)
        return
    kind, wanted, address = inside
    if archive_of(address) is not None:
        raise _nested(shown(url))
    for file in listed(address, options):
        yield from _chosen(file, kind, wanted)


def _chosen(file: StoredFile, kind: str, wanted: str) -> Iterator[Source]:
    archive = Archive(file, kind)
    names = [wanted]
    if wanted not in archive.entries:
        pattern = re.compile(glob_translate(wanted))
        names = [name for name in archive.entries if is_pattern(wanted) and pattern.match(name)]
    if not names:
        some = ", ".join(list(archive.entries)[:3])
        raise CorpusError(
            f"no file in the {kind} matches {wanted!r}",
            url=file.label,
            remedy=f"check the name; among those there are {some or 'none'}",
        )
    archive.want(len(names))
    for name in names:
        broken = archive.entries[name].broken
        if broken is not None:
            raise CorpusError(
                f"{name!r} is a link to {broken!r}, which is no file in the {kind}",
                url=file.label,
                remedy="leave it out, or write the archive again without links: tar --dereference",
            )
        own = fingerprint.of_member(file.fingerprint, kind, name, *archive.entries[name].said)
        yield Source(file, f"{kind}://{name}::{file.label}", own, archive, name)


def _nested(label: str) -> CorpusError:
    return CorpusError(
        "an archive within an archive is not read", url=label, remedy="unpack the outer one first"
    )


def _peeked(blocks: Iterable[bytes], n: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the first n bytes, or fewer, and all of the blocks again."""
    rest = iter(blocks)
    first: list[bytes] = []
    size = 0
    for block in rest:
        first.append(block)
        size += len(block)
        if size >= n:
            break
    return b"".join(first)[:n], chain(first, rest)
