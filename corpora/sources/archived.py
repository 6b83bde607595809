"""A zip or a tar with many files in it, each read by itself and none of them from the beginning.

Finding a member costs: a zip's directory has to be read, and of a packed tar everything before the
member. So what has been opened for one member waits for who reads the next, and goes on from there.
"""

import threading
import weakref
import zipfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from typing import Any

from corpora.sources.archives import TarMember, tar_members, whole_zip, zip_blocks, zip_members
from corpora.sources.codecs import decompressed
from corpora.sources.readahead import Readahead
from corpora.sources.stored import StoredFile

AHEAD = 2  # blocks of a remote file that wait to be unpacked
LINKS = 8  # that may lead from one to the next


def read_ahead(file: StoredFile) -> AbstractContextManager[Iterable[bytes]]:
    """Read a remote file beside whoever unpacks it; a disk's own cache does that for local."""
    return closing(file.read()) if file.local else Readahead(file.read, depth=AHEAD)


@dataclass(frozen=True)
class Entry:
    """One file of an archive.

    place: of its bytes among those of a tar's files; said: what a zip says of its content; broken:
    where a link leads to that leads to no file.
    """

    place: int = 0
    said: tuple[int, ...] = ()
    broken: str | None = None


class Archive:
    """An archive and what has been opened in it. Members may be read on any number of threads.

    `entries` has its files by name, sorted. Of several with one name the last one counts, as when
    the archive is unpacked; a link within a tar stands for the file that it leads to.
    """

    def __init__(self, file: StoredFile, kind: str) -> None:
        entries = _zip_entries(file) if kind == "zip" else _tar_entries(file)
        self.__setstate__({"_file": file, "_kind": kind, "_wanted": 0, "entries": entries})

    def __getstate__(self) -> dict[str, Any]:
        """Pickle what is known of the archive, and nothing that is open."""
        return {name: vars(self)[name] for name in ("_file", "_kind", "_wanted", "entries")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin with nothing open."""
        self._file: StoredFile = state["_file"]
        self._kind: str = state["_kind"]
        self.entries: dict[str, Entry] = state["entries"]
        self._wanted = self._left = state["_wanted"]
        self._lock = threading.Lock()
        self._waiting: list[_Opened] = []
        weakref.finalize(self, _close, self._waiting)

    def want(self, members: int) -> None:
        """Say how many members a pass will read: after so many nothing is kept open."""
        self._wanted = self._left = members

    def blocks(self, name: str) -> Generator[bytes]:
        """Yield the bytes of a member; raises CorpusError for what is damaged, or has changed."""
        place = self.entries[name].place
        opened = self._opened(place)
        whole = False
        try:
            yield from opened.blocks(name, place)
            whole = True
        finally:
            if not whole:
                opened.close()
        self._file.hold()
        self._put(opened)

    def _opened(self, place: int) -> "_Opened":
        with self._lock:
            fit = [one for one in self._waiting if one.place <= place]
            if fit:
                best = max(fit, key=lambda one: one.place)
                self._waiting.remove(best)
                return best
        return _Zip(self._file) if self._kind == "zip" else _Tar(self._file)

    def _put(self, opened: "_Opened") -> None:
        with self._lock:
            self._waiting.append(opened)
            self._left -= 1
            if self._left <= 0:
                self._left = self._wanted
                _close(self._waiting)


class _Zip:
    """A zip whose directory has been read."""

    place = 0

    def __init__(self, file: StoredFile) -> None:
        self._label = file.label
        with ExitStack() as stack, whole_zip(self._label):
            opened = stack.enter_context(file.seekable())
            self.archive = stack.enter_context(zipfile.ZipFile(opened))
            self._stack = stack.pop_all()

    def blocks(self, name: str, place: int) -> Iterator[bytes]:
        del place
        return zip_blocks(self.archive, name, self._label)

    def close(self) -> None:
        self._stack.close()


class _Tar:
    """A tar that has been read up to the member `place`."""

    def __init__(self, file: StoredFile) -> None:
        self.place = 0
        self._members = _members(file)

    def blocks(self, name: str, place: int) -> Iterator[bytes]:
        del name
        for member in self._members:
            self.place += 1
            if self.place > place:
                yield from member.blocks()
                return

    def close(self) -> None:
        self._members.close()


_Opened = _Zip | _Tar


def _close(waiting: list[_Opened]) -> None:
    while waiting:
        waiting.pop().close()


def _members(file: StoredFile) -> Generator[TarMember]:
    with read_ahead(file) as packed, closing(decompressed(packed, file.label)) as unpacked:
        yield from tar_members(unpacked, file.label)


def _zip_entries(file: StoredFile) -> dict[str, Entry]:
    with closing(_Zip(file)) as opened:
        found = {name: Entry(0, said) for name, said in zip_members(opened.archive).items()}
    file.hold()
    return found


def _tar_entries(file: StoredFile) -> dict[str, Entry]:
    """Return the files in a tar, for which all of it has to be read: it has no directory."""
    places: dict[str, int] = {}
    links: dict[str, str] = {}
    with closing(_members(file)) as members:
        for place, member in enumerate(members):
            if member.link is None:
                places[member.name] = place
                links.pop(member.name, None)
            else:
                links[member.name] = member.link
    for name in links:
        places.pop(name, None)
    found = {name: Entry(place) for name, place in places.items()}
    for name, said in links.items():
        target = said
        for _ in range(LINKS):  # a link may lead to a link
            target = links.get(target, target)
        if target in places:
            found[name] = Entry(places[target])
        elif not any(other.startswith(target + "/") for other in places):  # else it is a folder
            found[name] = Entry(broken=said)
    return dict(sorted(found.items()))
