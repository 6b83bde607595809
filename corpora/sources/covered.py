"""Which files an address would stand for if they were there: to tell one that is gone from others.

Files are told by their labels, so a pattern is written as the labels of its matches are.
"""

import os
import re
from collections.abc import Callable

from fsspec.utils import glob_translate

from corpora.sources import retry
from corpora.sources.address import archive, is_pattern, is_web, shown
from corpora.sources.filesystems import connected, whole_address
from corpora.sources.source import Options, Url


def covered(url: Url, options: Options = None, *, flat: bool = False) -> Callable[[str], bool]:
    """Return what tells, for the label of a file, whether `expand` could have given it.

    flat: whether `in_folder` could have. The files' own places are asked nothing.

    >>> mine = covered(["/logs/*.txt", "/logs/2026/"])
    >>> mine("/logs/a.txt"), mine("/logs/2026/05/a.txt"), mine("/logs/old/a.txt")
    (True, True, False)
    """
    exact: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for one in [url] if isinstance(url, str | os.PathLike) else url:
        address = os.fspath(one)
        exact.add(shown(address))
        if flat and not is_pattern(address):
            address = (address.rstrip("/") or address) + "/*"
        found = _pattern(address, options)
        if found is not None:
            patterns.append(re.compile(rf"(?s:{found})"))
    return lambda label: label in exact or any(one.fullmatch(label) for one in patterns)


def _pattern(url: str, options: Options) -> str | None:
    """Return a regular expression for the labels, or None for the address of one file."""
    inside = archive(url)
    if inside is not None:
        kind, member, address = inside
        outer = _pattern(address, options) or re.escape(shown(address))
        return rf"{kind}://{_glob(member)}::{outer}"
    if url.endswith("/") and not is_web(url):
        url += "**"
    elif not is_pattern(url):
        return None
    with connected(url, options, retry.PATIENCE) as (fs, path):
        return _glob(shown(whole_address(fs, url, path)))


def _glob(pattern: str) -> str:
    return str(glob_translate(pattern)).removesuffix(r"\Z")
