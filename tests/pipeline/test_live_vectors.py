"""A model's keyed vectors are its matrices: one object, written to and trained, never stale."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from models import DOCUMENTS, KINDS, made

from corpora import Documents, encode
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.models import bundle
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.words.vocabulary import Vocabulary

PLAN = Plan(epochs=2, alpha=0.1, sample=0.0)
LONG = [(words * 20, tags) for words, tags in DOCUMENTS]
MORE = [(["d", "a", "e"] * 20, ["z", "x"]), (["b", "d"] * 20, ["y", "w"])]

MODES = {
    "skip_gram": Settings(vector_size=5),
    "skip_gram_tree": Settings(vector_size=5, negative=0, hierarchical=True),
    "cbow": Settings("cbow", vector_size=5),
    "cbow_both": Settings("cbow", vector_size=5, hierarchical=True, exact_gradient=True),
    "dbow": Settings("dbow", vector_size=20),
    "dbow_words": Settings("dbow_words", vector_size=20, hierarchical=True),
    "dm": Settings("dm", vector_size=5, join="sum"),
    "concat": Settings("dm", vector_size=5, join="concat", tag_count=2),
}


def documents(settings, given):
    """With two tags each, as some settings need."""
    return [(words, (tags * 2)[:2]) for words, tags in given] if settings.tag_count > 1 else given


def grown(model, given):
    shards = encode(Documents(documents(model.settings, given)))
    model.grow(
        Vocabulary.build(shards, 1, previous=model.vocabulary),
        3,
        tags_with(shards, model.settings, model.tags),
    )
    return shards


def test_one_object_for_good(tmp_path):
    model = made(KINDS["dbow"], LONG)
    wv, dv = model.keyed_vectors, model.keyed_documents
    assert type(wv) is KeyedVectors
    shards = grown(model, MORE)
    model.train(shards, PLAN)
    assert model.keyed_vectors is wv
    assert model.keyed_documents is dv
    assert list(wv.index_to_key) == model.vocabulary.retained.to_pylist()
    assert len(wv) == 5
    assert list(dv.index_to_key) == ["x", "y", 7, 8, "z", "w"]
    np.testing.assert_array_equal(wv.vectors, model.vectors)
    np.testing.assert_array_equal(dv.vectors, model.tag_vectors)
    assert [wv.get_vecattr(key, "count") for key in wv] == model.vocabulary.counts.tolist()
    assert dv.get_vecattr("x", "doc_count") == 2
    before = dv["z"].copy()
    model.train(shards, PLAN)
    assert not np.array_equal(dv["z"], before)
    np.testing.assert_allclose(dv.norms, np.linalg.norm(model.tag_vectors, axis=1), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_written_is_what_training_goes_on_from(mode):
    settings = MODES[mode]
    shards = encode(Documents(documents(settings, LONG)))
    one, other = (made(settings, documents(settings, LONG)) for _ in range(2))
    wv = one.keyed_vectors
    wv.vectors[0] = 0.25
    wv["b"] = np.full(settings.vector_size, 0.5)
    other.weights.input[0, : settings.vector_size] = 0.25
    other.weights.input[wv.get_index("b"), : settings.vector_size] = 0.5
    for model in (one, other):
        model.train(shards, PLAN)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(wv.vectors, one.vectors)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("workers", [1, 2])
def test_locked_rows_keep_every_byte(mode, workers):
    settings = MODES[mode]
    model = made(settings, documents(settings, LONG))
    shards = encode(Documents(documents(settings, LONG)))
    wv = model.keyed_vectors
    wv.vectors_lockf = np.array([0.0, 1.0, 0.5], np.float32)
    shown = [wv]
    if settings.has_tags:
        model.keyed_documents.vectors_lockf = np.array([1, 0, 1, 1])  # of another type
        shown.append(model.keyed_documents)
    before = [vectors.vectors.copy() for vectors in shown]
    model.train(shards, PLAN, workers=workers)
    assert np.array_equal(wv.vectors[0], before[0][0])
    if settings.trains_words:
        assert not np.array_equal(wv.vectors[1], before[0][1])
    if settings.has_tags:
        assert np.array_equal(shown[1].vectors[1], before[1][1])
        assert not np.array_equal(shown[1].vectors[0], before[1][0])


def test_locks_are_a_product_with_the_rates_given_and_grow():
    rates = np.array([0.5, 1, 0.25], np.float32)
    lock = np.array([0.5, 0.0, 1], np.float32)
    shards = encode(Documents(LONG))
    one, other = (made(KINDS["skip-gram"], LONG) for _ in range(2))
    one.keyed_vectors.vectors_lockf = lock
    one.train(shards, PLAN, word_rates=rates)
    other.train(shards, PLAN, word_rates=rates * lock)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    for model, wanted in ((one, [0.5, 0, 1, 1, 1]), (other, [1])):
        grown(model, MORE)
        assert model.keyed_vectors.vectors_lockf.tolist() == wanted
    other.keyed_vectors.vectors_lockf = np.zeros(1, np.float32)  # for all of them
    before = other.vectors.copy()
    other.train(shards, PLAN)
    np.testing.assert_array_equal(other.vectors, before)


@pytest.mark.parametrize("wrong", [np.ones(2), np.ones((3, 1)), [np.nan], [-1.0], [np.inf]])
def test_locks_that_do_not_fit_are_refused(wrong, tmp_path):
    model = made(KINDS["skip-gram"], LONG)
    before = model.vectors.copy()
    model.keyed_vectors.vectors_lockf = np.asarray(wrong, np.float32)
    with pytest.raises(ValueError, match="vectors_lockf"):
        model.train(encode(Documents(LONG)), PLAN)
    np.testing.assert_array_equal(model.vectors, before)


def test_locks_are_saved(tmp_path):
    model = made(KINDS["dbow"], LONG)
    model.keyed_documents.vectors_lockf = np.array([1, 0, 1, 0.5], np.float32)
    model.keyed_vectors.vectors_lockf = np.zeros(1, np.float32)
    bundle.write(tmp_path / "m", model, {})
    (tmp_path / "folder").mkdir()
    model.save(tmp_path / "folder")
    for again in (bundle.read(tmp_path / "m")[0], Model.open(tmp_path / "folder")):
        assert again.keyed_documents.vectors_lockf.tolist() == [1, 0, 1, 0.5]
        assert again.keyed_vectors.vectors_lockf.tolist() == [0]
        again.keyed_vectors.vectors_lockf[0] = 1


def test_intersected_vectors_are_trained_or_locked(tmp_path):
    model = made(KINDS["skip-gram"], LONG)
    path = tmp_path / "v.txt"
    path.write_text("2 5\nb 1 2 3 4 5\nnowhere 0 0 0 0 0\n")
    assert model.keyed_vectors.intersect_word2vec_format(path, lockf=0.0) == 1
    model.train(encode(Documents(LONG)), PLAN)
    assert model.keyed_vectors["b"].tolist() == [1, 2, 3, 4, 5]


def test_lengths_are_never_stale():
    model = made(KINDS["skip-gram"], LONG)
    wv, seen = model.keyed_vectors, []

    def look(*_):
        seen.append(np.abs(wv.norms - np.linalg.norm(wv.vectors, axis=1)).max())
        return False

    wv.fill_norms()
    model.train(encode(Documents(LONG)), replace(PLAN, epochs=4), on_epoch=look)
    look()
    wv["a"] = np.arange(5)
    look()
    wv.vectors = np.ones((3, 5))
    look()
    _ = wv.norms
    wv.vectors[0] = 9
    assert wv.similarity("a", "b") == wv.similarity("b", "a")
    assert wv.most_similar("b", topn=1)[0][1] <= 1.001
    look()
    wv.unit_normalize_all()
    look()
    assert max(seen) < 1e-5
    assert len(seen) == 9
    np.testing.assert_allclose(model.vectors, 1 / np.sqrt(5), rtol=1e-6)


def test_keys_are_the_models_own():
    model = made(KINDS["skip-gram"], LONG)
    wv = model.keyed_vectors
    for change in (
        lambda: wv.add_vector("new", np.ones(5)),
        lambda: wv.add_vectors(["a", "new"], np.ones((2, 5)), replace=True),
        lambda: wv.__setitem__("new", np.ones(5)),
        wv.sort_by_descending_frequency,
        lambda: setattr(wv, "index_to_key", ["x", "y", "z"]),
        lambda: setattr(wv, "key_to_index", {"x": 0}),
    ):
        with pytest.raises(ValueError, match=r"build_vocab\(update=True\), or take a copy"):
            change()
    with pytest.raises(ValueError, match=r"shape \(3, 5\), not \(4, 5\)"):
        wv.vectors = np.ones((4, 5))
    assert len(wv) == 3
    wv.set_vecattr("a", "count", 77)
    assert model.vocabulary.counts[0] == 4 * 15
    mine = wv.copy()
    mine["new"] = np.ones(5)
    mine.vectors[0] = 9
    assert len(wv) == 3
    assert wv.vectors[0, 0] != 9
    model.train(encode(Documents(LONG)), PLAN)


def test_copies_of_an_object_are_not_the_models():
    model = made(KINDS["skip-gram"], LONG)
    wv = model.keyed_vectors
    for mine in (copy.deepcopy(wv), pickle.loads(pickle.dumps(wv))):
        mine["new"] = np.ones(5)
        mine.vectors[0] = 9
    assert wv.vectors[0, 0] != 9
    both = copy.deepcopy(model)
    both.keyed_vectors["a"] = np.ones(5)
    assert both.vectors[0].tolist() == [1] * 5
    assert model.vectors[0].tolist() != [1] * 5


@pytest.mark.parametrize("how", ["folder", "file"])
def test_what_is_mapped_is_locked_until_it_is_trained(how, tmp_path):
    first = made(KINDS["dbow"], LONG)
    if how == "folder":
        first.save(tmp_path)
        model = Model.open(tmp_path)
    else:
        bundle.write(tmp_path / "m", first, {})
        model, _ = bundle.read(tmp_path / "m", "r")
    wv, dv = model.keyed_vectors, model.keyed_documents
    with pytest.raises(ValueError, match="mapped from a file"):
        dv["x"] = np.ones(16)
    assert dv.most_similar("x", topn=1)
    shards = encode(Documents(LONG))
    model.train(shards, PLAN)
    first.train(shards, PLAN)
    assert model.keyed_documents is dv
    np.testing.assert_array_equal(dv.vectors, first.tag_vectors)
    dv["x"] = np.ones(16)
    wv["a"] = np.ones(16)
    assert model.tag_vectors[0, 0] == model.vectors[0, 0] == 1


def test_growing_what_is_mapped_copies_once(tmp_path):
    first = made(KINDS["concat"], [(["a", "b", "c"], ["x", "y"])])
    first.save(tmp_path)
    again = Model.open(tmp_path)
    for model in (first, again):
        grown(model, MORE)
    for name, matrix in first.weights.matrices.items():
        np.testing.assert_array_equal(matrix, again.weights.matrices[name])
    assert len(again.keyed_vectors) == 5
    assert again.keyed_documents.vectors.flags.writeable


def test_inference_of_what_is_mapped_keeps_one_copy(tmp_path):
    made(KINDS["dbow"], LONG).save(tmp_path)
    model = Model.open(tmp_path)
    held = []
    for epochs in (1, 2, 3):
        model.infer([["a", "b"]], replace(PLAN, epochs=epochs))
        held.append(model._read)
    assert held[0] is held[1] is held[2]
    assert not model.keyed_vectors.vectors.flags.writeable


@pytest.mark.parametrize("how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_can_be_copied_whole(how):
    first = made(KINDS["dbow"], LONG)
    shards = encode(Documents(LONG))
    first.train(shards, PLAN)
    first.infer([["a"]], PLAN)
    model = how(first)
    assert all(m.ctypes.data % 64 == 0 for m in model.weights.matrices.values())
    before = first.vectors.copy()
    model.train(shards, PLAN)
    np.testing.assert_array_equal(first.vectors, before)
    first.train(shards, PLAN)
    np.testing.assert_array_equal(first.tag_vectors, model.keyed_documents.vectors)


def test_padded_rows_are_searched_and_written_as_plain_ones(tmp_path):
    words = [f"w{i}" for i in range(300)]
    model = made(Settings(vector_size=20), [(words, [])])
    wv = model.keyed_vectors
    wv.vectors = np.random.default_rng(1).normal(size=(300, 20))
    plain = wv.copy()
    assert not wv.vectors.flags.c_contiguous
    assert plain.vectors.flags.c_contiguous
    query = np.ones(20, np.float32)
    for ask in (
        lambda v: v.most_similar("w1", ["w2"]),
        lambda v: v.most_similar("w1", topn=None).tolist(),
        lambda v: v.most_similar_cosmul(["w1", "w3"], ["w2"]),
        lambda v: v.most_similar_each(["w1", query, ["w2", ("w3", -1.0)]]),
        lambda v: v.nearest(query[None])[0].tolist(),
        lambda v: v.doesnt_match(["w1", "w2", "w3", "w4"]),
        lambda v: v.rank("w1", "w9"),
        lambda v: v.closer_than("w1", "w9"),
        lambda v: v.distances("w1").tolist(),
        lambda v: v.n_similarity(["w1", "w2"], ["w3"]),
        lambda v: v.get_mean_vector(["w1", "w2"]).tolist(),
        lambda v: v.get_normed_vectors().tolist(),
        lambda v: v.norms.tolist(),
    ):
        # The order of a product's additions is the library's own.
        assert repr_of(ask(wv)) == repr_of(ask(plain))
    for end in (".arrow", ".npy", ".parquet", ".safetensors", ".txt", ".bin"):
        paths = [tmp_path / f"{name}{end}" for name in ("one", "other")]
        for path, vectors in zip(paths, (wv, plain), strict=True):
            if end in (".txt", ".bin"):
                vectors.save_word2vec_format(path, binary=end == ".bin")
            else:
                vectors.export(path)
        assert paths[0].read_bytes() == paths[1].read_bytes(), end


def repr_of(found):
    """With numbers as far as they may be compared."""
    if isinstance(found, float):
        return f"{found:.5f}"
    if isinstance(found, list | tuple):
        return [repr_of(each) for each in found]
    return found


def test_rates_of_keys_that_are_added_are_saved(tmp_path):
    wv = KeyedVectors.of(["a", "b"], np.eye(2, dtype=np.float32))
    wv.vectors_lockf = np.zeros(2, np.float32)
    for key in "cdef":
        wv.add_vector(key, np.ones(2))
    assert wv.vectors_lockf.tolist() == [0, 0, 1, 1, 1, 1]
    wv.save(tmp_path / "some.kv")
    assert KeyedVectors.load(tmp_path / "some.kv").vectors_lockf.tolist() == [0, 0, 1, 1, 1, 1]
    wv.vectors_lockf = np.full(1, 0.5, np.float32)  # for all of them
    wv.save(tmp_path / "all.kv")
    assert KeyedVectors.load(tmp_path / "all.kv").vectors_lockf.tolist() == [0.5] * 6


def test_a_shallow_copy_adds_no_key_to_a_model():
    wv = made(KINDS["skip-gram"], LONG).keyed_vectors
    mine = copy.copy(wv)
    mine.add_vector("new", np.ones(5))
    assert (len(mine), len(wv)) == (4, 3)
    assert "new" not in wv
    assert len(wv.expandos["count"]) == 3


def test_a_number_as_lock_is_one_error():
    model = made(KINDS["skip-gram"], LONG)
    model.keyed_vectors.vectors_lockf = 0.0
    shards = grown(model, MORE)
    with pytest.raises(ValueError, match="vectors_lockf has shape"):
        model.train(shards, PLAN)


def test_what_is_trained_does_not_grow_meanwhile(tmp_path):
    model, shards = made(KINDS["dbow"], LONG), encode(Documents(LONG))
    tried = []

    def grow(_):
        for change in (lambda: grown(model, MORE), lambda: model.map_documents(tmp_path / "x")):
            with pytest.raises(ModelError, match="being trained"):
                change()
            tried.append(change)
        model.train(shards, PLAN)  # another training, which ends before this one does
        assert model.keyed_vectors._moving
        return False

    model.train(shards, replace(PLAN, epochs=1), on_epoch=grow)
    assert len(tried) == 2
    grown(model, MORE)
    assert not list(tmp_path.iterdir())
