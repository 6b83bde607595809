"""KeyedVectors beside gensim's, on the same vectors: the same answers, but for what is mended."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import matrix, words

from pipeline import KeyedVectors

peers = pytest.importorskip("gensim.models.keyedvectors")


@pytest.fixture(scope="module")
def both():
    peer = peers.KeyedVectors(20)
    peer.add_vectors(words(), matrix())
    for i, word in enumerate(words()):
        peer.set_vecattr(word, "count", 200 - i)
    return KeyedVectors.of(words(), matrix(), count=np.arange(200, 0, -1)), peer


def same(ours, theirs):
    """The same keys with the same numbers, in the same order but for ties."""
    assert [key for key, _ in ours] == [key for key, _ in theirs]
    np.testing.assert_allclose([x for _, x in ours], [x for _, x in theirs], atol=2e-6)
    assert all(type(x) is float for _, x in ours)


ASKED = {
    "key": {"positive": "w3"},
    "keys": {"positive": ["w3", "w5"], "negative": ["w9"]},
    "index": {"positive": [4], "negative": [9]},
    "vector": {"positive": matrix()[7] * 3},
    "vector and key": {"positive": [matrix()[7], "w5"], "negative": [matrix()[9]]},
    "matrix": {"positive": matrix()[:5]},
    "weights": {"positive": [("w3", 0.3), "w5"], "negative": [("w8", -0.2)]},
    "odd weights": {"positive": [("w3", -1.0)], "negative": [("w8", 0.5), (matrix()[2], 2.0)]},
    "clip": {"positive": "w3", "clip_start": 20, "clip_end": 90},
    "clip from the end": {"positive": "w3", "clip_start": -50, "clip_end": -5},
    "restrict": {"positive": "w3", "clip_start": 50, "restrict_vocab": 30},
}


@pytest.mark.parametrize("name", [name for name in ASKED if name != "clip from the end"])
def test_most_similar(both, name):
    ours, theirs = both
    for topn in (1, 7, 500):
        same(
            ours.most_similar(topn=topn, **ASKED[name]),
            theirs.most_similar(topn=topn, **ASKED[name]),
        )
    array = ours.most_similar(topn=None, **ASKED[name])
    np.testing.assert_allclose(array, theirs.most_similar(topn=None, **ASKED[name]), atol=2e-6)
    assert ours.most_similar(topn=0, **ASKED[name]) == []


def test_clipping_from_the_end_names_the_right_keys(both):
    ours, theirs = both
    found = ours.most_similar(topn=5, **ASKED["clip from the end"])
    array = theirs.most_similar(topn=None, **ASKED["clip from the end"])
    assert [key for key, _ in found] == [words()[150 + i] for i in np.argsort(-array)[:5]]


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")  # gensim's own
@pytest.mark.parametrize("asked", [("w3",), (["w3", "w5"], "w9"), (["w3"], ["w8", "w9"])])
def test_cosmul(both, asked):
    ours, theirs = both
    same(ours.most_similar_cosmul(*asked), theirs.most_similar_cosmul(*asked))
    np.testing.assert_allclose(
        ours.most_similar_cosmul(*asked, topn=None),
        theirs.most_similar_cosmul(*asked, topn=None), rtol=1e-4,
    )  # fmt: skip


def test_cosmul_minds_restrict_vocab(both):
    found = both[0].most_similar_cosmul("w3", topn=300, restrict_vocab=30)
    assert len(found) == 29
    assert {key for key, _ in found} <= set(words()[:30])
    all_of_them = dict(both[0].most_similar_cosmul("w3", topn=300))
    assert dict(found).items() <= all_of_them.items()


def test_similar_by(both):
    ours, theirs = both
    for name, query in (
        ("similar_by_word", "w3"), ("similar_by_key", "w3"), ("similar_by_vector", matrix()[4]),
    ):  # fmt: skip
        for more in ({}, {"topn": 3, "restrict_vocab": 40}):
            same(getattr(ours, name)(query, **more), getattr(theirs, name)(query, **more))


def test_comparisons(both):
    ours, theirs = both
    near = {"abs": 2e-6}
    some, others = ["w1", "w2", "nowhere", "w8"], ["w5", "w6"]
    assert ours.similarity("w1", "w2") == pytest.approx(theirs.similarity("w1", "w2"), **near)
    assert ours.similarity("w1", "w1") == 1
    assert ours.distance("w1", "w2") == pytest.approx(theirs.distance("w1", "w2"), **near)
    assert ours.distance("w1", "w1") == 0
    for a, b in (("w1", ()), ("w1", others), (matrix()[3], others)):
        np.testing.assert_allclose(ours.distances(a, b), theirs.distances(a, b), atol=2e-6)
    expected = theirs.n_similarity(some, others)
    assert ours.n_similarity(some, others) == pytest.approx(expected, **near)
    with pytest.raises(ZeroDivisionError, match="empty"):
        ours.n_similarity([], others)
    np.testing.assert_allclose(
        ours.cosine_similarities(matrix()[0], matrix()[5:]),
        theirs.cosine_similarities(matrix()[0], matrix()[5:]), atol=2e-6,
    )  # fmt: skip
    for use_norm in (True, False):
        ranked = ours.rank_by_centrality(some, use_norm)
        expected = theirs.rank_by_centrality(some, use_norm)
        same([pair[::-1] for pair in ranked], [pair[::-1] for pair in expected])
    assert ours.doesnt_match(some) == theirs.doesnt_match(some)
    with pytest.raises(ValueError, match="none"):
        ours.doesnt_match(["nowhere"])
    given = ("w3", ["w4", "w5", "w6"])
    assert ours.most_similar_to_given(*given) == theirs.most_similar_to_given(*given)
    assert ours.closer_than("w3", "w9") == theirs.closer_than("w3", "w9")
    assert ours.rank("w3", "w9") == theirs.rank("w3", "w9")
    assert ours.rank("w3", "w3") == 1
    assert ours.relative_cosine_similarity("w3", "w4") == pytest.approx(
        theirs.relative_cosine_similarity("w3", "w4"), abs=1e-5
    )


def test_means(both):
    ours, theirs = both
    given = ["w1", "nowhere", matrix()[3], 5]
    for more in (
        {}, {"weights": [1, 2, -3, 0.5]}, {"pre_normalize": False}, {"post_normalize": True},
    ):  # fmt: skip
        np.testing.assert_allclose(
            ours.get_mean_vector(given, **more), theirs.get_mean_vector(given, **more), atol=2e-6
        )
    for wrong, kind in (
        (([],), ValueError), ((["w1"], [1, 2]), ValueError),
        ((["nowhere"], None, True, False, False), KeyError),
    ):  # fmt: skip
        for one in both:
            with pytest.raises(kind):
                one.get_mean_vector(*wrong)


def test_resized_vectors_are_the_same_bits(both):
    ours, theirs = both[0].copy(), peers.KeyedVectors(20)
    theirs.add_vectors(words(), matrix())
    for one in (ours, theirs):
        one.index_to_key = [*words(), "more", "and more"]
        one.resize_vectors(seed=5)
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)


def test_wmdistance(both):
    pytest.importorskip("ot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = both
        one, other = ["w1", "w2", "w2", "nowhere"], ["w5", "w1", "w7", "w9", "w9"]
        for norm in (True, False):
            expected = theirs.wmdistance(one, other, norm=norm)
            assert ours.wmdistance(one, other, norm=norm) == pytest.approx(expected, rel=1e-5)
        assert ours.wmdistance(["nowhere"], other) == theirs.wmdistance(["nowhere"], other)
        assert ours.wmdistance(["w1", "w1"], ["w1"]) == 0
        assert ours.wmdistance(["w1", "w2"], ["w2", "w1"]) == pytest.approx(0)


def test_most_similar_each_is_most_similar_of_each(both):
    ours, _ = both
    asked = ["w3", 7, matrix()[4], ["w3", ("w9", -1.0)], [matrix()[1], "w5"]]
    for topn, restrict in ((1, None), (10, None), (500, None), (10, 40)):
        each = ours.most_similar_each(asked, topn, restrict)
        for found, query in zip(each, asked, strict=True):
            same(found, ours.most_similar(query, topn=topn, restrict_vocab=restrict))
    assert ours.most_similar_each([]) == []
    assert ours.most_similar_each(["w1"], topn=0) == [[]]
    where, cosines = ours.nearest(matrix()[:3] * 2, topn=1)
    assert where.tolist() == [[0], [1], [2]]
    np.testing.assert_allclose(cosines, 1, rtol=1e-6)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_types_of_numbers(both, kind):
    ours = KeyedVectors.of(words(), matrix().astype(kind))
    expected = both[0].most_similar("w3", topn=10)
    found = ours.most_similar("w3", topn=10)
    np.testing.assert_allclose([x for _, x in found], [x for _, x in expected], atol=2e-3)
    assert found[0][0] == expected[0][0]
    same(ours.most_similar_each(["w3"])[0], found)
    assert ours["w3"].dtype == kind


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 40), st.integers(0, 2**32 - 1), st.booleans())
def test_search_finds_what_sorting_does(n, topn, seed, has_nan):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, (n, 3)).astype(np.float32)  # with many ties, and zeros
    if has_nan:
        rows[rng.integers(n)] = np.nan
    kv = KeyedVectors.of(list(range(n)), rows)
    query = np.array([1, 2, -1], np.float32)
    cosines = kv.most_similar([query], topn=None)
    left = np.where(np.isnan(cosines), -np.inf, cosines)
    order = np.lexsort((np.arange(n), -left))[:topn]
    found = kv.most_similar([query], topn=topn)
    assert [key for key, _ in found] == order.tolist()
    (batch,) = kv.most_similar_each([query], topn)
    valid = [cosine for _, cosine in found if not np.isnan(cosine)]
    np.testing.assert_allclose([cosine for _, cosine in batch], valid, atol=1e-6)


class Echo:
    def most_similar(self, vector, num_neighbors):
        return [(round(float(np.linalg.norm(vector)), 5), num_neighbors)]


def test_an_index_of_ones_own(both):
    assert both[0].most_similar(["w3", "w4"], topn=4, indexer=Echo()) == [(1.0, 4)]
