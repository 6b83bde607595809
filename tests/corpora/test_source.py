"""Sources: addresses to files in a fixed order, and files to bytes, or one clear error."""

import gzip
import os
import pickle
import random
import sys
import threading
import tomllib
import traceback
import zipfile
from pathlib import Path

import fsspec
import pytest
from proxy import Fault, Proxy
from servers import Http

from corpora import LineSentence
from corpora.errors import CorpusError
from corpora.sources import retry
from corpora.sources.address import cleaned, shown, unsecret
from corpora.sources.filesystems import EXTRAS
from corpora.sources.source import expand


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


def test_options_reach_the_file_system_and_nothing_else(memory, monkeypatch):
    fsspec.register_implementation("secretive", _Secretive, clobber=True)
    memory.pipe("/a.txt", b"a")
    memory.pipe("/stalls", b"a")
    options = {"key": "hush"}
    assert read("secretive://a.txt", options) == b"a"
    monkeypatch.setattr(retry, "PATIENCE", retry.Patience(tries=2, pause=0.0))
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


def test_a_folder_is_all_that_lies_below_it(folder, memory):
    (folder / "sub.txt" / "deep").mkdir()
    (folder / "sub.txt" / "deep" / "z").write_text("z")
    assert read(f"{folder}/") == b"abcc" + b"z"
    assert read(f"{folder}/**/z") == b"z"
    memory.pipe("/in/b.txt", b"b")
    memory.pipe("/in/deep/a.txt", b"a")
    assert read("memory://in/") == b"ba"
    (folder / "empty").mkdir()
    with pytest.raises(CorpusError, match="no file matches"):
        expand(f"{folder}/empty/")


def test_a_file_to_seek_in(folder, memory):
    memory.pipe("/a.txt", b"0123456789")
    (folder / "d.txt").write_bytes(b"0123456789")
    for url in ("memory://a.txt", folder / "d.txt"):
        (source,) = expand(url)
        with source.opened() as file:
            assert file.seek(-3, os.SEEK_END) == 7
            assert file.read() == b"789"
            assert file.seek(2) == 2
            assert file.read(2) == b"23"
            with pytest.raises(OSError, match="before the file"):
                file.seek(-1)
    with (
        pytest.raises(CorpusError, match="changed while"),
        expand(folder / "d.txt")[0].opened() as file,
    ):
        (folder / "d.txt").write_text("other")


def test_every_extra_is_named(monkeypatch):
    for protocol, extra in EXTRAS.items():
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, protocol, raising=False)
        monkeypatch.setitem(
            sys.modules["fsspec.registry"].known_implementations,
            protocol,
            {"class": "no_such_package.Files"},
        )
        with pytest.raises(CorpusError, match="needs a package that is not installed") as caught:
            expand(f"{protocol}://bucket/x.txt")
        assert caught.value.remedy == f"pip install 'millrace[{extra}]'"


def test_extras_are_those_of_the_package():
    toml = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert {*EXTRAS.values(), "lz4"} <= toml["project"]["optional-dependencies"].keys()


@pytest.mark.parametrize(
    ("url", "label", "bare"),
    [
        ("http://h/a?t=hush", "http://h/a?...", "http://h/a"),
        ("https://hush@h/a", "https://...@h/a", "https://h/a"),
        ("https://ann:hush@h/a?b", "https://...@h/a?...", "https://h/a"),
        ("sftp://ann:hu/s@h:22/a", "sftp://ann:hu/s@h:22/a", "sftp://ann:hu/s@h:22/a"),
        ("sftp://ann:h@ush@h:22/a", "sftp://ann:...@h:22/a", "sftp://ann@h:22/a"),
        ("abfss://box@acct.dfs/a", "abfss://box@acct.dfs/a", "abfss://box@acct.dfs/a"),
        ("s3://bucket/what?.txt", "s3://bucket/what?.txt", "s3://bucket/what?.txt"),
        ("/a/b?c.txt", "/a/b?c.txt", "/a/b?c.txt"),
    ],
)
def test_what_is_shown_of_an_address(url, label, bare):
    assert shown(url) == label
    assert unsecret(url) == bare


def test_errors_are_cleaned_of_every_form_of_a_secret():
    options = {"key": "hush", "client": {"tokens": ["s3cr/et", b"bytes"]}, "anon": True, "n": 1}
    url = "https://h/a?sig=a%2Fb%3D&x=other"
    said = "hush s3cr/et bytes a%2Fb%3D a/b= other https://j/x?y=z True 1"
    assert cleaned(said, url, options) == "... ... ... ... ... ... https://j/x?... True 1"
    assert cleaned("at http://h:1", "s3://b", {"endpoint_url": "http://h:1"}) == "at http://h:1"


@pytest.fixture
def server(folder, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE", retry.Patience(3, 0.01, 0.02, silence=5.0, listing=5.0))
    with Http.started(folder) as running:
        yield running


def test_http(server, folder):
    url, _ = server.at("a.txt")
    assert read(url) == read(f"{url}?token=hush") == b"a"
    (source,) = expand(f"{url}?token=hush")
    assert source.label == f"{url}?..."
    assert "hush" not in repr(source) + source.fingerprint + source.url
    assert source.fingerprint == expand(url)[0].fingerprint
    (folder / "e.txt").write_bytes(b"")
    assert read(server.at("e.txt")[0]) == b""
    url, _ = server.at("nothing.txt")
    with pytest.raises(CorpusError, match="no such file"):
        expand(url)
    assert read(server.at("*.txt")[0]) == b"abcc"
    with pytest.raises(CorpusError, match="no file matches"):
        expand(server.at("*.csv")[0])


@pytest.mark.parametrize(
    "query", ["token=hush", "bare", "whole", "chunked", "coded", "bare&chunked"]
)
def test_http_servers_of_all_kinds(server, folder, query):
    text = random.Random(5).randbytes(400_000).hex().encode()
    (folder / "t.gz").write_bytes(gzip.compress(text))
    with Proxy(server.port, [Fault("fin", 250_000), Fault("rst", 100_000)]) as proxy:
        url = f"{server.at('t.gz', proxy.port)[0]}?{query}"
        assert read(url) == text
        assert proxy.met == 2
    sources = expand(url.replace(str(proxy.port), str(server.port)))
    assert (sources[0].fingerprint is None) == ("bare" in query)
    with sources[0].opened() as file:
        assert file.seek(3) == 3
        assert file.read(1) == gzip.compress(text)[3:4]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, "no such file"),
        (403, "may not be read"),
        (401, "may not"),
        (503, "after 3 tries .*Unavailable"),
    ],
)
def test_http_refusals(server, status, problem):
    url = f"{server.at('a.txt')[0]}?fail={status}&token=hush"
    with pytest.raises(CorpusError, match=problem) as caught:
        read(url)
    # Neither here nor in what a terminal would show of the causes.
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.url.endswith("a.txt?...")


@pytest.mark.parametrize(("to", "said"), [("gone", "what is not there"), (".", "a folder")])
def test_a_link_that_leads_to_no_file_is_called_by_its_name(tmp_path, to, said):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").symlink_to(tmp_path / to)
    for url in (f"{tmp_path}/*.txt", f"{tmp_path}/", tmp_path / "b.txt"):
        with pytest.raises(CorpusError, match=rf"b\.txt: this is a link to {said}"):
            expand(url)
    (tmp_path / "b.txt").unlink()
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    assert len(expand(f"{tmp_path}/")) == 2


def test_a_pipe_is_read_once_and_cached_never(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"through",))
    writer.start()
    (source,) = expand(tmp_path / "pipe")
    assert source.fingerprint is None
    assert b"".join(source.blocks()) == b"through"
    writer.join()


def test_a_listing_that_is_out_of_date(memory):
    memory.pipe("/in/a.txt", b"a")
    memory.pipe("/in/b.txt", b"b")
    sources = expand("memory://in/*.txt")
    memory.rm("/in/a.txt")
    memory.pipe("/in/b.txt", b"longer than before")
    memory.pipe("/in/c.txt", b"c")
    with pytest.raises(CorpusError, match="no such file"):
        list(sources[0].blocks())
    with pytest.raises(CorpusError, match="changed while it was being read"):
        list(sources[1].blocks())
    assert len(expand("memory://in/*.txt")) == 2


@pytest.mark.parametrize("url", [b"a.txt", [b"a.txt"], ["a.txt", 3], 3, None])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="url must be a string"):
        LineSentence(url)
