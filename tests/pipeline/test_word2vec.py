"""The names that people know."""

import subprocess
import sys

import numpy as np
import pytest

from corpora import LineSentence
from pipeline import KeyedVectors, Word2Vec
from pipeline.models.model import Model, ModelError
from pipeline.words.vocabulary import VocabularyError

TOPICS = [[f"{topic}{k}" for k in range(8)] for topic in "ab"]


def text(n=600):
    rng = np.random.default_rng(1)
    return [list(rng.choice(TOPICS[k % 2], 12)) for k in range(n)]


@pytest.fixture(scope="module")
def model():
    return Word2Vec(text(), vector_size=20, min_count=5, workers=2, sg=1, epochs=10, sample=0)


def test_it_learns(model):
    assert model.wv["a1"].shape == (20,)
    assert {key for key, _ in model.wv.most_similar("a1", topn=7)} == set(TOPICS[0]) - {"a1"}
    assert model.wv.doesnt_match(["a1", "a2", "b3", "a4"]) == "b3"
    assert model.wv.similarity("a1", "a2") > 0.5 > model.wv.similarity("a1", "b2")
    assert model.wv.key_to_index[model.wv.index_to_key[3]] == 3
    assert model.wv.vectors.shape == (16, 20)
    assert len(model.receipt.epochs) == 10


OUTPUTS = {"noise": {}, "tree": {"hs": 1, "negative": 0}, "both": {"hs": 1, "negative": 3}}
JOINS = {
    "skip-gram": {"sg": 1},
    "pairs": {"sg": 1, "shared_noise": False},
    "mean": {"sg": 0},
    "exact": {"sg": 0, "exact_gradient": True},
    # The peers' own gradient of a sum learns next to nothing of so small a vocabulary.
    "sum": {"sg": 0, "cbow_mean": 0, "exact_gradient": True},
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("join", JOINS)
def test_every_mode_learns_and_grows(join, output):
    model = Word2Vec(
        text(), vector_size=16, workers=1, epochs=10, sample=0, **JOINS[join], **OUTPUTS[output]
    )
    assert {key for key, _ in model.wv.most_similar("a1", topn=7)} == set(TOPICS[0]) - {"a1"}
    before = model.wv.vectors.copy()
    model.build_vocab([["a1", "new", "words"]] * 6, update=True)
    np.testing.assert_array_equal(model.wv.vectors[:16], before)
    model.train([["a1", "new", "words"]] * 6)
    assert np.isfinite(model.wv.vectors).all()


@pytest.mark.parametrize("join", ["skip-gram", "mean", "sum"])
def test_score(join):
    model = Word2Vec(
        text(), vector_size=16, workers=2, epochs=20, sample=0, hs=1, negative=0, **JOINS[join]
    )
    likely, unlikely = ["a1", "a2", "a3", "a4"], ["a1", "b2", "a3", "b4"]
    scores = model.score([likely, unlikely, [], ["nowhere"], ["a1", "nowhere", *likely[1:]]])
    assert scores.dtype == np.float64
    assert scores.shape == (5,)
    assert 0 > scores[0] > scores[1]
    assert scores[2:4].tolist() == [0, 0]
    assert scores[4] == pytest.approx(scores[0])
    with pytest.raises(ModelError, match="hs=1"):
        Word2Vec(text(), vector_size=4, workers=1).score([likely])


@pytest.mark.parametrize("join", ["mean", "sum"])
def test_predict_output_word(join):
    model = Word2Vec(text(), vector_size=16, workers=1, epochs=10, sample=0, **JOINS[join])
    given = ["a1", "a2", "nowhere"]
    found = model.predict_output_word(given, topn=8)
    assert {word for word, _ in found} == set(TOPICS[0])
    weights = model._known().weights
    rows = [model.wv.key_to_index[word] for word in given[:2]]
    hidden = weights.input[rows].sum(axis=0) / (2 if join == "mean" else 1)
    chances = np.exp(weights.output @ hidden)
    chances /= chances.sum()
    assert found[0][1] == pytest.approx(chances.max(), rel=1e-5)
    assert sum(p for _, p in model.predict_output_word(given, topn=99)) == pytest.approx(1)
    assert model.predict_output_word(["nowhere"]) is None
    with pytest.raises(ModelError, match="negative=0"):
        Word2Vec(text(), workers=1, hs=1, negative=0).predict_output_word(given)


def test_vectors_are_looked_up_anew_after_training(model):
    fresh = Word2Vec(vector_size=8, workers=1)
    fresh.build_vocab(text())
    before = fresh.wv.most_similar("a1", topn=3)
    fresh.train(text())
    assert fresh.wv.most_similar("a1", topn=3) != before
    assert model.wv is model.wv


@pytest.mark.parametrize("sg", [0, 1])
def test_a_file_and_a_list_give_the_same(tmp_path, sg):
    path = tmp_path / "text.txt"
    path.write_text("".join(" ".join(line) + "\n" for line in text()))
    models = [
        Word2Vec(given, vector_size=20, workers=1, sg=sg)
        for given in (text(), LineSentence(path), (LineSentence(path)))
    ]
    for other in models[1:]:
        np.testing.assert_array_equal(models[0].wv.vectors, other.wv.vectors)


def test_in_steps_is_the_same_as_at_once():
    at_once = Word2Vec(text(), vector_size=20, workers=1)
    steps = Word2Vec(vector_size=20, workers=1)
    steps.build_vocab(text())
    steps.train(text())
    np.testing.assert_array_equal(at_once.wv.vectors, steps.wv.vectors)


def test_update_keeps_ids_and_rows():
    model = Word2Vec(text(), vector_size=20, workers=1)
    before = model.wv.index_to_key, model.wv.vectors.copy()
    model.build_vocab([["a1", "new", "words"]] * 6, update=True)
    assert model.wv.index_to_key[:16] == before[0]
    assert set(model.wv.index_to_key[16:]) == {"new", "words"}
    np.testing.assert_array_equal(model.wv.vectors[:16], before[1])
    model.train([["a1", "new", "words"]] * 6)
    assert np.isfinite(model.wv.vectors).all()


def test_an_iterator_is_read_once_and_that_is_enough():
    once = Word2Vec((line for line in text()), vector_size=8, workers=1)
    np.testing.assert_array_equal(
        once.wv.vectors, Word2Vec(text(), vector_size=8, workers=1).wv.vectors
    )
    lines = iter(text())
    once.build_vocab(lines)
    with pytest.raises(ModelError, match="the corpus is empty"):
        once.train(lines)
    with pytest.raises(TypeError, match="only once"):
        Word2Vec((line for line in text()), cache=False)


def test_no_word_left():
    with pytest.raises(VocabularyError, match="min_count"):
        Word2Vec(text(), min_count=10**6)


def test_wrong_settings():
    for wrong in (
        {"vector_size": 0},
        {"window": 0},
        {"negative": 0},
        {"epochs": 0},
        {"workers": 0},
        {"alpha": 0.01, "min_alpha": 0.02},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Word2Vec(text(), **wrong)


def test_asked_too_early():
    model = Word2Vec()
    assert len(model.wv) == 0
    with pytest.raises(ModelError, match="build_vocab"):
        model.train(text())


def test_a_reader_that_fails_in_the_second_pass():
    class Failing:
        passes = 0

        def __iter__(self):
            self.passes += 1
            yield from text(50)
            if self.passes > 1:
                raise RuntimeError("the cable is cut")

    model = Word2Vec(workers=2, min_count=1)
    source = Failing()
    model.build_vocab(source)
    with pytest.raises(RuntimeError, match="the cable is cut"):
        model.train(source)


def test_unknown_words_and_indexes(model):
    with pytest.raises(KeyError, match="nowhere"):
        model.wv["nowhere"]
    with pytest.raises(KeyError, match="99"):
        model.wv[99]
    with pytest.raises(ValueError, match="read-only"):
        model.wv["a1"][0] = 1
    assert "a1" in model.wv
    assert "nowhere" not in model.wv


def test_most_similar_takes_keys_vectors_and_weights(model):
    wv = model.wv
    by_key = wv.most_similar(positive=["a1"], negative=["b1"], topn=5)
    by_weight = wv.most_similar(positive=[("a1", 1.0), ("b1", -1.0)], topn=5)
    assert [k for k, _ in by_key] == [k for k, _ in by_weight]
    assert wv.most_similar(wv["a1"].copy(), topn=1)[0][0] == "a1"
    assert wv.most_similar("a1", topn=1000)[0][1] >= wv.most_similar("a1", topn=1000)[-1][1]
    assert len(wv.most_similar("a1", topn=1000)) == 15
    with pytest.raises(ValueError, match="needs a key"):
        wv.most_similar()
    unit = wv.vectors / np.linalg.norm(wv.vectors, axis=1, keepdims=True)
    best = unit @ unit[wv.key_to_index["a1"]]
    key, cosine = wv.most_similar("a1", topn=1)[0]
    assert cosine == pytest.approx(np.sort(best)[-2], abs=1e-6)
    assert wv.key_to_index[key] == np.argsort(best)[-2]


def test_model_files(model, tmp_path):
    held = Model.fresh(model._known().vocabulary, model.settings, 1)
    held.save(tmp_path)
    again = Model.open(tmp_path)
    np.testing.assert_array_equal(again.vectors, held.vectors)
    np.testing.assert_array_equal(again.weights.input, held.weights.input)
    assert again.vocabulary.words.equals(held.vocabulary.words)
    (tmp_path / "vectors.npy").write_bytes((tmp_path / "vectors.npy").read_bytes()[:200])
    with pytest.raises(ModelError):
        Model.open(tmp_path)
    np.save(tmp_path / "vectors.npy", np.zeros((3, 3), np.float32))
    with pytest.raises(ModelError, match=r"vectors\.npy has shape"):
        Model.open(tmp_path)
    # a pickle inside an .npy is refused, not run
    np.save(tmp_path / "vectors.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(ModelError):
        Model.open(tmp_path)


def test_importing_is_cheap():
    script = "import sys, pipeline; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_keyed_vectors_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="2 keys for 3"):
        KeyedVectors.of(["a", "b"], np.zeros((3, 2), np.float32))
