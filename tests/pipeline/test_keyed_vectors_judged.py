"""Analogies and pairs beside gensim and SciPy: the same scores on the same files."""

import warnings

import numpy as np
import pytest

from pipeline import KeyedVectors
from pipeline.vectors.correlation import pearson, spearman
from pipeline.vectors.errors import VectorFileError

peers = pytest.importorskip("gensim.models.keyedvectors")
stats = pytest.importorskip("scipy.stats")

COUNTRIES = 30


@pytest.fixture(scope="module")
def both():
    """Countries and capitals a step apart, with noise; a few words in two spellings."""
    rng = np.random.default_rng(3)
    places = rng.standard_normal((COUNTRIES, 12))
    capitals = places + rng.standard_normal(12) + 0.5 * rng.standard_normal((COUNTRIES, 12))
    other = rng.standard_normal((200, 12))
    names = [f"Land{i}" for i in range(COUNTRIES)] + [f"town{i}" for i in range(COUNTRIES)]
    names += [f"TOWN{i}" for i in range(5)] + [f"word{i}" for i in range(195)]
    order = rng.permutation(len(names))
    rows = np.concatenate([places, capitals, other]).astype(np.float32)[order]
    names = [names[i] for i in order]
    theirs = peers.KeyedVectors(12)
    theirs.add_vectors(names, rows)
    return KeyedVectors.of(names, rows), theirs


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    rng = np.random.default_rng(4)
    lines = []
    for section in ("capitals", "words with: a colon", "nothing known"):
        lines.append(f": {section}")
        for _ in range(60):
            a, b = rng.choice(COUNTRIES, 2, replace=False)
            unknown = "un" if section.startswith("nothing") or rng.random() < 0.1 else ""
            lines.append(f"Land{a} town{a} {unknown}Land{b} Town{b}")
    path = tmp_path_factory.mktemp("judged") / "questions.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("restrict", [None, 150, 300_000])
@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("dummy", [False, True])
def test_analogies(both, questions, restrict, fold, dummy):
    asked = {"restrict_vocab": restrict, "case_insensitive": fold, "dummy4unknown": dummy}
    ours, theirs = (one.evaluate_word_analogies(questions, **asked) for one in both)
    assert ours[0] == theirs[0]
    assert len(ours[1]) == 4
    for one, other in zip(*(found[1] for found in (ours, theirs)), strict=True):
        assert one["section"] == other["section"]
        assert one["correct"] == other["correct"]
        assert one["incorrect"] == other["incorrect"]
    if fold and restrict != 150:
        assert 0.1 < ours[0] < 1


@pytest.mark.parametrize("restrict", [None, 150])
def test_analogies_by_the_product(both, questions, restrict, tmp_path):
    ours = both[0]
    path = tmp_path / "questions.txt"
    path.write_text(questions.read_text().replace("Town", "town"))
    share, sections = ours.evaluate_word_analogies(
        path,
        restrict_vocab=restrict,
        case_insensitive=False,
        similarity_function="most_similar_cosmul",
    )
    right = []
    for line in path.read_text().splitlines():
        a, b, c, d = (line.split() * 2)[:4]
        if line[0] == ":" or any(ours.get_index(w, 999) >= (restrict or 260) for w in (a, b, c, d)):
            continue
        best = ours.most_similar_cosmul([b, c], [a], topn=1, restrict_vocab=restrict)[0][0]
        right.append(best == d)
    assert share == pytest.approx(np.mean(right))
    assert len(right) > 5
    assert len(sections[-1]["correct"]) == sum(right)


def test_wrong_analogies(both, tmp_path):
    path = tmp_path / "questions"
    for text, message in (
        ("a b c d\n", "line 1: .*before the first heading"),
        (": s\n\na b c\n", "line 3: .*four words, not 3"),
    ):
        path.write_text(text)
        with pytest.raises(VectorFileError, match=message):
            both[0].evaluate_word_analogies(path)
    path.write_text("")
    assert both[0].evaluate_word_analogies(path)[0] == 0
    with pytest.raises(ValueError, match=r"most_similar_cosmul.*, not 'cosine'"):
        both[0].evaluate_word_analogies(path, similarity_function="cosine")


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    rng = np.random.default_rng(5)
    lines = ["# a comment", "one\tother\tmean"]
    for _ in range(80):
        a, b = rng.choice(COUNTRIES, 2)
        unknown = "un" if rng.random() < 0.2 else ""
        lines.append(f"{unknown}land{a}\ttown{b}\t{rng.integers(20) / 2}")
    path = tmp_path_factory.mktemp("judged") / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("dummy", [False, True])
@pytest.mark.parametrize("restrict", [150, 300_000])
def test_pairs(both, judged, restrict, dummy):
    asked = {"restrict_vocab": restrict, "dummy4unknown": dummy}
    ours, theirs = (one.evaluate_word_pairs(judged, **asked) for one in both)
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert one == pytest.approx((other[0], other[1]), abs=1e-5)
        assert one.statistic == one[0]
        assert one.pvalue == one[1]
    assert ours[2] == theirs[2]
    comma = judged.with_name("comma.csv")
    comma.write_text(judged.read_text().replace("\t", ","), encoding="utf-16")
    again = both[0].evaluate_word_pairs(comma, delimiter=",", encoding="utf-16", **asked)
    assert again == ours


def test_wrong_pairs(both, tmp_path):
    path = tmp_path / "pairs"
    path.write_text("land1\ttown1\t2\nland1 town1 2\n")
    with pytest.raises(VectorFileError, match="line 2: two words and a number"):
        both[0].evaluate_word_pairs(path)
    path.write_text("land1\ttown1\t2\n")
    with pytest.raises(VectorFileError, match="no pair of words"):
        both[0].evaluate_word_pairs(path, case_insensitive=False)


@pytest.mark.parametrize("n", [3, 4, 10, 1000])
@pytest.mark.parametrize("bond", [0, 0.05, 0.8, -0.99])
def test_correlations_are_scipys(n, bond):
    rng = np.random.default_rng(n)
    x = rng.integers(0, n, n).astype(float)
    y = bond * x + rng.standard_normal(n)
    for ours, theirs in ((pearson, stats.pearsonr), (spearman, stats.spearmanr)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs(x, y)
        assert ours(x, y) == pytest.approx((expected[0], expected[1]), rel=1e-8, abs=1e-12)


def test_correlations_that_are_none():
    for x, y in (([1, 1, 1], [1, 2, 3]), ([1], [2])):
        assert np.isnan(pearson(x, y).statistic)
        assert np.isnan(spearman(x, y).pvalue)
    assert pearson([1, 2], [5, 3]) == (-1, 1)
