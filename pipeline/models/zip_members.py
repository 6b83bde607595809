"""Members of a zip that is not packed, each on a multiple of 64 bytes: used where they lie.

Written by Python's own zipfile, and so read by every program that reads zips. Reading is ours: it
says where members lie, takes only what is written here, and believes no number that it is told.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Fill = Callable[[BinaryIO], None]

ALIGNED = 64  # bytes: a cache line, and what Arrow and .npy begin their numbers on
PADDING = 0xD935  # the extra field that zips are aligned with
STEP = 1 << 22  # bytes that a checksum is taken of at a time

# A zip's records (APPNOTE 6.3, 4.3), as far as their length is fixed.
LOCAL, ENTRY, END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
LOCATOR, END64 = "<4sIQI", "<4sQ2H2I4Q"
WIDE = 0xFFFFFFFF  # the number lies in a field of 64 bits


class Member(NamedTuple):
    """A member's bytes where they lie, and their checksum if one is known."""

    data: Bytes
    crc: int | None = None

    def whole(self) -> bool:
        """Tell whether the bytes are those that were written, as far as that is known."""
        found = 0
        for at in range(0, len(self.data), STEP):
            found = zlib.crc32(cast("Any", self.data[at : at + STEP]), found)
        return self.crc in (None, found)


def write(out: BinaryIO, members: Iterable[tuple[str, Fill]]) -> None:
    """Write members, each a name and what writes it, into an empty file.

    >>> import io
    >>> file = io.BytesIO()
    >>> write(file, [("a.txt", lambda out: print(out.write(b"mill")))])
    4
    >>> read(np.frombuffer(file.getvalue(), np.uint8), {"a.txt"})["a.txt"].data.tobytes()
    b'mill'
    """
    with zipfile.ZipFile(out, "w") as file:
        for name, fill in members:
            entry = zipfile.ZipInfo(name)
            # Before its data come 30 bytes, the name, 20 bytes for sizes of 64 bits, and this.
            pad = -(out.tell() + 30 + len(name) + 20 + 6) % ALIGNED
            entry.extra = struct.pack("<3H", PADDING, 2 + pad, ALIGNED) + bytes(pad)
            with file.open(entry, "w", force_zip64=True) as member:
                fill(cast("BinaryIO", member))


def append(out: BinaryIO, members: Iterable[tuple[str, Fill]]) -> None:
    """Write members where a file stands, which may be one that can't be sought in, and flush it."""
    write(cast("BinaryIO", _FromHere(out)), members)
    out.flush()


def read(file: Bytes, names: Collection[str]) -> dict[str, Member]:
    """Return the members of a zip by name, where they lie; nothing of them is read.

    names: those that there may be. Raises ValueError for what `write` does not write.
    """
    at, count = _directory(file, len(names))
    found: dict[str, Member] = {}
    spans = [(at, at)]
    for _ in range(count):
        (sign, _, _, flags, method, _, _, crc, packed, plain, name_size, extra_size, note, _, _, _,
         begin) = _unpacked(ENTRY, file, at)  # fmt: skip
        at += struct.calcsize(ENTRY)
        name = file[at : at + name_size].tobytes().decode("ascii", "replace")
        extra = file[at + name_size : at + name_size + extra_size].tobytes()
        at += name_size + extra_size + note
        plain, packed, begin = _widened(extra, plain, packed, begin)
        if sign != b"PK\1\2" or name not in names or name in found:
            raise ValueError(f"there is no place in it for {name[:80]!r}")
        if method or flags & 1 or packed != plain:
            raise ValueError(f"{name} is packed or locked")
        local = _unpacked(LOCAL, file, begin)
        start = begin + struct.calcsize(LOCAL) + local[9] + local[10]
        if local[0] != b"PK\3\4" or local[9] != name_size:
            raise ValueError(f"{name} is not where its directory says")
        spans.append((begin, start + plain))
        found[name] = Member(file[start : start + plain], crc)
    spans.sort()
    if any(end > begin for (_, end), (begin, _) in pairwise(spans)):
        raise ValueError("its members overlap or lead out of it")
    return found


def _directory(file: Bytes, most: int) -> tuple[int, int]:
    """Return where a zip's directory begins, and of how many members it is."""
    tail = len(file) - struct.calcsize(END)
    sign, _, _, _, count, size, at, note = _unpacked(END, file, tail)
    if sign != b"PK\5\6" or note:
        raise ValueError("it has no end that save() writes: it may be cut off")
    if at == WIDE:
        sign, _, where, _ = _unpacked(LOCATOR, file, tail - struct.calcsize(LOCATOR))
        record = _unpacked(END64, file, where)
        if sign != b"PK\6\7" or record[0] != b"PK\6\6":
            raise ValueError("its directory is not where its end says")
        count, size, at = record[7:]
    if count > most or at + size > tail:
        raise ValueError(f"{count} members in {size} bytes of directory can't be a model")
    return at, count


def _widened(extra: bytes, *numbers: int) -> list[int]:
    """Return numbers of a directory's entry, those of 64 bits from its extra field."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{size // 8}Q", extra, 4))
            return [next(wide, number) if number == WIDE else number for number in numbers]
        extra = extra[4 + size :]
    return list(numbers)


def _unpacked(form: str, file: Bytes, at: int) -> tuple[Any, ...]:
    if not 0 <= at <= len(file) - struct.calcsize(form):
        raise ValueError("it ends too early")
    return struct.unpack(form, file[at : at + struct.calcsize(form)].tobytes())


class _FromHere:
    """An open file as one that begins where it stands, and is only written to the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

    def write(self, data: Any) -> int:
        """Write all of some bytes, though a raw file may take less at a time."""
        view = memoryview(data).cast("B")
        while len(view):
            taken = self._file.write(view)
            self._at += taken
            view = view[taken:]
        return memoryview(data).nbytes

    def tell(self) -> int:
        """Return how many bytes there are."""
        return self._at

    def flush(self) -> None:
        """Leave that to the end."""
