"""Files of vectors that are damaged, or lie: one clear error with its place, and bounded memory."""

import pickle
import resource
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.errors import CorpusError
from pipeline import KeyedVectors
from pipeline.vectors.errors import TruncatedError, VectorFileError

load = KeyedVectors.load_word2vec_format
ROW = np.array([1, 2], "<f4").tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


TEXT = {
    "fewer rows": (b"3 2\na 1 2\nb 3 4\n", TruncatedError, "promises 3 vectors .* after 2"),
    "no rows": (b"1 2\n", TruncatedError, "after 0"),
    "more rows": (b"1 2\na 1 2\nb 3 4\n", VectorFileError, "promises 1 vectors .* goes on"),
    "a trillion rows": (b"1000000000000 2\na 1 2\n", TruncatedError, "1000000000000 .* after 1"),
    "vectors of a trillion": (b"1 1000000000000\na 1\n", VectorFileError, "of 1000000000000"),
    "vectors of nothing": (b"1 0\na\n", VectorFileError, "of 0 numbers"),
    "too long a number": (b"1" * 30 + b" 2\na 1 2\n", VectorFileError, "line 1: .*no header"),
    "no header": (b"a 1 2\nb 3 4\n", VectorFileError, "line 1: .*no header.*no_header=True"),
    "nothing": (b"", VectorFileError, "line 1: .*no header"),
    "a short row": (b"3 2\na 1 2\nb 3\nc 1 2\n", VectorFileError, "line 3: 1 numbers .* not 2"),
    "a long row": (b"2 2\na 1 2\nb 3 4 5\n", VectorFileError, "line 3: 3 numbers"),
    "a row cut off": (b"2 2\na 1 2\nb 3", VectorFileError, "line 3: 1 numbers"),
    "a blank line": (b"2 2\na 1 2\n\nb 3 4\n", VectorFileError, "line 3: 0 numbers"),
    "no number": (b"2 2\na 1 2\nb x 4\n", VectorFileError, "line 3: .*b'b' is not all numbers"),
    "a word twice": (b"3 2\na 1 2\nb 1 2\na 3 4\n", VectorFileError, "line 4: .*'a' .*second"),
    "nan": (b"2 2\na 1 2\nb nan 4\n", VectorFileError, "line 3: .*'b' is not finite"),
    "infinity": (b"2 2\na 1 -inf\nb 1 4\n", VectorFileError, "line 2: .*'a' is not finite"),
    "too large": (b"1 2\na 1e39 1\n", VectorFileError, "line 2: .*not finite as float32"),
    "other bytes": (b"2 2\na 1 2\n\xff 1 4\n", UnicodeDecodeError, "line 3: .*not utf-8"),
    "binary": (b"1 2\na " + ROW, VectorFileError, "binary=True"),
}
BINARY = {
    "fewer rows": (b"3 2\na " + ROW + b"b " + ROW, TruncatedError, "promises 3 .* after 2"),
    "a row cut off": (b"2 2\na " + ROW + b"b " + ROW[:5], TruncatedError, "byte 21: .* after 1"),
    "a word cut off": (b"2 2\na " + ROW + b"bcd", TruncatedError, "after 1"),
    "more rows": (b"1 2\na " + ROW + b"b " + ROW, VectorFileError, "byte 14: .*goes on"),
    "a trillion rows": (b"1000000000000 2\na " + ROW, TruncatedError, "after 1"),
    "vectors of a trillion": (b"1 1000000000000\na " + ROW, VectorFileError, "of 1000000000000"),
    "no header": (b"\0\1\2 \3" * 100, VectorFileError, "no header"),
    "no space": (b"1 2\n" + b"x" * 200_000, VectorFileError, "vector 1, byte 4: a word does not"),
    "a word twice": (b"2 2\na " + ROW + b"a " + ROW, VectorFileError, "vector 2: .*'a' .*second"),
    "nan": (b"1 2\na " + b"\xff" * 8, VectorFileError, "vector 1: .*'a' is not finite"),
    "other bytes": (b"1 2\n\xff " + ROW, UnicodeDecodeError, "vector 1: .*not utf-8"),
}


@pytest.mark.parametrize("name", TEXT)
def test_text(path, name):
    data, kind, message = TEXT[name]
    path.write_bytes(data)
    with pytest.raises(kind, match=f"(?s)vectors.*{message}"):
        load(path)


@pytest.mark.parametrize("name", BINARY)
def test_binary(path, name):
    data, kind, message = BINARY[name]
    path.write_bytes(data)
    with pytest.raises(kind, match=f"(?s)vectors.*{message}"):
        load(path, binary=True)


def test_the_place_of_a_mistake_far_into_a_file(path):
    lines = [b"w%d 1 2" % i for i in range(300_000)]
    lines[250_000] = b"w7 1 2"
    path.write_bytes(b"300000 2\n" + b"\n".join(lines))
    with pytest.raises(VectorFileError, match=r"line 250002: .*'w7' comes a second time"):
        load(path)
    lines[250_000] = b"w 1 two"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(VectorFileError, match=r"line 250001: .*not all numbers"):
        load(path, no_header=True)
    assert len(load(path, no_header=True, limit=250_000)) == 250_000


def test_as_it_is(path):
    path.write_bytes(b"3 2\na 1 nan\nb 1 2\na 3 4\nc 5 6\n")
    kv = load(path, strict=False)
    assert list(kv) == ["a", "b"]
    assert np.isnan(kv.vectors[0, 1])
    assert kv.expandos["count"].tolist() == [3, 2]
    path.write_bytes(b"3 2\na 1 2\n")
    with pytest.raises(TruncatedError):
        load(path, strict=False)


def test_odd_but_right(path):
    path.write_bytes(b'  4   2 \r\n" 1 2\r\n\xef\xbb\xbfx 1e-3 2\r\n 5 +6 \r\nNaN -0 .5\r\n\n\r\n')
    kv = load(path)
    assert list(kv) == ['"', "\ufeffx", "", "NaN"]
    np.testing.assert_allclose(kv.vectors, [[1, 2], [1e-3, 2], [5, 6], [0, 0.5]])


@pytest.mark.parametrize("binary", [False, True])
def test_memory_is_that_of_the_file(path, binary):
    """What a header promises is not allocated; 400 MiB of address space are enough."""
    for head in (b"1000000000000 100\n", b"4000000000 1000000\n"):
        path.write_bytes(head + b"x" * (1 << 16 if binary else 1 << 20))
        script = (
            "import resource, sys\nfrom pipeline import KeyedVectors\n"
            "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
            "resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20),) * 2)\n"
            "try:\n    KeyedVectors.load_word2vec_format(sys.argv[1], binary=sys.argv[2] == '1')\n"
            "except ValueError as error:\n    print(type(error).__name__)\n"
        )
        if not hasattr(resource, "RLIMIT_AS") or sys.platform != "linux":
            pytest.skip("limits memory as Linux does")
        out = subprocess.run(
            [sys.executable, "-c", script, path, str(int(binary))],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert out.stdout.split()[0] in ("TruncatedError", "VectorFileError")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), binary=st.booleans())
def test_damage_anywhere_is_an_error_or_other_vectors(path, data, binary):
    """No damage to a file raises anything but the one kind of error."""
    kv = KeyedVectors.of(
        [f"w{i}" for i in range(20)], np.arange(60, dtype=np.float32).reshape(20, 3)
    )
    kv.save_word2vec_format(path, binary=binary)
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good)))
    cut = data.draw(st.integers(0, 8))
    path.write_bytes(good[:at] + data.draw(st.binary(max_size=8)) + good[at + cut :])
    try:
        found = load(path, binary=binary)
    except CorpusError:
        return
    assert found.vectors.shape[0] == len(found)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), mmap=st.sampled_from([None, "r"]))
def test_damage_to_our_own_file(path, data, mmap):
    kv = KeyedVectors.of([f"w{i}" for i in range(20)], np.ones((20, 3), np.float32))
    kv.save(path)
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good)))
    cut = data.draw(st.integers(0, 8))
    path.unlink()
    path.write_bytes(good[:at] + data.draw(st.binary(max_size=8)) + good[at + cut :])
    try:
        found = KeyedVectors.load(path, mmap=mmap)
        assert np.asarray(found.vectors).sum() is not None
        list(found)
    except CorpusError:
        return


def test_other_files(path):
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(VectorFileError, match="pickle"):
        KeyedVectors.load(path)
    for data in (b"", b"2 2\na 1 2\nb 3 4\n", b"ARROW1"):
        path.write_bytes(data)
        with pytest.raises(VectorFileError, match="load_word2vec_format"):
            KeyedVectors.load(path)
    table = pa.table({"key": ["a"], "vector": [[1.0]]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    with pytest.raises(VectorFileError, match="something else"):
        KeyedVectors.load(path)
    with pytest.raises(CorpusError, match="no such file"):
        KeyedVectors.load(path.with_name("nothing"))
    for other in ("a.txt", "b.txt"):
        path.with_name(other).write_bytes(b"1 1\na 1\n")
    with pytest.raises(VectorFileError, match="2 files"):
        load(f"{path.parent}/*.txt")


def test_errors_can_be_sent(path):
    path.write_bytes(TEXT["other bytes"][0])
    for _ in range(2):
        with pytest.raises(CorpusError) as caught:
            load(path)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), type(again)) == (str(caught.value), type(caught.value))
        path.write_bytes(TEXT["nan"][0])
