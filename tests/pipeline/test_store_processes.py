"""A store among real processes: some are killed, some race, and the disk may be full."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from pipeline.store.versions import Store

HERE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PUBLISH = """
import sys
from pipeline.store.versions import ConflictError, Store
store, rounds = Store.open(sys.argv[1]), int(sys.argv[2])
def write(folder):
    for name in "abc":
        (folder / name).write_bytes(name.encode() * 20000)
print("ready", flush=True)
done = 0
while done < rounds:
    latest = store.latest()
    try:
        made = store.publish(write, parent=latest.number if latest else None)
    except ConflictError:
        continue
    done += 1
    print(made.number, flush=True)
"""


def publisher(store, rounds):
    return subprocess.Popen(
        [sys.executable, "-c", PUBLISH, store, str(rounds)],
        env=HERE,
        stdout=subprocess.PIPE,
        text=True,
    )


def acknowledged(process):
    out = process.communicate(timeout=60)[0].split()
    return [int(word) for word in out if word.isdigit()]


def demand_whole(store, numbers):
    assert store.damaged() == []
    assert [version.number for version in reversed(store.versions())] == numbers
    for version in store.versions():
        assert (version.folder() / "b").read_bytes() == b"b" * 20000


def test_of_two_publishers_each_number_has_one_winner(tmp_path):
    racers = [publisher(str(tmp_path), 15) for _ in range(2)]
    won = [number for racer in racers for number in acknowledged(racer)]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(won) == list(range(1, 31))
    demand_whole(Store.open(str(tmp_path)), list(range(1, 31)))
    assert len(list((tmp_path / "data").iterdir())) == 30
    assert not list(tmp_path.rglob(".tmp-*"))


def test_killed_publishers_leave_only_whole_versions(tmp_path):
    told = set()
    for attempt in range(8):
        process = publisher(str(tmp_path), 10**6)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05 + 0.013 * attempt)
        process.kill()
        told.update(acknowledged(process))
    store = Store.open(str(tmp_path))
    last = store.latest().number
    demand_whole(store, list(range(1, last + 1)))
    assert told <= set(range(1, last + 1))
    assert len(told) >= last - 8  # a kill may fall between the commit and its being told
    assert store.publish(lambda folder: None, parent=last).number == last + 1


FULL = """
import os, sys
from pipeline.store.versions import Store, StoreError
store = Store.open(sys.argv[1])
store.publish(lambda folder: (folder / "a").write_bytes(b"x" * 1000) and None)
try:
    store.publish(lambda folder: (folder / "a").write_bytes(b"x" * 4_000_000) and None, parent=1)
except StoreError as error:
    print(error)
print(len(os.listdir(sys.argv[1] + "/data")), store.latest().number, store.latest().folder())
"""


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_does_not_take_it(tmp_path, how):
    if not (sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare")):
        pytest.skip("needs root on Linux, to mount a small file system of its own")
    script = tmp_path / "publish.py"
    script.write_text(FULL)
    mount = tmp_path / "small"
    mount.mkdir()
    options = "size=1m" if how == "full" else "size=1m,ro"
    mounting = f'mount -t tmpfs -o {options} none "{mount}"'
    command = f'{mounting} && exec "{sys.executable}" "{script}" "{mount}"'
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        env=HERE,
        timeout=60,
    )
    if "mount:" in result.stderr or "unshare:" in result.stderr:
        pytest.skip(f"can't mount here: {result.stderr.strip()}")
    if how == "full":
        assert "the disk is full: free some space" in result.stdout
        assert f"1 1 {mount}/data/" in result.stdout
    else:
        assert "the file system is mounted read-only: name another store" in result.stderr
