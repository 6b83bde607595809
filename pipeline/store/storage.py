"""What a store needs of the place where it lies, and which place a URL names."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pipeline.store.errors import StoreError
from pipeline.store.local import LocalStorage
from pipeline.store.manifest import StoredFile


class Storage(Protocol):
    """Where a store's objects lie: a folder now; each kind of object store is one more file.

    Names are relative, with forward slashes. Every failure is a StoreError.
    """

    @property
    def runs(self) -> Path | None:
        """A local folder where runs may keep checkpoints until they have ended, if there is one."""

    def demand_writable(self) -> None:
        """Raise StoreError unless new versions can be written; leaves at most empty folders."""

    def exists(self) -> bool:
        """Return whether anything was ever put here."""

    def fill(self, place: str, write: Callable[[Path], None]) -> tuple[StoredFile, ...]:
        """Let `write` fill a new folder, keep it durably as `place`, and return its files.

        On any error nothing of it is left.
        """

    def adopt(self, folders: Mapping[str, Path]) -> None:
        """Keep finished folders of files durably, each by its `place`, whole or not at all.

        One that is there already stays, and counts as just made.
        """

    def drop(self, place: str) -> None:
        """Remove a folder that nobody refers to yet, as far as possible."""

    def folder(self, place: str, files: Sequence[StoredFile]) -> Path:
        """Return a local folder with the files kept as `place`, to map and never change."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a small object, whole or not at all, durably; False when the name is taken."""

    def replace(self, name: str, content: bytes) -> None:
        """Write a small object over what may lie there."""

    def read(self, name: str) -> bytes | None:
        """Return a small object, or None when there is none."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects directly below `folder`, in no order."""

    def delete(self, name: str) -> None:
        """Remove a small object, durably."""

    def touch(self, place: str) -> bool:
        """Make a folder count as just made; False where there is none."""

    def idle(self, place: str) -> float:
        """Return the seconds since a folder was made or touched."""

    def size(self, place: str) -> int:
        """Return the bytes that removing a folder gives back."""

    def remove(self, place: str) -> None:
        """Remove a folder that nothing refers to."""

    def unfinished(self) -> list[str]:
        """Return the names of what processes that were killed have left."""

    def sweep(self, name: str) -> None:
        """Remove one unfinished thing."""

    def scratch(self) -> AbstractContextManager[Path]:
        """Give an empty local folder to make folders for `adopt` in; it goes afterwards."""

    def writing(self) -> AbstractContextManager[None]:
        """Keep `collecting` off meanwhile, where the place can do that."""

    def collecting(self) -> AbstractContextManager[None]:
        """Keep writers off meanwhile, where the place can do that; StoreError if one is at work."""


def storage_at(url: str) -> Storage:
    """Return the storage that `url` names: a path or a file:// URL.

    >>> storage_at("models/reviews")
    LocalStorage(root=PosixPath('models/reviews'))
    >>> storage_at("s3://models/reviews")
    Traceback (most recent call last):
    pipeline.store.errors.StoreError: the store s3://models/reviews: stores on s3 are not \
supported yet; name a local folder
    """
    if not url:
        raise StoreError("the store has an empty name; name a local folder")
    protocol, found, path = url.partition("://")
    if "::" in url or (found and protocol != "file"):
        kind = url.split("::", 1)[0] if "::" in url else protocol
        raise StoreError(
            f"the store {_without_password(url)}: stores on {kind} are not supported yet; "
            "name a local folder"
        )
    return LocalStorage(Path(path if found else url).expanduser())


def _without_password(url: str) -> str:
    head, found, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{head}{found}{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
