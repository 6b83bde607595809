"""Arguments that must not be believed: an exception for each, and not a weight is written."""

import kernel_cases as cases
import numpy as np
import pytest

from pipeline.core import kernels
from pipeline.core.batch import Batch
from pipeline.core.kernels import Kernel, TrainingError

pytestmark = pytest.mark.parametrize("isa", kernels.available())

METHODS = ["skip_gram", "cbow", "dbow", "dbow_words", "dm"]
FULL = np.full(60, 0xFFFFFFFF, np.uint32)


@pytest.fixture(autouse=True)
def _isa(isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)


def bytes_of(said):
    return {name: matrix.tobytes() for name, matrix in cases.matrices(said).items()}


WORDS = {
    "id beyond the dictionary": ({"tokens": [0, 99]}, "outside its shard"),
    "negative id": ({"tokens": [0, -2]}, "outside its shard"),
    "least id": ({"tokens": [0, -(2**31)]}, "outside its shard"),
    "word beyond the weights": ({"map": [0, 60]}, "outside the weights"),
    "word below -1": ({"map": [0, -5]}, "outside the weights"),
    "offsets that fall": ({"offsets": [0, 2, 1], "tag_offsets": [0, 1, 2]}, "offsets"),
    "offsets that fall at first": ({"offsets": [2, 1, 2], "tag_offsets": [0, 1, 2]}, "offsets"),
    "offsets beyond the tokens": ({"offsets": [0, 5]}, "offsets"),
    "offset far beyond": ({"offsets": [0, 2**31 - 1]}, "offsets"),
    "negative offset": ({"offsets": [-1, 2]}, "offsets"),
    "no offsets": ({"offsets": [], "tag_offsets": []}, "offsets|__len__"),
}
TAGS = {
    "tag beyond the dictionary": ({"tags": [0, 99]}, "outside its shard"),
    "negative tag": ({"tags": [0, -1]}, "outside its shard"),
    "tag beyond the weights": ({"tag_map": [0, 9]}, "outside the weights"),
    "tag below -1": ({"tag_map": [-2, 0]}, "outside the weights"),
    "tag offsets that fall": ({"offsets": [0, 1, 2], "tag_offsets": [0, 2, 1]}, "offsets"),
    "tag offsets beyond the tags": ({"tag_offsets": [0, 5]}, "offsets"),
    "negative tag offset": ({"tag_offsets": [-1, 2]}, "offsets"),
    "more rows than tag offsets": ({"offsets": [0, 1, 2]}, "rows"),
    "fewer rows than tag offsets": ({"tag_offsets": [0, 1, 2]}, "rows"),
}


def bad_batch(changed):
    parts = {"tokens": [0, 1], "offsets": [0, 2], "map": [0, 1]}
    parts |= {"tags": [0, 1], "tag_offsets": [0, 2], "tag_map": [0, 1]}
    return {name: np.array(value, np.int32) for name, value in (parts | changed).items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", WORDS)
def test_bad_batches_are_refused_before_anything_is_written(case, method):
    changed, message = WORDS[case]
    arrays = bad_batch(changed)
    if not cases.has_tags(method):
        arrays = {name: arrays[name] for name in ("tokens", "offsets", "map")}
    said = cases.model(method=method, hierarchical=True, keep=FULL)
    before = bytes_of(said)
    with pytest.raises(ValueError, match=message):
        Kernel(**said).train(Batch(**arrays))
    assert bytes_of(said) == before


@pytest.mark.parametrize("method", ["dbow", "dbow_words", "dm"])
@pytest.mark.parametrize("case", TAGS)
def test_bad_tags_are_refused_before_anything_is_written(case, method):
    changed, message = TAGS[case]
    said = cases.model(method=method, hierarchical=True, keep=FULL)
    before = bytes_of(said)
    with pytest.raises(ValueError, match=message):
        Kernel(**said).train(Batch(**bad_batch(changed)))
    assert bytes_of(said) == before


@pytest.mark.parametrize("case", WORDS)
def test_bad_texts_are_refused_by_infer_and_score(case):
    changed, message = WORDS[case]
    arrays = bad_batch(changed)
    words = {name: arrays[name] for name in ("tokens", "offsets", "map")}
    rows = len(words["offsets"]) - 1
    said = cases.model(method="dm")
    vectors = kernels.aligned((max(rows, 0), 32))
    with pytest.raises(ValueError, match=f"{message}|rows|shape"):
        Kernel(**said).infer(Batch(**words), vectors, 2)
    assert not vectors.any()
    with pytest.raises(ValueError, match=f"{message}|negative"):
        Kernel(**cases.model(hierarchical=True)).score(Batch(**words))


def one_row():
    return cases.of_rows([[0, 1, 2, 3]], 60, [[0, 1]], 9).batch()


SETTINGS = {
    "window 0": {"window": 0},
    "window -1": {"window": -1},
    "window beyond reason": {"window": 2**31 - 1},
    "nothing predicted": {"negative": 0},
    "negative below 0": {"negative": -1},
    "negative beyond reason": {"negative": 2**31 - 1},
    "dim 0": {"dim": 0},
    "dim beyond the row": {"dim": 33},
    "hot below 0": {"hot": -1},
    "hot beyond reason": {"hot": 2**31 - 1},
    "fold 0": {"fold": 0},
    "concatenation of words alone": {"method": "cbow", "join": "concat"},
    "concatenation of pairs": {"method": "dbow", "join": "concat"},
    "tag slots below 0": {"method": "dm", "join": "concat", "tag_slots": -1},
    "tag slots beyond reason": {"method": "dm", "join": "concat", "tag_slots": 2**31 - 1},
}


@pytest.mark.parametrize("case", SETTINGS)
def test_impossible_settings_are_refused(case):
    changed = SETTINGS[case]
    said = cases.model(**{key: changed[key] for key in ("method",) if key in changed})
    before = bytes_of(said)
    with pytest.raises(ValueError, match=r"settings|shape"):
        Kernel(**said | changed).train(one_row())
    assert bytes_of(said) == before


@pytest.mark.parametrize(("name", "value"), [("method", "glove"), ("join", "product")])
def test_unknown_names_are_refused(name, value):
    with pytest.raises((ValueError, KeyError), match=value):
        Kernel(**cases.model() | {name: value})


@pytest.mark.parametrize("name", ["output", "nodes", "tags", "keep", "noise", "path_at", "path"])
def test_missing_and_misshapen_arrays_are_refused(name):
    said = cases.model(method="dm", hierarchical=True)
    if name != "keep":
        with pytest.raises(ValueError, match=rf"{name}|settings|weights"):
            Kernel(**said | {name: None}).train(one_row())
    if name not in ("path", "tags"):
        with pytest.raises(ValueError, match=name):
            Kernel(**said | {name: said[name][:-1]})


@pytest.mark.parametrize("name", ["input_rates", "tag_rates", "output_rates", "node_rates"])
def test_rates_of_the_wrong_number_are_refused(name):
    said = cases.model(method="dm", hierarchical=True)
    with pytest.raises(ValueError, match=name):
        Kernel(**said | {name: np.ones(8, np.float32)})


PATHS = {
    "node beyond the tree": lambda at, path: (at, np.where(path == path.max(), 59 * 2, path)),
    "node far beyond": lambda at, path: (at, np.full_like(path, 0xFFFFFFFF)),
    "path that falls": lambda at, path: (np.where(np.arange(61) == 3, at[-1], at), path),
    "path that is short": lambda at, path: (at, path[:-1]),
    "path that begins before": lambda at, path: (at - 1, path),
}


@pytest.mark.parametrize("case", PATHS)
def test_paths_outside_the_tree_are_refused(case):
    said = cases.model(hierarchical=True, keep=FULL)
    said["path_at"], said["path"] = PATHS[case](said["path_at"], said["path"])
    before = bytes_of(said)
    with pytest.raises(ValueError, match="path"):
        Kernel(**said).train(one_row())
    assert bytes_of(said) == before


@pytest.mark.parametrize("name", ["input", "output", "nodes", "tags", "keep", "noise", "path_at"])
def test_arrays_of_another_type_are_refused(name):
    """Their bytes would be read as if they were numbers of the right type."""
    said = cases.model(method="dm", hierarchical=True)
    wrong = {"f": np.float64, "u": np.float32, "i": np.int32}[said[name].dtype.kind]
    with pytest.raises((ValueError, TypeError), match=r"float|int"):
        Kernel(**said | {name: said[name].astype(wrong)})


@pytest.mark.parametrize("name", ["tokens", "offsets", "map", "tags", "tag_offsets", "tag_map"])
def test_batches_of_another_type_are_refused(name):
    said = cases.model(method="dm", keep=FULL)
    before = bytes_of(said)
    for wrong in (np.int64, np.int8):
        arrays = bad_batch({})
        arrays[name] = arrays[name].astype(wrong)
        with pytest.raises((ValueError, TypeError), match="int"):
            Kernel(**said).train(Batch(**arrays))
    assert bytes_of(said) == before


def test_unaligned_weights_are_refused():
    said = cases.model()
    room = kernels.aligned((61, 32)).reshape(-1)
    said["input"] = room[1 : 1 + 60 * 32].reshape(60, 32)
    with pytest.raises(ValueError, match="settings"):
        Kernel(**said).train(one_row())


def test_a_model_of_no_word_is_refused():
    for method in METHODS:
        said = cases.model(method=method)
        none = {"input": said["input"][:0], "output": said["output"][:0]}
        none |= {"keep": said["keep"][:0], "noise": said["noise"][:0]}
        with pytest.raises(ValueError, match="settings"):
            Kernel(**said | none).train(one_row())


@pytest.mark.parametrize("method", ["dbow", "dbow_words", "dm"])
def test_a_model_of_no_tag_learns_from_words_alone(method):
    said = cases.model(method=method, tag_rows=0, keep=FULL)
    batch = cases.of_rows([[0, 1, 2, 3]], 60).batch()
    tally = Kernel(**said).train(batch)
    assert (tally.terms > 0) == (method != "dbow")
    with pytest.raises(ValueError, match="outside"):
        Kernel(**said).train(one_row())


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", cases.modes())
def test_broken_weights_are_an_error(mode, broken):
    corpus = cases.corpus()
    start = cases.model(keep=FULL, **cases.modes()[mode])
    for name in cases.matrices(start):
        if name == "input" and start["method"] == "dbow":
            continue
        said = cases.copied(start)
        said[name][:, 0] = broken
        with pytest.raises(TrainingError, match="finite"):
            cases.trained(said, corpus)


def test_broken_weights_are_an_error_for_infer_and_score():
    corpus = cases.of_rows([[0, 1, 2, 3]], 60)
    said = cases.model(method="dm", keep=FULL)
    said["output"][:, 0] = np.nan
    with pytest.raises(TrainingError, match="finite"):
        Kernel(**said).infer(corpus.batch(tagged=False), kernels.aligned((1, 32)), 2)
    said = cases.model(hierarchical=True)
    said["nodes"][:, 0] = np.nan
    with pytest.raises(TrainingError, match="finite"):
        Kernel(**said).score(corpus.batch(tagged=False))


def test_tags_are_of_no_concern_to_models_of_words():
    """A corpus of documents may teach a model of words: tags aren't even looked at."""
    for method in ("skip_gram", "cbow"):
        start = cases.model(method=method)
        corpus = cases.corpus()
        plain, tagged = cases.copied(start), cases.copied(start)
        Kernel(**plain).train(corpus.batch(tagged=False))
        corpus.tags[:] = 1000
        Kernel(**tagged).train(corpus.batch(tagged=True))
        assert bytes_of(plain) == bytes_of(tagged)


def test_documents_without_tags_may_be_given_as_sentences():
    for method in ("dbow", "dbow_words", "dm"):
        start = cases.model(method=method)
        corpus = cases.of_rows([[0, 1, 2], [3], [4, 5, 6, 7]], 60)
        plain, tagged = cases.copied(start), cases.copied(start)
        Kernel(**plain).train(corpus.batch(tagged=False))
        Kernel(**tagged).train(corpus.batch(tagged=True))
        assert bytes_of(plain) == bytes_of(tagged)
