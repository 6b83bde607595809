"""A store's storage on the local file system: durable before it is visible, and never in between.

A file is named finally only when it is whole: written under a temporary name in the same folder,
synced, then linked. A link, unlike a rename, fails when the name is taken, so of two writers
exactly one wins. A killed process leaves at most a temporary file or a data folder that no commit
names; readers look at neither.
"""

import errno
import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.manifest import StoredFile
from pipeline.store_errors import StoreError, explained

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@dataclass(frozen=True)
class LocalStorage:
    """A store in the folder `root`, which is made when it is first written to."""

    root: Path

    def demand_writable(self) -> None:
        """Raise StoreError unless both folders take a new file and a link to it."""
        with self._explained("write"):
            for folder in (self.root / "data", self.root / "commits"):
                folder.mkdir(parents=True, exist_ok=True)
                with _temporary(folder, b"probe") as made:
                    link = made.with_name(made.name + "-link")
                    try:
                        _link(made, link)
                    finally:
                        link.unlink(missing_ok=True)

    def fill(self, data: str, write: Callable[[Path], None]) -> tuple[StoredFile, ...]:
        """Let `write` fill `data/<data>` and sync it; the folder goes again if that fails."""
        folder = self.root / "data" / data
        try:
            with self._explained("write"):
                folder.mkdir(parents=True)
                write(folder)
                files = tuple(_kept(folder, path) for path in sorted(_files(folder)))
                inner = (path for path in folder.rglob("*") if path.is_dir())
                for made in (*inner, folder, folder.parent, self.root):
                    _sync_folder(made)
                return files
        except BaseException:
            self.drop(data)
            raise

    def drop(self, data: str) -> None:
        """Remove the folder `data/<data>`."""
        # What can't be removed is an orphan that no commit names: harmless, and collected later.
        shutil.rmtree(self.root / "data" / data, ignore_errors=True)

    def folder(self, data: str, files: Sequence[StoredFile]) -> Path:  # noqa: ARG002
        """Return the folder itself; nothing has to be fetched."""
        return self.root / "data" / data

    def create(self, name: str, content: bytes) -> bool:
        """Write `content` as `name` unless that name is taken."""
        final = self.root / name
        with self._explained("write"):
            final.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(final.parent, content) as made:
                try:
                    _link(made, final)
                except FileExistsError:
                    return False
            _sync_folder(final.parent)
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Write `content` as `name`, over what lies there."""
        with (
            self._explained("write"),
            _temporary((self.root / name).parent, content) as made,
        ):
            made.replace(self.root / name)

    def read(self, name: str) -> bytes | None:
        """Return the content of the file `name`, or None when there is none."""
        with self._explained("read"):
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """Return the names in `folder`; none when the store has not been written to."""
        with self._explained("read"):
            try:
                return [path.name for path in (self.root / folder).iterdir()]
            except FileNotFoundError:
                return []

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise explained(doing, self.root, error) from error


@contextmanager
def _temporary(folder: Path, content: bytes) -> Iterator[Path]:
    """Give a synced file with `content` under a temporary name; the name is gone afterwards."""
    path = folder / f".tmp-{uuid.uuid4().hex}"
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            _sync(file.fileno())
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        raise StoreError(
            f"cannot write the store at {target.parent.parent}: its file system has no hard links, "
            "which a safe commit needs; name a store on another one"
        ) from error


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise StoreError(f"cannot publish {path}: a version holds plain files only")
        if path.is_file():
            yield path


def _kept(folder: Path, path: Path) -> StoredFile:
    """Make one file durable and read-only; hashing reads it back, mostly from the page cache."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        _sync(file.fileno())
    # Cutting a file short that another process has mapped kills that process: guard against it.
    path.chmod(0o444)
    return StoredFile(path.relative_to(folder).as_posix(), size, digest)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # where fsync stops at the drive's own cache
        import fcntl  # noqa: PLC0415

        with suppress(OSError):  # not every file system there has it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
