"""What a file is called in its documents' tags: as little of its address as tells it from others.

A name has to stay the same when more files come, when they come in another order, and on another
machine. So it depends on the address as it was given and on the file's own, and on nothing else.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

import fsspec

from corpora.errors import CorpusError
from corpora.part import Part
from corpora.rows.row_builder import encodable
from corpora.sources.address import archive, is_web, unsecret
from corpora.sources.source import Source, Url

MAGIC = "*?["


def tag_name(url: Url, source: Source) -> str:
    """Return a name for a file: its path from the first wildcard of the address on, or its own.

    url: what the reader was given. "logs/2026/a.txt" is "a.txt"; under "logs/**/*.txt" it is
    "2026/a.txt", and so it is in the folder "logs". A file within an archive has the archive's name
    before its own.

    >>> from corpora.sources.stored import StoredFile
    >>> path = "/logs/2026/a.txt"
    >>> tag_name("/logs/**/*.txt", Source(StoredFile(path, path, None), path, None))
    '2026/a.txt'
    """
    path = _path(source.url)
    for one in [url] if isinstance(url, str | os.PathLike) else url:
        root, folder = _root(os.fspath(one))
        if path != root and path.startswith(folder):
            path = path[len(folder) :]
            break
    else:
        path = PurePosixPath(path).name or path
    name = f"{path}/{source.member}" if source.member else path
    if not encodable(name):
        raise CorpusError(
            "the file's name is not UTF-8, so no tag can be made of it",
            url=ascii(name),
            remedy="rename it",
        )
    return name


def check_tag_names(names: Sequence[str], sources: Sequence[Source]) -> None:
    """Raise CorpusError if two of the files have one name."""
    named: dict[str, Source] = {}
    for name, source in zip(names, sources, strict=True):
        other = named.setdefault(name, source)
        if other is not source:
            raise CorpusError(
                f'this file\'s documents and those of {other.label} would share tags, "{name}"',
                url=source.label,
                remedy='set tags = "address", read the files by one pattern for the folder that '
                "both lie in, or give no file twice",
            )


def check_tags(parts: Sequence[Part]) -> None:
    """Raise CorpusError if the tags that readers made are the same for two files.

    One file may come twice: its documents are the same ones then.
    """
    made: dict[str, str] = {}
    for tag, label in (one for part in parts for one in part.tagged):
        other = made.setdefault(tag, label)
        if other != label:
            raise CorpusError(
                f'its documents and those of {other} would share tags, such as "{tag}"',
                url=label,
                remedy='set tags = "address" in both readers, or read the files by one pattern for '
                "the folder that both lie in",
            )


@lru_cache(1 << 12)
def _root(url: str) -> tuple[str, str]:
    """Return the path of an address that a reader was given, and the folder of its files."""
    inside = archive(url)
    root = _path(inside[2] if inside else url)
    return root, _fixed(root)


def _fixed(path: str) -> str:
    """Return the folder that a pattern, or a folder, has its files in; ends with a slash."""
    at = min((path.find(char) for char in MAGIC if char in path), default=len(path))
    if at == len(path):
        return path.rstrip("/") + "/"
    return path[: path.rfind("/", 0, at) + 1]


def _path(url: str) -> str:
    """Return the path of an address, without protocol and query."""
    link = url.rpartition("::")[2]
    if is_web(link):
        return unsecret(link)
    if "://" in link:
        return str(fsspec.core.strip_protocol(link))
    return os.path.abspath(link).replace(os.sep, "/")  # noqa: PTH100  # pathlib can't tell "a/"
