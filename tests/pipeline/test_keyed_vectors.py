"""KeyedVectors: keys, vectors, attributes, added, replaced, sorted and resized."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from vectors import matrix, words

from corpora.errors import MillraceError
from pipeline import KeyedVectors
from pipeline.vectors import blas
from pipeline.words.tags import TagTable


@pytest.fixture
def wv():
    return KeyedVectors.of(words(), matrix(), count=np.arange(200, 0, -1))


def tagged(keys):
    return KeyedVectors.of(keys, np.eye(len(keys), dtype=np.float32))


def test_keys_read_as_a_list_and_a_dict(wv):
    named, where = wv.index_to_key, wv.key_to_index
    assert named == words()
    assert words() == named
    assert list(named) == words()
    assert (named[3], named[-1], named[2:5], named[::50]) == (
        words()[3], words()[-1], words()[2:5], words()[::50],
    )  # fmt: skip
    assert "w5" in named
    assert named.index("w5") == words().index("w5")
    assert named + ["x"] == [*words(), "x"]  # noqa: RUF005
    assert named != words()[:-1]
    assert where == {word: i for i, word in enumerate(words())}
    assert dict(where)["w7"] == where["w7"] == words().index("w7")
    assert (where.get("nowhere"), "nowhere" in where, 3 in where) == (None, False, False)
    assert next(iter(where.items())) == (words()[0], 0)
    with pytest.raises(KeyError, match="nowhere"):
        where["nowhere"]
    with pytest.raises(IndexError, match="200"):
        named[200]
    with pytest.raises(ValueError, match="nowhere"):
        named.index("nowhere")


def test_no_python_object_for_a_key_that_is_not_asked_for(wv):
    assert not wv._keys._seen
    wv.most_similar("w3", topn=2)
    assert list(wv._keys._seen) == ["w3"]


def test_keys_can_be_set(wv):
    wv.index_to_key = [f"new{i}" for i in range(200)]
    assert wv.get_index("new7") == 7
    wv.key_to_index = {f"x{i}": i for i in reversed(range(200))}
    assert wv.index_to_key[:2] == ["x0", "x1"]
    with pytest.raises(ValueError, match="0 to n - 1"):
        wv.key_to_index = {"a": 0, "b": 2}


def test_whole_numbers_are_tags_where_there_are_any_and_else_indexes():
    names, numbers = tagged(["a", "b", "c"]), tagged([7, 5, 10**12])
    both = tagged([7, "a", 0])
    assert names.get_index(2) == 2
    assert names.has_index_for(2)
    assert 2 not in names
    assert numbers.get_index(10**12) == both.get_index(0) == 2
    assert both.get_index("a") == 1
    assert list(both) == [7, "a", 0]
    assert not numbers.has_index_for(1)
    assert numbers.get_index(1, -1) == -1
    for vectors, wrong in ((names, 3), (names, -1), (numbers, 1), (both, 1), (both, "7")):
        with pytest.raises(KeyError, match=str(wrong)):
            vectors[wrong]
    with pytest.raises(KeyError, match="whole number"):
        names.get_index(1.5)
    with pytest.raises(KeyError, match="whole number"):
        names[["a", None]]
    assert np.int64(5) in numbers
    assert numbers[[np.int64(5)]].tolist() == [[0, 1, 0]]
    both.add_vectors([8, "b"], np.ones((2, 3)))
    assert both.index_to_key == [7, "a", 0, 8, "b"]
    assert both.index_to_key.column().to_pylist() == [7, "a", 0, 8, "b"]


def test_vectors_of_keys(wv):
    row = matrix()[wv.get_index("w4")]
    np.testing.assert_array_equal(wv["w4"], row)
    np.testing.assert_array_equal(wv[["w4", "w5"]], matrix()[[15, 16]])
    np.testing.assert_allclose(wv.get_vector("w4", norm=True), row / np.linalg.norm(row), rtol=1e-6)
    assert wv.get_vector("w4", norm=True).dtype == np.float32
    for norm in (False, True):
        with pytest.raises(ValueError, match="read-only"):
            wv.get_vector("w4", norm=norm)[0] = 1
    assert wv.vector_size == 20
    assert str(wv) == repr(wv) == "KeyedVectors<vector_size=20, 200 keys>"


def test_lengths(wv):
    expected = np.linalg.norm(matrix(), axis=1)
    np.testing.assert_allclose(wv.norms, expected, rtol=1e-6)
    np.testing.assert_allclose(wv.get_normed_vectors(), matrix() / expected[:, None], rtol=1e-5)
    taken = wv.vectors
    taken[3] *= 2
    assert wv.norms[3] == pytest.approx(2 * expected[3])
    taken[3] *= 2
    wv.fill_norms()
    assert wv.norms[3] == pytest.approx(2 * expected[3])  # it was taken before they were
    taken[3] /= 2
    wv.fill_norms(force=True)
    assert wv.norms[3] == pytest.approx(2 * expected[3])
    wv.unit_normalize_all()
    np.testing.assert_allclose(np.linalg.norm(wv.vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(wv.norms, 1, rtol=1e-6)


def test_a_vector_of_length_zero():
    wv = KeyedVectors.of(["a", "zero"], np.array([[1, 0], [0, 0]], np.float32))
    assert wv.most_similar("a") == [("zero", 0.0)]
    assert wv.most_similar("zero") == [("a", 0.0)]
    assert wv.similarity("a", "zero") == 0
    assert wv.get_vector("zero", norm=True).tolist() == [0, 0]
    wv.unit_normalize_all()
    assert wv.vectors.tolist() == [[1, 0], [0, 0]]


def test_room_is_filled_first():
    kv = KeyedVectors(3, count=2)
    assert (len(kv), kv.vectors.shape, list(kv)) == (2, (2, 3), [None, None])
    assert kv.add_vector("a", [1, 2, 3]) == 0
    assert (kv.next_index, len(kv), kv.index_to_key) == (1, 2, ["a", None])
    kv.add_vectors(["b", "c"], [[4, 5, 6], [7, 8, 9]])
    assert (len(kv), list(kv)) == (3, ["a", "b", "c"])
    assert kv.vectors.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert kv.vectors.dtype == np.float32


def test_vectors_in_a_file_of_their_own(tmp_path):
    kv = KeyedVectors(4, count=3, mapfile_path=tmp_path / "vectors.npy")
    kv["a"] = np.ones(4)
    assert np.load(tmp_path / "vectors.npy").tolist() == [[1] * 4, [0] * 4, [0] * 4]
    with pytest.raises(ValueError, match="room for 3 vectors"):
        kv[["b", "c", "d"]] = np.ones((3, 4))
    assert list(kv) == ["a", None, None]


def test_adding_one_by_one_grows_in_steps(wv):
    kv = KeyedVectors(4)
    sizes = set()
    for i in range(1000):
        kv[f"k{i}"] = np.full(4, i)
        sizes.add(len(kv._store))
    assert len(sizes) < 30
    assert kv.vectors.shape == (1000, 4)
    assert kv["k999"].tolist() == [999] * 4
    assert kv.most_similar("k5", topn=1000, restrict_vocab=3)[0][1] == pytest.approx(1)


def test_adding_and_replacing(wv):
    old = wv["w0"].copy()
    wv.add_vectors(["w0", "new", "new"], [np.zeros(20), np.ones(20), np.full(20, 2)])
    np.testing.assert_array_equal(wv["w0"], old)
    assert wv["new"].tolist() == [1] * 20
    wv.add_vectors(["w0", "newer", "newer"], np.ones((3, 20)) * [[1], [2], [3]], replace=True)
    assert wv["w0"].tolist() == [1] * 20
    assert wv["newer"].tolist() == [3] * 20
    wv["w0"] = np.full(20, 9)
    assert wv.add_vector("w0", np.zeros(20)) == wv.get_index("w0")
    assert wv["w0"].tolist() == [9] * 20
    assert len(wv) == 202
    assert wv.get_vecattr("newer", "count") == 0
    wv.add_vectors("one", np.zeros(20), extras={"count": np.array([5]), "more": np.array([0.5])})
    assert (wv.get_vecattr("one", "count"), wv.get_vecattr("one", "more")) == (5, 0.5)
    assert wv.most_similar("w0", topn=1)[0][0] == "new"
    with pytest.raises(ValueError, match=r"shape \(2, 20\)"):
        wv.add_vectors(["a", "b"], np.zeros((2, 19)))
    with pytest.raises(TypeError, match="whole number"):
        wv.add_vectors([("a", "b")], np.zeros((1, 20)))


def test_attributes(wv):
    wv.set_vecattr("w3", "colour", "red")
    wv.set_vecattr("w3", "weight", 0.5)
    wv.set_vecattr("w3", "weight", 2)
    assert (wv.get_vecattr("w3", "colour"), wv.get_vecattr("w3", "weight")) == ("red", 2.0)
    assert (wv.get_vecattr("w4", "colour"), wv.get_vecattr("w4", "weight")) == (0, 0.0)
    wv.allocate_vecattrs(["seen"], [int])
    assert wv.expandos["seen"].dtype == np.int64
    with pytest.raises(TypeError, match="count"):
        wv.set_vecattr("w3", "count", 1.5)
    with pytest.raises(KeyError, match="nothing"):
        wv.get_vecattr("w3", "nothing")


def test_sorting_keeps_ties_in_order():
    kv = KeyedVectors.of(
        ["a", "b", "c", 4], np.arange(4.0).reshape(4, 1), count=np.array([1, 5, 1, 5])
    )
    kv.sort_by_descending_frequency()
    assert list(kv) == ["b", 4, "a", "c"]
    assert kv.vectors.ravel().tolist() == [1, 3, 0, 2]
    assert kv.expandos["count"].tolist() == [5, 5, 1, 1]
    assert kv.get_index("c") == 3
    with pytest.raises(KeyError, match="count"):
        KeyedVectors.of(["a"], np.ones((1, 1))).sort_by_descending_frequency()


def test_vectors_for_all(wv):
    some = wv.vectors_for_all(["w9", "nowhere", "w3", "w9"], copy_vecattrs=True)
    assert list(some) == ["w9", "w3"]
    np.testing.assert_array_equal(some["w3"], wv["w3"])
    assert some.get_vecattr("w9", "count") == wv.get_vecattr("w9", "count")
    some["w3"] = np.zeros(20)
    assert wv["w3"].any()
    assert wv.vectors_for_all(["w9", "w3"]).expandos["count"].tolist() == [2, 1]


def test_a_models_vectors_cannot_be_changed_but_copied(wv):
    locked = wv.vectors.view()
    locked.flags.writeable = False
    kv = KeyedVectors.of(words(), locked)
    for change in (
        kv.unit_normalize_all,
        lambda: kv.add_vectors(["w0"], np.ones((1, 20)), replace=True),
        lambda: kv.intersect_word2vec_format("nowhere"),
    ):
        with pytest.raises(ValueError, match="copy"):
            change()
    own = kv.copy()
    own["w0"] = np.ones(20)
    assert own["w0"].tolist() == [1] * 20
    assert not (kv["w0"] == 1).any()
    kv["new"] = np.ones(20)  # grows, and thereby gets vectors of its own
    assert len(wv) == 200


def test_constructing():
    with pytest.raises(TypeError, match=r"KeyedVectors\.of"):
        KeyedVectors(["a"], np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"not of shape \(3,\)"):
        KeyedVectors.of(["a"], np.ones(3))
    assert KeyedVectors.of(["a"], [[1.0, 2.0]])["a"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="2 keys for 3"):
        KeyedVectors.of(["a", "b"], np.ones((3, 2)))
    table = TagTable(pa.array([3, 1]), np.zeros(2, np.int64))
    assert KeyedVectors.of(table, np.eye(2)).get_index(1) == 1
    kv = KeyedVectors.of(["a", "b"], np.eye(2))
    kv.vectors = np.eye(1, 2)
    with pytest.raises(ValueError, match="resize_vectors"):
        kv.most_similar("a")


def test_they_can_be_sent_to_another_process(wv):
    wv["new"] = np.ones(20)
    wv.get_index("w3")
    for again in (pickle.loads(pickle.dumps(wv)), copy.deepcopy(wv)):
        assert again.index_to_key == wv.index_to_key
        assert again.most_similar("w3") == wv.most_similar("w3")
        again["w3"] = np.zeros(20)
        assert wv["w3"].any()


@pytest.mark.parametrize("confined", [True, False])
def test_batches_with_and_without_blas_confined(wv, monkeypatch, confined):
    if not confined:
        monkeypatch.setattr(blas, "_ONE", blas._Confined())
        monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    asked = words() * 6  # more than one piece
    found = wv.most_similar_each(asked, topn=3)
    assert [[key for key, _ in one] for one in found[:200]] == [
        [key for key, _ in wv.most_similar(word, topn=3)] for word in words()
    ]


def test_blas_gets_its_threads_back_after_the_last_of_several():
    library = pytest.importorskip("threadpoolctl")

    def threads():
        found = library.ThreadpoolController().select(user_api="blas").info()
        return [one["num_threads"] for one in found]

    before = threads()
    with blas._ONE.thread_each(), blas._ONE.thread_each() as confined:
        assert set(threads()) <= {1} or not confined
    assert threads() == before


def test_wmdistance_without_its_library(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(MillraceError, match=r"POT.*pip install"):
        wv.wmdistance(["w1"], ["w2"])


def test_importing_them_needs_no_optional_library():
    script = (
        "import sys, pipeline.models.keyed_vectors;"
        "print([m for m in ('ot', 'torch', 'keras', 'safetensors', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_looking_for_many_keys_one_by_one(wv):
    for i in range(100):
        assert f"x{i}" not in wv
    assert wv._keys._all_seen
    assert [wv.get_index(word) for word in words()] == list(range(200))
    wv["new"] = np.ones(20)
    assert wv.get_index("new") == 200
    assert "\ud800" not in tagged(["a", "b"])
    assert tagged(["a", "b"])._keys.find(["b", "\ud800", "c"]) == [1, -1, -1]
