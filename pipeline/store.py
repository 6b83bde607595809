"""A store of model versions: publish, read back, list.

A version is visible, whole, from the instant its commit `commits/<number>.json` exists, and not
before. The commit is created only if absent, so of two runs that race for a number one wins and the
other fails with a conflict. `LATEST` is a hint for people; nothing here reads it.
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.manifest import Consumed, Manifest, StoredFile
from pipeline.store_errors import ConflictError, DamagedError, StoreError, explained
from pipeline.store_storage import Storage, storage_at

__all__ = ["ConflictError", "DamagedError", "Store", "StoreError", "Version"]


@dataclass(frozen=True)
class Version:
    """One published version."""

    manifest: Manifest
    store: "Store"

    @property
    def number(self) -> int:
        """Its number: 1 for the first, and rising."""
        return self.manifest.version

    def folder(self, *, hashes: bool = True) -> Path:
        """Return a local folder with the version's files, checked; map them, never change them.

        Sizes are always compared with the manifest; with `hashes` so is every byte, at about 2 GB a
        second. Raises DamagedError for a file that is missing or different.
        """
        folder = self.store.storage.folder(self.manifest.data, self.manifest.files)
        for file in self.manifest.files:
            wrong = _difference(folder / file.name, file, hashes=hashes)
            if wrong:
                raise DamagedError(
                    f"version {self.number} of the store {self.store.url}: {file.name} {wrong}; "
                    "restore that file from a copy, or use another version"
                )
        return folder


@dataclass(frozen=True)
class Store:
    """The versions at one URL.

    >>> import tempfile
    >>> store = Store.open(tempfile.mkdtemp() + "/models")
    >>> store.latest() is None
    True
    >>> made = store.publish(lambda folder: (folder / "a.txt").write_text("hello") and None)
    >>> store.latest().number, (store.latest().folder() / "a.txt").read_text()
    (1, 'hello')
    """

    url: str
    storage: Storage

    @classmethod
    def open(cls, url: str) -> "Store":
        """Return the store at `url`, a path or a file:// URL; it need not exist yet."""
        return cls(url, storage_at(url))

    def demand_writable(self) -> None:
        """Raise StoreError unless a version could be published; to be asked before long work."""
        self.storage.demand_writable()

    def publish(
        self,
        write: Callable[[Path], None],
        *,
        parent: int | None = None,
        recipe: str = "",
        ledger: tuple[Consumed, ...] = (),
        metrics: Mapping[str, float] | None = None,
        receipt: Mapping[str, Any] | None = None,
    ) -> Version:
        """Add a version whose files `write` puts into the empty local folder it is given.

        `parent` is the version that the work went on from: if it is no longer the newest one, or if
        another run takes the number first, this raises ConflictError and adds nothing.
        """
        metrics, receipt = dict(metrics or {}), dict(receipt or {})
        _demand_json(metrics, receipt)
        newest = self.latest()
        if parent is not None and (newest is None or newest.number != parent):
            found = f"version {newest.number}" if newest else "no version"
            raise ConflictError(
                f"the store {self.url} now has {found} as its newest, and this run went on from "
                f"version {parent}; nothing was published: run again, starting from the newest"
            )
        # One above what is there, verifying or not: a damaged commit keeps its number.
        number = max(self._numbers(), default=0) + 1
        data = uuid.uuid4().hex
        files = self.storage.fill(data, write)
        manifest = Manifest(
            version=number,
            parent=parent,
            data=data,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            files=files,
            recipe=recipe,
            ledger=ledger,
            metrics=metrics,
            receipt=receipt,
        )
        self._commit(manifest)
        return Version(manifest, self)

    def latest(self) -> Version | None:
        """Return the newest version whose commit verifies, or None when there is none."""
        return next(self._verified(), None)

    def version(self, number: int) -> Version:
        """Return one version; raises StoreError when there is none, DamagedError when it is bad."""
        content = self.storage.read(_commit_name(number))
        if content is None:
            there = ", ".join(map(str, sorted(self._numbers()))) or "none"
            raise StoreError(f"the store {self.url} has no version {number}; it has: {there}")
        where = f"version {number} of the store {self.url}: its commit can't be used: "
        try:
            manifest = Manifest.from_bytes(content)
        except StoreError as error:
            raise type(error)(where + str(error)) from error
        if manifest.version != number:
            raise DamagedError(f"{where}it is that of version {manifest.version}")
        return Version(manifest, self)

    def versions(self) -> list[Version]:
        """Return the versions whose commits verify, newest first."""
        return list(self._verified())

    def damaged(self) -> list[int]:
        """Return the numbers of the commits that do not verify, newest first."""
        whole = {version.number for version in self._verified()}
        return [number for number in self._numbers() if number not in whole]

    def _numbers(self) -> list[int]:
        """Return the numbers of all commits that are there, newest first."""
        found = (re.fullmatch(r"(\d{12})\.json", name) for name in self.storage.names("commits"))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def _verified(self) -> Iterator[Version]:
        for number in self._numbers():
            try:
                yield self.version(number)
            except DamagedError:  # never a version, or no longer one; damaged() tells
                continue

    def _commit(self, manifest: Manifest) -> None:
        name = _commit_name(manifest.version)
        try:
            won = self.storage.create(name, manifest.to_bytes())
        except BaseException as error:
            # The commit may be there all the same (a time-out, a signal): then its data must stay.
            there = self.storage.read(name)
            if there != manifest.to_bytes():
                self.storage.drop(manifest.data)
                raise
            if not isinstance(error, StoreError):
                raise
            won = True
        if not won:
            self.storage.drop(manifest.data)
            raise ConflictError(
                f"another run published version {manifest.version} of the store {self.url} first; "
                "nothing was published: run again, starting from the newest"
            )
        try:
            self.storage.replace("LATEST", f"{manifest.version}\n".encode())
        except StoreError:
            return  # only a hint: the version is published


def _commit_name(number: int) -> str:
    return f"commits/{number:012d}.json"


def _demand_json(metrics: Mapping[str, float], receipt: Mapping[str, Any]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise StoreError(f"not published: the metric {name!r} is {value}, so training failed")
    json.dumps(receipt, allow_nan=False)


def _difference(path: Path, file: StoredFile, *, hashes: bool) -> str:
    """Return how the file at `path` differs from what was published, or nothing."""
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size} bytes instead of {file.size}"
        if not hashes:
            return ""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        raise explained("read", path, error) from error
    return "" if digest == file.sha256 else "is not the file that was published (its hash differs)"
