"""Read a remote file's bytes from any one on, each protocol in the way that is quick there.

Object stores are asked for ranges, a web server for one stream, ssh for many small pieces at once,
and everything else is opened and sought in. Whatever comes is checked against what was asked for: a
server may ignore a range, or send less than it said.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fsspec.asyn import AsyncFileSystem, sync

from corpora.sources.address import is_web
from corpora.sources.filesystems import is_ssh
from corpora.sources.retry import Changed, Patience

RANGE = 8 << 20  # bytes asked of a remote end at a time: few requests, little memory
FIRST = 1 << 20  # bytes asked at first, then twice as many: after a jump few may be wanted
LEAST = 1 << 18  # what a range shrinks to on a line so slow that a whole one takes too long
PIECE = 1 << 15  # bytes in one request of ssh; more is refused by some servers
BLOCK = 1 << 20  # bytes handed on, about
PLAIN = ("", "identity", "gzip", "x-gzip", "zstd")  # codings that are undone later, or none


class CutShort(Exception):  # noqa: N818  # seen by nobody but the retries
    """Fewer bytes came than the file has."""


@dataclass
class Seen:
    """What earlier tries have shown of a file: how large a range gets through, and its marks."""

    range: int = FIRST
    most: int = field(default_factory=lambda: RANGE)
    total: int | None = None
    tag: str | None = None


def read(
    fs: Any, path: str, at: int, size: int | None, seen: Seen, patience: Patience
) -> Generator[bytes]:
    """Yield a file's bytes from the one at `at` on.

    size: of the file, in bytes, None where nobody knows; seen: the same for all tries of one read.
    Raises what the file system does, CutShort, and Changed.
    """
    if is_web(path):
        return _streamed(fs, path, at, seen, patience.silence)
    if isinstance(fs, AsyncFileSystem) and size is not None:
        return _ranged(fs, path, at, size, seen, patience.silence)
    if is_ssh(fs) and size is not None:
        return _windows(fs, path, at, size)
    return _sought(fs, path, at, size)


def _ranged(fs: Any, path: str, at: int, size: int, seen: Seen, silence: float) -> Generator[bytes]:
    ask = partial(sync, fs.loop, fs._cat_file, path)  # noqa: SLF001  # cat_file has no time-out
    while at < size:
        end = min(at + seen.range, size)
        try:
            block = bytes(ask(start=at, end=end, timeout=silence))
        except TimeoutError:
            seen.most = seen.range = max(LEAST, (end - at) // 4)
            raise
        if len(block) != end - at:
            raise CutShort(f"{len(block)} bytes came of {end - at}")
        at = end
        seen.range = min(2 * seen.range, seen.most)
        yield block


def _streamed(fs: Any, url: str, at: int, seen: Seen, silence: float) -> Generator[bytes]:
    """Read a web address as one response; fsspec's own stream has no time-outs and no ranges."""
    if at and at == seen.total:
        return
    timeout = 2 * silence  # the session's own are shorter
    response = sync(fs.loop, _response, fs, url, at, silence, timeout=timeout)
    if at and response.status == 416:  # nothing is left; whoever reads asks whether that is right
        return
    try:
        skip = _to_skip(response, at, seen)
        # What has come is handed on even if the rest doesn't: so pieces may be small.
        while piece := sync(fs.loop, response.content.read, BLOCK, timeout=timeout):
            yield piece[skip:]
            skip -= min(skip, len(piece))
    finally:
        fs.loop.call_soon_threadsafe(response.close)


async def _response(fs: Any, url: str, at: int, silence: float) -> Any:
    import aiohttp  # noqa: PLC0415  # an extra; it is there where such a file system is

    options = dict(fs.kwargs)
    headers = dict(options.pop("headers", None) or {}) | {"Accept-Encoding": "identity"}
    if at:
        headers["Range"] = f"bytes={at}-"
    options.setdefault(
        "timeout", aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence)
    )
    session = await fs.set_session()
    response = await session.get(fs.encode_url(url), headers=headers, **options)
    if response.status in (404, 410):
        response.close()
        raise FileNotFoundError(url)
    if response.status != 416 or not at:
        response.raise_for_status()
    return response


def _to_skip(response: Any, at: int, seen: Seen) -> int:
    """Return how many bytes come before the one asked for, which a server need not heed."""
    coding = response.headers.get("Content-Encoding", "").lower()
    if coding not in PLAIN:
        raise NotImplementedError(f"the server packs the file as {coding!r}, unasked")
    length = response.headers.get("Content-Length")
    total = int(length) if length is not None else None
    skip = at
    if response.status == 206:
        begin, _, said = response.headers.get("Content-Range", "").partition("/")
        if not begin.startswith(f"bytes {at}-"):
            raise CutShort(f"bytes from {at} on were asked for, and {begin!r} came")
        total = int(said) if said.isdecimal() else None
        skip = 0
    tag = response.headers.get("ETag")
    if (total and seen.total and total != seen.total) or (tag and seen.tag and tag != seen.tag):
        raise Changed
    seen.total, seen.tag = total or seen.total, tag or seen.tag
    return skip


def _windows(fs: Any, path: str, at: int, size: int) -> Generator[bytes]:
    """Read by ssh with many requests under way at once, but no more than memory is for."""
    with fs.ftp.open(path, "rb") as file:
        while at < size:
            end = min(at + RANGE, size)
            pieces = [(n, min(PIECE, end - n)) for n in range(at, end, PIECE)]
            block = b"".join(file.readv(pieces))
            if len(block) != end - at:
                raise CutShort(f"{len(block)} bytes came of {end - at}")
            at = end
            yield block


def _sought(fs: Any, path: str, at: int, size: int | None) -> Generator[bytes]:
    with fs.open(path, "rb") as file:
        if at:
            file.seek(at)
        while block := file.read(BLOCK):
            at += len(block)
            yield block
    if size is not None and at < size:
        raise CutShort(f"{at} bytes came of {size}")
