"""Every argument of the constructors does what it says, or is refused, or is said to do nothing."""

import inspect

import numpy as np
import pytest

from corpora import TaggedDocument
from pipeline import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP, Doc2Vec, KeyedVectors, Word2Vec
from pipeline.models.model import ModelError
from pipeline.models.parameters import SAVED, Common

SMALL = {"vector_size": 8, "workers": 1, "min_count": 1, "epochs": 2, "window": 3}


def text(n=300):
    rng = np.random.default_rng(1)
    words = np.array([f"w{k}" for k in range(30)])
    chances = 1 / np.arange(1, 31)
    return [list(rng.choice(words, 9, p=chances / chances.sum())) for _ in range(n)]


def documents(n=60):
    return [TaggedDocument(words, [f"d{k}"]) for k, words in enumerate(text(n))]


def words(**changes):
    return Word2Vec(text(), **{**SMALL, **changes})


def papers(**changes):
    return Doc2Vec(documents(), **{**SMALL, **changes})


def differs(make, **change):
    """Whether an argument makes the words' or documents' vectors others."""
    one, other = make(), make(**change)
    if one.wv.vectors.shape != other.wv.vectors.shape:
        return True
    same = (one.wv.vectors == other.wv.vectors).all()
    if isinstance(one, Doc2Vec):
        same = same and (one.dv.vectors == other.dv.vectors).all()
    return not same


EFFECTIVE = [
    {"vector_size": 9}, {"alpha": 0.03}, {"min_alpha": 0.01}, {"window": 2}, {"min_count": 50},
    {"max_vocab_size": 9}, {"max_final_vocab": 9}, {"sample": 1e-2}, {"sample": 60},
    {"sample": None},
    {"seed": 2}, {"sg": 1}, {"hs": 1}, {"negative": 6}, {"ns_exponent": 0.5}, {"ns_exponent": -1},
    {"cbow_mean": 0}, {"epochs": 3}, {"sorted_vocab": 0}, {"shrink_windows": False},
    {"exact_gradient": True}, {"shared_noise": False},
    {"trim_rule": lambda word, *_: RULE_DISCARD if word == "w3" else RULE_DEFAULT},
]  # fmt: skip


@pytest.mark.parametrize("change", EFFECTIVE, ids=lambda change: next(iter(change)))
def test_what_changes_the_vectors_of_words(change):
    assert differs(words, **change)


@pytest.mark.parametrize(
    "change",
    [
        *(c for c in EFFECTIVE if "sg" not in c and "cbow_mean" not in c),
        {"dm": 0}, {"dm_mean": 0}, {"cbow_mean": 0}, {"dm_concat": 1},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_changes_the_vectors_of_documents(change):
    assert differs(papers, **change)


def test_what_changes_pv_dbow():
    assert differs(lambda **more: papers(dm=0, **more), dbow_words=1)
    assert differs(lambda **more: papers(dm=0, dbow_words=1, **more), shrink_windows=False)


@pytest.mark.parametrize("make", [words, papers])
def test_what_changes_nothing_but_is_taken(make):
    for change in ({"hashfxn": hash}, {"batch_words": 7}, {"compute_loss": True},
                   {"null_word": 1}, {"comment": "c"}, {"hot_rows": False}):  # fmt: skip
        assert not differs(make, **change), change


def test_workers_share_the_work():
    seen = words(workers=3).receipt
    assert seen.epochs[0].rows == 300


def test_the_order_of_arguments_is_known():
    assert list(inspect.signature(Word2Vec).parameters)[:27] == [
        "sentences", "corpus_file", "vector_size", "alpha", "window", "min_count", "max_vocab_size",
        "sample", "seed", "workers", "min_alpha", "sg", "hs", "negative", "ns_exponent",
        "cbow_mean", "hashfxn", "epochs", "null_word", "trim_rule", "sorted_vocab", "batch_words",
        "compute_loss", "callbacks", "comment", "max_final_vocab", "shrink_windows",
    ]  # fmt: skip
    assert list(inspect.signature(Doc2Vec).parameters)[:16] == [
        "documents", "corpus_file", "vector_size", "dm_mean", "dm", "dbow_words", "dm_concat",
        "dm_tag_count", "dv", "dv_mapfile", "comment", "trim_rule", "callbacks", "window", "epochs",
        "shrink_windows",
    ]  # fmt: skip
    assert (Word2Vec().epochs, Doc2Vec().epochs) == (5, 10)


def test_arguments_are_attributes_and_none_is_forgotten():
    taken = set(inspect.signature(Word2Vec).parameters) - {"sentences", "corpus_file", "callbacks"}
    made = Word2Vec()
    assert {name for name in taken if not hasattr(made, name)} == set()
    assert taken - set(SAVED) == {"hashfxn", "trim_rule", "cache", "on_progress"}
    named = set(inspect.signature(Doc2Vec).parameters)
    assert taken - named - set(Common.__annotations__) == {"sg"}
    with pytest.raises(TypeError, match="vectorsize"):
        Doc2Vec(vectorsize=3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hashfxn": len}, "hashfxn has to be the builtin hash"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"min_count": -1}, "min_count must be at least 0"),
        ({"max_final_vocab": 0}, "max_final_vocab must be at least 1"),
        ({"max_vocab_size": 0}, "max_vocab_size must be at least 1"),
        ({"negative": 0}, "nothing to learn from"),
        ({"alpha": float("nan")}, "alpha must be a number"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"ns_exponent": 99}, "ns_exponent must be from"),
    ],
)
def test_what_makes_no_sense_is_refused(change, said):
    for face in (Word2Vec, Doc2Vec):
        with pytest.raises(ValueError, match=said):
            face(**change)


def test_whole_numbers_are_wanted():
    with pytest.raises(TypeError, match=r"vector_size must be a whole number, not 10\.5"):
        Word2Vec(vector_size=10.5)
    with pytest.raises(TypeError, match="window must be a whole number, not '5'"):
        Doc2Vec(window="5")
    assert Word2Vec(vector_size=10.0).vector_size == 10
    assert Word2Vec(vector_size=np.int64(7)).vector_size == 7


@pytest.mark.parametrize("make", [words, papers])
def test_attributes_hold_from_the_next_call_on(make):
    model = make()
    corpus = text() if make is words else documents()
    model.epochs, model.alpha, model.window, model.negative = 4, 0.01, 2, 9
    model.train(corpus)
    assert len(model.receipt.epochs) == 4
    assert model._known().settings.window == 2
    assert model._known().settings.negative == 9
    assert model.min_alpha_yet_reached == pytest.approx(0.0001)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vector_size": 9}, "vector_size is 8 there and can't become 9"),
        ({"hs": 1}, "hierarchical is False"),
        ({"negative": 0, "hs": 1}, "negative is 5"),
    ],
)
def test_what_gives_matrices_another_shape_is_refused(change, said):
    model = words()
    before = model.wv.vectors.copy()
    for name, value in change.items():
        setattr(model, name, value)
    with pytest.raises(ModelError, match=said):
        model.train(text())
    np.testing.assert_array_equal(model.wv.vectors, before)
    for name in change:
        setattr(model, name, {"vector_size": 8, "hs": 0, "negative": 5}[name])
    model.train(text())


def test_a_window_of_joined_vectors_is_a_shape():
    model = papers(dm_concat=1)
    model.window = 4
    with pytest.raises(ModelError, match="window is 3"):
        model.train(documents())
    model = papers()
    model.dm_concat = 1
    with pytest.raises(ModelError, match="join is mean"):
        model.infer_vector(["w1"])


def test_a_mode_may_change_where_the_shapes_stay():
    model = papers()
    before = model.infer_vector(text()[0])
    model.dm_mean = 0
    assert (model.infer_vector(text()[0]) != before).any()
    model.dm = 0
    model.train(documents())
    assert (model.dbow, model.dm, model.sg) == (True, False, 1)


def test_dm_mean_none_leaves_cbow_mean():
    assert papers(cbow_mean=0).settings.join == "sum"
    assert papers(cbow_mean=0, dm_mean=1).settings.join == "mean"


def test_vectors_to_begin_with():
    given = KeyedVectors.of(["d7", "elsewhere"], np.full((2, 8), 3, np.float32))
    model = Doc2Vec(dv=given, **SMALL)
    model.build_vocab(documents())
    np.testing.assert_array_equal(model.dv["d7"], np.full(8, 3))
    assert "elsewhere" not in model.dv
    assert abs(model.dv["d8"]).max() < 1
    with pytest.raises(ModelError, match="vectors of size 8"):
        Doc2Vec(documents(), dv=given, vector_size=9)


def test_documents_in_a_file(tmp_path):
    path = tmp_path / "documents.npy"
    mapped = papers(dv_mapfile=path)
    np.testing.assert_array_equal(mapped.dv.vectors, papers().dv.vectors)
    assert path.stat().st_size >= 60 * 8 * 4


def test_how_models_are_shown():
    assert str(Word2Vec()) == "Word2Vec<vocab=0, vector_size=100, alpha=0.025>"
    assert repr(words()) == "Word2Vec<vocab=30, vector_size=8, alpha=0.025>"
    assert repr(Doc2Vec()) == "Doc2Vec<dm/m,d100,n5,w5,mc5,s0.001,t3>"
    shown = {
        "dm/s,d8,n5,w3,s0.001": {"dm_mean": 0},
        "dm/c,d8,n5,w3,s0.001": {"dm_concat": 1},
        "dbow,d8,n5,s0.001": {"dm": 0},
        "dbow+w,d8,n5,w3,s0.001": {"dm": 0, "dbow_words": 1},
        '"mine",dm/m,d8,hs,w3,mc2': {"hs": 1, "negative": 0, "sample": 0, "comment": "mine",
                                     "min_count": 2},
        "dm/m,d8,n5,w3,s0.001,t2": {"workers": 2},
    }  # fmt: skip
    for said, change in shown.items():
        assert str(Doc2Vec(**{**SMALL, **change})) == f"Doc2Vec<{said}>"


def test_layer1_size():
    assert Word2Vec(vector_size=30).layer1_size == 30
    assert Doc2Vec(vector_size=10, dm_concat=1, window=2, dm_tag_count=3).layer1_size == 70


def test_a_rule_can_keep_a_word():
    model = words(min_count=1000, trim_rule=lambda word, *_: RULE_KEEP * (word in ("w3", "w29")))
    assert model.wv.index_to_key == ["w3", "w29"]
    rules = papers(trim_rule=lambda word, *_: RULE_DISCARD if word == "w3" else RULE_DEFAULT)
    assert "w3" not in rules.wv
