"""A store on the local file system: what is visible, what is refused, what is left behind."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.store.ledger import Consumed
from pipeline.store.manifest import Manifest, Totals, hash_of
from pipeline.store.versions import ConflictError, DamagedError, Store, StoreError


def files(text="hello"):
    def write(folder: Path) -> None:
        (folder / "vectors.npy").write_bytes(b"\0" * 1000)
        (folder / "inner").mkdir()
        (folder / "inner" / "words.txt").write_text(text)

    return write


def everything(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.fixture
def store(tmp_path):
    return Store.open(str(tmp_path / "deep" / "models"))


@pytest.fixture
def root(store):
    return store.storage.root


def commit(root, number):
    return root / "commits" / f"{number:012d}.json"


def test_a_version_comes_back_as_it_was_published(store):
    assert store.latest() is None
    assert store.versions() == []
    consumed = [Consumed("reviews.txt", "abc", 10, 100)]
    made = store.publish(
        files(), recipe="# mine", consumed=consumed, metrics={"loss": 0.25}, receipt={"rows": 10}
    )
    got = Store.open(store.url).latest()
    assert got.manifest == made.manifest
    assert (got.number, got.manifest.parent) == (1, None)
    assert got.manifest.ledger == Totals(1, 10, 100)
    (row,) = got.ledger.table.to_pylist()
    assert (row["source"], row["version"], row["read"]) == ("reviews.txt", 1, got.manifest.created)
    assert got.ledger.standing("reviews.txt", "abc") == "known"
    assert got.manifest.metrics == {"loss": 0.25}
    assert (got.folder() / "inner" / "words.txt").read_text() == "hello"
    assert [file.name for file in got.manifest.files] == [
        "inner/words.txt", "ledger.arrow", "vectors.npy",
    ]  # fmt: skip
    assert got.manifest.created.endswith("Z")
    second = store.publish(files("again"), parent=1)
    assert [version.number for version in store.versions()] == [2, 1]
    assert (second.manifest.parent, store.version(1).manifest.parent) == (1, None)
    assert (store.version(1).folder() / "inner" / "words.txt").read_text() == "hello"


def test_only_whole_named_files_are_left(store, root):
    store.publish(files())
    data = store.latest().manifest.data
    assert everything(root) == {
        "LATEST", "commits", "commits/000000000001.json", "data", f"data/{data}",
        f"data/{data}/vectors.npy", f"data/{data}/inner", f"data/{data}/inner/words.txt",
    }  # fmt: skip
    mode = (store.latest().folder() / "vectors.npy").stat().st_mode
    assert mode & 0o222 == 0


def test_urls():
    assert Store.open("file:///tmp/m").storage == Store.open("/tmp/m").storage
    assert Store.open("~/m").storage.root == Path.home() / "m"
    for url in ("s3://key:secret@bucket/m?token=secret", "simplecache::s3://bucket/m"):
        with pytest.raises(StoreError, match="not supported yet; name a local folder") as caught:
            Store.open(url)
        assert "secret" not in str(caught.value)
    with pytest.raises(StoreError, match="empty name"):
        Store.open("")


def test_a_writer_that_fails_leaves_nothing(store, root):
    store.publish(files())
    before = everything(root)

    def fails(folder):
        files()(folder)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        store.publish(fails)

    def is_interrupted(folder):
        files()(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.publish(is_interrupted)
    assert everything(root) == before
    assert store.latest().number == 1


def test_a_full_disk_is_one_clear_error(store, root):
    def fills(folder):
        (folder / "a").write_bytes(b"x")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match="the disk is full: free some space"):
        store.publish(fills)

    def numpy_fills(folder):
        raise OSError("1000 requested and 20 written")

    with pytest.raises(StoreError, match="1000 requested and 20 written"):
        store.publish(numpy_fills)
    assert store.latest() is None
    assert everything(root) == {"data"}


@pytest.mark.parametrize("place", ["root", "commits", "data"])
def test_a_file_where_a_folder_is_needed(tmp_path, place):
    root = tmp_path / "models"
    at = root if place == "root" else root / place
    at.parent.mkdir(exist_ok=True)
    at.write_text("in the way")
    store = Store.open(str(root))
    with pytest.raises(StoreError, match=r"cannot write the store at .*: name another store"):
        store.demand_writable()
    assert at.read_text() == "in the way"


def test_a_read_only_folder(tmp_path):
    root = tmp_path / "models"
    root.mkdir(mode=0o555)
    if os.access(root, os.W_OK):
        pytest.skip("this user (root?) may write into read-only folders")
    store = Store.open(str(root))
    with pytest.raises(StoreError, match="give this user the right to write"):
        store.demand_writable()
    with pytest.raises(StoreError, match="give this user the right to write"):
        store.publish(files())


def test_demand_writable_leaves_no_file(store, root):
    store.demand_writable()
    assert everything(root) == {"data", "commits"}
    assert store.latest() is None


def test_a_file_system_without_links_is_refused(store, monkeypatch):
    def no_link(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(StoreError, match="has no hard links"):
        store.demand_writable()
    with pytest.raises(StoreError, match="has no hard links"):
        store.publish(files())
    assert store.latest() is None
    assert not list((store.storage.root / "data").iterdir())


def test_a_stale_parent_is_a_conflict(store, root):
    store.publish(files())
    store.publish(files(), parent=1)
    before = everything(root)
    with pytest.raises(ConflictError, match="now has version 2 as its newest"):
        store.publish(files(), parent=1)
    assert everything(root) == before
    store.publish(files())  # a model made from nothing depends on no version
    assert store.latest().number == 3
    with pytest.raises(ConflictError, match="now has no version"):
        Store.open(str(root / "other")).publish(files(), parent=1)


def test_losing_the_race_is_a_conflict(store, root):
    def write(folder):
        files()(folder)
        store.publish(files("the winner"))

    with pytest.raises(ConflictError, match="another run published version 1"):
        store.publish(write)
    assert [version.number for version in store.versions()] == [1]
    assert len(list((root / "data").iterdir())) == 1


def test_an_error_after_the_link_keeps_the_version(store, monkeypatch):
    real = os.link

    def links_then_fails(source, target):
        real(source, target)
        raise OSError(errno.EIO, "the answer was lost")

    monkeypatch.setattr(os, "link", links_then_fails)
    assert store.publish(files()).number == 1
    assert store.latest().folder()


def test_an_interrupt_after_the_link_keeps_the_version(store, monkeypatch):
    real = os.link

    def links_then_stops(source, target):
        real(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", links_then_stops)
    with pytest.raises(KeyboardInterrupt):
        store.publish(files())
    assert store.latest().folder()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.replace(b'"parent": 1', b'"parent": 0'),
        lambda content: content[:-30],
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"\xff" + content,
    ],
)
def test_a_damaged_commit_is_passed_over_and_keeps_its_number(store, root, damage):
    store.publish(files())
    store.publish(files(), parent=1)
    path = commit(root, 2)
    path.chmod(0o644)
    path.write_bytes(damage(path.read_bytes()))
    assert store.latest().number == 1
    assert store.damaged() == [2]
    with pytest.raises(DamagedError, match=r"version 2 .* its commit can't be used"):
        store.version(2)
    assert store.publish(files(), parent=1).number == 3
    assert store.latest().number == 3


def test_a_commit_under_another_number_is_damaged(store, root):
    store.publish(files())
    commit(root, 7).write_bytes(commit(root, 1).read_bytes())
    assert store.latest().number == 1
    with pytest.raises(DamagedError, match="that of version 1"):
        store.version(7)


def rehashed(root, number, **changes):
    import json

    path = commit(root, number)
    content = {**json.loads(path.read_bytes()), **changes}
    del content["self_hash"]
    path.write_text(json.dumps({**content, "self_hash": hash_of(content)}))


def test_a_later_format_is_not_passed_over(store, root):
    store.publish(files())
    store.publish(files(), parent=1)
    rehashed(root, 2, format=3, news=True)
    with pytest.raises(StoreError, match="has format 3") as caught:
        store.latest()
    assert not isinstance(caught.value, DamagedError)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/../../b", ""])
def test_a_file_name_cannot_lead_out(store, root, name):
    store.publish(files())
    rehashed(root, 1, files=[{"name": name, "size": 1, "sha256": "0" * 64}])
    with pytest.raises(DamagedError, match="leads out"):
        store.version(1)


def test_a_data_id_cannot_lead_out(store, root):
    store.publish(files())
    rehashed(root, 1, data="../../../etc")
    with pytest.raises(DamagedError, match="data id"):
        store.version(1)


def test_damaged_files_are_named(store):
    store.publish(files())
    version = store.latest()
    words, vectors = (version.folder() / file.name for file in version.manifest.files)
    words.chmod(0o644)
    words.write_text("jello")
    assert version.folder()  # hashed once, when it was opened
    version = store.latest()
    assert version.folder(hashes=False)
    with pytest.raises(DamagedError, match=r"inner/words.txt is not the file that was published"):
        version.folder()
    words.write_text("hello")
    vectors.chmod(0o644)
    os.truncate(vectors, 999)
    version = store.latest()
    with pytest.raises(DamagedError, match=r"vectors.npy has 999 bytes instead of 1000"):
        version.folder(hashes=False)
    vectors.unlink()
    with pytest.raises(DamagedError, match=r"vectors.npy is missing"):
        version.folder()


@pytest.mark.parametrize("hint", [None, "99\n", "nonsense"])
def test_the_hint_is_not_believed(store, root, hint):
    store.publish(files())
    (root / "LATEST").unlink()
    if hint:
        (root / "LATEST").write_text(hint)
    assert store.latest().number == 1
    assert store.publish(files(), parent=1).number == 2
    assert (root / "LATEST").read_text() == "2\n"


def test_leftovers_of_killed_runs_are_not_looked_at(store, root):
    store.publish(files())
    (root / "commits" / ".tmp-0123").write_text("half")
    (root / "commits" / "notes.txt").write_text("mine")
    (root / "data" / "0123").mkdir()
    assert [version.number for version in store.versions()] == [1]
    assert store.damaged() == []


def test_a_version_that_is_not_there(store):
    store.publish(files())
    with pytest.raises(StoreError, match="has no version 9; it has: 1"):
        store.version(9)


def test_a_metric_that_is_no_number_is_not_published(store):
    with pytest.raises(StoreError, match="the metric 'loss' is nan"):
        store.publish(files(), metrics={"loss": float("nan")})
    assert store.latest() is None


def test_links_are_not_published(store, tmp_path):
    with pytest.raises(StoreError, match="plain files only"):
        store.publish(lambda folder: (folder / "link").symlink_to(tmp_path))


def test_a_manifest_is_readable_json(store, root):
    store.publish(files(), recipe='store = "${STORE}"\n')
    text = commit(root, 1).read_text()
    assert '"recipe": "store = \\"${STORE}\\"\\n"' in text
    assert Manifest.from_bytes(text.encode()).recipe == 'store = "${STORE}"\n'
