"""Collecting what a store no longer needs: old versions, then what no version refers to.

Versions go first, the oldest before the others, so that a run that is killed leaves only what no
commit names. What a version that went had needed counts as new from then on: who has just listed
it may still read it, until the grace period is over. On a file system with locks nobody publishes
meanwhile.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.store.errors import StoreError
from pipeline.store.left_runs import left_runs
from pipeline.store.versions import Store, Version

DAY = 24 * 3600.0
GRACE = 7 * DAY
OURS = {  # what else lies there is somebody else's
    "data": re.compile("[0-9a-f]{32}"),
    "shards": re.compile("[0-9a-f]{64}"),
    "candidates": re.compile("[0-9a-f]{32}"),
}


@dataclass
class Collected:
    """What was collected, or would be.

    versions: their numbers; data, sets, candidates: how many folders of each; runs: checkpoints of
    killed runs; unfinished: what else killed processes had left; bytes: what that frees; waiting:
    folders that nobody refers to, whose grace period is not over.
    """

    versions: list[int] = field(default_factory=list)
    data: int = 0
    sets: int = 0
    candidates: int = 0
    runs: int = 0
    unfinished: int = 0
    bytes: int = 0
    waiting: int = 0


def collect(
    store: Store, keep: int | None = None, grace: float = GRACE, *, dry_run: bool = False
) -> Collected:
    """Remove all versions but the newest `keep`, and what no version needs for `grace` seconds.

    keep: None keeps every version; those from before the newest forgetting go in any case. Runs
    that were killed lose their checkpoints, at once if they began before that. With dry_run nothing
    is changed. Raises StoreError where a run is publishing, or where a commit is damaged: what that
    needs can't be known.

    >>> import tempfile
    >>> store = Store.open(tempfile.mkdtemp())
    >>> made = [store.publish(lambda folder: None) for _ in range(3)]
    >>> collect(store, keep=1, grace=0).versions, [one.number for one in store.versions()]
    ([1, 2], [3])
    """
    if keep is not None and keep < 1:
        raise ValueError(f"keep must be at least 1, not {keep}: the newest version always stays")
    if not any(store.storage.names(folder) for folder in ("commits", "data", "runs")):
        return Collected()
    if dry_run:
        return _collected(store, keep, grace, dry_run=True)
    with store.storage.collecting():
        return _collected(store, keep, grace, dry_run=False)


def _collected(store: Store, keep: int | None, grace: float, *, dry_run: bool) -> Collected:
    done = Collected()
    versions, damaged = store.history()
    if damaged:
        raise StoreError(
            f"version {damaged[0]} of the store {store.url} is damaged, so what it needs can't be "
            "told: nothing was collected. Restore its commit from a copy, or remove the file "
            f"commits/{damaged[0]:012d}.json"
        )
    forgetting = next((one for one in versions if one.manifest.forgot), None)
    forgot = forgetting.number if forgetting else 0
    first = versions[-1 if keep is None else min(keep, len(versions)) - 1].number if versions else 0
    staying = [one for one in versions if one.number >= max(first, forgot)]
    going = [one for one in versions if one.number < max(first, forgot)]
    needed = _needed(staying)
    just_left = _needed(going) - needed
    for version in reversed(going):
        done.versions.append(version.number)
        if not dry_run:
            _touch(store, _needed([version]) - needed)
            store.storage.delete(version.commit)
    for place in _unreferred(store, needed):
        idle = 0.0 if place in just_left else store.storage.idle(place)
        if idle < grace:
            done.waiting += 1
            continue
        kind = {"data": "data", "shards": "sets"}.get(place.partition("/")[0], "candidates")
        setattr(done, kind, getattr(done, kind) + 1)
        done.bytes += store.storage.size(place)
        if not dry_run:
            store.storage.remove(place)
    _collect_runs(store, done, forgetting, grace, dry_run=dry_run)
    for name in store.storage.unfinished():
        done.unfinished += 1
        if not dry_run:
            store.storage.sweep(name)
    return done


def _collect_runs(
    store: Store, done: Collected, forgetting: Version | None, grace: float, *, dry_run: bool
) -> None:
    """Remove what killed runs have left: at once if they began before the newest forgetting."""
    then = 0.0
    if forgetting is not None:  # the second that it was published in counts to what was before
        then = datetime.fromisoformat(forgetting.manifest.created).timestamp() + 1
    for run in left_runs(store.storage.runs):
        if run.begun >= then and run.idle < grace:
            done.waiting += 1
        elif run.remove(dry_run=dry_run):
            done.runs += 1
            done.bytes += run.size


def _needed(versions: list[Version]) -> set[str]:
    """Return the folders that versions refer to."""
    found: set[str] = set()
    for version in versions:
        if version.place not in found:  # of versions that share their data, one ledger is enough
            found.add(version.place)
            found |= {f"shards/{name}" for name in version.ledger.sets}
    return found


def _touch(store: Store, places: set[str]) -> None:
    for place in places:
        store.storage.touch(place)


def _unreferred(store: Store, needed: set[str]) -> Iterator[str]:
    for folder, name_of in OURS.items():
        for name in store.storage.names(folder):
            place = f"{folder}/{name}"
            if name_of.fullmatch(name) and place not in needed:
                yield place
