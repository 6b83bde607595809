"""Where text lies: one address, a list or a glob, over any protocol that fsspec speaks.

Addresses become files in a fixed order; a file becomes blocks of bytes, unpacked. Nothing is
skipped in silence: a glob that matches nothing, a file that isn't there, one that changes while it
is read are all errors.
"""

import json
import os
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import fsspec

from corpora.codecs import decompressed
from corpora.errors import CorpusError

Url = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Options = Mapping[str, Any] | None

BLOCK = 1 << 20  # bytes asked of a file at a time
REMOTE_BLOCK = 8 << 20  # bytes asked of a remote end at a time: few requests, little memory
GLOB = re.compile(r"[*?[]")
# The keys under which the remote file systems say what a file's content is identified by.
ENTITY_TAGS = ("ETag", "etag", "e_tag", "generation")
CHANGES = ("Last-Modified", "LastModified", "last_modified", "mtime", "modified", "updated")


@dataclass(frozen=True)
class Source:
    """One file: where it lies, and what its content was identified by when it was listed.

    url: as fsspec wants it; label: the same for people; fingerprint: changes when the content does,
    None where the remote end says nothing to go by.
    """

    url: str
    label: str
    fingerprint: str | None
    options: Options = field(default=None, repr=False, compare=False)

    def blocks(self) -> Generator[bytes]:
        """Yield the file's bytes, unpacked, in blocks of about a mebibyte."""
        with closing(self.packed()) as packed:
            yield from decompressed(packed, self.label)

    def packed(self) -> Generator[bytes]:
        """Yield the bytes as they lie there; raises CorpusError for a file that changes."""
        reached = 0
        try:
            fs, path = _file_system(self.url, self.options)
            with fs.open(path, "rb", **_opening(fs)) as file:
                identity = _identity_now(fs, path, file)
                if self.fingerprint is not None and identity != self.fingerprint:
                    raise _changed(self.label, reached)  # noqa: TRY301
                while block := file.read(BLOCK):
                    reached += len(block)
                    yield block
                if _identity_now(fs, path, file) != identity:
                    raise _changed(self.label, reached)  # noqa: TRY301
        except CorpusError:
            raise
        except Exception as error:  # remote file systems raise what they like, IndexError included
            raise _unreadable(self.label, error, reached) from error


def expand(url: Url, options: Options = None) -> list[Source]:
    """Return the files that an address, a list or a glob stands for.

    Files of one glob are sorted by path; the addresses of a list keep their order. options: what
    the protocol's file system is made with. Raises CorpusError for a file that isn't there, and for
    a pattern that nothing matches.

    >>> expand("/nowhere/at/all.txt")
    Traceback (most recent call last):
    corpora.errors.CorpusError: /nowhere/at/all.txt: there is no such file. To mend it: check the \
address.
    """
    urls = [url] if isinstance(url, str | os.PathLike) else list(url)
    if not urls:
        raise CorpusError("the list of addresses is empty", remedy="give at least one")
    return [source for one in urls for source in _expand_one(os.fspath(one), options)]


def _expand_one(url: str, options: Options) -> list[Source]:
    label = _label(url)
    try:
        fs, path = _file_system(url, options)
        fs.invalidate_cache()  # a listing from before may be out of date
        # A file may be called "a[1].txt": what is there by its very name is no pattern.
        literal = not GLOB.search(path) or fs.isfile(path)
        found = {path: fs.info(path)} if literal else fs.glob(path, detail=True)
    except Exception as error:
        raise _unreadable(label, error, None) from error
    if literal:
        if found[path].get("type") == "directory":
            raise CorpusError("this is a folder", url=label, remedy='put "/*" after its name')
        return [Source(url, label, _identity(fs, path, found[path]), options)]
    files = {p: info for p, info in found.items() if info.get("type") != "directory"}
    if not files:
        raise CorpusError("no file matches", url=label, remedy="check the pattern")
    whole = partial(_with_path, url, fs)
    return [
        Source(whole(p), _label(whole(p)), _identity(fs, p, files[p]), options)
        for p in sorted(files)
    ]


def _file_system(url: str, options: Options) -> tuple[Any, str]:
    fs, path = fsspec.core.url_to_fs(url, **dict(options or {}))
    return fs, str(path)


def _with_path(pattern: str, fs: Any, path: str) -> str:
    """Return the address of one match of a pattern; "zip://*.txt::a.zip" keeps what it lies in."""
    _, chained, rest = pattern.partition("::")
    if _is_local(fs) and not chained:
        return path
    return str(fs.unstrip_protocol(path)) + chained + rest


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol))


def _opening(fs: Any) -> dict[str, Any]:
    return {} if _is_local(fs) else {"block_size": REMOTE_BLOCK}


def _label(url: str) -> str:
    """Return the address without a password and without what follows a question mark in a URL."""
    shown = re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:...@", url)
    return re.sub(r"^(https?://[^?]*)\?.*", r"\1?...", shown)


def _identity_now(fs: Any, path: str, file: Any) -> str | None:
    """Return what identifies the file that is open."""
    if _is_local(fs):
        # Asked of the open file itself: the name may by now belong to another one.
        return _local_identity(path, os.fstat(file.fileno()))
    fs.invalidate_cache()
    return _identity(fs, path, fs.info(path))


def _identity(fs: Any, path: str, info: Mapping[str, Any]) -> str | None:
    if _is_local(fs):
        return _local_identity(path, os.stat(path))  # noqa: PTH116  # path is fsspec's string
    said: dict[str, str] = {}
    for names, key in ((ENTITY_TAGS, "tag"), (CHANGES, "changed")):
        for name in names:
            if info.get(name):
                said.setdefault(key, str(info[name]))
    if "tag" in said and not said["tag"].startswith("W/"):  # a weak tag is not of the bytes
        said.pop("changed", None)
    elif "changed" not in said or info.get("size") is None:
        return None
    return json.dumps([fs.unstrip_protocol(path), info.get("size"), said], sort_keys=True)


def _local_identity(path: str, stat: os.stat_result) -> str:
    """Size, time of change and inode: a hint that a file is the same, good enough for a cache."""
    return json.dumps([os.path.realpath(path), stat.st_size, stat.st_mtime_ns, stat.st_ino])


def _changed(label: str, reached: int) -> CorpusError:
    return CorpusError(
        "the file changed while it was being read",
        url=label,
        position=f"byte {reached}",
        remedy="run again when nothing writes to it",
    )


REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (FileNotFoundError, "there is no such file", "check the address"),
    (PermissionError, "it may not be read", "check its permissions, or the credentials"),
    (IsADirectoryError, "this is a folder", 'put "/*" after its name'),
    (ImportError, "the protocol needs a package that is not installed", "install the package"),
)


def _unreadable(label: str, error: Exception, reached: int | None) -> CorpusError:
    position = f"byte {reached}" if reached else None
    for kind, problem, remedy in REASONS:
        if isinstance(error, kind):
            more = f" ({error})" if kind is ImportError else ""
            return CorpusError(problem + more, url=label, position=position, remedy=remedy)
    return CorpusError(
        f"it can't be read ({type(error).__name__}: {error})",
        url=label,
        position=position,
        remedy="check the address and the connection",
    )
