"""Addresses of files: what of one may be shown, what of it is a pattern, what it is made of.

An address can carry secrets: a password before the host, a token or a signature after the question
mark. People, logs and fingerprints get to see neither; nor the values of storage options, should a
library put them into the text of its errors.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

HIDDEN = "..."
PATTERN = re.compile(r"[*?[]")
WEB = ("http://", "https://")
ARCHIVE = re.compile(r"(zip|tar)://(.*?)::(.+)", re.DOTALL)
# Storage options that say where something lies and that nobody keeps to himself.
OPEN_OPTIONS = frozenset(
    [
        "account_name",
        "anon",
        "endpoint_url",
        "host",
        "host_key_policy",
        "port",
        "project",
        "protocol",
        "region_name",
    ]
)
CREDENTIALS = re.compile(r"(://)([^/?#@\s]*):([^/?#\s]*)@")
WEB_USER = re.compile(r"(https?://)[^/?#\s'\"]*@")  # with a token for a user, at times
QUERY = re.compile(r"(https?://[^?\s'\"]*)\?[^\s'\")]*")


def shown(url: str) -> str:
    """Return the address without a password, and without what follows a web address's "?".

    >>> shown("sftp://ann:secret@host/a.txt")
    'sftp://ann:...@host/a.txt'
    >>> shown("https://host/a.txt?token=secret")
    'https://host/a.txt?...'
    """
    if "://" not in url:  # a path, of which there may be very many
        return url
    url = CREDENTIALS.sub(rf"\1\2:{HIDDEN}@", WEB_USER.sub(rf"\1{HIDDEN}@", url))
    return QUERY.sub(rf"\1?{HIDDEN}", url)


class Address(str):
    """An address that may hold a secret, which its repr does not show.

    >>> Address("https://host/a.txt?token=secret")
    'https://host/a.txt?...'
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Show what may be shown."""
        return repr(shown(str(self)))


def unsecret(url: str) -> str:
    """Return the address without password and query: what it may be known by.

    >>> unsecret("https://ann:secret@host/a.txt?token=secret")
    'https://host/a.txt'
    """
    if "://" not in url:
        return url
    return QUERY.sub(r"\1", CREDENTIALS.sub(r"\1\2@", WEB_USER.sub(r"\1", url)))


def cleaned(text: str, url: str, options: Mapping[str, Any] | None) -> str:
    """Return what a library said of a file, without the secrets of its address and options.

    >>> cleaned("403: key 'hush' refused", "s3://b/a.txt", {"key": "hush"})
    "403: key '...' refused"
    """
    # The longest first: one secret may be a part of another.
    for secret in sorted(_secrets(url, options or {}), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return shown(text)


def is_pattern(url: str) -> bool:
    """Tell whether the address may stand for several files.

    In a web address "?" begins the query, and brackets may stand around a host.

    >>> is_pattern("s3://bucket/part-?.txt"), is_pattern("https://[::1]/a.txt?part=*")
    (True, False)
    """
    if url.startswith(WEB):
        return "*" in url.partition("?")[0]
    return PATTERN.search(url) is not None


def is_web(url: str) -> bool:
    """Tell whether the address is one of http."""
    return url.startswith(WEB)


def archive(url: str) -> tuple[str, str, str] | None:
    """Return kind, member and the archive's own address for "zip://member::address", or None.

    >>> archive("tar://*.txt::s3://bucket/a.tgz")
    ('tar', '*.txt', 's3://bucket/a.tgz')
    """
    found = ARCHIVE.fullmatch(url)
    return (found[1], found[2].lstrip("/"), found[3]) if found else None


def _secrets(url: str, options: Mapping[str, Any]) -> Iterator[str]:
    for credentials in CREDENTIALS.finditer(url):
        yield from _both_forms(credentials[3])
    if is_web(url):
        for user in WEB_USER.finditer(url):
            yield from _both_forms(user[0].partition("://")[2].rstrip("@"))
        query = url.partition("?")[2]
        yield from _both_forms(query)
        for one in query.split("&"):
            yield from _both_forms(one.partition("=")[2])
    yield from _values(options)


def _both_forms(secret: str) -> Iterator[str]:
    """Yield the secret as written and as meant, where it is long enough to be one."""
    for form in (secret, unquote(secret)):
        if len(form) > 2:
            yield form


def _values(option: Any) -> Iterator[str]:
    if isinstance(option, Mapping):
        for name, value in option.items():
            if name not in OPEN_OPTIONS:
                yield from _values(value)
    elif isinstance(option, list | tuple | set):
        for value in option:
            yield from _values(value)
    elif isinstance(option, bytes):
        yield from _both_forms(option.decode("utf-8", "replace"))
    elif isinstance(option, str):
        yield from _both_forms(option)
