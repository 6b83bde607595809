"""Names of gensim 2.x on the models: each works as it did, and warns once, where it is used."""

import copy
import inspect
import warnings
from functools import partial

import numpy as np
import pytest
from old_spellings import spelling, told_in, warnings_of

from corpora import TaggedDocument, old_names
from corpora.old_names import Instead
from pipeline import Doc2Vec, KeyedVectors, Word2Vec
from pipeline.old_names import DOC2VEC, KEYED_VECTORS, MODEL, PIPELINE

told = partial(told_in, __file__)


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(": all\nthe mill race turns\n")
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("the\tmill\t3\nrace\truns\t1\nturns\tthe\t2\n")
    return path


SENTENCES = [["the", "mill", "race", "turns"], ["the", "race", "runs"], ["a", "mill"]] * 20
DOCUMENTS = [TaggedDocument(words, [f"d{i}"]) for i, words in enumerate(SENTENCES)]
SMALL = {"vector_size": 6, "min_count": 1, "workers": 1, "seed": 5}


@pytest.fixture(scope="module")
def trained():
    return Word2Vec(SENTENCES, **SMALL), Doc2Vec(DOCUMENTS, **SMALL)


@pytest.fixture(params=["Word2Vec", "Doc2Vec"])
def model(request, trained):
    return trained[request.param == "Doc2Vec"]


@pytest.mark.parametrize(
    ("name", "args", "today"),
    [
        ("doesnt_match", [["the", "mill", "race"]], lambda wv, *a: wv.doesnt_match(*a)),
        ("most_similar", [["the"], ["race"]], lambda wv, *a: wv.most_similar(*a)),
        ("most_similar_cosmul", [["the"], ["race"]], lambda wv, *a: wv.most_similar_cosmul(*a)),
        ("n_similarity", [["the"], ["race"]], lambda wv, *a: wv.n_similarity(*a)),
        ("similar_by_vector", [np.ones(6), 2], lambda wv, *a: wv.similar_by_vector(*a)),
        ("similar_by_word", ["the", 2], lambda wv, *a: wv.similar_by_word(*a)),
        ("similarity", ["the", "race"], lambda wv, *a: wv.similarity(*a)),
        ("__getitem__", ["race"], lambda wv, *a: wv.get_vector(*a)),
        ("__contains__", ["race"], lambda wv, word: word in wv),
    ],
)
def test_methods_that_went_to_wv(trained, name, args, today):
    with told(spelling(MODEL[f"{name}()"])):
        found = getattr(trained[0], name)(*args)
    assert np.array_equal(found, today(trained[0].wv, *args))


def test_the_operators(trained):
    word2vec, doc2vec = trained
    with told("wv[key]"):
        assert word2vec["race"].shape == (6,)
    with told("key in wv"):
        assert "race" in word2vec
    with told("key in wv"):
        assert "d1" not in doc2vec
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(doc2vec["d1"], doc2vec.dv["d1"])  # has it today, too


def test_wmdistance(trained):
    pytest.importorskip("ot")
    with told("wv.wmdistance"):
        found = trained[0].wmdistance(["the"], ["race"])
    assert found == trained[0].wv.wmdistance(["the"], ["race"])


def test_attributes_of_models(model):
    with told("wv.index_to_key"):
        assert model.index2word == model.wv.index_to_key
    with told("wv.vectors"):
        assert model.syn0 is not None
    with told("wv.get_normed_vectors()"):
        assert np.allclose(np.linalg.norm(model.syn0norm, axis=1), 1)
    with told("wv.vectors_lockf"):
        assert model.syn0_lockf.tolist() == [1]
    with told(spelling(MODEL["vocab"])):
        entry = model.vocab["race"]
    assert (model.wv.index_to_key[entry.index], entry.count) == ("race", 40)
    with told("epochs"):
        assert model.iter == model.epochs
    with told(spelling(MODEL["keyed_vector_warnings"])):
        assert model.keyed_vector_warnings
    with pytest.raises(AttributeError, match="iter can't be deleted: it is epochs now"):
        del model.iter


def test_attributes_can_be_set():
    model = Word2Vec(SENTENCES, **SMALL)
    with told("epochs"):
        model.iter = 3
    assert model.epochs == 3
    with told("wv.vectors"):
        model.syn0 = np.zeros((6, 6), np.float32)
    assert not model.wv.vectors.any()
    with told("wv.vectors_lockf"):
        model.syn0_lockf = np.zeros(6, np.float32)
    model.train(SENTENCES, epochs=1)
    assert not model.wv.vectors.any()


@pytest.mark.parametrize(
    ("old", "now"), [("size", "vector_size"), ("iter", "epochs"), ("docvecs_mapfile", "dv_mapfile")]
)
def test_arguments_of_the_constructor(tmp_path, old, now):
    kinds = [Doc2Vec] if "dv" in now else [Word2Vec, Doc2Vec]
    for kind in kinds:
        value = str(tmp_path / "dv") if "dv" in now else 7
        with told(f"{now}="):
            model = kind(**{old: value})
        assert "dv" in now or getattr(model, now) == 7
        with pytest.raises(TypeError, match="which are the same"):
            kind(**{old: value, now: value})


def test_docvecs_of_the_constructor():
    given = KeyedVectors.of([f"d{i}" for i in range(60)], np.ones((60, 6), np.float32))
    with told("dv="):
        model = Doc2Vec(docvecs=given, **SMALL)
    model.build_vocab(DOCUMENTS)
    assert (model.dv.vectors == 1).all()
    with told("dv"):
        assert model.docvecs is model.dv


@pytest.mark.parametrize("method", ["build_vocab", "scan_vocab", "train"])
def test_keywords_for_what_is_read(method):
    for kind, text, names in (
        (Word2Vec, SENTENCES, ["sentences"]),
        (Doc2Vec, DOCUMENTS, ["sentences", "documents"]),
    ):
        for name in names:
            model = kind(**SMALL)
            if method == "train":
                model.build_vocab(text)
            with told("corpus_iterable="):
                getattr(model, method)(**{name: text})
            assert method == "scan_vocab" or len(model.wv) == 6
            with pytest.raises(TypeError, match="multiple values"), told("corpus_iterable="):
                getattr(model, method)(text, **{name: text})


def test_steps(trained):
    words = ["mill", "race"]
    with told("epochs="):
        found = trained[1].infer_vector(words, alpha=0.1, min_alpha=0.0001, steps=5)
    assert np.array_equal(found, trained[1].infer_vector(words, 0.1, 0.0001, 5))
    with told("similarity_unseen_docs(), a model's method"):
        found = trained[1].dv.similarity_unseen_docs(trained[1], words, ["the"], steps=5)
    assert found == trained[1].similarity_unseen_docs(words, ["the"], epochs=5)


def test_the_steps_of_a_vocabulary():
    model = Word2Vec(**SMALL | {"min_count": 30})
    assert model.scan_vocab(SENTENCES) == (180, 60)
    with told(spelling(MODEL["scale_vocab()"])):
        report = model.scale_vocab(1, dry_run=True)
    assert report["num_retained_words"] == 6
    assert report["memory"] == model.estimate_memory(vocab_size=6)
    with told(spelling(MODEL["scale_vocab()"])):
        assert model.scale_vocab()["num_retained_words"] == 3
    with told("nothing: build_vocab() sorts the words"):
        model.sort_vocab()
    with told("prepare_weights"):
        model.finalize_vocab()
    model.train(SENTENCES)
    before = model.wv.vectors.copy()
    with told("init_weights"):
        model.reset_weights()
    assert len(model.wv) == 3
    assert not np.array_equal(before, model.wv.vectors)


def test_tests_of_words(model, questions, pairs):
    with told("wv.evaluate_word_analogies()"):
        sections = model.accuracy(questions)
    assert sections[-1]["section"] == "total"
    with told("what wv.evaluate_word_analogies() returns"):
        Word2Vec.log_accuracy(sections[0])
    with told("wv.evaluate_word_pairs()"):
        found = model.evaluate_word_pairs(pairs, "\t", 300)
    assert found == model.wv.evaluate_word_pairs(pairs, restrict_vocab=300)
    with told("what wv.evaluate_word_pairs() returns"):
        model.log_evaluate_word_pairs(*found, pairs)


def test_formats(trained, tmp_path):
    model, path = trained[0], tmp_path / "vectors.txt"
    with told("wv.save_word2vec_format"):
        model.save_word2vec_format(path)
    for kind in (Word2Vec, Doc2Vec):
        with told("pipeline.KeyedVectors.load_word2vec_format"):
            vectors = kind.load_word2vec_format(path, binary=False)
        assert vectors.most_similar("the") == model.wv.most_similar("the")
    other = Word2Vec(**SMALL)
    other.build_vocab(SENTENCES)
    with told("wv.intersect_word2vec_format"):
        assert other.intersect_word2vec_format(path) == 6
    other.train(SENTENCES, epochs=1)
    assert np.array_equal(other.wv["race"], model.wv["race"])


def test_when_training_is_over():
    model = Word2Vec(SENTENCES, **SMALL)
    with told(spelling(MODEL["delete_temporary_training_data()"])):
        model.delete_temporary_training_data()
    before = model.wv.vectors.copy()
    with told(spelling(MODEL["init_sims()"])):
        model.init_sims()
    assert np.array_equal(before, model.wv.vectors)
    with told(spelling(MODEL["init_sims()"])):
        model.init_sims(replace=True)
    assert np.allclose(np.linalg.norm(model.wv.vectors, axis=1), 1)
    documents = Doc2Vec(DOCUMENTS, **SMALL)
    with told(spelling(MODEL["delete_temporary_training_data()"])):
        documents.delete_temporary_training_data(keep_doctags_vectors=True, keep_inference=True)
    assert documents.infer_vector(["mill"]).any()


def test_the_rest(model):
    for name in ("enable_keyed_vectors_warnings", "disable_keyed_vectors_warnings"):
        with told(spelling(MODEL[f"{name}()"])):
            getattr(Word2Vec, name)()
    with told("numpy.random.default_rng(seed)"):
        one = model.seeded_vector("one", 100)
    with told("numpy.random.default_rng(seed)"):
        assert np.array_equal(one, model.seeded_vector("one", 100))
    assert one.shape == (100,)
    assert np.abs(one).max() <= 0.5 / 100
    assert one.std() > 0.2 / 100


def test_imports_from_pipeline():
    import pipeline

    for name, now in PIPELINE.items():
        if isinstance(now, Instead) and now.does is None:
            with pytest.raises(ImportError, match=r"train\(\) or score\(\)"):
                getattr(pipeline, name)
            continue
        with told(spelling(now)):
            getattr(pipeline, name)
    with told('dv.get_vecattr(tag, "doc_count")'):
        assert pipeline.Doctag(3, 20, 1)._fields == ("offset", "word_count", "doc_count")
    with told('wv.get_vecattr(word, "count")'):
        assert pipeline.Vocab(count=3, index=1).count == 3
    said = warnings_of("from pipeline import train_sg_pair")
    assert "ImportError: pipeline.train_sg_pair is not here: train() or score()" in said


def test_no_name_is_dead():
    """A name that a class has itself today needs no entry, and a keyword needs its method."""
    for kind, table in ((KeyedVectors, KEYED_VECTORS), (Word2Vec, MODEL), (Doc2Vec, DOC2VEC)):
        for old in table:
            name, _, keyword = old.rstrip("=)").partition("(")
            found = inspect.getattr_static(kind, name)
            if keyword:
                assert keyword in vars(found)[old_names.KEYWORDS]
            else:
                assert isinstance(found, old_names.OldAttribute | old_names.OldMethod), old


def test_completion_shows_names_of_today(trained):
    for model in trained:
        assert {"wv", "epochs", "train"} <= set(dir(model))
        assert not {"docvecs", "iter", "most_similar"} & set(dir(model))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert dict(inspect.getmembers(model.wv))["vector_size"] == 6


@pytest.mark.parametrize("face", [Word2Vec, Doc2Vec])
def test_a_subclass_may_have_a_name_of_its_own(face):
    class Mine(face):
        def __init__(self):
            super().__init__(vector_size=6, min_count=1, workers=1)
            self.vocab = {"mine": 1}
            self.similarity = "a word"

    with told(f"{spelling(MODEL['vocab'])}, which stays as it is,"):
        model = Mine()
    model.build_vocab_from_freq({"the": 4, "mill": 2})
    model.vocab["yours"] = 2
    for one in (model, copy.copy(model)):
        assert (one.vocab, one.similarity) == ({"mine": 1, "yours": 2}, "a word")
        assert list(one.wv) == ["the", "mill"]
    del model.vocab
    with told(spelling(MODEL["vocab"])):
        assert model.vocab["mill"].count == 2
    with pytest.raises(
        AttributeError, match=r"Mine\.vocab can't be deleted: it is wv.key_to_index"
    ):
        del model.vocab
