"""Vocabularies of the faces: scanned, prepared, updated, capped, and by a rule of one's own."""

import gzip
import logging
from collections import Counter

import numpy as np
import pytest

from corpora import TaggedDocument
from pipeline import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP, Doc2Vec, Word2Vec
from pipeline.models.model import ModelError
from pipeline.words.tags import TagError
from pipeline.words.vocabulary import VocabularyError

TEXT = [["z", "y", "x", "y"], ["w", "y", "x"], ["y", "v"]]
COUNTS = {"y": 4, "x": 2, "v": 1, "w": 1, "z": 1}


def word2vec(**changes):
    return Word2Vec(**{"vector_size": 4, "workers": 1, "min_count": 1, **changes})


def built(given=TEXT, **changes):
    model = word2vec(**changes)
    model.build_vocab(given)
    return model


def counts(model):
    return {word: model.wv.get_vecattr(word, "count") for word in model.wv}


def test_what_a_scan_finds():
    model = word2vec()
    assert model.scan_vocab(TEXT) == (9, 3)
    assert model.raw_vocab == {"z": 1, "y": 4, "x": 2, "w": 1, "v": 1}
    assert list(model.raw_vocab) == ["z", "y", "x", "w", "v"]
    assert len(model.wv) == 0
    model.prepare_vocab()
    assert model.raw_vocab == {}
    model.prepare_weights()
    assert counts(model) == COUNTS
    assert (built().corpus_count, built().corpus_total_words) == (3, 9)


def test_raw_vocab_may_be_changed_and_kept():
    model = word2vec()
    model.scan_vocab(TEXT)
    model.raw_vocab["v"] = 7
    model.prepare_vocab(keep_raw_vocab=True)
    model.prepare_weights()
    assert model.wv.index_to_key == ["v", "y", "x", "w", "z"]
    assert model.raw_vocab["v"] == 7
    model.raw_vocab = {"new": 3}
    model.prepare_vocab()
    model.init_weights()
    assert counts(model) == {"new": 3}
    model.build_vocab(TEXT, keep_raw_vocab=True)
    assert dict(model.raw_vocab) == COUNTS


def test_a_dry_run_reports_and_changes_nothing():
    model = word2vec(sample=0)
    model.scan_vocab(TEXT)
    found = model.prepare_vocab(min_count=2, dry_run=True)
    assert found == {
        "drop_unique": 3, "retain_total": 6, "downsample_unique": 0, "downsample_total": 6,
        "num_retained_words": 2,
    }  # fmt: skip
    assert (model.min_count, len(model.wv), len(model.raw_vocab)) == (1, 0, 5)
    sampled = model.prepare_vocab(sample=1e-3, dry_run=True)
    assert sampled["downsample_unique"] == 5
    t = 1e-3 * 9
    expected = sum(min((np.sqrt(v / t) + 1) * t, v) for v in COUNTS.values())
    assert sampled["downsample_total"] == int(expected)
    model.prepare_vocab(min_count=2, sample=1e-3)
    assert (model.min_count, model.sample) == (2, 1e-3)
    with pytest.raises(ModelError, match="no words have been counted"):
        word2vec().prepare_vocab()


def test_min_count_and_sample_can_be_given_to_build_vocab():
    model = word2vec()
    model.build_vocab(TEXT, min_count=2, sample=0.5)
    assert (model.wv.index_to_key, model.min_count, model.sample) == (["y", "x"], 2, 0.5)


def test_the_draws_of_frequent_words():
    model = built(sample=1e-2)
    t = 1e-2 * 9
    kept = (np.sqrt(4 / t) + 1) * t / 4
    assert model.wv.get_vecattr("y", "sample_int") / (2**32 - 1) == pytest.approx(kept)


def test_order_of_appearance():
    assert built(sorted_vocab=0).wv.index_to_key == ["z", "y", "x", "w", "v"]
    assert built().wv.index_to_key == ["y", "x", "v", "w", "z"]
    model = built(sorted_vocab=0, min_count=2)
    assert model.wv.index_to_key == ["y", "x"]
    model.build_vocab([["n", "w"], ["m", "n"]], update=True)
    assert model.wv.index_to_key == ["y", "x", "n", "w"]
    freq = word2vec(sorted_vocab=0)
    freq.build_vocab_from_freq({"b": 1, "a": 5})
    assert freq.wv.index_to_key == ["b", "a"]


def test_caps_are_exact():
    rng = np.random.default_rng(1)
    text = [[f"w{n}" for n in rng.zipf(1.3, 50) % 500] for _ in range(200)]
    seen = Counter(word for line in text for word in line)
    ranked = sorted(seen, key=lambda word: (-seen[word], word))
    for cap in ("max_vocab_size", "max_final_vocab"):
        model = built(text, **{cap: 100})
        assert model.wv.index_to_key == ranked[:100]
        assert [model.wv.get_vecattr(w, "count") for w in ranked[:100]] == [
            seen[w] for w in ranked[:100]
        ]
    assert built(text, max_final_vocab=10**6).effective_min_count == 1
    capped = built(text, max_final_vocab=100)
    assert capped.effective_min_count == seen[ranked[100]] + 1
    assert capped.min_count == 1


def test_max_final_vocab_remembers_counts_and_max_vocab_size_forgets():
    for cap, found in (("max_final_vocab", ["y", "x", "w"]), ("max_vocab_size", ["y", "x", "n"])):
        model = built(**{cap: 2})
        setattr(model, cap, 3)
        model.build_vocab([["n", "n", "w", "w"], ["w"]] if cap == "max_final_vocab" else [["n"]],
                          update=True)  # fmt: skip
        assert model.wv.index_to_key == found
        assert counts(model)[found[2]] == (4 if cap == "max_final_vocab" else 1)


def test_a_rule():
    asked = {}

    def rule(word, count, min_count):
        asked[word] = (count, min_count)
        return {"y": RULE_DISCARD, "z": RULE_KEEP}.get(word, RULE_DEFAULT)

    model = built(min_count=2, trim_rule=rule)
    assert asked == {word: (count, 2) for word, count in COUNTS.items()}
    assert model.wv.index_to_key == ["x", "z"]
    model.build_vocab([["y", "w", "w", "w"]], update=True)
    assert model.wv.index_to_key == ["x", "z", "w"]  # the constructor's rule holds still
    model.build_vocab(TEXT, trim_rule=lambda *_: RULE_DEFAULT)
    assert model.wv.index_to_key == ["y", "x"]
    with pytest.raises(ValueError, match="trim_rule returned 'no' for 'y'"):
        model.build_vocab(TEXT, trim_rule=lambda *_: "no")
    with pytest.raises(VocabularyError):
        model.build_vocab(TEXT, trim_rule=lambda *_: RULE_DISCARD)
    assert model.wv.index_to_key == ["y", "x"]


def test_a_rule_goes_before_the_caps():
    model = built(max_final_vocab=2, trim_rule=lambda word, *_: RULE_KEEP * (word == "v"))
    assert model.wv.index_to_key == ["y", "v"]


def test_a_rule_that_fails_ends_it():
    def rule(*_):
        raise RuntimeError("the rule is broken")

    with pytest.raises(RuntimeError, match="the rule is broken"):
        Doc2Vec([TaggedDocument(["a"], [0])], trim_rule=rule, min_count=1)


def test_updates_count_on():
    model = built(min_count=3)
    assert model.wv.index_to_key == ["y"]
    model.build_vocab([["x", "w"]], update=True)
    assert counts(model) == {"y": 4, "x": 3}
    assert (model.corpus_count, model.corpus_total_words) == (1, 2)
    with pytest.raises(ModelError, match="no vocabulary"):
        word2vec().build_vocab(TEXT, update=True)
    with pytest.raises(ModelError, match="no vocabulary"):
        word2vec().build_vocab_from_freq({"a": 3}, update=True)


def test_updates_in_steps():
    model = built(sample=0)
    before = model.wv.vectors.copy()
    model.scan_vocab([["new", "y"]])
    assert model.prepare_vocab(update=True)["num_retained_words"] == 6
    model.prepare_weights(update=True)
    assert counts(model) == COUNTS | {"y": 5, "new": 1}
    np.testing.assert_array_equal(model.wv.vectors[:5], before)
    model.train(TEXT)
    trained = model.wv.vectors.copy()
    model.init_weights()
    assert (model.wv.vectors != trained).any()
    np.testing.assert_array_equal(model.wv.vectors[:5], before)
    assert not model.syn1neg.any()


def test_wv_is_one_object():
    model = word2vec()
    wv = model.wv
    model.build_vocab(TEXT)
    model.train(TEXT)
    model.build_vocab([["new"]], update=True)
    model.build_vocab([["b", "a", "c", "e", "d", "f"]])  # as many words as before, but others
    assert model.wv is wv
    assert wv.index_to_key == ["a", "b", "c", "d", "e", "f"]
    assert wv["f"].shape == (4,)
    model.reset_from(built())
    assert model.wv is wv
    assert wv.index_to_key == built().wv.index_to_key
    papers = Doc2Vec(vector_size=4, min_count=1, workers=1)
    dv = papers.dv
    papers.build_vocab([TaggedDocument(["a"], ["t"])])
    papers.build_vocab([TaggedDocument(["b"], ["s"])])
    assert papers.dv is dv
    assert list(dv) == ["s"]


def test_from_counts():
    model = word2vec(min_count=2)
    given = {"race": 5, "mill": 2, "rust": 1}
    model.build_vocab_from_freq(given, corpus_count=77, keep_raw_vocab=True)
    assert (counts(model), model.corpus_count) == ({"race": 5, "mill": 2}, 77)
    assert model.raw_vocab == given
    assert model.raw_vocab is not given
    model.build_vocab_from_freq({"rust": 1, "new": 2}, update=True)
    assert counts(model) == {"race": 5, "mill": 2, "new": 2, "rust": 2}
    model.train([["race", "mill"], ["new", "rust"]])
    model.build_vocab_from_freq({"a": 9}, trim_rule=lambda *_: RULE_KEEP)
    assert (counts(model), model.raw_vocab) == ({"a": 9}, {})
    for wrong, error in (({"a": -1}, ValueError), ({"a": 1.5}, ValueError), ({1: 1}, TypeError)):
        with pytest.raises(error, match=r"'a'|not 1"):
            model.build_vocab_from_freq(wrong)
    papers = Doc2Vec(vector_size=4, min_count=1, workers=1)
    papers.build_vocab_from_freq({"a": 1})
    assert len(papers.dv) == 0
    with pytest.raises(TagError, match="update=True"):
        papers.train([TaggedDocument(["a"], ["t"])])


def test_words_that_never_came():
    model = word2vec(min_count=0)
    model.build_vocab_from_freq({"seen": 3, "never": 0})
    assert counts(model) == {"seen": 3, "never": 0}
    model.train([["seen", "never"]] * 3)
    assert np.isfinite(model.wv.vectors).all()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_from_files(tmp_path, ending):
    path = tmp_path / f"text.txt{ending}"
    opened = gzip.open if ending else open
    with opened(path, "wt") as file:
        file.writelines(" ".join(line) + "\n" for line in TEXT)
    at_once = Word2Vec(corpus_file=str(path), vector_size=4, workers=1, min_count=1)
    listed = Word2Vec(TEXT, vector_size=4, workers=1, min_count=1)
    np.testing.assert_array_equal(at_once.wv.vectors, listed.wv.vectors)
    steps = word2vec()
    steps.build_vocab(corpus_file=path)
    assert steps.scan_vocab(corpus_file=path) == (9, 3)
    steps.train(corpus_file=path)
    np.testing.assert_array_equal(steps.wv.vectors, listed.wv.vectors)
    papers = Doc2Vec(corpus_file=[path], vector_size=4, workers=1, min_count=1)
    assert list(papers.dv) == [0, 1, 2]


def test_which_corpora_are_taken(tmp_path):
    model = built()
    for call in (model.build_vocab, model.scan_vocab, model.train):
        for wrong, said in (
            ({}, "neither was given"),
            ({"corpus_iterable": TEXT, "corpus_file": "a"}, "both were given"),
            ({"corpus_iterable": 3}, "not 3"),
            ({"corpus_iterable": "a.txt"}, "corpus_file"),
            ({"corpus_file": 3}, "corpus_file is a path"),
            ({"corpus_file": [TEXT]}, "corpus_file is a path"),
        ):
            with pytest.raises(TypeError, match=said):
                call(**wrong)
    with pytest.raises(TypeError, match="both were given"):
        Word2Vec(TEXT, "a.txt")
    for rows in (["a b"], [None], [[1, 2]]):
        with pytest.raises(TypeError, match="sentence 0"):
            Word2Vec(rows)
    for rows in ([TaggedDocument("a b", [1])], [TaggedDocument(["a"], "t")], [["a"]]):
        with pytest.raises(TypeError, match="document 0"):
            Doc2Vec(rows)


def test_memory():
    model = Word2Vec(vector_size=100, hs=1)
    assert model.estimate_memory(10) == {
        "vocab": 7000, "vectors": 4000, "syn1": 4000, "syn1neg": 4000, "total": 19000,
    }  # fmt: skip
    assert model.estimate_memory(10, {"mine": 1})["total"] == 19001
    assert built().estimate_memory()["vectors"] == 5 * 4 * 4
    papers = Doc2Vec([TaggedDocument(["a"], [k]) for k in range(7)], min_count=1, vector_size=10,
                     dm_concat=1, window=2)  # fmt: skip
    assert papers.estimated_lookup_memory() == 1400
    assert papers.estimate_memory() == {
        "doctag_lookup": 1400, "doctag_syn0": 280, "vocab": 500, "vectors": 40,
        "syn1neg": 200, "total": 2420,
    }  # fmt: skip


def test_the_log_says_how_far_it_is(caplog):
    caplog.set_level(logging.INFO, "pipeline")
    model = word2vec()
    model.build_vocab([["a", "b"]] * 5000, progress_per=1000)
    assert "read " in caplog.text
    assert [event["event"] for event in model.lifecycle_events] == [
        "created", "prepare_vocab", "build_vocab",
    ]  # fmt: skip


def test_events():
    model = word2vec()
    for number in range(1200):
        model.add_lifecycle_event("seen", number=number)
    assert len(model.lifecycle_events) == 1000
    assert model.lifecycle_events[0]["event"] == "created"
    assert [event["number"] for event in model.lifecycle_events[1:]] == list(range(201, 1200))
    model.lifecycle_events = None
    model.add_lifecycle_event("seen", note=1)
    assert model.lifecycle_events is None


def test_no_other_vocabulary_in_a_callback():
    class Builds:
        def __init__(self, how):
            self.how = how

        def on_epoch_end(self, model):
            with pytest.raises(ModelError, match="being trained"):
                self.how(model)

    model = Word2Vec(min_count=1, workers=1, vector_size=4)
    model.build_vocab([["a", "b"]] * 9)
    held = model._model
    read = (pytest.fail("it was read") for _ in range(1))
    for how in (
        lambda model: model.build_vocab(read),
        lambda model: model.build_vocab(read, update=True),
        lambda model: model.build_vocab_from_freq({"c": 3}),
        lambda model: model.init_weights(),
        lambda model: model.reset_from(model),
    ):
        model.train([["a", "b"]] * 9, callbacks=[Builds(how)])
    assert model._model is held
    assert model.wv.index_to_key == ["a", "b"]
    model.build_vocab([["c"]])
    assert model.wv.index_to_key == ["c"]
