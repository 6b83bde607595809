"""Servers that really run: what is read from them is the local file's, or there is one error.

Between a server and its reader stands a proxy that cuts, resets or stalls connections.
"""

import gc
import gzip
import io
import logging
import random
import tarfile
import time
import traceback
import zipfile

import pytest
from proxy import Fault, Proxy
from servers import SECRET, STORES

from corpora import LineSentence, encode
from corpora.errors import CorpusError
from corpora.sources import ranges, retry, stored
from corpora.sources.covered import covered
from corpora.sources.source import expand

# The client of Azure warns of a large body, and so it has to be for a test.
# That of ssh asks on a thread of its own, which a broken connection takes by surprise.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    # Requests that are given up let go of their connections when they are collected.
    pytest.mark.filterwarnings("ignore:(?i)unclosed:ResourceWarning"),
]
SILENCE = 1.0  # seconds
TEXT = b"".join(b"%x some words in line %d\n" % (n * n, n) for n in range(80_000))
MORE = random.Random(3).randbytes(1_500_000).hex().encode()  # packs to half its size only


def read(url, options=None):
    return b"".join(block for source in expand(url, options) for block in source.blocks())


def patience(silence):
    return retry.Patience(3, 0.02, 0.1, silence=silence, listing=30.0)


@pytest.fixture(autouse=True)
def hasty(monkeypatch, request):
    """Small ranges, and patience enough for a busy machine, but not for a broken connection."""
    silence = SILENCE if "connection" in request.node.name else 15.0
    monkeypatch.setattr(retry, "PATIENCE", patience(silence))
    monkeypatch.setattr(ranges, "RANGE", 1 << 20)
    yield
    if "azure" in request.node.name:
        gc.collect()


@pytest.fixture(scope="module", params=STORES)
def store(request, tmp_path_factory):
    with STORES[request.param].started(tmp_path_factory.mktemp(request.param)) as started:
        started.name = request.param
        for name, data in files().items():
            started.put(name, data)
        yield started


def files():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text", MORE)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        for name in ("b.txt", "a.txt"):
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
    return {
        "in/b.txt": TEXT,
        "in/a.txt": b"the first\n",
        "in/c.txt.gz": gzip.compress(b"the last\n"),
        "in/deep/d.txt": b"below\n",
        "more.txt": MORE,
        "more.zip": packed.getvalue(),
        "two.tgz": tar.getvalue(),
    }


def test_one_a_glob_a_folder_an_archive(store):
    url, options = store.at("in/b.txt")
    assert read(url, options) == TEXT
    url, options = store.at("in/*.*")
    assert read(url, options) == b"the first\n" + TEXT + b"the last\n"
    assert [source.label for source in expand(url, options)] == [
        url.replace("*.*", name) for name in ("a.txt", "b.txt", "c.txt.gz")
    ]
    if store.name != "http":
        url, options = store.at("in/")
        assert read(url, options) == b"the first\n" + TEXT + b"the last\nbelow\n"
    url, options = store.at("more.zip")
    assert read(url, options) == read(f"zip://text::{url}", options) == MORE
    url, options = store.at("two.tgz")
    assert read(f"tar://*.txt::{url}", options) == b"a.txtb.txt"


def test_a_listing_tells_files_from_later_ones(store, monkeypatch):
    """No file of an object store is asked for by itself, so 100,000 are compared in seconds."""
    asked = []
    own = stored.info
    monkeypatch.setattr(stored, "info", lambda *given: asked.append(1) or own(*given))
    url, options = store.at("in/*.*")
    found = expand(url, options)
    assert len({source.fingerprint for source in found} - {None}) == 3
    if store.name != "http":  # its listings are pages of links
        assert [source.size for source in found][:2] == [10, len(TEXT)]
        assert not asked
    again = expand(url, options)
    assert [one.fingerprint for one in again] == [one.fingerprint for one in found]
    covers = covered(url, options)
    assert all(covers(source.label) for source in found)
    assert not covers(found[0].label.replace("in/", "out/"))


def test_rows_are_those_of_the_local_file(store, tmp_path):
    url, options = store.at("in/b.txt")
    (tmp_path / "b.txt").write_bytes(TEXT)
    remote, local = LineSentence(url, storage_options=options), LineSentence(tmp_path / "b.txt")
    assert list(remote) == list(local)


def test_open_to_seek_in(store):
    url, options = store.at("more.txt")
    (source,) = expand(url, options)
    with source.opened() as file:
        assert file.seek(-5, io.SEEK_END) == len(MORE) - 5
        assert file.read() == MORE[-5:]
        for at in (0, 10, 2_000_000, 1_500_000):
            file.seek(at)
            assert file.read(1000) == MORE[at : at + 1000]


@pytest.mark.parametrize("name", ["in/nothing.txt", "in/*.csv"])
def test_what_is_not_there(store, name):
    url, options = store.at(name)
    start = time.monotonic()
    with pytest.raises(CorpusError, match=r"there is no such file|no file matches") as caught:
        expand(url, options)
    assert caught.value.url == url
    assert time.monotonic() - start < 5


def test_listings_are_fresh_and_fingerprints_are_of_the_content(store):
    url, options = store.at("new/*.txt")
    store.put("new/a.txt", b"one")
    before = expand(url, options)
    store.put("new/b.txt", b"two")
    after = expand(url, options)
    assert len(before) == 1
    assert len(after) == 2
    assert before[0].fingerprint == after[0].fingerprint is not None
    single, options = store.at("new/a.txt")
    assert expand(single, options)[0].fingerprint == before[0].fingerprint
    store.put("new/a.txt", b"other, and longer")
    assert expand(single, options)[0].fingerprint != before[0].fingerprint


@pytest.mark.parametrize("when", ["before", "middle"])
def test_a_file_that_changes_while_it_is_read(store, when):
    store.put("changes.txt", MORE)
    url, options = store.at("changes.txt")
    (source,) = expand(url, options)
    blocks = source.file.read()
    if when == "middle":
        next(blocks)
    store.put("changes.txt", MORE[::-1] + b"more")
    with pytest.raises(CorpusError, match="the file changed while it was being read"):
        list(blocks)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("fin", "more.txt"), ("rst", "more.txt"), ("stall", "more.txt"), ("fin", "more.zip")],
)
def test_a_connection_that_breaks_off_is_taken_up_again(store, kind, name):
    with Proxy(store.port, [Fault(kind, 600_000)] * 2) as proxy:
        url, options = store.at(name, proxy.port)
        assert read(url, options) == MORE
        assert proxy.met


@pytest.mark.parametrize("kind", ["fin", "stall"])
def test_a_connection_that_stays_broken_is_one_error(store, kind):
    start = time.monotonic()
    with Proxy(store.port, [Fault(kind, 5000)], lasting=True) as proxy:
        url, options = store.at("more.txt", proxy.port)
        with pytest.raises(CorpusError, match="it can't be read after 3 tries") as caught:
            read(url, options)
    assert time.monotonic() - start < 8 * SILENCE + 3
    assert caught.value.url == url
    assert "connection" in caught.value.remedy
    assert SECRET not in str(caught.value)


def test_secrets_get_nowhere(store, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    url, options = store.at("in/b.txt")
    if store.name == "http":
        url += f"?token={SECRET}"
    secret = getattr(store, "key", SECRET)
    corpus = LineSentence(url, storage_options=options)
    shards = encode(corpus, cache=tmp_path)
    assert shards.tokens == len(TEXT.split())
    assert encode(corpus, cache=tmp_path).reused == 1
    wrong = url.replace("b.txt", "nothing.txt")
    with pytest.raises(CorpusError) as caught:
        read(wrong, options)
    shown = repr(corpus) if store.name != "http" else ""  # of an address the user gave it all
    shown += "".join(f"{part.label} {part.fingerprint}" for part in corpus.parts())
    shown += repr(expand(url, options)) + "".join(traceback.format_exception(caught.value))
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    for written in (*files, shown.encode(), caplog.text.encode()):
        assert secret.encode() not in written
