"""Files that are durable before they are visible, and one that only one of two writers gets.

A file is named finally only when it is whole: written under a temporary name in the same folder,
synced, then linked. A link, unlike a rename, fails when the name is taken.
"""

import errno
import fcntl
import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.store.errors import StoreError

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# What a lock on a folder fails with where the file system has none; a grace period has to do then.
NO_LOCKS = {errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

SIDE_BY_SIDE = 16  # files that are synced at a time


@contextmanager
def temporary(folder: Path, content: bytes, *, synced: bool = True) -> Iterator[Path]:
    """Give a file with `content` under a temporary name; the name is gone afterwards."""
    path = folder / f".tmp-{uuid.uuid4().hex}"
    try:
        with path.open("xb") as file:
            file.write(content)
            if synced:
                file.flush()
                sync(file.fileno())
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def link(source: Path, target: Path) -> None:
    """Give a file another name; raises FileExistsError, and StoreError where there are no links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        raise StoreError(
            f"cannot write the store at {target.parent.parent}: its file system has no hard links, "
            "which a safe commit needs; name a store on another one"
        ) from error


def twin(source: Path, target: Path) -> None:
    """Give a file that nobody writes to a second name, or copy it where that can't be."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # another file system, another user's file, too many links
        shutil.copyfile(source, target)
    # Cutting a file short that another process has mapped kills that process: guard against it.
    with suppress(PermissionError):
        target.chmod(0o444)


def sync_path(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Wait until all of these are on the disk; side by side, so that one write does for many."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, "millrace-sync") as pool:
        for _ in pool.map(sync_path, paths):
            pass


def sync(descriptor: int) -> None:
    """Wait until an open file is on the disk."""
    if sys.platform == "darwin":  # where fsync stops at the drive's own cache
        with suppress(OSError):  # not every file system there has it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


@contextmanager
def locked(folder: Path, *, alone: bool) -> Iterator[bool]:
    """Hold a folder together with others, or alone; a process that ends lets go in any case.

    Alone, gives False at once where others hold it; together, waits for who holds it alone. Where
    the file system has no locks, gives True without one.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield True
    finally:
        os.close(descriptor)
