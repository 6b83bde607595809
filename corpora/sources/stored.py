"""A file as it lies there: its bytes from any one on, and all of them of one content.

A connection that breaks off is taken up again at the byte reached. A file that changes while it is
read is an error, and so is one that stays out of reach: one error, which says where and what to do.
"""

import io
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from corpora.errors import CorpusError
from corpora.sources import fingerprint, ranges, retry
from corpora.sources.address import cleaned, is_pattern, is_web, shown
from corpora.sources.filesystems import Options, ask, connected, info, is_local, whole_address
from corpora.sources.seekable import Seekable

BLOCK = 1 << 20  # bytes asked of a local file at a time
SPOOLED = 64 << 20  # bytes that a copy to seek in holds in memory before it goes to a disk
CHANGED = "the file changed while it was being read"
REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (FileNotFoundError, "there is no such file", "check the address"),
    (PermissionError, "it may not be read", "check its permissions, or the credentials"),
    (IsADirectoryError, "this is a folder", 'put "/*" after its name'),
)


@dataclass(frozen=True)
class StoredFile:
    """One file of one protocol, whatever is in it.

    url: as fsspec wants it; label: the same for people; fingerprint: changes when the content does,
    None where the remote end says nothing to go by; size: in bytes, None where nobody knows.
    """

    url: str = field(repr=False)  # it may carry a token
    label: str
    fingerprint: str | None
    size: int | None = None
    options: Options = field(default=None, repr=False, compare=False)
    local: bool = False

    def read(self, start: int = 0) -> Generator[bytes]:
        """Yield the bytes from the one at `start` on; raises CorpusError for all that goes wrong.

        Read to its end, the file has been the one that was listed, from the first byte to the last.
        """
        reached = start
        try:
            with closing(self._local(start) if self.local else self._remote(start)) as blocks:
                for block in blocks:
                    reached += len(block)
                    yield block
        except Exception as error:  # noqa: BLE001  # remote file systems raise what they like
            wrong = self._told(error, reached)
        else:
            return
        raise wrong  # out here, so that what a library said is not shown beside it, secrets and all

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file to read and seek in; raises CorpusError, at the end, if it has changed."""
        with self.seekable() as file:
            yield file
        self.hold()

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """Open the file to read and seek in, without a look at the end at whether it changed."""
        if self.size is None:
            with closing(self.read()) as blocks, spooled(blocks) as copy:
                yield copy
            return
        with io.BufferedReader(Seekable(self.read, self.size), BLOCK) as file:
            yield cast("BinaryIO", file)

    def hold(self) -> None:
        """Raise CorpusError if the file is by now another than the one that was listed."""
        if self.fingerprint is None:
            return
        try:
            now = retry.repeated(self._identity, retry.PATIENCE)
        except Exception as error:  # noqa: BLE001
            wrong = self._told(error, None)
        else:
            if now == self.fingerprint:
                return
            wrong = self._told(retry.Changed(), None)
        raise wrong

    def _identity(self) -> str | None:
        with connected(self.url, self.options, retry.PATIENCE) as (fs, path):
            if self.local:
                return fingerprint.of_local(path, Path(path).stat())
            return fingerprint.of_remote(self.url, info(fs, path, retry.PATIENCE))

    def _local(self, start: int) -> Generator[bytes]:
        with connected(self.url, self.options, retry.PATIENCE) as (_, path):
            pass
        with Path(path).open("rb", buffering=0) as file:
            # Asked of the open file itself: the name may by now belong to another one.
            if fingerprint.of_local(path, os.fstat(file.fileno())) != self.fingerprint:
                raise retry.Changed
            if start:  # a pipe can't be sought in
                file.seek(start)
            while block := file.read(BLOCK):
                yield block
            if fingerprint.of_local(path, os.fstat(file.fileno())) != self.fingerprint:
                raise retry.Changed

    def _remote(self, start: int) -> Generator[bytes]:
        patience = retry.PATIENCE
        seen = ranges.Seen()

        def attempt(at: int) -> Generator[bytes]:
            with connected(self.url, self.options, patience) as (fs, path):
                size = self.size
                if size is None or at > start:
                    size = self._same(info(fs, path, patience)).get("size")
                yield from ranges.read(fs, path, at, size, seen, patience)
                self._same(info(fs, path, patience))

        return retry.resumed(attempt, start, patience)

    def _same(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.fingerprint is not None:
            if fingerprint.of_remote(self.url, said) != self.fingerprint:
                raise retry.Changed
        elif self.size is not None and said.get("size") != self.size:
            raise retry.Changed
        return said

    def _told(self, error: Exception, reached: int | None) -> CorpusError:
        return unreadable(self.url, self.options, self.label, error, reached)


def listed(url: str, options: Options) -> list[StoredFile]:
    """Return the files that an address stands for, sorted by path, at least one.

    An address that ends in "/" stands for all files below it. Raises CorpusError.
    """
    try:
        return retry.repeated(partial(_found, url, options), retry.PATIENCE)
    except Exception as error:  # noqa: BLE001
        wrong = unreadable(url, options, shown(url), error, None)
    raise wrong


def _found(url: str, options: Options) -> list[StoredFile]:
    patience = retry.PATIENCE
    with connected(url, options, patience) as (fs, path):
        fs.invalidate_cache()  # a listing from before may be out of date
        if url.endswith("/") and not is_web(url):
            found = ask(fs, "find", path, detail=True, timeout=patience.listing)
        # A file may be called "a[1].txt": what is there by its very name is no pattern.
        elif is_pattern(url) and not ask(fs, "isfile", path, timeout=patience.silence):
            found = ask(fs, "glob", path, detail=True, timeout=patience.listing)
        else:
            _check_link(fs, path)
            said = info(fs, path, patience)
            if said.get("type") == "directory":
                raise IsADirectoryError
            return [_stored(fs, url, path, said, options)]
        found = {name: said for name, said in found.items() if said.get("type") != "directory"}
        if not found:
            raise CorpusError("no file matches", url=shown(url), remedy="check the pattern")
        if is_local(fs) and "::" not in url:
            return _local_files(fs, found, options)
        return [
            _stored(fs, whole_address(fs, url, name), name, found[name], options)
            for name in sorted(found)
        ]


def _local_files(fs: Any, found: Mapping[str, Any], options: Options) -> list[StoredFile]:
    """Return the files of a listing, of which there may be very many: one look at each."""
    files = []
    folders: dict[str, str] = {}  # without links
    for path in sorted(found):
        if found[path].get("islink"):
            _check_link(fs, path)
            files.append(_stored(fs, path, path, found[path], options))
            continue
        folder, name = os.path.split(path)
        real = folders.get(folder) or folders.setdefault(folder, os.path.realpath(folder))
        stat = os.stat(path)  # noqa: PTH116  # a Path of each takes twice the time
        known = fingerprint.of_local(path, stat, f"{real.rstrip('/')}/{name}")
        size = None if known is None else stat.st_size
        files.append(StoredFile(path, shown(path), known, size, options, local=True))
    return files


def _check_link(fs: Any, path: str) -> None:
    """Raise CorpusError for a local link that leads to nothing, or to a folder."""
    at = Path(path)
    if is_local(fs) and at.is_symlink() and not at.is_file():
        where = "a folder, which is not followed" if at.is_dir() else "what is not there"
        remedy = "give the address of what it should lead to, or leave it out"
        raise CorpusError(f"this is a link to {where}", url=path, remedy=remedy)


def _stored(fs: Any, url: str, path: str, said: Mapping[str, Any], options: Options) -> StoredFile:
    if is_local(fs):
        stat = Path(path).stat()
        known = fingerprint.of_local(path, stat)
        size = None if known is None else stat.st_size
        return StoredFile(url, shown(url), known, size, options, local=True)
    own = fingerprint.of_remote(url, said)
    if own is None or said.get("type") == "link":  # a listing may say less than the file does
        said = info(fs, path, retry.PATIENCE)
        own = fingerprint.of_remote(url, said)
    return StoredFile(url, shown(url), own, said.get("size"), options)


@contextmanager
def spooled(blocks: Iterable[bytes]) -> Iterator[BinaryIO]:
    """Give a copy of the blocks to seek in, in memory or, if it is large, in a temporary file."""
    with tempfile.SpooledTemporaryFile(SPOOLED) as copy:
        for block in blocks:
            copy.write(block)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def unreadable(
    url: str, options: Options, label: str, error: Exception, reached: int | None
) -> CorpusError:
    """Return the one error for what went wrong, free of secrets."""
    tries = 1
    if isinstance(error, retry.GaveUp):
        tries, error = error.tries, error.last
    if isinstance(error, CorpusError):
        return error
    position = f"byte {reached}" if reached else None
    if isinstance(error, retry.Changed):
        remedy = "run again when nothing writes to it"
        return CorpusError(CHANGED, url=label, position=f"byte {reached or 0}", remedy=remedy)
    if retry.status_of(error) in (401, 403):
        error = PermissionError()
    for kind, problem, remedy in REASONS:
        if isinstance(error, kind):
            return CorpusError(problem, url=label, position=position, remedy=remedy)
    said = cleaned(f"{type(error).__name__}: {error}", url, options).strip(": ")
    often = f" after {tries} tries" if tries > 1 else ""
    return CorpusError(
        f"it can't be read{often} ({said})",
        url=label,
        position=position,
        remedy="check the address and the connection, then run again",
    )
