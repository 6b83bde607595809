"""A store's storage on the local file system: durable before it is visible, and never in between.

A folder gets its files before anything names it, so a killed process leaves at most a temporary
file or a folder that no commit names; readers look at neither, and `gc` collects both.
"""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.store.durable import link, locked, sync_all, sync_path, temporary, twin
from pipeline.store.errors import StoreError, explained
from pipeline.store.manifest import StoredFile

UNFINISHED = (".tmp-", ".making-", ".gone-")
FOLDERS = ("commits", "data", "shards", "candidates")


@dataclass(frozen=True)
class LocalStorage:
    """A store in the folder `root`, which is made when it is first written to."""

    root: Path

    @property
    def runs(self) -> Path:
        """The folder `runs`."""
        return self.root / "runs"

    def exists(self) -> bool:
        """Return whether there is such a folder."""
        return self.root.is_dir()

    def demand_writable(self) -> None:
        """Raise StoreError unless both folders take a new file and a link to it."""
        with self._explained("write"):
            for folder in (self.root / "data", self.root / "commits"):
                folder.mkdir(parents=True, exist_ok=True)
                with self.writing(), temporary(folder, b"probe", synced=False) as made:
                    other = made.with_name(made.name + "-link")
                    try:
                        link(made, other)
                    finally:
                        other.unlink(missing_ok=True)

    def fill(self, place: str, write: Callable[[Path], None]) -> tuple[StoredFile, ...]:
        """Let `write` fill the new folder `place` and sync it; it goes again if that fails."""
        folder = self.root / place
        try:
            with self._explained("write"):
                folder.mkdir(parents=True)
                write(folder)
                files = tuple(_kept(folder, path) for path in sorted(_files(folder)))
                sync_all((*folder.rglob("*"), folder, folder.parent, self.root))
                return files
        except BaseException:
            self.drop(place)
            raise

    def adopt(self, folders: Mapping[str, Path]) -> None:
        """Take finished folders of files under the names that they are given for.

        One that is there already stays, and counts as new to `gc`. Files that lie on the same file
        system are not copied. Whole folders appear, at the end.
        """
        making: dict[Path, Path] = {}
        try:
            with self._explained("write"):
                for place, folder in folders.items():
                    if not self.touch(place):
                        final = self.root / place
                        making[final] = final.parent / f".making-{uuid.uuid4().hex}"
                        _twins(folder, making[final])
                sync_all(path for made in making.values() for path in (*made.iterdir(), made))
                for final, made in making.items():
                    _named(made, final)
                if making:
                    sync_all({self.root, *(final.parent for final in making)})
        finally:
            for made in making.values():
                shutil.rmtree(made, ignore_errors=True)

    def drop(self, place: str) -> None:
        """Remove the folder `place`."""
        # What can't be removed is an orphan that no commit names: harmless, and collected later.
        shutil.rmtree(self.root / place, ignore_errors=True)

    def folder(self, place: str, files: Sequence[StoredFile]) -> Path:  # noqa: ARG002
        """Return the folder itself; nothing has to be fetched."""
        return self.root / place

    def create(self, name: str, content: bytes) -> bool:
        """Write `content` as `name` unless that name is taken."""
        final = self.root / name
        with self._explained("write"):
            final.parent.mkdir(parents=True, exist_ok=True)
            with temporary(final.parent, content) as made:
                try:
                    link(made, final)
                except FileExistsError:
                    return False
            sync_path(final.parent)
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Write `content` as `name`, over what lies there; a loss of power may undo it."""
        with (
            self._explained("write"),
            temporary((self.root / name).parent, content, synced=False) as made,
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
                return os.listdir(self.root / folder)  # noqa: PTH208  (there may be very many)
            except FileNotFoundError:
                return []

    def delete(self, name: str) -> None:
        """Remove a small object, durably."""
        with self._explained("write"):
            (self.root / name).unlink(missing_ok=True)
            sync_path((self.root / name).parent)

    def touch(self, place: str) -> bool:
        """Make a folder count as just made; False where there is none."""
        with self._explained("write"):
            try:
                os.utime(self.root / place)
            except FileNotFoundError:
                return False
        return True

    def idle(self, place: str) -> float:
        """Return the seconds since a folder was made or touched."""
        with self._explained("read"):
            return time.time() - (self.root / place).stat().st_mtime

    def size(self, place: str) -> int:
        """Return the bytes of all files in a folder that have no name elsewhere."""
        with self._explained("read"):
            found = [p.stat() for p in (self.root / place).rglob("*") if p.is_file()]
        return sum(one.st_size for one in found if one.st_nlink == 1)

    def remove(self, place: str) -> None:
        """Remove a folder that nothing refers to; if killed meanwhile, the rest is unfinished."""
        with self._explained("write"):
            gone = (self.root / place).with_name(f".gone-{uuid.uuid4().hex}")
            (self.root / place).rename(gone)
            shutil.rmtree(gone)

    def unfinished(self) -> list[str]:
        """Return what processes that were killed have left; others may be about to finish it."""
        return [
            f"{folder}/{name}".removeprefix("/")
            for folder in ("", *FOLDERS)
            for name in self.names(folder)
            if name.startswith(UNFINISHED)
        ]

    def sweep(self, name: str) -> None:
        """Remove one unfinished thing."""
        with self._explained("write"):
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty local folder, from which `adopt` copies nothing; it goes afterwards."""
        with self._explained("write"):
            path = self.root / "shards" / f".making-{uuid.uuid4().hex}"
            path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep `collecting` off meanwhile; any number of processes may write side by side."""
        with ExitStack() as held:
            with self._explained("write"):
                self.root.mkdir(parents=True, exist_ok=True)
                held.enter_context(locked(self.root, alone=False))
            yield

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep writers off meanwhile; raises StoreError at once where one is at work."""
        with locked(self.root, alone=True) as alone:
            if not alone:
                raise StoreError(
                    f"a run is writing to the store at {self.root}: nothing was collected; try "
                    "again when it has ended"
                )
            yield

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise explained(doing, self.root, error) from error


def _twins(folder: Path, made: Path) -> None:
    made.mkdir(parents=True)
    for path in folder.iterdir():
        twin(path, made / path.name)


def _named(made: Path, final: Path) -> None:
    try:
        made.rename(final)
    except OSError:
        if not final.is_dir():  # else another run was first, with the same content
            raise


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise StoreError(f"cannot publish {path}: a version holds plain files only")
        if path.is_file():
            yield path


def _kept(folder: Path, path: Path) -> StoredFile:
    """Make one file read-only; hashing reads it back, mostly from the page cache."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    # Cutting a file short that another process has mapped kills that process: guard against it.
    path.chmod(0o444)
    return StoredFile(path.relative_to(folder).as_posix(), size, digest)
