"""Names of gensim 2.x: each works as it did, and warns once, at the line that uses it."""

import inspect
import logging
import re
from functools import partial

import numpy as np
import pytest
from old_spellings import spelling, told_in, warnings_of

import corpora
from corpora import LineSentence, Text8, old_names
from pipeline import KeyedVectors
from pipeline.old_names import KEYED_VECTORS

told = partial(told_in, __file__)


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
    with pytest.raises(AttributeError, match=r"KeyedVectors\.syn0 can't be deleted: it is vectors"):
        del wv.syn0


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
    assert dv.norms[2] == 0
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
