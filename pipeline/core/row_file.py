"""Rows of a matrix in a file: trained where they lie, and more of them than memory holds.

The file is mapped to be read and written, so that the system keeps in memory what is in use and
puts the rest on the disk. It is a .npy (rows, columns) of float32, with the padding that rows have
in memory; after a crash it holds whatever was written last, row by row.
"""

import mmap
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import numpy as np

from corpora.errors import MillraceError
from pipeline.core.batch import Floats

HEAD = 128  # bytes before the numbers
MARK = b"# Millrace trains these where they lie"


class RowFileError(MillraceError):
    """A file of rows can't be made, or can't grow."""


class RowFile:
    """A new file of rows at `path`; one that such a file was at is replaced, any other is kept.

    A program that still has the old one open goes on with that. Raises RowFileError for a file of
    something else, and for a place that can't be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = RowFile(Path(folder, "rows.npy"), columns=16)
    ...     file.rows(2)[1] = 7
    ...     file.rows(3)[:, 0].tolist(), np.load(file.path).shape
    ([0.0, 7.0, 0.0], (3, 16))
    """

    def __init__(self, path: str | os.PathLike[str], columns: int) -> None:
        self.path = Path(path).absolute()
        self.columns = columns
        self._rows = -1  # there is nothing yet
        made = self.path.with_name(f".{self.path.name[:40]}.{uuid4().hex}.part")
        try:
            if self.path.exists() and not _ours(self.path):
                raise RowFileError(
                    f"{self.path} is a file of something else, which would be lost. To mend it: "
                    "remove it, or give another name"
                )
            self._file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            weakref.finalize(self, os.close, self._file)
            self.rows(0)
            made.replace(self.path)
        except OSError as error:
            raise RowFileError(
                f"{self.path} can't be written ({error.strerror}). To mend it: check the folder "
                "and its permissions"
            ) from None
        finally:
            made.unlink(missing_ok=True)

    def rows(self, count: int) -> Floats:
        """Return the first rows (count, columns), of which new ones are zero; they can't get fewer.

        Raises RowFileError, with the file as it was, where the disk has no room.
        """
        before, size = (HEAD + max(rows, 0) * self.columns * 4 for rows in (self._rows, count))
        if count > self._rows:
            try:
                # Room now, and not when a row is written: then a full disk would end the process.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(self._file, 0, size)
                else:
                    os.ftruncate(self._file, size)
            except OSError as error:
                os.ftruncate(self._file, before)
                raise RowFileError(
                    f"{self.path} can't grow to {size} bytes ({error.strerror}). To mend it: make "
                    "room, or give a name on another disk"
                ) from None
            os.pwrite(self._file, _head(count, self.columns), 0)
            self._rows = count
        mapped = mmap.mmap(self._file, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # a system without them
                mapped.madvise(mmap.MADV_HUGEPAGE)
        found: Any = np.frombuffer(mapped, np.float32, offset=HEAD)
        return found.reshape(count, self.columns)  # type: ignore[no-any-return]

    def __reduce__(self) -> NoReturn:
        """Refuse a copy: two of them would write one file."""
        raise TypeError(
            f"what is trained in {self.path} can't be copied or pickled. To mend it: save the model"
        )


def _head(rows: int, columns: int) -> bytes:
    """Return the file's first bytes; a reader of .npy takes the mark for a comment."""
    said = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }} "
    text = said.encode() + MARK
    size = HEAD - 10
    if len(text) >= size:
        text = said.encode()
    return b"\x93NUMPY\1\0" + size.to_bytes(2, "little") + text.ljust(size - 1) + b"\n"


def _ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK in file.read(HEAD)
