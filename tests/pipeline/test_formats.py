"""Files of vectors: word2vec's formats beside gensim, our own file, and those of other programs."""

import bz2
import gzip
import json
import pathlib
import subprocess
import sys
from itertools import pairwise

import fsspec
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet
from vectors import matrix, words

from corpora.errors import CorpusError, MillraceError
from pipeline import KeyedVectors
from pipeline.vectors.errors import VectorFileError

peers = pytest.importorskip("gensim.models.keyedvectors")
BINARY = pytest.mark.parametrize("binary", [False, True])


@pytest.fixture
def wv():
    return KeyedVectors.of(words(), matrix(), count=np.arange(200, 0, -1))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


def same(one, other):
    assert list(one.index_to_key) == list(other.index_to_key)
    np.testing.assert_array_equal(one.vectors, other.vectors)


@BINARY
def test_ours_loads_in_gensim_and_gensims_here(wv, path, binary):
    wv.save_word2vec_format(path, binary=binary)
    theirs = peers.KeyedVectors.load_word2vec_format(path, binary=binary)
    same(wv, theirs)
    assert [k for k, _ in wv.most_similar("w3")] == [k for k, _ in theirs.most_similar("w3")]
    theirs.save_word2vec_format(path, binary=binary)
    again = KeyedVectors.load_word2vec_format(path, binary=binary)
    same(again, theirs)
    same(
        KeyedVectors.load_word2vec_format(path, binary=binary, limit=7),
        wv.vectors_for_all(words()[:7]),
    )
    assert again.expandos["count"].tolist() == theirs.expandos["count"].tolist()
    half = KeyedVectors.load_word2vec_format(path, binary=binary, datatype=np.float16)
    assert half.vectors.dtype == np.float16
    np.testing.assert_array_equal(half.vectors, matrix().astype(np.float16))
    half.save_word2vec_format(path, binary=binary)
    same(KeyedVectors.load_word2vec_format(path, binary=binary, datatype=np.float16), half)


def test_numbers_in_text_keep_all_their_bits(path):
    hard = np.array([[1e-45, 3.4028235e38, -0.0, 0.1], [1 / 3, 1e-7, 16777217, 5e-324]])
    for kind in (np.float32, np.float64):
        kv = KeyedVectors.of(["a", "b"], hard.astype(kind))
        kv.save_word2vec_format(path)
        same(KeyedVectors.load_word2vec_format(path, datatype=kind), kv)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@BINARY
def test_packed(wv, path, binary, suffix):
    packed = path.with_suffix(suffix)
    wv.save_word2vec_format(packed, binary=binary)
    same(KeyedVectors.load_word2vec_format(packed, binary=binary), wv)
    data = packed.read_bytes()
    plain = gzip.decompress(data) if suffix == ".gz" else zstandard.decompress(data, 1 << 20)
    wv.save_word2vec_format(path, binary=binary)
    assert plain == path.read_bytes()
    wv.save_word2vec_format(packed, binary=binary, append=True, write_header=False)
    with pytest.raises(VectorFileError, match="promises 200 vectors and the file goes on"):
        KeyedVectors.load_word2vec_format(packed, binary=binary)
    with pytest.raises(VectorFileError, match=r"\.gz or \.zst"):
        wv.save_word2vec_format(path.with_suffix(".bz2"))
    path.write_bytes(bz2.compress(path.read_bytes()))
    same(KeyedVectors.load_word2vec_format(path, binary=binary), wv)


@BINARY
def test_remote(wv, binary):
    url = "memory://vectors/words.gz"
    wv.save_word2vec_format(url, binary=binary)
    assert fsspec.filesystem("memory").cat("/vectors/words.gz")[:2] == b"\x1f\x8b"
    same(KeyedVectors.load_word2vec_format(url, binary=binary), wv)
    wv.save("memory://vectors/words.kv")
    same(KeyedVectors.load("memory://vectors/words.kv"), wv)
    with pytest.raises(VectorFileError, match="mapped"):
        KeyedVectors.load("memory://vectors/words.kv", mmap="r")
    with pytest.raises(VectorFileError, match="appended"):
        wv.save_word2vec_format(url, append=True)
    with pytest.raises(CorpusError, match="no such file"):
        KeyedVectors.load_word2vec_format("memory://vectors/nothing")


def test_without_a_header(wv, path):
    wv.save_word2vec_format(path, write_header=False)
    same(KeyedVectors.load_word2vec_format(path, no_header=True), wv)
    assert len(KeyedVectors.load_word2vec_format(path, no_header=True, limit=3)) == 3
    with pytest.raises(VectorFileError, match=r"line 1: .*no header.*no_header=True"):
        KeyedVectors.load_word2vec_format(path)
    with pytest.raises(NotImplementedError, match="header"):
        KeyedVectors.load_word2vec_format(path, no_header=True, binary=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_gensim_reads_it_without_a_header_too(wv, path):  # and leaves its file open
    wv.save_word2vec_format(path, write_header=False)
    same(wv, peers.KeyedVectors.load_word2vec_format(path, no_header=True))


@BINARY
def test_counts_order_prefix_and_promise(wv, path, tmp_path, binary):
    wv.expandos["count"] = np.arange(200) % 7
    vocab = tmp_path / "vocab"
    theirs = peers.KeyedVectors(20)
    theirs.add_vectors(words(), matrix())
    for word in words():
        theirs.set_vecattr(word, "count", wv.get_vecattr(word, "count"))
    theirs.save_word2vec_format(path, vocab, binary=binary, prefix="*", total_vec=150)
    expected = path.read_bytes(), vocab.read_bytes()
    wv.save_word2vec_format(path, vocab, binary=binary, prefix="*", total_vec=150)
    if binary:
        assert (path.read_bytes(), vocab.read_bytes()) == expected
    assert vocab.read_bytes() == expected[1]
    with pytest.raises(VectorFileError, match="goes on"):
        KeyedVectors.load_word2vec_format(path, binary=binary)
    assert len(KeyedVectors.load_word2vec_format(path, binary=binary, strict=False)) == 150
    wv.save_word2vec_format(path, vocab, binary=binary)
    again = KeyedVectors.load_word2vec_format(path, vocab, binary=binary)
    assert again.get_vecattr("w3", "count") == wv.get_vecattr("w3", "count")
    with pytest.raises(ValueError, match="nothing"):
        wv.save_word2vec_format(path, vocab, sort_attr="nothing")


@BINARY
def test_whole_numbers_are_written_once(path, binary):
    kv = KeyedVectors.of(pa.array([0, 1, 5]), np.eye(3, dtype=np.float32))
    kv.save_word2vec_format(path, binary=binary)
    assert list(KeyedVectors.load_word2vec_format(path, binary=binary)) == ["0", "1", "5"]


def test_append(wv, path):
    wv.save_word2vec_format(path, total_vec=400)
    wv.save_word2vec_format(path, append=True, write_header=False, prefix="*")
    again = KeyedVectors.load_word2vec_format(path)
    assert again.index_to_key == [*words(), *("*" + word for word in words())]


def test_a_key_that_the_format_cannot_hold_leaves_the_old_file(wv, path):
    wv.save_word2vec_format(path)
    before = path.read_bytes()
    wv["new york"] = np.ones(20)
    for binary in (False, True):
        with pytest.raises(VectorFileError, match=r"new york.*space"):
            wv.save_word2vec_format(path, binary=binary)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CorpusError, match="can't be written"):
        wv.save_word2vec_format(path.parent / "nowhere" / "vectors")


def test_a_new_file_has_the_usual_permissions(wv, path):
    wv.save(path)
    other = path.with_name("other")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    wv.save(path)
    assert path.stat().st_mode & 0o777 == 0o640


@BINARY
def test_the_c_tools_own_habits(path, binary):
    """It ends every vector with a line's end, and every line of text with a space."""
    if binary:
        rows = b"".join(b"w%d " % i + matrix()[i].tobytes() + b"\n" for i in range(9))
    else:
        rows = b"".join(
            b"w%d " % i + b" ".join(b"%f" % x for x in matrix()[i]) + b" \n" for i in range(9)
        )
    path.write_bytes(b"9 20\n" + rows)
    kv = KeyedVectors.load_word2vec_format(path, binary=binary)
    same(kv, peers.KeyedVectors.load_word2vec_format(path, binary=binary))
    assert kv.index_to_key == [f"w{i}" for i in range(9)]


def test_encodings(path):
    path.write_bytes("2 1\n\u00e9t\u00e9 1\nb\u00e9 2\n".encode("latin-1"))
    kv = KeyedVectors.load_word2vec_format(path, encoding="latin-1")
    assert list(kv) == ["\u00e9t\u00e9", "b\u00e9"]
    with pytest.raises(UnicodeDecodeError, match=r"line 2: a word is not utf-8.*unicode_errors"):
        KeyedVectors.load_word2vec_format(path)
    for errors in ("replace", "ignore"):
        given = {"unicode_errors": errors}
        same(
            *(
                k.KeyedVectors.load_word2vec_format(path, **given)
                for k in (sys.modules["pipeline"], peers)
            )
        )
    path.write_bytes(b"3 1\na\xff 1\na\xfe 2\nb 3\n")
    kv = KeyedVectors.load_word2vec_format(path, unicode_errors="ignore")
    assert (list(kv), kv.vectors.ravel().tolist()) == (["a", "b"], [1, 3])


@BINARY
def test_intersect(wv, path, binary):
    KeyedVectors.of(["w3", "nowhere", "w5"], np.arange(60.0).reshape(3, 20)).save_word2vec_format(
        path, binary=binary
    )
    wv.fill_norms()
    assert wv.intersect_word2vec_format(path, lockf=0.5, binary=binary) == 2
    assert wv["w3"].tolist() == list(range(20))
    assert wv["w5"].tolist() == list(range(40, 60))
    np.testing.assert_array_equal(wv["w4"], matrix()[15])
    assert wv.vectors_lockf[[wv.get_index("w3"), wv.get_index("w4")]].tolist() == [0.5, 1]
    assert wv.norms[wv.get_index("w5")] == pytest.approx(np.linalg.norm(wv["w5"]))
    wv["more"] = np.ones(20)
    assert wv.vectors_lockf[200:].tolist() == [1]
    with pytest.raises(ValueError, match="3"):
        KeyedVectors.of(["w3"], np.eye(1, 3)).intersect_word2vec_format(path, binary=binary)


def test_saved_and_loaded(wv, path):
    wv.set_vecattr("w3", "colour", "red")
    wv.add_vectors(["a b", 7], np.ones((2, 20)))
    wv.vectors_lockf = np.linspace(0, 1, 202).astype(np.float32)
    wv.expandos["colour"][:] = "blue"
    wv.save(path)
    for mmap in (None, "r"):
        again = KeyedVectors.load(path, mmap=mmap)
        same(again, wv)
        assert again.get_vecattr("w3", "colour") == "blue"
        assert again.get_vecattr("w3", "count") == wv.get_vecattr("w3", "count")
        np.testing.assert_array_equal(again.vectors_lockf, wv.vectors_lockf)
        assert again.vectors.flags.writeable == (mmap is None)
        assert again.most_similar("w3") == wv.most_similar("w3")
        again.set_vecattr("w3", "count", 99)
        assert again.get_vecattr("w3", "count") == 99
    assert pa.ipc.open_file(path).read_all()["key"].to_pylist()[:3] == words()[:3]
    wv.set_vecattr("w3", "odd", object())
    with pytest.raises(TypeError, match="odd"):
        wv.save(path)
    with pytest.raises(ValueError, match="mmap"):
        KeyedVectors.load(path, mmap="w")


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_saved_with_other_numbers(path, kind):
    kv = KeyedVectors.of(words(), matrix().astype(kind))
    kv.save(path)
    for mmap in (None, "r"):
        again = KeyedVectors.load(path, mmap=mmap)
        assert again.vectors.dtype == kind
        same(again, kv)


def test_links_devices_and_addresses(wv, path, monkeypatch):
    real = path.with_name("real")
    path.symlink_to(real)
    wv.save(path)
    assert path.is_symlink()
    same(KeyedVectors.load(f"file://{real}", mmap="r"), wv)
    wv.save_word2vec_format("/dev/null")
    assert not pathlib.Path("/dev/null").is_file()
    monkeypatch.setenv("HOME", str(path.parent))
    wv.save("~/home.kv")
    same(KeyedVectors.load("~/home.kv", mmap="r"), wv)


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="reads /proc")
def test_mapped_vectors_stay_mapped(path):
    """A file of 400 MB is opened and searched, and hardly any memory is the process's own."""
    rows = np.lib.stride_tricks.as_strided(np.ones(100, np.float32), (1_000_000, 100), (0, 4))
    KeyedVectors.of(pa.array(range(1_000_000)), rows).save(path)
    script = (
        "import sys, re\nfrom pipeline import KeyedVectors\n"
        "import pipeline.vectors.export, pyarrow.csv\n"
        "own = lambda: int(re.search(r'RssAnon:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "begin = own()\n"
        "wv = KeyedVectors.load(sys.argv[1], mmap='r')\n"
        "wv.most_similar(5), wv[77], wv.most_similar_each([1, 2])\n"
        "print((own() - begin) // 1024)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    assert int(out.stdout) < 120, "MiB"


def test_gensims_pickle_is_refused(wv, path):
    theirs = peers.KeyedVectors(2)
    theirs.add_vectors(["a"], np.ones((1, 2)))
    theirs.save(str(path))
    with pytest.raises(VectorFileError, match="pickle of gensim"):
        KeyedVectors.load(path)


def test_parquet_and_npy(wv, path):
    wv.export(path.with_suffix(".parquet"))
    table = parquet.read_table(path.with_suffix(".parquet"))
    assert table["key"].to_pylist() == words()
    assert table["attribute.count"].to_pylist() == list(range(200, 0, -1))
    np.testing.assert_array_equal(np.array(table["vector"].to_pylist(), np.float32), matrix())
    wv["9"] = np.ones(20)
    wv[9] = np.ones(20)
    wv.export(path.with_suffix(".parquet"))
    assert parquet.read_table(path.with_suffix(".parquet"))["key"].to_pylist()[-2:] == ["9", "9"]
    wv.export(path.with_suffix(".npy"))
    np.testing.assert_array_equal(np.load(path.with_suffix(".npy")), wv.vectors)
    listed = path.with_name("vectors.keys.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in listed] == list(wv)
    wv.export(path.with_suffix(".arrow"))
    same(KeyedVectors.load(path.with_suffix(".arrow")), wv)
    with pytest.raises(VectorFileError, match=r"\.xyz.*\.safetensors"):
        wv.export("vectors.xyz")


def test_safetensors(wv, path, monkeypatch):
    library = pytest.importorskip("safetensors.numpy")
    wv.export(path.with_suffix(".safetensors"))
    found = library.load_file(path.with_suffix(".safetensors"))
    np.testing.assert_array_equal(found["vectors"], matrix())
    ends = [0, *found["key_ends"].tolist()]
    text = found["keys"].tobytes()
    assert [text[a:b].decode() for a, b in pairwise(ends)] == words()
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MillraceError, match="pip install safetensors"):
        wv.export(path.with_suffix(".safetensors"))


def test_an_embedding_layers_matrix(wv):
    table, index = wv.embedding_matrix(reserved=2)
    assert table.shape == (202, 20)
    assert not table[:2].any()
    np.testing.assert_array_equal(table[index["w3"]], wv["w3"])
    table[5] = 0
    assert wv.vectors[3].any()


def test_torch(wv):
    torch = pytest.importorskip("torch")
    layer, index = wv.torch_embedding()
    found = layer(torch.tensor([index["w3"], 0]))
    np.testing.assert_array_equal(found.numpy(), [wv["w3"], np.zeros(20)])
    assert not layer.weight.requires_grad


def test_keras(wv):
    pytest.importorskip("keras")
    layer, index = wv.keras_embedding()
    found = np.asarray(layer(np.array([[index["w3"], 0]])))
    np.testing.assert_array_equal(found[0], [wv["w3"], np.zeros(20)])
    assert not layer.trainable


@pytest.mark.parametrize("layer", ["torch", "keras"])
def test_layers_without_their_library(wv, layer, monkeypatch):
    monkeypatch.setitem(sys.modules, layer, None)
    with pytest.raises(MillraceError, match=f"pip install {layer}"):
        getattr(wv, f"{layer}_embedding")()


def test_strings_of_some_keys(wv, path):
    wv.set_vecattr("w3", "colour", "red")
    wv.set_vecattr("w4", "raw", b"red")
    wv.save(path)
    for mmap in (None, "r"):
        again = KeyedVectors.load(path, mmap=mmap)
        for name in ("colour", "raw"):
            assert again.expandos[name].tolist() == wv.expandos[name].tolist()
        again.set_vecattr("w5", "colour", "blue")
    column = pa.ipc.open_file(path).read_all()["attribute.colour"]
    assert column.null_count == len(wv) - 1
