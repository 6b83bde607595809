"""Saved and loaded, a face goes on as if it never had been."""

import copy
import io
import json
import os
import pickle
import tempfile
import time
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from corpora import TaggedDocument
from pipeline import Doc2Vec, KeyedVectors, Phrases, Word2Vec
from pipeline.models import bundle
from pipeline.models.model import ModelError


def text(seed=1, n=200):
    rng = np.random.default_rng(seed)
    return [[f"w{k}" for k in rng.zipf(1.5, 12) % 50] for _ in range(n)]


def documents(seed=1, n=60):
    return [TaggedDocument(words, [f"d{k + seed}"]) for k, words in enumerate(text(seed, n))]


CHANGED = {
    "vector_size": 9, "alpha": 0.04, "window": 3, "min_count": 2, "max_vocab_size": 1000,
    "sample": 0.01, "seed": 7, "workers": 1, "min_alpha": 0.001, "hs": 1, "negative": 3,
    "ns_exponent": 0.5, "cbow_mean": 0, "epochs": 2, "null_word": 1, "sorted_vocab": 0,
    "batch_words": 99, "compute_loss": True, "comment": "mine", "max_final_vocab": 900,
    "shrink_windows": False, "exact_gradient": True, "shared_noise": False, "hot_rows": False,
}  # fmt: skip
WORDS = {"sg": {"sg": 1}, "cbow": {}, "all": CHANGED}
PAPERS = {
    "dbow": {"dm": 0}, "words": {"dm": 0, "dbow_words": 1}, "dm": {},
    "concat": {"dm_concat": 1, "window": 2, "hs": 1}, "all": CHANGED,
}  # fmt: skip
CASES = [(Word2Vec, text, change) for change in WORDS.values()] + [
    (Doc2Vec, documents, change) for change in PAPERS.values()
]
IDS = [f"{face.__name__}-{name}" for face, names in ((Word2Vec, WORDS), (Doc2Vec, PAPERS))
       for name in names]  # fmt: skip


def made(face, corpus, change):
    return face(corpus(), **{"vector_size": 8, "workers": 1, "min_count": 1, "epochs": 2, **change})


def demand_equal(one, other):
    for name in ("wv", "dv", "syn1neg", "syn1"):
        if not hasattr(one, name):
            assert not hasattr(other, name)
            continue
        mine, its = (getattr(model, name) for model in (one, other))
        if name in ("wv", "dv"):
            assert list(mine) == list(its)
            np.testing.assert_array_equal(mine.vectors_lockf, its.vectors_lockf)
            mine, its = mine.vectors, its.vectors
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize(("face", "corpus", "change"), CASES, ids=IDS)
def test_it_goes_on_to_the_last_bit(face, corpus, change, mmap, tmp_path):
    model = made(face, corpus, change)
    model.wv.vectors_lockf = np.linspace(0, 1, len(model.wv), dtype=np.float32)
    path = tmp_path / "a.model"
    model.save(path)
    again = face.load(path, mmap=mmap)
    demand_equal(model, again)
    assert str(again) == str(model)
    for each in (model, again):
        each.build_vocab(corpus(2), update=True)
        each.train(corpus(2))
    demand_equal(model, again)
    assert again.receipt == model.receipt
    if face is Doc2Vec:
        words = text()[0]
        np.testing.assert_array_equal(model.infer_vector(words), again.infer_vector(words))


@pytest.mark.parametrize("face", [Word2Vec, Doc2Vec])
def test_every_argument_and_what_happened_comes_back(face, tmp_path):
    corpus = text if face is Word2Vec else documents
    more = {"sg": 1} if face is Word2Vec else {"dm": 0, "dbow_words": 1}
    model = made(face, corpus, {**CHANGED, **more})
    model.build_vocab(corpus(2), update=True)
    model.save(tmp_path / "a")
    again = face.load(tmp_path / "a")
    kept = {**CHANGED, **more}
    assert {name: getattr(again, name) for name in kept} == kept
    for name in ("corpus_count", "corpus_total_words", "effective_min_count", "train_count",
                 "total_train_time", "min_alpha_yet_reached", "receipt"):  # fmt: skip
        assert getattr(again, name) == getattr(model, name), name
    assert again.get_latest_training_loss() == model.get_latest_training_loss() > 0
    events = [event["event"] for event in again.lifecycle_events]
    assert events == [*(event["event"] for event in model.lifecycle_events), "loaded"]


def test_a_handle_and_what_gensim_takes(tmp_path):
    model = made(Word2Vec, text, {})
    file = io.BytesIO()
    model.save(file, separately=["wv"], sep_limit=0, ignore=["x"], pickle_protocol=2)
    file.seek(0)
    demand_equal(model, Word2Vec.load(file, rethrow=True))
    with (tmp_path / "b").open("wb") as file:
        model.save(file)
    demand_equal(model, Word2Vec.load(str(tmp_path / "b")))
    assert not zipfile.ZipFile(tmp_path / "b").testzip()
    said = json.loads(zipfile.ZipFile(tmp_path / "b").read("face.json"))
    assert said["vector_size"] == 8
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_of_a_store(tmp_path):
    for face, corpus, change in CASES:
        if change is CHANGED:
            continue
        model = made(face, corpus, change)
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        model._known().save(folder)
        again = face.load(folder)
        demand_equal(model, again)
        assert again.settings == model.settings
        assert again.epochs == face().epochs
        again.train(corpus())


def test_numbers_of_numpy_are_saved(tmp_path):
    model = made(Word2Vec, text, {})
    model.alpha, model.min_count, model.negative = np.float32(0.5), np.int64(3), np.int32(6)
    model.save(tmp_path / "a")
    again = Word2Vec.load(tmp_path / "a")
    assert (again.alpha, again.min_count, again.negative) == (0.5, 3, 6)


def test_a_subclass_with_a_constructor_of_its_own(tmp_path):
    class Mine(Word2Vec):
        def __init__(self, name):
            super().__init__(text(), vector_size=4, workers=1)

    Mine("x").save(tmp_path / "a")
    assert isinstance(Mine.load(tmp_path / "a"), Mine)


def test_what_is_refused(tmp_path):
    made(Word2Vec, text, {}).save(tmp_path / "words")
    made(Doc2Vec, documents, {}).save(tmp_path / "papers")
    with pytest.raises(ModelError, match=r"Doc2Vec\.load"):
        Word2Vec.load(tmp_path / "papers")
    with pytest.raises(ModelError, match=r"Word2Vec\.load"):
        Doc2Vec.load(tmp_path / "words")
    with pytest.raises(AttributeError, match=r"call Word2Vec\.load"):
        Word2Vec().load(tmp_path / "words")
    with pytest.raises(ModelError, match="no such file"):
        Word2Vec.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="no vocabulary"):
        Word2Vec().save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    made(Word2Vec, text, {}).wv.save(tmp_path / "kv")
    with pytest.raises(ModelError, match="holds vectors, not a model"):
        Word2Vec.load(tmp_path / "kv")
    model = made(Word2Vec, text, {})
    model.comment = object()
    with pytest.raises(TypeError, match="JSON"):
        model.save(tmp_path / "words")
    Word2Vec.load(tmp_path / "words")


@pytest.mark.parametrize("binary", [False, True])
def test_exchanged_vectors(binary, tmp_path):
    model = made(Doc2Vec, documents, {})
    sizes = {(True, True): len(model.wv) + 60, (True, False): 60, (False, True): len(model.wv)}
    for (tags, words), size in sizes.items():
        path = tmp_path / f"{tags}{words}"
        model.save_word2vec_format(path, doctag_vec=tags, word_vec=words, binary=binary)
        held = KeyedVectors.load_word2vec_format(path, binary=binary)
        assert len(held) == size
        if tags:
            np.testing.assert_array_equal(held["*dt_d4"], model.dv["d4"])
        if words:
            np.testing.assert_array_equal(held["w1"], model.wv["w1"])
    model.save_word2vec_format(tmp_path / "p", doctag_vec=True, word_vec=False, prefix="tag:")
    assert "tag:d4" in KeyedVectors.load_word2vec_format(tmp_path / "p")
    with pytest.raises(ValueError, match="nothing is to be saved"):
        model.save_word2vec_format(tmp_path / "n", word_vec=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize(("face", "corpus", "change"), CASES, ids=IDS)
def test_copies_are_models_of_their_own(face, corpus, change, copied):
    model = made(face, corpus, change)
    assert "w1" in model.wv  # it has an index by now
    other = copied(model)
    demand_equal(model, other)
    before = model.wv.vectors.copy()
    other.build_vocab(corpus(2), update=True)
    other.train(corpus(2))
    np.testing.assert_array_equal(model.wv.vectors, before)
    assert (other.syn1neg[: len(before)] != model.syn1neg).any()
    model.build_vocab(corpus(2), update=True)
    model.train(corpus(2))
    demand_equal(model, other)
    assert copied(face()).alpha == 0.025


def test_documents_stay_in_a_file(tmp_path):
    model = made(Doc2Vec, documents, {})
    model.save(tmp_path / "a")
    again = Doc2Vec.load(tmp_path / "a", dv_mapfile=tmp_path / "rows.npy")
    for each in (model, again):
        each.build_vocab(documents(9), update=True)
        each.train(documents(9))
    demand_equal(model, again)
    in_file = np.load(tmp_path / "rows.npy", mmap_mode="r")
    np.testing.assert_array_equal(in_file[:, :8], model.dv.vectors)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": "x"}, {"workers": 0}, {"vector_size": 9}, {"negative": 0}, {"alpha": None},
        {"receipt": {"rows": 1}}, {"receipt": []}, {"sample": "x"}, {"hs": 1},
    ],
    ids=str,
)  # fmt: skip
def test_words_beside_the_model_that_make_no_sense(change):
    model, file = made(Word2Vec, text, {}), io.BytesIO()
    said = {name: getattr(model, name) for name in ("vector_size", "negative", "alpha")}
    bundle.write(file, model._known(), {**said, **change})
    file.seek(0)
    with pytest.raises(ModelError):
        Word2Vec.load(file)


def test_a_long_history_is_no_obstacle(tmp_path):
    model = made(Word2Vec, text, {})
    model.receipt = replace(model.receipt, epochs=model.receipt.epochs * 10_000)
    for _ in range(2000):
        model.add_lifecycle_event("updated", note="x" * 1000)
    model.save(tmp_path / "a")
    assert len(Word2Vec.load(tmp_path / "a").receipt.epochs) == 20_000


@pytest.mark.parametrize("mmap", [None, "r"])
def test_attributes_of_ones_own_are_saved(mmap, tmp_path):
    model = made(Doc2Vec, documents, {"hs": 1})
    model.wv.set_vecattr("w1", "pos", 3)
    model.wv.set_vecattr("w2", "kind", "stone")
    model.wv.set_vecattr("w2", "weight", 0.5)
    model.wv.get_vecattr("w2", "code")
    model.dv.set_vecattr("d7", "read", True)
    model.save(tmp_path / "m")
    again = Doc2Vec.load(tmp_path / "m", mmap=mmap)
    for key, name in (("w1", "pos"), ("w2", "pos"), ("w1", "kind"), ("w2", "kind")):
        assert again.wv.get_vecattr(key, name) == model.wv.get_vecattr(key, name)
    assert again.wv.get_vecattr("w2", "weight") == 0.5
    assert again.dv.expandos["read"].tolist() == model.dv.expandos["read"].tolist()
    assert again.wv.get_vecattr("w1", "count") == model.wv.get_vecattr("w1", "count")
    again.wv.set_vecattr("w1", "pos", 4)
    again.build_vocab([TaggedDocument(["new"] * 3, ["e"])], update=True)
    assert again.wv.get_vecattr("new", "pos") == 0
    again.save(tmp_path / "m")  # over the file that it is mapped from
    assert Doc2Vec.load(tmp_path / "m").wv.get_vecattr("w1", "pos") == 4


def test_attributes_that_are_no_data(tmp_path):
    model = made(Word2Vec, text, {})
    model.wv.set_vecattr("w1", "odd", [1, 2])
    with pytest.raises(TypeError, match="the attribute 'odd' holds"):
        model.save(tmp_path / "m")
    model.wv.set_vecattr("w1", "odder", object())
    file = io.BytesIO()
    with pytest.raises(TypeError, match="the attribute 'odd"):
        model.save(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"pos": np.arange(3)}, "has 3 rows, where"),
        ({"pos": [[1]] * 50}, "columns that attributes can't be"),
        ({"pos": pa.array([None] * 50, pa.int64())}, "'pos' lacks values|rows, where"),
        (None, "it lacks 'word_attributes.arrow'"),
    ],
)
def test_attributes_that_do_not_fit(columns, said, tmp_path):
    model = made(Word2Vec, text, {})
    model.wv.set_vecattr("w1", "pos", 3)
    model.save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as file:
        members = {name: file.read(name) for name in file.namelist()}
    del members["word_attributes.arrow"]
    if columns is not None:
        out = pa.BufferOutputStream()
        table = pa.table(columns)
        with pa.ipc.new_file(out, table.schema) as file:
            file.write_table(table)
        members["word_attributes.arrow"] = out.getvalue().to_pybytes()
    with zipfile.ZipFile(tmp_path / "other", "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    with pytest.raises(ModelError, match=said):
        Word2Vec.load(tmp_path / "other")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_know_the_paths_of_words(copied):
    model = made(Word2Vec, text, {"hs": 1})
    for asked in (False, True):
        for again in (copied(model).wv, copied(model.wv)):
            for name in ("code", "point"):
                wanted = (
                    model.wv.get_vecattr("w2", name) if asked else again.get_vecattr("w2", name)
                )
                assert again.get_vecattr("w2", name).tolist() == wanted.tolist()
    with pytest.raises(KeyError, match="other"):
        copied(model).wv.get_vecattr("w2", "other")


def test_a_map_file_only_where_documents_have_vectors(tmp_path):
    made(Doc2Vec, documents, {}).save(tmp_path / "d")
    made(Word2Vec, text, {}).save(tmp_path / "w")
    for name in ("d", "w"):
        with pytest.raises(ModelError, match="dv_mapfile is for documents' vectors"):
            Word2Vec.load(tmp_path / name, dv_mapfile=tmp_path / "z.npy")
    with pytest.raises(ModelError, match=r"holds a Word2Vec\. .*Word2Vec\.load"):
        Doc2Vec.load(tmp_path / "w", dv_mapfile=tmp_path / "z.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "w"]


def test_handles_that_are_open_as_text(tmp_path):
    model = made(Word2Vec, text, {})
    model.save(tmp_path / "m")
    with (tmp_path / "t").open("w") as out:
        for handle in (out, io.StringIO(), tempfile.NamedTemporaryFile("w")):  # noqa: SIM115
            with pytest.raises(TypeError, match='open it with mode "wb", or give its path'):
                model.save(handle)
            with pytest.raises(TypeError, match='open it with mode "wb", or give its path'):
                Phrases(text()).save(handle)
    assert (tmp_path / "t").stat().st_size == 0
    with (
        (tmp_path / "m").open() as file,
        pytest.raises(TypeError, match='open it with mode "rb", or give its path'),
    ):
        Word2Vec.load(file)
    for ask in (model.wv.save, KeyedVectors.load, model.wv.save_word2vec_format):
        with pytest.raises(TypeError, match="a path or a URL is wanted, not <"):
            ask(io.StringIO())
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f'open with mode "rb", not {wrong}'):
            Word2Vec.load(wrong)
        with pytest.raises(TypeError, match=f'open with mode "wb", not {wrong}'):
            model.save(wrong)


def test_what_killed_processes_left_is_swept_after_a_day(tmp_path):
    model = made(Word2Vec, text, {})
    signs = (("m", "a"), ("m", "b"), ("n", "a"))
    old, new, other = (f".{name}.{sign * 32}.part" for name, sign in signs)
    kept = {new, other, ".m.part", ".m.abc.part"}
    for name in (old, *kept):
        (tmp_path / name).write_bytes(b"half")
        if name != new:
            os.utime(tmp_path / name, (time.time() - 90_000,) * 2)
    model.save(tmp_path / "m")
    assert {path.name for path in tmp_path.iterdir()} == {"m", *kept}
