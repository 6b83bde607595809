"""The training core against its NumPy twin, in every mode and on every instruction set."""

from functools import cache
from itertools import pairwise

import kernel_cases as cases
import numpy as np
import pytest
from reference import TAG_WEIGHTS, initial, noise_word

from pipeline.core import kernels
from pipeline.core.batch import Batch
from pipeline.core.kernels import Kernel

pytestmark = pytest.mark.parametrize("isa", kernels.available())

DIMS = (1, 7, 16, 100, 130)


@pytest.fixture(autouse=True)
def _isa(isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)


def every_case():
    found = {}
    for k, (name, mode) in enumerate(cases.modes().items()):
        found[f"{name}, dim {DIMS[k % 5]}"] = {"dim": DIMS[k % 5]} | mode
        with_rates = {"dim": DIMS[(k + 2) % 5], "rates": True}
        found[f"{name}, dim {with_rates['dim']}, rates"] = with_rates | mode
    plain = {
        "skip-gram": {"method": "skip_gram"},
        "cbow": {"method": "cbow"},
        "dbow": {"method": "dbow"},
        "dbow with words": {"method": "dbow_words"},
        "dm": {"method": "dm"},
        "dm concat": {"method": "dm", "join": "concat"},
    }
    special = {
        "window 1": {"window": 1},
        "fixed window": {"shrink": False, "window": 3},
        "fixed wide window": {"shrink": False, "window": 12},
        "one noise word": {"negative": 1},
        "more outputs than a block": {"negative": 15},
        "many outputs": {"negative": 21, "hierarchical": True, "rows": 300},
        "more noise than words": {"negative": 40, "rows": 12},
        "long paths": {"negative": 0, "hierarchical": True, "rows": 1000, "window": 2},
        "two words": {"rows": 2, "hierarchical": True},
        "one word": {"rows": 1},
        "a tree of one word": {"rows": 1, "negative": 0, "hierarchical": True},
        "one tag": {"tag_rows": 1},
        "many noise words, own": {"share": False, "negative": 15},
        "all words kept": {"keep": None},
    }
    for name, case in plain.items():
        for more, settings in special.items():
            found[f"{name}, {more}"] = case | settings
        for dim in DIMS:
            found[f"{name}, dimension {dim}"] = case | {"dim": dim}
    return found


CASES = every_case()
RATES = {
    "input": "input_rates", "tags": "tag_rates", "output": "output_rates", "nodes": "node_rates",
}  # fmt: skip


def model_of(case):
    said = dict(CASES[case])
    rows = said.get("rows", 60)
    if said.pop("rates", False):
        said["input_rates"] = cases.rates(rows, 1)
        said["output_rates"] = cases.rates(rows, 3)
        said["node_rates"] = cases.rates(rows - 1, 4)
        if cases.has_tags(said["method"]):
            said["tag_rates"] = cases.rates(9, 2)
    if "keep" in said:
        said["keep"] = np.full(rows, 0xFFFFFFFF, np.uint32)
    return cases.model(**said)


def corpus_of(case):
    return cases.corpus(words=CASES[case].get("rows", 60), tags=CASES[case].get("tag_rows", 9))


@cache
def twin(case):
    return cases.trained_twin(model_of(case), corpus_of(case), before=300)


@pytest.mark.parametrize("case", CASES)
def test_batch_equals_the_twin(case):
    said, corpus, expected = model_of(case), corpus_of(case), twin(case)
    tally = cases.trained(said, corpus, before=300)
    assert tally.terms == expected.terms
    assert tally.loss == pytest.approx(expected.loss, rel=1e-5, abs=1e-6)
    for name, matrix in cases.matrices(said).items():
        np.testing.assert_allclose(
            cases.unpadded(matrix, said["dim"]),
            getattr(expected, name),
            atol=1e-5,
            rtol=1e-5,
            err_msg=name,
        )
        assert not cases.padding(matrix, said["dim"]).any(), "the padding must stay zero"
    ids = corpus.map[corpus.tokens]
    assert tally.tokens == len(ids)
    assert tally.unknown == (ids < 0).sum()
    if (said["keep"] == 0xFFFFFFFF).all():
        assert tally.dropped == 0


@pytest.mark.parametrize("mode", cases.modes())
def test_cut_into_batches_makes_no_difference(mode):
    corpus = cases.corpus(rows=50, seed=5, longest=40)
    start = cases.model(dim=36, **cases.modes()[mode])
    results = []
    for cuts in ([0, 50], [0, 1, 7, 8, 30, 50]):
        said = cases.copied(start)
        kernel = Kernel(**said)
        for a, b in pairwise(cuts):
            kernel.train(corpus.batch(cases.has_tags(said["method"]), a, b))
        results.append(cases.matrices(said))
    for name, matrix in results[0].items():
        np.testing.assert_array_equal(matrix, results[1][name], err_msg=name)


@pytest.mark.parametrize("mode", cases.modes())
def test_frozen_rows_keep_their_bytes(mode):
    """Also a minus zero; and rows that learn do."""
    settings = cases.modes()[mode]
    corpus = cases.corpus(seed=2)
    for hot in (0, 7):
        said = cases.model(hot=hot, fold=2, **settings)
        for name, rates in RATES.items():
            if name in said:
                said[rates] = (np.arange(len(said[name])) % 2).astype(np.float32)
                said[name][::2, ::3] = -0.0
        before = {name: matrix.copy() for name, matrix in cases.matrices(said).items()}
        cases.trained(said, corpus)
        for name in before:
            assert said[name][::2].tobytes() == before[name][::2].tobytes(), name
            if name != "input" or said["method"] != "dbow":
                assert (said[name][1::2] != before[name][1::2]).any(), name


@pytest.mark.parametrize("mode", cases.modes())
@pytest.mark.parametrize("hot", [0, 7])
def test_rates_of_1_change_no_bit(mode, hot):
    corpus = cases.corpus(seed=4)
    plain = cases.model(hot=hot, fold=2, **cases.modes()[mode])
    rated = cases.copied(plain)
    for name, rates in RATES.items():
        if name in rated:
            rated[rates] = np.ones(len(rated[name]), np.float32)
    cases.trained(plain, corpus)
    cases.trained(rated, corpus)
    for name, matrix in cases.matrices(plain).items():
        assert rated[name].tobytes() == matrix.tobytes(), name


@pytest.mark.parametrize("mode", cases.modes())
@pytest.mark.parametrize(("hot", "fold"), [(1, 1), (8, 16), (60, 3), (1000, 16)])
def test_copies_of_hot_rows_only_round_differently(mode, hot, fold):
    corpus = cases.corpus(rows=30, seed=6)
    start = cases.model(dim=24, **cases.modes()[mode])
    plain, copied = cases.copied(start), cases.copied(start) | {"hot": hot, "fold": fold}
    one = cases.trained(plain, corpus)
    kernel = Kernel(**copied)
    loss = 0.0
    for a, b in pairwise([0, 3, 4, 20, 30]):
        loss += kernel.train(corpus.batch(cases.has_tags(copied["method"]), a, b)).loss
    assert loss == pytest.approx(one.loss, rel=1e-4)
    for name, matrix in cases.matrices(plain).items():
        np.testing.assert_allclose(copied[name], matrix, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("method", ["dbow", "dbow_words", "dm"])
def test_documents_without_words_or_tags(method):
    """A document of no word teaches nothing; one of one word is learnt from by its tags alone."""
    rows, tags = [[], [3], [], [4, 5], [6]], [[0], [1], [], [], [2, 2]]
    corpus = cases.of_rows(rows, 60, tags, 9)
    keep = np.full(60, 0xFFFFFFFF, np.uint32)
    for join in ("mean", "sum", "concat") if method == "dm" else ("mean",):
        said = cases.model(method=method, join=join, tag_slots=2, keep=keep)
        before = said["tags"].copy()
        expected = cases.trained_twin(said, corpus)
        tally = cases.trained(said, corpus)
        assert tally.terms == expected.terms
        changed = (said["tags"] != before).any(1)
        assert changed.tolist() == [False, True, True, *[False] * 6]
        np.testing.assert_allclose(cases.unpadded(said["tags"], 20), expected.tags, atol=1e-6)


def test_first_values_are_the_twins():
    matrix = kernels.aligned((4, 32))
    for tags, purpose in ((False, ()), (True, (TAG_WEIGHTS,))):
        kernels.initial_rows(matrix, 10, 20, 5, tags=tags)
        expected = np.stack([initial(10 + r, 20, 5, *purpose) for r in range(4)])
        np.testing.assert_allclose(matrix[:, :20], expected, rtol=1e-6)
        assert not matrix[:, 20:].any()


def test_noise_follows_its_distribution():
    weights = np.array([5.0, 1.0, 0.0, 3.0, 1.0])
    table = kernels.noise_table(weights)
    share = np.zeros(5)
    for column, entry in enumerate(table.tolist()):
        own = (entry & 0xFFFFFFFF) / 2**32
        share[column] += own / 5
        share[entry >> 32] += (1 - own) / 5
    np.testing.assert_allclose(share, weights / weights.sum(), atol=1e-9)
    assert noise_word(0, table) in range(5)
    for wrong in ([0.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [float("inf")], []):
        with pytest.raises(ValueError, match="noise weights"):
            kernels.noise_table(np.array(wrong))


def test_empty_batches_are_nothing():
    said = cases.model()
    before = said["input"].copy()
    for offsets in ([0], [0, 0, 0]):
        none = np.zeros(0, np.int32)
        tally = Kernel(**said).train(Batch(none, np.array(offsets, np.int32), none, 0, 0, 0))
        assert (tally.tokens, tally.terms, tally.loss) == (0, 0, 0.0)
    np.testing.assert_array_equal(before, said["input"])


def test_an_instruction_set_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", "abacus")
    with pytest.raises(kernels.TrainingError, match="abacus"):
        kernels.chosen()
