"""Folders as gensim takes them: all files that lie directly in one, in the order of their names."""

import glob
import os
from pathlib import Path

from corpora.errors import CorpusError
from corpora.sources.source import Options, Source, Url, expand

FOLDER = "this is a folder"


def in_folder(url: Url, options: Options = None) -> list[Source]:
    """Return what `expand` does, and for an address that is a folder the files that lie in it.

    Folders within it are left out: an address that ends in "/**" has their files, too.
    """
    urls = [url] if isinstance(url, str | os.PathLike) else list(url)
    if not urls:
        return expand(urls, options)
    return [source for one in urls for source in _one(os.fspath(one), options)]


def _one(url: str, options: Options) -> list[Source]:
    bare = url.rstrip("/") or url
    if not Path(bare).is_dir():  # a local folder may be called "a[1]"
        try:
            return expand(bare, options)
        except CorpusError as error:
            if error.problem != FOLDER:
                raise
    return expand(glob.escape(bare) + "/*", options)
