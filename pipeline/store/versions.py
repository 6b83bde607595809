"""A store of model versions: publish, read back, list.

A version is visible, whole, from the instant its commit `commits/<number>.json` exists, and not
before. The commit is created only if absent, so of two runs that race for a number one wins and the
other fails with a conflict. `LATEST` is a hint for people; nothing here reads it.

    commits/<number>.json   manifests: what makes a version
    data/<id>/              a version's files: the model, and its ledger
    shards/<SHA-256>/       text that was read, as token shards; ledgers name them
    candidates/<id>/        models that did not come up to a recipe's limits
    runs/<key>/             checkpoints of runs that have not ended

All but the last are written once and never changed; what no version refers to is collected
(store_collect.py).
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.store import ledger as ledgers
from pipeline.store.errors import ConflictError, DamagedError, StoreError, explained
from pipeline.store.ledger import Consumed, Ledger
from pipeline.store.manifest import Manifest, StoredFile, Totals
from pipeline.store.storage import Storage, storage_at

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

    @property
    def place(self) -> str:
        """The folder of its files in the store."""
        return f"data/{self.manifest.data}"

    @property
    def commit(self) -> str:
        """The file that makes it a version."""
        return _commit_name(self.number)

    def folder(self, *, hashes: bool = True) -> Path:
        """Return a local folder with the version's files, checked; map them, never change them.

        Sizes are compared with the manifest; with `hashes` so is every byte, at about 2 GB a
        second, the first time. Raises DamagedError for a file that is missing or different.
        """
        if self._hashed or (self._sized and not hashes):
            return self._local
        self._check(self.manifest.files, hashes=hashes)
        vars(self)["_hashed" if hashes else "_sized"] = True
        return self._local

    @cached_property
    def ledger(self) -> Ledger:
        """What its vectors have learnt from; of the version's files only this one is read."""
        own = [file for file in self.manifest.files if file.name == ledgers.NAME]
        if not own:
            return Ledger.empty()
        self._check(own, hashes=True)
        return Ledger.read(self._local / ledgers.NAME)

    def text(self, name: str) -> str | None:
        """Return a small file of it, checked, or None where it has none of that name."""
        own = [file for file in self.manifest.files if file.name == name]
        if not own:
            return None
        self._check(own, hashes=True)
        return (self._local / name).read_text()

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(file.size for file in self.manifest.files)

    _hashed = _sized = False

    @property
    def _local(self) -> Path:
        return self.store.storage.folder(self.place, self.manifest.files)

    def _check(self, files: Iterable[StoredFile], *, hashes: bool) -> None:
        for file in files:
            wrong = _difference(self._local / file.name, file, hashes=hashes)
            if wrong:
                raise DamagedError(
                    f"version {self.number} of the store {self.store.url}: {file.name} {wrong}; "
                    "restore that file from a copy, or use another version"
                )


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

    def without_versions(self) -> str:
        """Return what to say of a store without versions: there may be no such place at all.

        >>> Store.open("/nowhere").without_versions()
        'the store /nowhere has no version: there is no such folder'
        """
        if self.storage.exists():
            return f"the store {self.url} has no version yet"
        return f"the store {self.url} has no version: there is no such folder"

    def demand_writable(self) -> None:
        """Raise StoreError unless a version could be published; to be asked before long work."""
        self.storage.demand_writable()

    @classmethod
    def at(cls, place: str) -> Version:
        """Return the version that STORE@N names, or STORE: the newest; raises StoreError.

        >>> Store.at("/nowhere@3")
        Traceback (most recent call last):
        pipeline.store.errors.StoreError: the store /nowhere has no version: there is no such folder
        """
        url, at, number = place.rpartition("@")
        if at and number.isdecimal():
            return cls.open(url).version(int(number))
        store = cls.open(place)
        newest = store.latest()
        if newest is None:
            raise StoreError(f"{store.without_versions()}; publish one with millrace run")
        return newest

    def publish(
        self,
        write: Callable[[Path], None],
        *,
        parent: int | None = None,
        recipe: str = "",
        ledger: Ledger | None = None,
        consumed: Sequence[Consumed] = (),
        keep_shards: bool = True,
        metrics: Mapping[str, float] | None = None,
        receipt: Mapping[str, Any] | None = None,
        forgot: int = 0,
    ) -> Version:
        """Add a version whose files `write` puts into the empty local folder it is given.

        parent: the version that the work went on from, 0 if there was none: if it is no longer the
        newest, or if another run takes the number first, this raises ConflictError and adds
        nothing. None asks for nothing. ledger: what the parent had read; consumed: what was read
        since; keep_shards: keep the sets of shards of that, so that it can be replayed and
        forgotten. forgot: how many documents this version was made to forget.
        """
        metrics, receipt = dict(metrics or {}), dict(receipt or {})
        _demand_json(metrics, receipt)
        with self.storage.writing():
            number = self._next(parent)
            made = [one.made for one in consumed if one.made is not None and keep_shards]
            sets = {one.content: one.content for one in made if one.entries}
            folders = {f"shards/{one.content}": one.folder for one in made if one.entries}
            if folders:
                self.storage.adopt(folders)
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            whole = (ledger or Ledger.empty()).add(consumed, number, now, sets)
            self._demand_sets(whole)

            def fill(folder: Path) -> None:
                write(folder)
                if len(whole):
                    whole.write(folder / ledgers.NAME)

            data = uuid.uuid4().hex
            files = self.storage.fill(f"data/{data}", fill)
            manifest = Manifest(
                version=number,
                parent=parent or None,
                data=data,
                created=now,
                files=files,
                recipe=recipe,
                ledger=Totals(len(whole), whole.rows, whole.tokens),
                metrics=metrics,
                receipt=receipt,
                forgot=forgot,
            )
            self._commit(manifest)
        return Version(manifest, self)

    def rollback(self, number: int) -> Version:
        """Add a version with the files of version `number`, which are shared and not copied.

        Raises StoreError for a version that is older than a forgetting, which this would undo, and
        ConflictError if another run publishes meanwhile.
        """
        with self.storage.writing():
            old = self.version(number)
            newest = self.latest()
            forgot = self.newest_forgetting()
            if number < forgot:
                raise StoreError(
                    f"version {number} has what version {forgot} was made to forget; roll back to "
                    f"version {forgot} or a later one"
                )
            old.folder()
            self.storage.touch(old.place)
            manifest = replace(
                old.manifest,
                version=self._next(newest.number if newest else None),
                parent=newest.number if newest else None,
                created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                forgot=0,
                rolled_back_to=number,
            )
            self._commit(manifest, shared=True)
        return Version(manifest, self)

    def newest_forgetting(self) -> int:
        """Return the newest version that was made to forget something, or 0."""
        return max((v.number for v in self._verified() if v.manifest.forgot), default=0)

    def latest(self) -> Version | None:
        """Return the newest version whose commit verifies, or None when there is none."""
        return next(self._verified(), None)

    def version(self, number: int) -> Version:
        """Return one version; raises StoreError when there is none, DamagedError when it is bad."""
        found = self._read(number)
        if found is None:
            there = ", ".join(map(str, sorted(self._numbers())))
            if not there:
                raise StoreError(self.without_versions())
            raise StoreError(f"the store {self.url} has no version {number}; it has: {there}")
        return found

    def _read(self, number: int) -> Version | None:
        content = self.storage.read(_commit_name(number))
        if content is None:
            return None
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
        return self.history()[1]

    def history(self) -> tuple[list[Version], list[int]]:
        """Return the versions, and the numbers of the commits that don't verify, newest first."""
        bad: list[int] = []
        return list(self._verified(bad)), bad

    def _demand_sets(self, ledger: Ledger) -> None:
        lost = ledger.sets - set(self.storage.names("shards")) if len(ledger) else set()
        if lost:
            raise DamagedError(
                f"not published: {len(lost)} sets of shards that the version needs are no longer "
                f"in the store {self.url}; restore shards/{min(lost)} from a copy"
            )

    def _next(self, parent: int | None) -> int:
        """Return the next version's number, if `parent` is the newest version there is."""
        numbers = self._numbers()
        newest = next(self._verified(numbers=numbers), None) if parent is not None else None
        if parent is not None and (newest.number if newest else 0) != parent:
            found = f"version {newest.number}" if newest else "no version"
            since = f"version {parent}" if parent else "none"
            raise ConflictError(
                f"the store {self.url} now has {found} as its newest, and this run went on from "
                f"{since}; nothing was published: run again, starting from the newest"
            )
        # One above what is there, verifying or not: a damaged commit keeps its number.
        return max(numbers, default=0) + 1

    def _numbers(self) -> list[int]:
        """Return the numbers of all commits that are there, newest first."""
        found = (re.fullmatch(r"(\d{12})\.json", name) for name in self.storage.names("commits"))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def _verified(
        self, bad: list[int] | None = None, numbers: Iterable[int] | None = None
    ) -> Iterator[Version]:
        for number in self._numbers() if numbers is None else numbers:
            try:
                found = self._read(number)
            except DamagedError:  # never a version, or no longer one; damaged() tells
                if bad is not None:
                    bad.append(number)
                continue
            if found is not None:  # else it was collected since the list was made
                yield found

    def _commit(self, manifest: Manifest, *, shared: bool = False) -> None:
        """Make the version visible; its data goes if that fails, unless another version has it."""
        name, content = _commit_name(manifest.version), manifest.to_bytes()
        try:
            won = self.storage.create(name, content)
        except BaseException as error:
            # The commit may be there all the same (a time-out, a signal): then its data must stay.
            if self.storage.read(name) != content:
                if not shared:
                    self.storage.drop(f"data/{manifest.data}")
                raise
            if not isinstance(error, StoreError):
                raise
            won = True
        if not won:
            if not shared:
                self.storage.drop(f"data/{manifest.data}")
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
