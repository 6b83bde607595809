"""Sorted runs: tables on disk that are each in order, read side by side and merged.

A run is an Arrow IPC file whose rows rise by a key. Of each run one block is in memory.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpora.errors import MillraceError

Key = Callable[[pa.RecordBatch, int], tuple[Any, ...]]
Combine = Callable[[list[pa.Table]], pa.Table]


def write_run(path: Path, schema: pa.Schema, blocks: Iterable[pa.Table]) -> None:
    """Write blocks, which have to rise by the key, each to be read at once.

    Raises MillraceError if the disk takes no more.
    """
    try:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for block in blocks:
                writer.write_table(block.combine_chunks())
    except OSError as error:
        raise unwritable(path.parent, error) from error


def merged(paths: Iterable[Path], key: Key, combine: Combine) -> Iterator[pa.Table]:
    """Yield the rows of sorted runs in tables, each beyond the one before it.

    key: of a row of a block; combine: makes one table, in order, of the pieces that the runs give;
    all rows of one key are among them.
    """
    with ExitStack() as files:
        runs = [_Run(path, key, files) for path in paths]
        runs = [run for run in runs if run.forward()]
        while runs:
            # All rows up to the nearest end of a block are in memory.
            reached = min(run.last for run in runs)
            yield combine([run.taken(reached) for run in runs])
            runs = [run for run in runs if run.forward()]


class _Run:
    """A sorted file, a block of it in memory."""

    def __init__(self, path: Path, key: Key, files: ExitStack) -> None:
        self._key = key
        # Read and not mapped: pages of a map would count as memory for as long as there is any.
        self._reader: Any = pa.ipc.open_file(files.enter_context(pa.OSFile(str(path), "rb")))
        self._next = 0
        self._at = 0
        self._block = pa.RecordBatch.from_pylist([], self._reader.schema)

    def forward(self) -> bool:
        """Read the next block if this one is used up; False at the end."""
        while self._at == self._block.num_rows:
            if self._next == self._reader.num_record_batches:
                return False
            self._block = self._reader.get_batch(self._next)
            self._next += 1
            self._at = 0
        return True

    @property
    def last(self) -> tuple[Any, ...]:
        return self._key(self._block, self._block.num_rows - 1)

    def taken(self, reached: tuple[Any, ...]) -> pa.Table:
        """Take the rows up to a key."""
        block, begun = self._block, self._at
        rows = range(block.num_rows)
        self._at = bisect_right(rows, reached, begun, key=lambda i: self._key(block, i))
        return pa.Table.from_batches([block.slice(begun, self._at - begun)])


def unwritable(folder: Path, error: OSError) -> MillraceError:
    """Return the error for a folder that takes no more."""
    return MillraceError(
        f"{folder}: counts can't be written there ({error.strerror or error}). To mend it: free "
        "some space, or set TMPDIR to a folder with more."
    )
