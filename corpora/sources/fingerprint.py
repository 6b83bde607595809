"""What a file's content is identified by, asked of the file system that it lies in.

A fingerprint changes when the content does. It is no hash of the content: that would need all of
it to be read. Each protocol has its own: an object store's entity tag or generation, a web server's
strong entity tag, and else size and time of change; of a local file the inode besides.
"""

import json
import os
from collections.abc import Mapping
from stat import S_ISREG
from typing import Any

from corpora.sources.address import unsecret

# The keys under which file systems tell of a content's identity, the surest first; a generation of
# Google's store counts up with each write, an entity tag may come back with an old content.
TAGS = ("generation", "ETag", "etag", "e_tag")
CHANGES = ("Last-Modified", "LastModified", "last_modified", "mtime", "modified", "updated")


def of_remote(url: str, info: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the file at `url`, of which a file system says `info`.

    None where nothing is said to go by: then a content can't be told from a later one.

    >>> of_remote("s3://bucket/a.txt", {"ETag": '"5d41"', "size": 5})
    '["s3://bucket/a.txt", 5, "5d41"]'
    >>> of_remote("https://host/a.txt", {"ETag": 'W/"5d41"', "size": None}) is None
    True
    """
    name, size = unsecret(url), info.get("size")
    tag = next((str(info[key]) for key in TAGS if info.get(key)), None)
    if tag is not None and not tag.startswith("W/"):  # a weak tag is not one of the bytes
        # Listings give a tag with quotes where questions after one file give it without.
        return json.dumps([name, size, tag.strip('"')])
    changed = next((str(info[key]) for key in CHANGES if info.get(key)), None)
    # Size and time are the same for many files, and the query that tells them apart may be secret.
    if changed is None or size is None or "?" in url:
        return None
    return json.dumps([name, size, changed])


def of_local(path: str, stat: os.stat_result, real: str | None = None) -> str | None:
    """Return size, time of change and inode: a hint, good enough for a cache. None for a pipe.

    real: the path without links, where it is known.
    """
    if not S_ISREG(stat.st_mode):
        return None
    name = os.path.realpath(path) if real is None else real
    return json.dumps([name, stat.st_size, stat.st_mtime_ns, stat.st_ino])


def of_member(archive: str | None, kind: str, name: str, *said: int) -> str | None:
    """Return the fingerprint of an archive's member, from the archive's own.

    said: what the archive says of the member's content, for example its check sum.
    """
    return None if archive is None else json.dumps([archive, kind, name, *said])
