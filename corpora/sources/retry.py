"""Go on reading where a connection broke off, a bounded number of times.

Remote file systems raise whatever they like when a connection goes: a stalled read has been seen to
end in an IndexError. So everything is tried again, except for what trying again can't mend.
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from corpora.errors import CorpusError

T = TypeVar("T")


class Changed(Exception):  # noqa: N818  # turned into the user's error where the file is known
    """The file is not the one that was asked for first: what has been read is of no use."""


# A file that isn't there and one that may not be read stay so; the rest are mistakes in a program.
LASTING = (
    Changed,
    CorpusError,
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
    ImportError,
    NotImplementedError,
    TypeError,
    UnicodeError,
    MemoryError,
)
# The same from libraries that may not be installed: there are no credentials, or wrong ones.
LASTING_NAMES = frozenset(
    [
        "AuthenticationException",
        "BadAuthenticationType",
        "BadHostKeyException",
        "ClientAuthenticationError",
        "DefaultCredentialsError",
        "InvalidURL",
        "NoCredentialsError",
        "PartialCredentialsError",
        "PasswordRequiredException",
    ]
)
PASSING_STATUS = frozenset({408, 425, 429})  # of the 4xx: time-out, too early, too many


@dataclass(frozen=True)
class Patience:
    """How long a remote end is waited for.

    tries: failures in a row before giving up; `renews` bytes between two end the row, and no fewer:
    a server that gives a few and then stalls would keep a reader for days. pause: seconds before
    the second try, doubled for each further one up to `longest_pause`, of which a random part is
    waited. silence: seconds that a request may take; listing: seconds for a listing.
    """

    tries: int = 6
    pause: float = 0.5
    longest_pause: float = 20.0
    silence: float = 60.0
    listing: float = 900.0
    renews: int = 1 << 18

    def seconds(self, failures: int) -> float:
        """Return how long to wait after so many failures, drawn so that readers don't march."""
        longest = min(self.longest_pause, self.pause * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  # no secret hangs on it


PATIENCE = Patience()


class GaveUp(Exception):  # noqa: N818  # it is what happened, and is never seen by a user
    """The last of the tries failed; `last` is why, `reached` the bytes that had come by then."""

    def __init__(self, last: Exception, reached: int, tries: int) -> None:
        super().__init__(last, reached, tries)
        self.last = last
        self.reached = reached
        self.tries = tries


def resumed(
    start: Callable[[int], Generator[bytes]], at: int, patience: Patience
) -> Generator[bytes]:
    """Yield what `start(n)` yields, the bytes from the n-th on, and again where it breaks off.

    at: the first byte wanted. Raises GaveUp with the cause.

    >>> calls = []
    >>> def start(n):
    ...     calls.append(n)
    ...     yield b"abcdef"[n : n + 2]
    ...     if n < 4:
    ...         raise OSError("cut")
    >>> list(resumed(start, 0, Patience(pause=0))), calls
    ([b'ab', b'cd', b'ef'], [0, 2, 4])
    """
    failures = 0
    while True:
        begun = at
        try:
            with closing(start(at)) as blocks:
                for block in blocks:
                    if block:
                        at += len(block)
                        yield block
                return
        except Exception as error:
            failures = 1 if at - begun >= patience.renews else failures + 1
            if is_lasting(error) or failures >= patience.tries:
                raise GaveUp(error, at, failures) from error
        time.sleep(patience.seconds(failures))


def repeated(ask: Callable[[], T], patience: Patience) -> T:
    """Return what `ask()` returns, asking again where it fails; raises GaveUp with the cause."""
    failures = 0
    while True:
        try:
            return ask()
        except Exception as error:
            failures += 1
            if is_lasting(error) or failures >= patience.tries:
                raise GaveUp(error, 0, failures) from error
        time.sleep(patience.seconds(failures))


def is_lasting(error: Exception) -> bool:
    """Tell whether trying again is of no use."""
    status = status_of(error)
    if status is not None:
        return 400 <= status < 500 and status not in PASSING_STATUS
    return isinstance(error, LASTING) or type(error).__name__ in LASTING_NAMES


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that an error carries, under the name that its library gives it."""
    for name in ("status", "status_code", "code"):
        status = getattr(error, name, None)
        if isinstance(status, int) and 100 <= status < 600:
            return status
    return None
