"""A set of shards on disk: the folder that one part of a corpus becomes.

Its name is the SHA-256 of format and fingerprint. For shard 0 there are in it, as Arrow IPC files,
`00000.tokens.arrow` with batches of {tokens: list<int32>, tags: list<int32>}, `00000.words.arrow`
with one batch of {key: string, count: int64}, and `00000.tags.arrow` with the same for tags, if
there are any; the key is an int64 where they are whole numbers, and a dense union of string and
int64 where they are both. `shards.json` has sizes, SHA-256 and counts, and is written last.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from corpora.errors import MillraceError
from corpora.shards.encoder import End

FORMAT = 2
MANIFEST = "shards.json"
WORKING = ".making-"
ABANDONED = 24 * 3600  # seconds without a write, after which a set in the making is nobody's


@dataclass(frozen=True)
class ShardEntry:
    """One shard in the manifest. files: name -> [size in bytes, SHA-256]."""

    fingerprint: str
    rows: int
    tokens: int
    split: int
    replaced: int
    files: dict[str, tuple[int, str]]

    def _named(self, end: str) -> str | None:
        return next((name for name in self.files if name.endswith(end)), None)

    @property
    def tokens_file(self) -> str:
        """The file of ids."""
        return self._named(".tokens.arrow") or ""

    @property
    def words_file(self) -> str:
        """The file of words and their counts."""
        return self._named(".words.arrow") or ""

    @property
    def tags_file(self) -> str | None:
        """The file of tags and their counts, if there is one."""
        return self._named(".tags.arrow")


@dataclass(frozen=True)
class ShardSet:
    """A finished folder and what its manifest says."""

    folder: Path
    entries: tuple[ShardEntry, ...]

    @property
    def content(self) -> str:
        """The SHA-256 of what its manifest says, which so stands for all that is in it."""
        return _digest_of([asdict(entry) for entry in self.entries])


def key_of(fingerprint: str) -> str:
    """Return the name of the folder for what a part is made from."""
    return hashlib.sha256(json.dumps([FORMAT, fingerprint]).encode()).hexdigest()


def find(home: Path, fingerprint: str) -> ShardSet | None:
    """Return the set that is in the cache, or None; one that is damaged is removed."""
    folder = home / key_of(fingerprint)
    if not folder.is_dir():
        return None
    made = verified(folder)
    if made is None:
        remove_tree(folder)
    return made


def verified(folder: Path, *, hashes: bool = True) -> ShardSet | None:
    """Return the set in a folder, or None for one that is not what its manifest says.

    hashes: compare every byte, and not only sizes.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        body = manifest["shards"]
        if manifest["format"] != FORMAT or manifest["sha256"] != _digest_of(body):
            return None
        entries = tuple(
            ShardEntry(**{**entry, "files": {k: tuple(v) for k, v in entry["files"].items()}})
            for entry in body
        )
        for entry in entries:
            for name, (size, digest) in entry.files.items():
                if Path(name).name != name:  # it would lead out of the folder
                    return None
                path = folder / name
                if path.stat().st_size != size or (hashes and _sha256(path) != digest):
                    return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return ShardSet(folder, entries)


def sweep(home: Path) -> None:
    """Remove what processes that were killed have left, once it is a day old."""
    for folder in home.glob(WORKING + "*"):
        times = [path.stat().st_mtime for path in (folder, *folder.glob("*")) if path.exists()]
        if times and time.time() - max(times) > ABANDONED:
            remove_tree(folder)


def drop_contents(home: Path, contents: Collection[str]) -> None:
    """Remove the sets that have one of these contents (`ShardSet.content`) from a cache."""
    for path in home.glob(f"*/{MANIFEST}"):
        made = verified(path.parent, hashes=False)
        if made is not None and made.content in contents:
            remove_tree(path.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder; one that is gone already, or can't be removed, is left alone."""
    shutil.rmtree(folder, ignore_errors=True)


def dictionaries(end: End) -> dict[str, pa.RecordBatch]:
    """Return what the files of words and of tags have in them: {key, count}."""
    kinds = {"words": end.words} | ({} if end.tags is None else {"tags": end.tags})
    made: dict[str, pa.RecordBatch] = {}
    for kind, dictionary in kinds.items():
        columns: list[Any] = [dictionary.words, pa.array(dictionary.counts)]
        made[kind] = pa.record_batch(columns, ["key", "count"])
    return made


def content_of(digests: Sequence[str]) -> str:
    """Return a shard's fingerprint, by the SHA-256 of its files: ids, words, tags."""
    return _digest_of(list(digests))


class Writing:
    """A set in the making: shards go in, `commit` gives it its name.

    Left without `commit`, it removes what it has written. fingerprint: None for a set that nobody
    will look for; it is not synced and gets a random name.
    """

    def __init__(self, home: Path, fingerprint: str | None) -> None:
        self._home = home
        self._fingerprint = fingerprint
        self._folder = home / f"{WORKING}{uuid.uuid4().hex}"
        self._entries: list[ShardEntry] = []

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir()
        except OSError as error:
            raise _unwritable(self._home, error) from error
        return self

    def __exit__(self, *raised: object) -> None:
        remove_tree(self._folder)

    def open(self, schema: pa.Schema) -> "_File":
        """Begin a shard; returns the writer of its record batches."""
        return _File(self._folder / self._name("tokens"), schema)

    def close(self, end: End) -> None:
        """Finish the shard: write its dictionaries, note sizes and hashes."""
        made = dictionaries(end)
        for kind, batch in made.items():
            with _File(self._folder / self._name(kind), batch.schema) as file:
                file.write_batch(batch)
        paths = [self._folder / self._name(kind) for kind in ("tokens", *made)]
        files = {path.name: (path.stat().st_size, _sha256(path)) for path in paths}
        if self._fingerprint is not None:
            for path in paths:
                _sync(path)
        content = content_of([digest for _, digest in files.values()])
        self._entries.append(
            ShardEntry(content, end.rows, end.tokens, end.split, end.replaced, files)
        )

    def commit(self) -> ShardSet:
        """Give the finished set its name; one that another process made first is as good."""
        body = [asdict(entry) for entry in self._entries]
        manifest = {"format": FORMAT, "shards": body, "sha256": _digest_of(body)}
        path = self._folder / MANIFEST
        lasting = self._fingerprint is not None
        try:
            path.write_text(json.dumps(manifest, indent=1))
            if lasting:
                _sync(path)
                _sync(self._folder)
            final = self._home / (key_of(self._fingerprint or "") if lasting else uuid.uuid4().hex)
            try:
                self._folder.rename(final)
            except OSError:
                other = find(self._home, self._fingerprint) if self._fingerprint else None
                if other is not None:
                    return other
                self._folder.rename(final)
            if lasting:
                _sync(self._home)
        except OSError as error:
            raise _unwritable(self._home, error) from error
        return ShardSet(final, tuple(self._entries))

    def _name(self, kind: str) -> str:
        return f"{len(self._entries):05d}.{kind}.arrow"


class _File:
    """An Arrow IPC file being written."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self._folder = path.parent
        try:
            self._sink: Any = pa.OSFile(str(path), "wb")
            self._writer: Any = pa.ipc.new_file(self._sink, schema)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def write_batch(self, batch: pa.RecordBatch) -> None:
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def close(self) -> None:
        try:
            self._writer.close()
            self._sink.close()
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _unwritable(folder: Path, error: OSError) -> MillraceError:
    reason = error.strerror or str(error)
    return MillraceError(
        f"{folder}: shards can't be written there ({reason}). To mend it: free some space, or give "
        "a folder that can be written."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
