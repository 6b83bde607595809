"""Names of gensim 2.x: each works as it did, and warns once, at the line that uses it."""

import inspect
import logging
import re
import subprocess
import sys
import warnings
from contextlib import contextmanager

import numpy as np
import pytest

import corpora
from corpora import LineSentence, TaggedDocument, Text8, old_names
from corpora.old_names import Instead
from pipeline import Doc2Vec, KeyedVectors, Word2Vec
from pipeline.old_names import DOC2VEC, KEYED_VECTORS, MODEL, PIPELINE


@contextmanager
def told(now):
    """Expect one DeprecationWarning, of this file, whose end is today's spelling."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [one.category for one in caught] == [DeprecationWarning]
    assert caught[0].filename == __file__
    assert str(caught[0].message).endswith(f" is {now} now")


def spelling(now):
    return now.now if isinstance(now, Instead) else now.replace(":", ".")


@pytest.fixture
def wv():
    vectors = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    words = ["the", "mill", "race", "turns", "runs"]
    return KeyedVectors.of(words, vectors, count=np.arange(9, 4, -1))


@pytest.fixture
def dv():
    vectors = np.random.default_rng(4).normal(size=(4, 3)).astype(np.float32)
    return KeyedVectors.of([7, "a", "b", 2], vectors, doc_count=np.array([1, 2, 3, 4]))


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


ATTRIBUTES = {
    "index2entity": lambda wv: wv.index_to_key,
    "index2word": lambda wv: wv.index_to_key,
    "syn0": lambda wv: wv.vectors,
    "syn0_lockf": lambda wv: wv.vectors_lockf,
    "syn0norm": lambda wv: wv.get_normed_vectors(),
    "vectors_norm": lambda wv: wv.get_normed_vectors(),
    "vocab": None,
    "wv": lambda wv: wv,
    "count": len,
    "doctag_syn0": lambda wv: wv.vectors,
    "doctag_syn0_lockf": lambda wv: wv.vectors_lockf,
    "doctag_syn0norm": lambda wv: wv.get_normed_vectors(),
    "vectors_docs": lambda wv: wv.vectors,
    "vectors_docs_lockf": lambda wv: wv.vectors_lockf,
    "vectors_docs_norm": lambda wv: wv.get_normed_vectors(),
    "doctags": None,
    "max_rawint": lambda _: -1,
    "offset2doctag": lambda wv: list(wv.index_to_key),
}


def test_every_attribute_is_tested():
    assert ATTRIBUTES.keys() == {name for name in KEYED_VECTORS if name[-1] != ")"}


@pytest.mark.parametrize("name", [name for name, today in ATTRIBUTES.items() if today])
def test_attributes_of_vectors(wv, name):
    with told(spelling(KEYED_VECTORS[name])):
        found = getattr(wv, name)
    assert np.array_equal(found, ATTRIBUTES[name](wv)) or found is wv


def test_attributes_are_set_where_they_are_now(wv):
    with told("vectors"):
        wv.syn0 = np.zeros((5, 4), np.float32)
    assert not wv.vectors.any()
    assert "syn0" not in vars(wv)
    with told("vectors_lockf"):
        wv.syn0_lockf = np.zeros(5, np.float32)
    assert len(wv.vectors_lockf) == 5
    with pytest.raises(AttributeError, match=r"syn0norm can't be set: it is get_normed_vectors"):
        wv.syn0norm = wv.vectors


def test_vocab(wv):
    with told(spelling(KEYED_VECTORS["vocab"])):
        vocab = wv.vocab
    assert (vocab["race"].index, vocab["race"].count) == (2, 7)
    assert (len(vocab), list(vocab)[:2], "mill" in vocab, "x" in vocab) == (
        5,
        ["the", "mill"],
        True,
        False,
    )
    by_count = sorted(vocab.items(), key=lambda item: item[1])
    assert [word for word, _ in by_count] == ["runs", "turns", "race", "mill", "the"]
    assert {word: entry.count for word, entry in vocab.items()}["runs"] == 5
    with pytest.raises(KeyError):
        vocab["x"]


def test_methods_of_vectors(wv, questions, pairs, caplog):
    with told("evaluate_word_analogies()"):
        sections = wv.accuracy(questions)
    assert sections[-1]["section"] == "total"
    assert sections[0] == wv.evaluate_word_analogies(questions)[1][0]
    with pytest.raises(ValueError, match="most_similar"), told("evaluate_word_analogies()"):
        wv.accuracy(questions, most_similar=KeyedVectors.most_similar_cosmul)
    caplog.set_level(logging.INFO)
    with told("what evaluate_word_analogies() returns"):
        KeyedVectors.log_accuracy(sections[0])
    with told("what evaluate_word_pairs() returns"):
        wv.log_evaluate_word_pairs(*wv.evaluate_word_pairs(pairs), pairs)
    assert [record.message.partition(": ")[0] for record in caplog.records] == ["all", str(pairs)]
    with told("add_vectors"):
        wv.add(["new"], [np.ones(4)], replace=True)
    assert wv["new"].tolist() == [1, 1, 1, 1]
    with told("get_vector()"):
        assert wv.word_vec("new", use_norm=True).tolist() == [0.5] * 4
    with told("closer_than"):
        assert wv.words_closer_than("the", "mill") == wv.closer_than("the", "mill")
    with told("similar_by_key"):
        assert wv.similar_by_entity("the", topn=2) == wv.similar_by_key("the", 2)
    with told(spelling(KEYED_VECTORS["init_sims()"])):
        wv.init_sims()
    assert wv["new"].tolist() == [1, 1, 1, 1]
    with told(spelling(KEYED_VECTORS["init_sims()"])):
        wv.init_sims(replace=True)
    assert wv["new"].tolist() == [0.5] * 4


def test_docvecs(dv):
    with told("len(dv)"):
        assert dv.count == 4
    with told("max(index_to_key)"):
        assert dv.max_rawint == 7
    with told("index_to_key"):
        assert dv.offset2doctag == ["a", "b"]
    with told(spelling(KEYED_VECTORS["doctags"])):
        tags = dv.doctags
    assert tags == {"a": (1, None, 2), "b": (2, None, 3)}
    assert (tags["b"].offset, tags["b"].doc_count) == (2, 3)
    with told("index_to_key[index]"):
        assert [dv.index_to_doctag(0)] == [7]
    with told("get_index(tag) and vectors"):
        found = dv.indexed_doctags(["b", "nowhere", 2])
    assert found[0] == [2, 3]
    found[1][2] = 0
    assert not dv["b"].any()
    with told(spelling(KEYED_VECTORS["trained_item()"])):
        dv.trained_item(found)
    with told(spelling(KEYED_VECTORS["clear_sims()"])):
        dv.clear_sims()
    with told("estimated_lookup_memory(), a model's method"):
        assert dv.estimated_lookup_memory() == 2


@pytest.mark.parametrize("name", ["borrow_from", "note_doctag", "reset_weights"])
def test_what_is_gone_names_the_alternative(dv, name):
    with pytest.raises(NotImplementedError) as caught:
        getattr(dv, name)(dv)
    assert str(caught.value) == (
        f"KeyedVectors.{name}() is not here: {KEYED_VECTORS[f'{name}()'].now}"
    )


READERS = {"LineSentence": "source", "PathLineSentences": "source", "Text8": "fname"} | {
    "TaggedLineDocument": "source",
    "Brown": "dirname",
    "TaggedBrown": "dirname",
}


@pytest.mark.parametrize("name", READERS)
def test_readers_take_gensims_keywords(tmp_path, name):
    reader = getattr(corpora, name)
    with told("url="):
        made = reader(**{READERS[name]: str(tmp_path)})
    assert made == reader(str(tmp_path))
    with pytest.raises(TypeError, match="which are the same"):
        reader(**{READERS[name]: "a", "url": "b"})
    assert next(iter(inspect.signature(reader).parameters)) == "url"


def test_readers_take_gensims_positions():
    assert LineSentence("a", 7, 3) == LineSentence("a", max_sentence_length=7, limit=3)
    assert Text8("a", 7) == Text8("a", max_sentence_length=7)


@pytest.mark.parametrize("name", old_names.CORPORA)
def test_imports_from_corpora(name):
    with told(spelling(old_names.CORPORA[name])):
        found = getattr(corpora, name)
    assert found is getattr(corpora, spelling(old_names.CORPORA[name]).rpartition(".")[2])


def warnings_of(program, *options):
    """Return what a program writes to stderr in a Python of its own."""
    ran = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, check=False
    )
    return ran.stderr


def test_an_import_warns_once():
    program = "x = 1\nfrom corpora import LineSentence, Text8Corpus"
    said = warnings_of(program, "-W", "always")
    assert re.findall(r":(\d+): DeprecationWarning: (.*)", said) == [
        ("2", "corpora.Text8Corpus is corpora.Text8 now")
    ]
    assert "cannot import name 'Text9'" in warnings_of("from corpora import Text9")
    assert warnings_of("import corpora, pipeline; pipeline.KeyedVectors", "-W", "error") == ""


def test_names_of_today_are_kept():
    @old_names.old_names({"kept": "other", "gone": "other", "f(x=)": "y", "no_such(x=)": "y"})
    class Made:
        other = 1
        kept = 2

        def f(self, y):
            return y

    assert Made.kept == 2
    assert not hasattr(Made, "no_such")
    with told("other"):
        assert Made().gone == 1
    with told("y="):
        assert Made().f(x=3) == 3
    assert Made().f(3) == Made().f(y=3) == 3


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
    with pytest.raises(AttributeError, match=f"{type(model).__name__}.syn0norm can't be set"):
        model.syn0norm = None


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
