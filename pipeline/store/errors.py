"""What can go wrong with a store, as errors that a user can mend."""

import errno

from corpora.errors import MillraceError

REMEDIES = {
    errno.EACCES: "give this user the right to write there, or name another store",
    errno.EPERM: "give this user the right to write there, or name another store",
    errno.EROFS: "the file system is mounted read-only: name another store",
    errno.ENOSPC: "the disk is full: free some space, or name a store on another disk",
    errno.EDQUOT: "the disk quota is used up: free some space, or name another store",
    errno.ENOTDIR: "a file lies where a folder is needed: name another store",
    errno.EEXIST: "a file lies where a folder is needed: name another store",
}


class StoreError(MillraceError):
    """A store could not be read or written; the message says where and what to do."""


class ConflictError(StoreError):
    """Another run published first; this run's version was not added."""


class DamagedError(StoreError):
    """A commit or one of a version's files is not what was once published."""


def explained(doing: str, place: object, error: OSError) -> StoreError:
    """Return `error` as a StoreError that names the place and the remedy.

    >>> str(explained("write", "/models", OSError(errno.ENOSPC, "No space left on device")))
    'cannot write the store at /models: No space left on device; the disk is full: free some \
space, or name a store on another disk'
    """
    # NumPy reports a short write as an OSError without a number.
    what = error.strerror or str(error)
    remedy = REMEDIES.get(error.errno or 0, "mend that, or name another store")
    return StoreError(f"cannot {doing} the store at {place}: {what}; {remedy}")
