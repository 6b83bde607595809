"""gc: what goes, what stays, what waits; and rollback."""

import errno
import hashlib
import json
import os
import shutil
import time
from contextlib import suppress

import numpy as np
import pytest

from corpora import Sentences, encode
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.shown import collected_told
from pipeline.core.checkpoint import Cursor, opened
from pipeline.store.collect import collect
from pipeline.store.ledger import Ledger, consumed
from pipeline.store.shards import stored_shards
from pipeline.store.versions import ConflictError, DamagedError, Store, StoreError

WEEK = 7 * 24 * 3600


@pytest.fixture
def store(tmp_path):
    return Store.open(str(tmp_path / "models"))


@pytest.fixture
def root(store):
    return store.storage.root


def publish(store, text, **more):
    """Add a version that has read one more text than the newest."""
    latest = store.latest()
    shards = encode(Sentences([text.split()]))
    return store.publish(
        lambda folder: (folder / "a").write_text(text) and None,
        parent=latest.number if latest else 0,
        ledger=latest.ledger if latest else Ledger.empty(),
        consumed=list(consumed(shards, counted=True)),
        **more,
    )


def names(root, folder):
    return sorted(path.name for path in (root / folder).iterdir())


def age(root, seconds):
    for folder in ("data", "shards"):
        for path in (root / folder).iterdir():
            os.utime(path, (time.time() - seconds,) * 2)


def test_old_versions_go_and_what_others_need_stays(store, root):
    made = [publish(store, f"text number {i}") for i in range(5)]
    age(root, 2 * WEEK)
    done = collect(store, keep=2, grace=WEEK, dry_run=True)
    assert (done.versions, done.waiting) == ([1, 2, 3], 3)
    assert len(store.versions()) == 5
    done = collect(store, keep=2, grace=WEEK)
    assert (done.versions, done.data, done.sets, done.waiting) == ([1, 2, 3], 0, 0, 3)
    # Who had just listed them can read them still.
    assert (root / "data" / made[0].manifest.data / "a").read_text() == "text number 0"
    done = collect(store, keep=2, grace=WEEK)
    assert (done.versions, done.waiting) == ([], 3)
    age(root, 2 * WEEK)
    done = collect(store, keep=2, grace=WEEK)
    assert (done.data, done.sets, done.waiting) == (3, 0, 0)
    assert done.bytes > 0
    assert [version.number for version in store.versions()] == [5, 4]
    kept = stored_shards(store, store.latest().ledger, hashes=True)
    assert (kept.rows, len(names(root, "shards"))) == (5, 5)
    assert collect(store, keep=2, grace=0).data == 0


def test_sets_that_no_version_needs_go(store, root):
    publish(store, "first text")
    store.publish(lambda folder: None)  # a model made from nothing
    assert collect(store, grace=0).sets == 0
    done = collect(store, keep=1, grace=0)
    assert (done.versions, done.data, done.sets) == ([1], 1, 1)
    assert (names(root, "shards"), len(names(root, "data"))) == ([], 1)


def test_the_newest_never_goes(store):
    publish(store, "the only one")
    assert collect(store, keep=1, grace=0).versions == []
    with pytest.raises(ValueError, match="the newest version always stays"):
        collect(store, keep=0)
    assert collect(Store.open(store.url + "/not there")).versions == []


def test_what_killed_runs_left_goes(store, root):
    publish(store, "some text")
    orphan = root / "data" / ("0" * 32)
    orphan.mkdir()
    (orphan / "half").write_text("x" * 100)
    (root / "commits" / ".tmp-0123").write_text("half")
    (root / "shards" / ".making-0123").mkdir()
    (root / "data" / "mine").mkdir()
    done = collect(store, grace=WEEK)
    assert (done.data, done.waiting, done.unfinished) == (0, 1, 2)
    done = collect(store, grace=0)
    assert (done.data, done.bytes, done.unfinished) == (1, 100, 0)
    assert (root / "data" / "mine").is_dir()  # nobody knows what that is
    assert store.latest().folder()


def test_nothing_goes_while_a_run_publishes(store):
    def write(folder):
        with pytest.raises(StoreError, match="a run is writing"):
            collect(store, keep=1, grace=0)

    publish(store, "some text")
    store.publish(write, parent=1)
    assert len(store.versions()) == 2


def test_a_damaged_commit_stops_it(store, root):
    publish(store, "some text")
    publish(store, "more text")
    path = root / "commits" / "000000000001.json"
    path.chmod(0o644)
    path.write_text("{}")
    with pytest.raises(StoreError, match=r"version 1 .* is damaged.*nothing was collected"):
        collect(store, keep=1, grace=0)
    path.unlink()
    assert collect(store, keep=1, grace=0).data == 1


def test_rollback_shares_the_files(store, root):
    for i in range(3):
        publish(store, f"text {i}")
    back = store.rollback(1)
    assert (back.number, back.manifest.parent, back.manifest.rolled_back_to) == (4, 3, 1)
    assert store.latest().manifest == back.manifest
    assert (back.folder() / "a").read_text() == "text 0"
    assert back.ledger.rows == 1
    assert len(names(root, "data")) == 3
    assert collect(store, keep=1, grace=0).data == 2
    assert store.latest().folder()
    publish(store, "text 4")
    assert store.latest().manifest.rolled_back_to is None
    with pytest.raises(StoreError, match="has no version 9"):
        store.rollback(9)


def test_rollback_to_files_that_are_damaged(store, root):
    made = publish(store, "text 0")
    publish(store, "text 1")
    (made.folder() / "a").unlink()
    with pytest.raises(DamagedError, match="a is missing"):
        store.rollback(1)
    assert store.latest().number == 2


def test_a_rollback_that_loses_the_race(store, monkeypatch):
    publish(store, "text 0")
    real = type(store.storage).create

    def first(storage, name, content):
        monkeypatch.undo()
        publish(store, "text 1")
        return real(storage, name, content)

    monkeypatch.setattr(type(store.storage), "create", first)
    with pytest.raises(ConflictError):
        store.rollback(1)
    assert [(v.number, bool(v.folder())) for v in store.versions()] == [(2, True), (1, True)]


def test_same_text_is_kept_once(store, root):
    publish(store, "the same text")
    publish(store, "the same text")
    assert (len(names(root, "shards")), store.latest().ledger.rows) == (1, 2)
    assert len(stored_shards(store, store.latest().ledger)) == 1


@pytest.mark.parametrize("damage", ["gone", "changed", "other"])
def test_shards_that_are_not_what_was_kept(store, root, damage):
    version = publish(store, "some text")
    publish(store, "other text")
    one, two = (root / "shards" / name for name in sorted(store.latest().ledger.sets))
    files = sorted(one.glob("*.arrow"))
    if damage == "gone":
        files[0].unlink()
    elif damage == "changed":
        files[0].chmod(0o644)
        content = files[0].read_bytes()
        files[0].write_bytes(content[:50] + b"#" + content[51:])
    else:
        for path in one.iterdir():
            path.unlink()
            os.link(two / path.name, path)
    with pytest.raises(DamagedError, match="are not what was kept"):
        stored_shards(store, store.latest().ledger, hashes=True)
    assert version.folder()


def test_shards_are_linked_and_not_copied(store, tmp_path):
    (tmp_path / "a.txt").write_text("to be or not\n")
    from corpora import LineSentence

    shards = encode(LineSentence(str(tmp_path / "a.txt")), tmp_path / "cache")
    version = store.publish(lambda folder: None, consumed=list(consumed(shards, counted=True)))
    (kept,) = stored_shards(store, version.ledger)
    assert (kept.folder / kept.entry.tokens_file).stat().st_nlink == 2
    assert kept.words.to_pylist() == shards[0].words.to_pylist()
    assert kept.source == str(tmp_path / "a.txt")


def test_shards_are_copied_where_links_are_not_to_be_had(store, monkeypatch):
    real = os.link

    def other_device(source, target):
        if "commits" in str(target):
            return real(source, target)
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_device)
    version = publish(store, "some text")
    assert stored_shards(store, version.ledger, hashes=True).rows == 1


def test_a_full_disk_leaves_no_half_set(store, root, monkeypatch):
    version = publish(store, "some text")
    real = os.link

    def full(source, target):
        if "commits" in str(target):
            return real(source, target)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def copies_half(source, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copyfile", copies_half)
    with pytest.raises(StoreError, match="the disk is full: free some space"):
        publish(store, "more text")
    assert names(root, "shards") == sorted(version.ledger.sets)
    assert len(names(root, "data")) == 1
    assert store.latest().number == 1


def test_a_set_can_not_lead_out(store, root):
    version = publish(store, "some text")
    (name,) = version.ledger.sets
    path = root / "shards" / name / "shards.json"
    said = json.loads(path.read_text())
    files = said["shards"][0]["files"]
    files["../../LATEST"] = files.pop("00000.words.arrow")
    said["sha256"] = hashlib.sha256(json.dumps(said["shards"], sort_keys=True).encode()).hexdigest()
    path.chmod(0o644)
    path.write_text(json.dumps(said))
    with pytest.raises(DamagedError, match="are not what was kept"):
        stored_shards(store, version.ledger)


def millrace(capsys, *arguments):
    code = run_command(commands, list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_commands(store, capsys):
    for i in range(3):
        publish(store, f"text {i}", metrics={"loss": 0.5}, recipe="# mine\n")
    url = store.url
    code, out, _ = millrace(capsys, "show", f"{url}@2", "--json")
    told = json.loads(out)
    assert (code, told["version"], told["parent"], told["metrics"]) == (0, 2, 1, {"loss": 0.5})
    assert told["ledger"] == {"sources": 2, "rows": 2, "tokens": 4, "sets": 2}
    code, out, _ = millrace(capsys, "show", url)
    assert code == 0
    for line in ("version     3", "parent      2", "text kept   3 sets of shards", "  # mine"):
        assert line in out.splitlines()
    code, out, _ = millrace(capsys, "show", url, "--sources")
    assert len(out.splitlines()) == 4
    code, out, _ = millrace(capsys, "rollback", url, "1", "--json")
    assert (code, json.loads(out)) == (0, {"version": 4, "rolled_back_to": 1})
    assert "by rollback" in millrace(capsys, "show", url)[1]
    lines = millrace(capsys, "versions", url)[1].splitlines()
    assert [("rolled back to 1" in line) for line in lines] == [False, True, False, False, False]
    code, out, _ = millrace(capsys, "gc", url, "--keep", "1", "--dry-run")
    assert (code, out.startswith("would remove 3 versions (1, 2, 3): 0.0 MB; ")) == (0, True)
    code, out, _ = millrace(capsys, "gc", url, "--keep", "1", "--grace", "0s", "--json")
    told = json.loads(out)
    assert (code, told["versions"], told["data"], told["sets"]) == (0, [1, 2, 3], 2, 2)
    code, _, err = millrace(capsys, "gc", url, "--grace", "soon")
    assert (code, "write 90s, 30m, 12h or 7d" in err) == (2, True)
    code, _, err = millrace(capsys, "show", f"{url}@1")
    assert (code, "has no version 1; it has: 4" in err) == (4, True)
    for command in ("show", "versions", "similar"):
        more = ["word"] if command == "similar" else []
        _, _, err = millrace(capsys, command, f"{url}/nothing", *more)
        assert f"{url}/nothing has no version: there is no such folder" in err
        code, _, err = millrace(capsys, command, f"{url}/data", *more)
        assert (code, "has no version yet" in err) == (0 if command == "versions" else 4, True)


def left_run(root, key, began, checkpoint=0.0):
    """Leave what a killed run leaves, which began and made its checkpoint so many seconds ago."""
    home = root / "runs"
    with suppress(KeyboardInterrupt), opened(home, key, every=0) as held:
        held.save(Cursor(units=3), {"input": np.ones((2, 16), np.float32)})
        raise KeyboardInterrupt
    for path, ago in ((held.folder, checkpoint), (held.folder.with_suffix(".lock"), began)):
        os.utime(path, (time.time() - ago,) * 2)
    return held.folder.name


def test_checkpoints_of_killed_runs_go(store, root):
    publish(store, "some text")
    old, new = left_run(root, "old", 2 * WEEK, 1.5 * WEEK), left_run(root, "new", 3 * WEEK)
    (root / "runs" / "mine").mkdir()
    before = names(root, "runs")
    done = collect(store, grace=WEEK, dry_run=True)
    assert (done.runs, done.waiting, done.bytes > 128) == (1, 1, True)
    assert names(root, "runs") == before
    assert collect(store, grace=WEEK) == done
    assert names(root, "runs") == sorted([new, f"{new}.lock", "mine"])
    (root / "runs" / f"{new}.lock").unlink()
    assert collect(store, grace=0, dry_run=True).runs == 1
    assert names(root, "runs") == sorted([new, "mine"])
    assert collected_told(collect(store, grace=0), dry_run=False).startswith(
        "removed 1 checkpoint of a killed run: "
    )
    assert names(root, "runs") == ["mine"]
    assert old != new


def test_a_run_that_is_at_work_keeps_its_checkpoint(store, root):
    publish(store, "some text")
    with opened(root / "runs", "key", every=0) as held:
        held.save(Cursor(units=3), {"input": np.ones((2, 16), np.float32)})
        assert collect(store, grace=0).runs == 0
        assert held.load()[0].units == 3
    assert names(root, "runs") == []


def test_checkpoints_from_before_a_forgetting_go_at_once(store, root):
    publish(store, "some text")
    left_run(root, "first", 60)  # and has made one since
    after = left_run(root, "second", -60, -60)
    publish(store, "other text", forgot=2)
    done = collect(store, grace=WEEK)
    assert (done.versions, done.runs) == ([1], 1)
    assert names(root, "runs") == [after, f"{after}.lock"]


def test_a_store_of_nothing_but_runs(store, root):
    left_run(root, "first", 60)
    assert collect(store, grace=WEEK).waiting == 1
    assert collect(store, grace=0).runs == 1
    assert names(root, "runs") == []
