"""Scores: log probabilities by hierarchical softmax, as the twin and as probability have them."""

import kernel_cases as cases
import numpy as np
import pytest

from pipeline.core import kernels
from pipeline.core.kernels import Kernel

pytestmark = pytest.mark.parametrize("isa", kernels.available())

JOINS = [("skip_gram", "mean"), ("cbow", "mean"), ("cbow", "sum")]


@pytest.fixture(autouse=True)
def _isa(isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)


def scores(said, corpus):
    return Kernel(**said).score(corpus.batch(tagged=False))


@pytest.mark.parametrize("dim", [1, 7, 16, 100, 130])
@pytest.mark.parametrize("negative", [0, 5])
@pytest.mark.parametrize("hot", [0, 8])
@pytest.mark.parametrize(("method", "join"), JOINS)
def test_scores_equal_the_twins(method, join, hot, negative, dim):
    settings = {"method": method, "join": join, "negative": negative, "hot": hot}
    corpus = cases.corpus(seed=3)
    for share in (True, False):
        said = cases.model(hierarchical=True, dim=dim, share=share, **settings)
        before = {name: matrix.copy() for name, matrix in cases.matrices(said).items()}
        twin = cases.twin_of(said)
        expected = [twin.score(ids) for ids, _ in corpus.rows()]
        np.testing.assert_allclose(scores(said, corpus), expected, rtol=1e-5, atol=1e-9)
        for name, matrix in cases.matrices(said).items():
            assert matrix.tobytes() == before[name].tobytes(), f"{name} must not change"


def probabilities(said, hidden):
    """P(word | hidden) of every word: the product over its path, by the definition."""
    nodes = cases.unpadded(said["nodes"], said["dim"])
    found = []
    for word in range(len(said["input"])):
        path = said["path"][said["path_at"][word] : said["path_at"][word + 1]].astype(int)
        logits = nodes[path // 2] @ hidden
        found.append(np.prod(1 / (1 + np.exp(np.where(path % 2 == 0, -logits, logits)))))
    return np.array(found)


@pytest.mark.parametrize(("method", "join"), JOINS)
def test_scores_are_sums_of_log_probabilities(method, join):
    settings = {"method": method, "join": join, "negative": 0, "hierarchical": True, "window": 2}
    said = cases.model(rows=9, dim=5, **settings)
    x = cases.unpadded(said["input"], 5)
    row = [3, 0, 8, 3, 5]
    expected = 0.0
    for i, word in enumerate(row):
        around = x[row[max(i - 2, 0) : i] + row[i + 1 : i + 3]]
        if method == "cbow":
            around = [around.mean(0) if join == "mean" else around.sum(0)]
        for hidden in around:
            of_all = probabilities(said, hidden)
            assert of_all.sum() == pytest.approx(1)
            expected += np.log(of_all[word])
    assert scores(said, cases.of_rows([row], 9))[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("method", "join"), JOINS)
def test_probabilities_sum_to_one_by_the_core_alone(method, join):
    """Where all words share a row, P(a, b) = P(a) P(b), and all pairs together are certain."""
    settings = {"method": method, "join": join, "negative": 0, "hierarchical": True}
    said = cases.model(rows=11, dim=6, **settings)
    said["input"][:] = said["input"][0]
    pairs = [[a, b] for a in range(11) for b in range(11)]
    assert np.exp(scores(said, cases.of_rows(pairs, 11))).sum() == pytest.approx(1, rel=1e-5)


def test_rows_without_pairs_are_certain():
    said = cases.model(hierarchical=True)
    corpus = cases.of_rows([[], [3], [3, 4], [3, 60], [60, 61]], 62)
    corpus.map[60:] = -1
    found = scores(said, corpus)
    assert found[2] < 0
    assert found[[0, 1, 3, 4]].tolist() == [0, 0, 0, 0]


def test_models_without_a_tree_or_of_documents_have_no_scores():
    for settings in ({}, {"method": "dm", "hierarchical": True}):
        said = cases.model(**settings)
        with pytest.raises(ValueError, match="settings"):
            scores(said, cases.of_rows([[3, 4]], 60))
