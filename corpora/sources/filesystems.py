"""The file systems that addresses lie in: made with time-outs, never with a stale listing.

One connection is shared by all that read from the same place; only those of ssh, whose library
can't share them, are opened for one use and closed after it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem, sync

from corpora.errors import CorpusError
from corpora.sources.address import cleaned, is_web, shown
from corpora.sources.retry import Patience, status_of

Options = Mapping[str, Any] | None

# The extra that brings what a protocol needs.
EXTRAS = {
    "abfs": "azure",
    "abfss": "azure",
    "adl": "azure",
    "az": "azure",
    "gcs": "gcs",
    "gs": "gcs",
    "http": "http",
    "https": "http",
    "s3": "s3",
    "s3a": "s3",
    "sftp": "sftp",
    "ssh": "sftp",
}
# Protocols whose file systems drop the host from a path, so that it has to be put back.
WITH_HOST = frozenset({"ftp", "hdfs", "sftp", "smb", "ssh", "webhdfs"})


def protocol_of(url: str) -> str:
    """Return the protocol that an address is read with: the outermost of a chain.

    >>> protocol_of("s3://bucket/a.txt"), protocol_of("/home/a.txt")
    ('s3', 'file')
    """
    return str(fsspec.core.split_protocol(url)[0] or "file")


@contextmanager
def connected(url: str, options: Options, patience: Patience) -> Generator[tuple[Any, str]]:
    """Give the file system of an address, and what it calls the file there.

    Raises CorpusError, with the extra to install, where a package is missing.
    """
    fs, path = _made(url, options, patience)
    if not is_ssh(fs):
        yield fs, path
        return
    try:
        fs.ftp.get_channel().settimeout(patience.silence)
        yield fs, path
    finally:
        fs.client.close()


def is_ssh(fs: Any) -> bool:
    """Tell fsspec's own ssh, by paramiko; other packages put theirs into its place."""
    return is_ssh_class(type(fs))


def is_ssh_class(kind: type) -> bool:
    """Tell the class of `is_ssh`."""
    return kind.__module__ == "fsspec.implementations.sftp"


def _made(url: str, options: Options, patience: Patience) -> tuple[Any, str]:
    protocol = protocol_of(url)
    wanted = dict(options or {})
    try:
        if "::" not in url:
            wanted = with_timeouts(protocol, wanted, patience)
        fs, path = fsspec.core.url_to_fs(url, **wanted)
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        raise CorpusError(
            f"{protocol}:// needs a package that is not installed"
            + ("" if extra else f" ({cleaned(str(error), url, options)})"),
            url=shown(url),
            remedy=f"pip install 'millrace[{extra}]'" if extra else "install the package",
        ) from None
    except (TypeError, ValueError) as error:  # an option, or a protocol, that nobody knows
        raise CorpusError(
            f"it can't be read ({cleaned(f'{type(error).__name__}: {error}', url, options)})",
            url=shown(url),
            remedy="check the address and the storage options",
        ) from None
    return fs, str(path)


def with_timeouts(protocol: str, options: dict[str, Any], patience: Patience) -> dict[str, Any]:
    """Return the options with ours where the user has said nothing."""
    silence = patience.silence
    if protocol in ("s3", "s3a"):
        # s3fs tries again by itself; botocore's tries within its tries would only multiply.
        ours = {"connect_timeout": silence, "read_timeout": silence, "retries": {"max_attempts": 1}}
        options["config_kwargs"] = ours | dict(options.get("config_kwargs") or {})
    elif protocol in ("http", "https"):
        # Bytes as they lie there: a server's own gzip would make the byte reached unknowable.
        options["client_kwargs"] = {"auto_decompress": False} | dict(
            options.get("client_kwargs") or {}
        )
    elif protocol in ("az", "abfs", "abfss"):
        options.setdefault("connection_timeout", silence)
        options.setdefault("read_timeout", silence)
    elif protocol in ("sftp", "ssh") and is_ssh_class(fsspec.get_filesystem_class(protocol)):
        options["skip_instance_cache"] = True
        for name in ("timeout", "banner_timeout", "auth_timeout"):
            options.setdefault(name, silence)
    if EXTRAS.get(protocol) in ("s3", "gcs", "azure"):
        options.setdefault("use_listings_cache", False)
    return options


def ask(fs: Any, name: str, *arguments: Any, timeout: float, **options: Any) -> Any:
    """Return what a file system's method returns, within `timeout` seconds where that can be.

    name: of the method, for example "info".
    """
    if isinstance(fs, AsyncFileSystem):
        method: Callable[..., Any] = getattr(fs, f"_{name}")
        return sync(fs.loop, method, *arguments, timeout=timeout, **options)
    return getattr(fs, name)(*arguments, **options)


def info(fs: Any, path: str, patience: Patience) -> dict[str, Any]:
    """Return what a file system says of a file, now."""
    fs.invalidate_cache()
    try:
        return dict(ask(fs, "info", path, timeout=patience.silence))
    except FileNotFoundError as error:
        # fsspec says so of every answer to a web address that it doesn't like; its cause is true.
        cause = error.__cause__
        if is_web(path) and isinstance(cause, Exception) and status_of(cause) not in (404, 410):
            raise cause from None
        raise


def is_local(fs: Any) -> bool:
    """Tell whether the file system is that of this machine."""
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol))


def whole_address(fs: Any, pattern: str, path: str) -> str:
    """Return the address of one match of a pattern; a chain keeps what it lies in."""
    first, chained, rest = pattern.partition("::")
    if is_local(fs) and not chained:
        return path
    if "://" in path:
        return path + chained + rest
    protocol, _, behind = first.partition("://")
    place = behind.partition("/")[0]
    if protocol in WITH_HOST:
        return f"{protocol}://{place}{path}"
    if "@" in place and EXTRAS.get(protocol) == "azure":  # container@account
        return f"{protocol}://{place}/{path.partition('/')[2]}"
    # A file system has one name for itself where users have several: s3, s3a; az, abfs.
    bare = str(fs.unstrip_protocol(path)).partition("://")[2]
    return f"{protocol}://{bare}{chained}{rest}"
