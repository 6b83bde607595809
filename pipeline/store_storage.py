"""What a store needs of the place where it lies, and which place a URL names."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pipeline.manifest import StoredFile
from pipeline.store_errors import StoreError
from pipeline.store_local import LocalStorage


class Storage(Protocol):
    """Where a store's objects lie: a folder now; each kind of object store is one more file.

    Names are relative, with forward slashes. Every failure is a StoreError.
    """

    def demand_writable(self) -> None:
        """Raise StoreError unless new versions can be written; leaves at most empty folders."""

    def fill(self, data: str, write: Callable[[Path], None]) -> tuple[StoredFile, ...]:
        """Let `write` fill a new folder, keep it durably under `data`, and return its files.

        On any error nothing of it is left.
        """

    def drop(self, data: str) -> None:
        """Remove what `fill` kept under `data`."""

    def folder(self, data: str, files: Sequence[StoredFile]) -> Path:
        """Return a local folder with the files kept under `data`, to map and never change."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a small object, whole or not at all, durably; False when the name is taken."""

    def replace(self, name: str, content: bytes) -> None:
        """Write a small object over what may lie there."""

    def read(self, name: str) -> bytes | None:
        """Return a small object, or None when there is none."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects directly below `folder`, in no order."""


def storage_at(url: str) -> Storage:
    """Return the storage that `url` names: a path or a file:// URL.

    >>> storage_at("models/reviews")
    LocalStorage(root=PosixPath('models/reviews'))
    >>> storage_at("s3://models/reviews")
    Traceback (most recent call last):
    pipeline.store_errors.StoreError: the store s3://models/reviews: stores on s3 are not \
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
