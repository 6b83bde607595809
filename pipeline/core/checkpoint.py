"""Where a training that may be killed left off: weights and a place in the corpus, on a disk.

A checkpoint is whole or not there: matrices are written under names of their own and synced, then
`state.json`, which names them with sizes and SHA-256, takes the place of the one before. What a run
draws at random depends on where a row stands and not on what came before it, so a run that goes on
from a checkpoint with one worker ends with the same bits as one that was never killed.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from corpora.errors import MillraceError
from pipeline.core.batch import Floats, Tally

Unit = TypeVar("Unit")

STATE = "state.json"
FORMAT = 1
SHARE = 20  # a checkpoint is made when so many times the last one's cost has gone by
LEFT = 14 * 24 * 3600.0  # seconds after which what a dead run left is swept away
PIECE = 64 << 20  # bytes hashed and written at a time


@dataclass(frozen=True)
class Cursor:
    """How far a run is: whole epochs (their tallies), and units and their tally of the next one.

    seconds: time trained so far.
    """

    epochs: tuple[Tally, ...] = ()
    units: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run: the newest counts, older ones are removed.

    folder: of this run alone, named by `key`, which stands for all that the run's result depends
    on. every: seconds of training between two of them, at least; 0 for one after each unit. say: is
    told where a run goes on from one, and where one can't be made, which doesn't end the run.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home, opened(Path(home), "a key") as checkpoints:
    ...     checkpoints.save(Cursor(units=3), {"input": np.ones((2, 16), np.float32)})
    ...     cursor, matrices = checkpoints.load()
    >>> cursor.units, matrices["input"].shape
    (3, (2, 16))
    """

    folder: Path
    key: str
    every: float = 60.0
    say: Callable[[str], None] = lambda _: None

    def load(self) -> tuple[Cursor, dict[str, Floats]] | None:
        """Return the newest checkpoint with its matrices mapped, or None where none verifies."""
        try:
            said = json.loads((self.folder / STATE).read_text())
            if said["format"] != FORMAT or said["key"] != self.key:
                return None
            cursor = said["cursor"]
            found = {name: self._matrix(**file) for name, file in said["files"].items()}
            return Cursor(
                tuple(Tally(**tally) for tally in cursor["epochs"]),
                cursor["units"],
                Tally(**cursor["tally"]),
                cursor["seconds"],
            ), found
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None  # then the run begins anew, which is right in any case

    def save(self, cursor: Cursor, matrices: Mapping[str, Floats]) -> None:
        """Make a checkpoint; where it can't be written, the one before stays."""
        name = os.urandom(8).hex()
        try:
            files = {
                kind: _written(self.folder / f"{name}.{kind}.npy", matrix)
                for kind, matrix in matrices.items()
            }
            said = {"format": FORMAT, "key": self.key, "cursor": asdict(cursor), "files": files}
            new = self.folder / f"{name}.json"
            with new.open("w") as file:
                json.dump(said, file)
                file.flush()
                os.fsync(file.fileno())
            _sync(self.folder)
            new.replace(self.folder / STATE)
            _sync(self.folder)
        except OSError as error:
            self._sweep(keep="")
            self.say(
                f"{self.folder}: a checkpoint can't be written there ({error.strerror}); the run "
                "goes on without it. To mend it: free some space"
            )
        else:
            self._sweep(keep=name)

    def _matrix(self, name: str, size: int, sha256: str) -> Floats:
        path = self.folder / Path(name).name
        if path.stat().st_size != size:
            raise ValueError(f"{path} has another size")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise ValueError(f"{path} has another content")
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False), np.float32)

    def _sweep(self, keep: str) -> None:
        """Remove what no `state.json` names; without `keep`, that is known from the file itself."""
        with suppress(OSError, ValueError, KeyError):
            named = {STATE}
            if not keep:
                said = json.loads((self.folder / STATE).read_text())
                named |= {file["name"] for file in said["files"].values()}
            for path in self.folder.iterdir():
                if path.name not in named and not (keep and path.name.startswith(keep)):
                    path.unlink()


class Pace:
    """When the next checkpoint is due: it may cost a twentieth of the time, and no more.

    every: seconds between two of them, at least; 0 for one after each unit; None for none, ever.
    """

    def __init__(self, every: float | None) -> None:
        self._every = every
        self._next = time.monotonic() + (inf if every is None else every)

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    @contextmanager
    def paid(self) -> Iterator[None]:
        """Take the time of making a checkpoint, and put the next one off accordingly."""
        begun = time.monotonic()
        yield
        cost = time.monotonic() - begun
        self._next = time.monotonic() + (max(self._every, SHARE * cost) if self._every else 0.0)


class Paced(Iterator[Unit]):
    """Units of work that pause whenever a checkpoint is due, after one unit at least.

    taken: how many were given out; ended: whether there are no more.

    >>> work = Paced(iter("abc"), Pace(0))
    >>> list(work), list(work), work.taken, work.ended, list(work), list(work), work.ended
    (['a'], ['b'], 2, False, ['c'], [], True)
    """

    def __init__(self, units: Iterator[Unit], pace: Pace, taken: int = 0) -> None:
        self._units = islice(units, taken, None)
        self._pace = pace
        self._since = 0
        self.taken = taken
        self.ended = False

    def __next__(self) -> Unit:
        if self._since and self._pace.due:
            self._since = 0
            raise StopIteration
        try:
            unit = next(self._units)
        except StopIteration:
            self.ended = True
            raise
        self.taken += 1
        self._since += 1
        return unit


@contextmanager
def opened(
    home: Path, content: str, every: float = 60.0, say: Callable[[str], None] = lambda _: None
) -> Iterator[Checkpoints | None]:
    """Give the checkpoints, below `home`, of the run whose result depends on `content` alone.

    They are removed when the block ends well, and stay when it raises or the process dies. None
    where another process is on the same run: it goes its way without any. Raises MillraceError
    where `home` can't be written.
    """
    key = hashlib.sha256(content.encode()).hexdigest()
    folder = home / key[:32]
    lock = home / f"{key[:32]}.lock"
    with ExitStack() as held:
        try:
            home.mkdir(parents=True, exist_ok=True)
            alone = held.enter_context(held_alone(lock))
        except OSError as error:
            raise MillraceError(
                f"{home}: checkpoints can't be written there ({error.strerror}). To mend it: free "
                "some space, or give a folder that can be written"
            ) from error
        if alone:
            try:
                folder.mkdir(exist_ok=True)
            except OSError:
                alone = False
        if not alone:
            yield None
            return
        _sweep_left(home, folder)
        yield Checkpoints(folder, key, every, cache(say))  # the same thing once
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)


@contextmanager
def held_alone(lock: Path) -> Iterator[bool]:
    """Hold a run's lock, a file, and tell whether nobody else does; raises OSError without one."""
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who held it before may have removed it, and a third may have made another since.
            alone = os.path.samestat(os.fstat(held), lock.stat())
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(held)


def _written(path: Path, matrix: Floats) -> dict[str, Any]:
    """Write a matrix durably, and return its file's name, size and SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": matrix.shape}
        np.lib.format.write_array_header_1_0(file, head)
        file.flush()
        digest.update(path.read_bytes())
        rows = max(1, PIECE // max(4 * matrix.shape[1], 1))
        for at in range(0, len(matrix), rows):
            piece = np.ascontiguousarray(matrix[at : at + rows], "<f4").data
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    return {"name": path.name, "size": size, "sha256": digest.hexdigest()}


def _sweep_left(home: Path, mine: Path) -> None:
    """Remove what runs left that nobody went on with for two weeks."""
    with suppress(OSError):
        for folder in home.iterdir():
            if folder.is_dir() and folder != mine and time.time() - folder.stat().st_mtime > LEFT:
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
