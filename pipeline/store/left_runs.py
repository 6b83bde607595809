"""What killed runs have left in a store: checkpoints, which may hold what was forgotten since."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.checkpoint import held_alone

NAME = re.compile("([0-9a-f]{32})([.]lock)?")


@dataclass(frozen=True)
class LeftRun:
    """A run that may go on from its checkpoint; begun: when it did first, seconds since 1970.

    idle: seconds since its last checkpoint; size: bytes.
    """

    folder: Path
    lock: Path
    begun: float
    idle: float
    size: int

    def remove(self, *, dry_run: bool = False) -> bool:
        """Remove it, unless a process is at it; returns whether it went, or would."""
        if dry_run and not self.lock.exists():  # nobody is, and none is to be made
            return True
        with suppress(OSError), held_alone(self.lock) as alone:
            if alone and not dry_run:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.lock.unlink(missing_ok=True)
            return alone
        return False


def left_runs(home: Path | None) -> Iterator[LeftRun]:
    """Yield the runs that have something in a store's folder `runs`, those at work among them.

    >>> list(left_runs(Path("nowhere")))
    []
    """
    if home is None or not home.is_dir():
        return
    named = {found[1] for path in home.iterdir() if (found := NAME.fullmatch(path.name))}
    for name in sorted(named):
        folder = home / name
        with suppress(FileNotFoundError):  # it has ended meanwhile
            lock = folder.with_suffix(".lock")
            # A lock is made when a run begins, and never written to.
            times = [path.stat().st_mtime for path in (lock, folder) if path.exists()]
            sizes = [path.stat().st_size for path in folder.glob("*")]
            yield LeftRun(folder, lock, min(times), time.time() - max(times), sum(sizes))
