"""What new texts may look like, and what a plan refuses."""

import numpy as np
import pytest

from corpora import TaggedDocument
from pipeline import Doc2Vec, Word2Vec
from pipeline.core.passes import Plan

TEXTS = [["the", "mill", "turns"], ["the", "race", "runs"], ["the", "water", "falls"]] * 10


@pytest.fixture(scope="module")
def model():
    documents = [TaggedDocument(words, [n]) for n, words in enumerate(TEXTS)]
    return Doc2Vec(documents, vector_size=8, min_count=1, dm=0, epochs=2, workers=1)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("the mill turns", "not one string"),
        (["the mill turns"], "text 0 is a string"),
        ([*TEXTS, "the mill"], "text 30 is a string"),
        ([["the"]] * 100 + ["mill"], "text 100 is a string"),
    ],
)
def test_a_string_is_not_taken_for_a_list_of_words(model, texts, said):
    with pytest.raises(TypeError, match=said):
        model.infer_vectors(texts)


def test_a_sentence_to_score_is_a_list(model):
    words = Word2Vec(TEXTS, vector_size=8, min_count=1, hs=1, negative=0, workers=1)
    with pytest.raises(TypeError, match="text 1 is a string"):
        words.score([["the", "mill"], "the mill"])


def test_a_tagged_document_is_its_words(model):
    tagged = model.infer_vectors([TaggedDocument(TEXTS[0], ["new"])])
    assert (tagged[0] == model.infer_vector(TEXTS[0])).all()


def test_many_texts_are_what_each_is_alone(model):
    many = model.infer_vectors(TEXTS * 10)
    assert (many[7] == model.infer_vector(TEXTS[7])).all()
    assert (many[7 + len(TEXTS)] == many[7]).all()


@pytest.mark.parametrize("sg", [0, 1])
def test_a_tree_of_one_word_changes_nothing(sg):
    def made(epochs):
        return Word2Vec(
            [["a"] * 50] * 20,
            sg=sg,
            hs=1,
            negative=0,
            sample=0,
            min_count=1,
            vector_size=8,
            workers=1,
            epochs=epochs,
        )

    assert (made(1).wv["a"] == made(5).wv["a"]).all()
    assert np.abs(made(1).wv["a"]).max() <= 1 / 8


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"alpha": float("inf")}, "alpha must be a number"),
        ({"sample": float("nan")}, "sample must be a number"),
        ({"sample": -1.0}, "sample must be a number"),
        ({"alpha": 0.01, "min_alpha": 0.02}, "alpha must not rise"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_a_plan_that_can_not_be_followed(wrong, said):
    with pytest.raises(ValueError, match=said):
        Plan(**wrong)
