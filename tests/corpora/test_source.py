"""Sources: addresses to files in a fixed order, and files to bytes, or one clear error."""

import gzip
import http.server
import os
import pickle
import threading
import zipfile
from functools import partial

import fsspec
import pytest

from corpora.errors import CorpusError
from corpora.source import expand


def read(url, options=None):
    return b"".join(block for source in expand(url, options) for block in source.blocks())


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.txt", "c10.txt", "c9.txt"):
        (tmp_path / name).write_text(name[0])
    (tmp_path / "sub.txt").mkdir()
    return tmp_path


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_one_a_list_a_glob(folder):
    assert read(folder / "a.txt") == read(str(folder / "a.txt")) == b"a"
    assert read(f"file://{folder}/a.txt") == b"a"
    assert read([folder / "b.txt", str(folder / "a.txt")]) == b"ba"
    assert read(f"{folder}/*.txt") == b"abcc"
    labels = [source.label for source in expand(f"{folder}/c*.txt")]
    assert labels == [f"{folder}/c10.txt", f"{folder}/c9.txt"]
    assert read([f"{folder}/c*.txt", folder / "a.txt"]) == b"cca"


def test_a_name_with_the_characters_of_a_pattern(folder):
    (folder / "x[1]?.txt").write_text("literal")
    assert read(folder / "x[1]?.txt") == b"literal"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("{}/nothing.txt", "there is no such file"),
        ("{}/*.csv", "no file matches"),
        ("{}/sub.*", "no file matches"),
        ("{}", "this is a folder"),
        ("{}/sub.txt", "this is a folder"),
        ("nosuchprotocol://x", "it can't be read .*nosuchprotocol"),
        ([], "list of addresses is empty"),
        (["{}/a.txt", "{}/nothing.txt"], "nothing.txt: there is no such file"),
    ],
)
def test_what_is_not_there(folder, url, problem):
    filled = url.format(folder) if isinstance(url, str) else [one.format(folder) for one in url]
    with pytest.raises(CorpusError, match=problem) as caught:
        expand(filled)
    assert caught.value.remedy


def test_a_protocol_whose_package_is_missing():
    fsspec.register_implementation("far", "no_such.Files", clobber=True)
    with pytest.raises(CorpusError, match="needs a package that is not installed"):
        expand("far://bucket/x.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder):
    (folder / "a.txt").chmod(0)
    with pytest.raises(CorpusError, match="may not be read"):
        read(folder / "a.txt")


def test_a_file_that_goes_away(folder):
    (source,) = expand(folder / "a.txt")
    (folder / "a.txt").unlink()
    with pytest.raises(CorpusError, match="no such file"):
        list(source.blocks())


@pytest.mark.parametrize("change", ["append", "replace", "touch", "before"])
def test_a_file_that_changes_while_it_is_read(tmp_path, change):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 3_000_000)
    (source,) = expand(path)
    blocks = source.blocks()
    if change != "before":
        next(blocks)
    if change == "replace":
        path.write_bytes(b"y" * 3_000_000)
    elif change == "touch":
        os.utime(path, ns=(1, 1))
    else:
        with path.open("ab") as file:
            file.write(b"y")
    with pytest.raises(CorpusError, match="changed while it was being read"):
        list(blocks)


def test_fingerprints_tell_contents_apart(folder):
    prints = [source.fingerprint for source in expand(f"{folder}/*.txt")]
    assert len(set(prints)) == 4
    assert prints == [source.fingerprint for source in expand(f"{folder}/*.txt")]
    (folder / "a.txt").write_text("aa")
    assert expand(folder / "a.txt")[0].fingerprint != prints[0]


def test_any_protocol(memory, tmp_path):
    memory.pipe("/in/b.txt", b"b")
    memory.pipe("/in/a.txt.gz", gzip.compress(b"a"))
    assert read("memory://in/*") == b"ab"
    assert expand("memory://in/b.txt")[0].fingerprint is None
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as packed:
        packed.writestr("one.txt", "1")
        packed.writestr("two.txt", "2")
    assert read(f"zip://one.txt::{tmp_path}/two.zip") == b"1"
    assert read(f"zip://*.txt::{tmp_path}/two.zip") == b"12"


def test_listings_are_never_stale(memory):
    memory.pipe("/in/a.txt", b"a")
    assert len(expand("memory://in/*")) == 1
    memory.pipe("/in/b.txt", b"b")
    assert len(expand("memory://in/*")) == 2


class _Secretive(fsspec.get_filesystem_class("memory")):
    protocol = "secretive"

    def __init__(self, *args, key="", **options):
        assert key == "hush"
        super().__init__(*args, **options)

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("secretive://", "memory://"))

    def info(self, path, **options):
        return super().info(path, **options) | {"ETag": '"1"'}

    def _open(self, path, mode="rb", **options):
        if path.endswith("stalls"):
            raise IndexError("tuple index out of range")
        return super()._open(path, mode, **options)


def test_options_reach_the_file_system_and_nothing_else(memory):
    fsspec.register_implementation("secretive", _Secretive, clobber=True)
    memory.pipe("/a.txt", b"a")
    memory.pipe("/stalls", b"a")
    options = {"key": "hush"}
    assert read("secretive://a.txt", options) == b"a"
    (source,) = expand("secretive://stalls", options)
    assert source.fingerprint is not None
    assert "hush" not in repr(source) + source.fingerprint + source.label
    assert pickle.loads(pickle.dumps(source)).options == options
    with pytest.raises(CorpusError, match="IndexError: tuple index") as caught:
        list(source.blocks())
    assert "hush" not in str(caught.value)


def test_labels_have_no_passwords():
    with pytest.raises(CorpusError) as caught:
        expand("nosuchprotocol://user:hush@host/file")
    assert caught.value.url == "nosuchprotocol://user:...@host/file"


@pytest.fixture
def server(folder):
    pytest.importorskip("aiohttp")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=folder)
    ) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_http(server, folder):
    assert read(f"{server}/a.txt") == b"a"
    assert read(f"{server}/a.txt?token=hush") == b"a"
    (source,) = expand(f"{server}/a.txt?token=hush")
    assert source.label == f"{server}/a.txt?..."
    with pytest.raises(CorpusError, match="no such file"):
        expand(f"{server}/nothing.txt")
