"""Training of the faces: what a call takes and says, rates of rows, what is told afterwards."""

import logging
import pickle

import numpy as np
import pytest

from corpora import LineSentence, TaggedDocument
from pipeline import Doc2Vec, KeyedVectors, StopTraining, Word2Vec
from pipeline.models.model import ModelError

TOPICS = [[f"{topic}{k}" for k in range(8)] for topic in "ab"]


def text(n=300):
    rng = np.random.default_rng(1)
    return [[str(word) for word in rng.choice(TOPICS[k % 2], 10)] for k in range(n)]


def documents(n=60):
    return [TaggedDocument(words, [f"d{k}"]) for k, words in enumerate(text(n))]


def word2vec(given=None, **changes):
    how = {"vector_size": 8, "workers": 1, "min_count": 1, "sample": 0, "epochs": 3}
    return Word2Vec(given, **{**how, **changes})


def doc2vec(given=None, **changes):
    how = {"vector_size": 8, "workers": 1, "min_count": 1, "sample": 0, "epochs": 3}
    return Doc2Vec(given, **{**how, **changes})


def ready(**changes):
    model = word2vec(**changes)
    model.build_vocab(text())
    return model


def test_what_train_returns():
    model = ready()
    assert model.train(text(), epochs=2) == (6000, 6000)
    dropping = ready(sample=1e-2)
    trained, raw = dropping.train([*text(), ["unknown"] * 5])
    assert raw == 9015
    assert 0 < trained < 9000
    papers = doc2vec()
    papers.build_vocab(documents())
    assert papers.train(documents(), epochs=1) == (600, 600)


def test_what_is_given_holds_for_one_call():
    model = ready()
    model.train(text(), epochs=1, start_alpha=0.5, end_alpha=0.25, compute_loss=True)
    assert (model.epochs, model.alpha, model.min_alpha) == (3, 0.025, 0.0001)
    assert model.compute_loss is False
    assert model.min_alpha_yet_reached == 0.25
    model.train(text())
    assert len(model.receipt.epochs) == 3
    assert model.min_alpha_yet_reached == 0.0001
    assert (model.train_count, len(model.lifecycle_events)) == (2, 5)
    assert model.total_train_time > 0


def test_a_rate_of_0_counts():
    model = ready()
    before = model.wv.vectors.copy()
    model.train(text(), start_alpha=0.0)
    np.testing.assert_array_equal(model.wv.vectors, before)
    assert not model.syn1neg.any()


def test_rates_are_those_of_the_constructor():
    model, other = ready(), ready(alpha=0.05, min_alpha=0.01)
    model.train(text(), start_alpha=0.05, end_alpha=0.01)
    other.train(text())
    np.testing.assert_array_equal(model.wv.vectors, other.wv.vectors)
    with pytest.raises(ValueError, match="alpha must not rise"):
        model.train(text(), start_alpha=0.01, end_alpha=0.05)


def test_totals_that_are_wrong_are_told():
    model = ready()
    with pytest.warns(RuntimeWarning, match="total_examples is given as 7, but the corpus has 300"):
        model.train(text(), total_examples=7)
    with pytest.warns(RuntimeWarning, match="total_words is given as 8, but the corpus has 3000"):
        model.train(text(), total_words=8)
    model.train(text(), total_examples=model.corpus_count, total_words=model.corpus_total_words)


def test_cut_documents_count_once():
    long = [TaggedDocument(["a0"] * 25_000, ["long"]), *documents()]
    model = doc2vec(epochs=1)
    model.build_vocab(long)
    assert model.corpus_count == 61
    model.train(long, total_examples=model.corpus_count)
    assert model.receipt.rows == 63


def test_an_empty_corpus_is_an_error():
    model = ready()
    with pytest.raises(ModelError, match="the corpus is empty"):
        model.train([])


def test_a_reader_that_raises_ends_it():
    def failing():
        yield from text(50)
        raise RuntimeError("the cable is cut")

    model = ready(workers=3)
    for call in (model.train, model.build_vocab, model.scan_vocab):
        with pytest.raises(RuntimeError, match="the cable is cut"):
            call(failing())
    assert len(model.wv) == 16


def test_the_loss_is_always_there():
    model = ready()
    assert model.get_latest_training_loss() == 0.0
    seen = []

    class Losses:
        def on_epoch_end(self, model):
            seen.append(model.get_latest_training_loss())
            model.running_training_loss = 0.0

    model.train(text(), callbacks=[Losses()])
    each = [epoch.loss * epoch.terms for epoch in model.receipt.epochs]
    assert seen == pytest.approx(each)
    assert model.running_training_loss == 0.0
    model.train(text())
    whole = sum(epoch.loss * epoch.terms for epoch in model.receipt.epochs)
    assert model.get_latest_training_loss() == pytest.approx(whole)
    assert doc2vec(documents()).get_latest_training_loss() > 0


def test_callbacks_of_the_constructor_stop():
    class Stop:
        def on_epoch_end(self, model):
            raise StopTraining

    model = word2vec(text(), callbacks=[Stop()])
    assert (len(model.receipt.epochs), model.receipt.stopped) == (1, True)
    assert model.min_alpha_yet_reached == pytest.approx(0.025 - (0.025 - 0.0001) / 3)
    assert doc2vec(documents(), callbacks=[Stop()]).receipt.stopped


def test_the_log(caplog):
    model = ready(hs=1)
    caplog.set_level(logging.INFO, "pipeline")
    model.train(text(), report_delay=0)
    assert "epoch 3 of 3: 100.0 % of all words" in caplog.text
    assert "hs and negative are both set" in caplog.text
    assert "the learning rate begins" not in caplog.text
    model.train(text())
    assert "the learning rate begins at 0.025, above the 0.0001" in caplog.text


def test_progress_is_told_beside():
    seen = []
    model = ready(on_progress=seen.append)
    model.train(text(), report_delay=1000)
    assert seen[-1].tokens == 9000


@pytest.mark.parametrize("sg", [0, 1])
def test_locked_rows_keep_every_byte(sg):
    model = ready(sg=sg)
    model.wv.vectors_lockf = np.ones(len(model.wv), np.float32)
    model.wv.vectors_lockf[3] = 0
    before = model.wv.vectors.copy()
    model.train(text())
    changed = (model.wv.vectors != before).any(axis=1)
    assert changed.tolist() == [row != 3 for row in range(16)]
    model.wv.vectors_lockf = np.zeros(1, np.float32)
    before = model.wv.vectors.copy()
    model.train(text())
    np.testing.assert_array_equal(model.wv.vectors, before)


def test_locked_documents_keep_every_byte():
    model = doc2vec()
    model.build_vocab(documents())
    model.dv.vectors_lockf = np.ones(60, np.float32)
    model.dv.vectors_lockf[:50] = 0
    before = model.dv.vectors.copy()
    model.train(documents())
    assert (model.dv.vectors != before).any(axis=1).tolist() == [k >= 50 for k in range(60)]


def test_what_is_written_is_trained_on(tmp_path):
    model, other = ready(), ready()
    start = np.full((16, 8), 0.25, np.float32)
    model.wv.vectors[...] = start
    other.wv.vectors = start
    path = tmp_path / "start.txt"
    KeyedVectors.of(model.wv.index_to_key[:4], np.zeros((4, 8), np.float32)).save_word2vec_format(
        path
    )
    for each in (model, other):
        assert each.wv.intersect_word2vec_format(path, lockf=0.0) == 4
        each.train(text())
        assert not each.wv.vectors[:4].any()
        assert (each.wv.vectors[4:] != start[4:]).any(axis=1).all()
    np.testing.assert_array_equal(model.wv.vectors, other.wv.vectors)


def test_vectors_can_be_set():
    model = ready()
    given = KeyedVectors.of(model.wv.index_to_key, np.ones((16, 8), np.float32))
    wv = model.wv
    model.wv = given
    assert model.wv is wv
    assert (model.wv.vectors == 1).all()
    with pytest.raises(ModelError, match="other keys"):
        model.wv = KeyedVectors.of(["a", "b"], np.ones((2, 8), np.float32))
    lone = word2vec()
    lone.wv = given
    assert lone.wv is given
    with pytest.raises(ModelError, match="no vocabulary"):
        lone.train(text())
    lone.build_vocab([["other"]])
    assert (len(given), len(lone.wv)) == (16, 1)


def test_outputs():
    model = ready(hs=1)
    assert model.syn1neg.shape == model.syn1.shape == (16, 8)
    model.syn1neg[2] = 7
    assert (model._known().weights.output[2, :8] == 7).all()
    with pytest.raises(AttributeError, match="hs=0"):
        _ = ready().syn1
    assert not hasattr(ready(hs=1, negative=0), "syn1neg")
    concat = doc2vec(documents(), dm_concat=1, window=2)
    assert concat.syn1neg.shape == (16, concat.layer1_size) == (16, 40)
    counts = np.array([model.wv.get_vecattr(word, "count") for word in model.wv])
    chances = np.cumsum(counts**0.75) / (counts**0.75).sum()
    np.testing.assert_allclose(model.cum_table / (2**31 - 1), chances, atol=1e-9)
    assert model.cum_table[-1] == 2**31 - 1
    assert ready(hs=1, negative=0).cum_table is None
    assert word2vec().cum_table is None


def test_codes_are_a_prefix_code():
    model = ready(hs=1)
    assert "code" not in model.wv.expandos
    codes = {tuple(model.wv.get_vecattr(word, "code")) for word in model.wv}
    assert sum(2.0 ** -len(code) for code in codes) == 1.0
    assert len(codes) == 16
    path = model.wv.get_vecattr("a1", "point")
    assert path[0] == 0
    model.build_vocab([["new"]], update=True)
    assert len({tuple(model.wv.get_vecattr(word, "code")) for word in model.wv}) == 17
    copied = pickle.loads(pickle.dumps(model.wv))
    assert (
        copied.get_vecattr("new", "code").tolist() == model.wv.get_vecattr("new", "code").tolist()
    )
    with pytest.raises(KeyError, match="code"):
        ready().wv.get_vecattr("a1", "code")
    model.create_binary_tree()
    ready().add_null_word()
    ready().make_cum_table()


def test_random_is_there_and_counts_for_nothing():
    one, other = ready(), ready()
    one.random.seed(99)
    for model in (one, other):
        model.train(text())
    np.testing.assert_array_equal(one.wv.vectors, other.wv.vectors)


def test_score_takes_the_first():
    model = ready(hs=1, negative=0)
    model.train(text())
    assert model.score(iter(text()), 5, 100, 2, 1).shape == (5,)
    assert model.score(text()).shape == (300,)


def test_predictions_by_index():
    model = word2vec(text())
    rows = [model.wv.get_index(word) for word in ("a1", "a2")]
    named = model.predict_output_word(["a1", "a2"], topn=5)
    assert model.predict_output_word(rows, topn=5) == named
    assert model.predict_output_word(["a1", rows[1]], topn=5) == named


def test_reset_from():
    model, other = word2vec(text()), word2vec([["b1", "new"]] * 5, negative=7)
    other.reset_from(model)
    assert other.wv.index_to_key == model.wv.index_to_key
    assert (other.corpus_count, other.corpus_total_words) == (300, 3000)
    np.testing.assert_array_equal(other.wv.vectors, ready().wv.vectors)
    other.train(text())
    papers, blank = doc2vec(documents()), doc2vec()
    blank.reset_from(papers)
    assert list(blank.dv) == list(papers.dv)
    assert blank.train(documents())
    with pytest.raises(ModelError, match="no vocabulary"):
        other.reset_from(word2vec())


def test_unseen_documents():
    model = doc2vec(documents(), dm=0, epochs=40)
    like, unlike = ["a1", "a2", "a3"], ["b1", "b2", "b3"]
    assert model.similarity_unseen_docs(like, like) == pytest.approx(1)
    near = model.similarity_unseen_docs(["a4", "a5", "a6"], like)
    assert near > model.similarity_unseen_docs(unlike, like)
    assert model.similarity_unseen_docs(like, ["nowhere"]) == 0.0
    assert isinstance(near, float)
    assert near != model.similarity_unseen_docs(["a4", "a5", "a6"], like, epochs=2)
    with pytest.raises(TypeError, match="split it first"):
        model.similarity_unseen_docs("one string", like)


def test_inference_with_what_is_given():
    model = doc2vec(documents(), dm=0)
    words = ["a1", "a2"]
    plain = model.infer_vector(words)
    for change in ({"alpha": 0.1}, {"min_alpha": 0.02}, {"epochs": 9}):
        assert (model.infer_vector(words, **change) != plain).any(), change
    assert (model.alpha, model.min_alpha, model.epochs) == (0.025, 0.0001, 3)
    still = model.infer_vector(words, alpha=0.0)
    assert (still != plain).any()
    np.testing.assert_array_equal(still, model.infer_vector(words, alpha=0.0, epochs=9))


def test_words_and_documents_by_name():
    model = doc2vec([*documents(), TaggedDocument(["a1"], ["a1"])])
    np.testing.assert_array_equal(model["a1"], model.wv["a1"])
    np.testing.assert_array_equal(model["d3"], model.dv["d3"])
    np.testing.assert_array_equal(model[["d3", "a2"]], [model.dv["d3"], model.wv["a2"]])
    with pytest.raises(KeyError, match="nowhere"):
        model["nowhere"]


def test_a_corpus_from_a_cache(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(" ".join(line) + "\n" for line in text()))
    cached = word2vec(LineSentence(path), cache=tmp_path / "cache")
    streamed = word2vec(LineSentence(path), cache=False)
    np.testing.assert_array_equal(cached.wv.vectors, streamed.wv.vectors)
    assert list((tmp_path / "cache").iterdir())
