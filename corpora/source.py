"""Where text lies: one address, a list, a glob or a folder, over any protocol that fsspec speaks.

Addresses become files in a fixed order; a file becomes blocks of bytes, unpacked. Nothing is
skipped in silence: a glob that matches nothing, a file that isn't there, one that changes while it
is read are all errors.
"""

import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from fsspec.utils import glob_translate

from corpora import archives, fingerprint
from corpora.address import archive, is_pattern, unsecret
from corpora.codecs import decompressed
from corpora.errors import CorpusError
from corpora.filesystems import Options
from corpora.readahead import Readahead
from corpora.stored import CHANGED, StoredFile, listed, spooled

__all__ = ["Options", "Source", "Url", "expand"]

Url = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

AHEAD = 2  # blocks of a remote file that wait to be unpacked


@dataclass(frozen=True)
class Source:
    """One file of text: what it lies in, and what its content was identified by when listed.

    file: as it lies there; label: its address for people; fingerprint: changes when the content
    does, None where the remote end says nothing to go by. kind, member: of a file in an archive,
    how that is made ("zip" or "tar") and the file's name in it.
    """

    file: StoredFile
    label: str
    fingerprint: str | None
    kind: str | None = None
    member: str | None = None

    @property
    def url(self) -> str:
        """The file's address, or its archive's, without password and query."""
        return unsecret(self.file.url)

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
        if self.kind is None:
            with self.file.opened() as file:
                yield file
            return
        with closing(self._member()) as blocks, spooled(blocks) as copy:
            yield copy

    def _unpacked(self) -> Generator[bytes]:
        if self.kind is not None:
            with closing(self._member()) as blocks:
                yield from decompressed(blocks, self.label, self.member)
            return
        with self._ahead() as packed:
            head, packed_blocks = _peeked(packed, 4)
            if not archives.is_zip(head, self.label):
                yield from self._plain_or_tar(packed_blocks)
                return
        with (
            self.file.opened() as file,
            closing(archives.zip_blocks(file, None, self.label)) as member,
        ):
            yield from decompressed(member, self.label, "")

    def _plain_or_tar(self, packed: Iterable[bytes]) -> Generator[bytes]:
        with closing(decompressed(packed, self.label)) as unpacked:
            head, blocks = _peeked(unpacked, archives.TAR_UNIT)
            if archives.is_tar(head, self.label):
                with closing(archives.tar_blocks(blocks, None, self.label)) as member:
                    yield from decompressed(member, self.label, "")
            else:
                yield from blocks

    def _member(self) -> Generator[bytes]:
        """Yield the member's bytes as they lie in the archive's directory, not decompressed."""
        if self.kind == "zip":
            with self.file.opened() as file:
                yield from archives.zip_blocks(file, self.member, self.file.label)
            return
        with self._ahead() as packed, closing(decompressed(packed, self.file.label)) as unpacked:
            yield from archives.tar_blocks(unpacked, self.member, self.file.label)

    def _ahead(self) -> AbstractContextManager[Iterable[bytes]]:
        """Read a remote file beside whoever unpacks it; a disk's own cache does that for local."""
        if self.file.local:
            return closing(self.file.read())
        return Readahead(self.file.read, depth=AHEAD)


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
    inside = archive(url)
    if inside is None:
        for file in listed(url, options):
            yield Source(file, file.label, file.fingerprint)
        return
    kind, wanted, address = inside
    for file in listed(address, options):
        members = _zip_members(file) if kind == "zip" else _tar_members(file)
        yield from _chosen(file, kind, wanted, members)


def _chosen(
    file: StoredFile, kind: str, wanted: str, members: dict[str, tuple[int, ...]]
) -> Iterator[Source]:
    names = [wanted]
    if wanted not in members:
        pattern = re.compile(glob_translate(wanted))
        names = [name for name in members if is_pattern(wanted) and pattern.match(name)]
    if not names:
        some = ", ".join(list(members)[:3])
        raise CorpusError(
            f"no file in the {kind} matches {wanted!r}",
            url=file.label,
            remedy=f"check the name; among those there are {some or 'none'}",
        )
    for name in names:
        own = fingerprint.of_member(file.fingerprint, kind, name, *members[name])
        yield Source(file, f"{kind}://{name}::{file.label}", own, kind, name)


def _zip_members(file: StoredFile) -> dict[str, tuple[int, ...]]:
    with file.opened() as opened:
        return dict(archives.zip_members(opened, file.label))


def _tar_members(file: StoredFile) -> dict[str, tuple[int, ...]]:
    """Return the names in a tar, for which all of it has to be read: it has no directory."""
    with closing(file.read()) as packed, closing(decompressed(packed, file.label)) as unpacked:
        return dict.fromkeys(sorted(m.name for m in archives.tar_members(unpacked, file.label)), ())


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
