"""Counts, ids and tables of the vocabulary."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import Sentences, encode
from pipeline.vocabulary import Vocabulary, VocabularyError

words_lists = st.lists(st.lists(st.text(min_size=1, max_size=3), min_size=1), max_size=6)


def grown(batches, min_count):
    made = Vocabulary.empty()
    for batch in batches:
        made = made.add(pa.array(batch, pa.string()), np.ones(len(batch), np.int64), min_count)
    return made


@given(words_lists, st.integers(1, 4))
def test_counts_are_exact_and_ids_are_ordered(batches, min_count):
    flat = [word for batch in batches for word in batch]
    made = grown([flat], min_count)
    expected = sorted(set(flat), key=lambda word: (-flat.count(word), word.encode()))
    assert made.words.to_pylist() == expected
    assert made.counts.tolist() == [flat.count(word) for word in expected]
    assert made.size == sum(flat.count(word) >= min_count for word in expected)


@given(words_lists, st.integers(1, 4))
def test_updates_keep_ids_and_lose_no_count(batches, min_count):
    made, before = Vocabulary.empty(), []
    for n in range(len(batches)):
        made = made.add(
            pa.array(batches[n], pa.string()), np.ones(len(batches[n]), np.int64), min_count
        )
        ids = made.retained.to_pylist()
        assert ids[: len(before)] == before
        before = ids
    flat = [word for batch in batches for word in batch]
    counts = dict(zip(made.words.to_pylist(), made.counts.tolist(), strict=True))
    assert counts == {word: flat.count(word) for word in flat}
    assert set(before) == {word for word in flat if flat.count(word) >= min_count}


def test_three_and_three_is_five():
    made = grown([["mill"] * 3, ["mill"] * 3], min_count=5)
    assert made.retained.to_pylist() == ["mill"]


def test_build_merges_shards(tmp_path):
    one, two = (encode(Sentences(s)) for s in ([["b", "a"], ["b"]], [["a", "c", "b"]]))
    made = Vocabulary.build([*one, *two], min_count=2)
    assert made.words.to_pylist() == ["b", "a", "c"]
    assert made.counts.tolist() == [3, 2, 1]
    assert made.lookup(pa.array(["c", "a", "nowhere"])).tolist() == [-1, 1, -1]


@pytest.mark.parametrize(("text", "said"), [([["a", "b"]], "seen 1 times"), ([[]], "empty")])
def test_no_word_left(text, said):
    with pytest.raises(VocabularyError, match=said):
        Vocabulary.build(encode(Sentences(text)), min_count=2)


def test_keep_thresholds_follow_the_formula():
    made = Vocabulary(pa.array(["a", "b", "c"]), np.array([9000, 900, 100]), 3)
    t = 1e-3 * 10000
    share = [min((np.sqrt(v / t) + 1) * t / v, 1) for v in (9000, 900, 100)]
    got = made.keep_thresholds(1e-3) / 0xFFFFFFFF
    np.testing.assert_allclose(got, share, rtol=1e-6)
    assert (made.keep_thresholds(0) == 0xFFFFFFFF).all()
    absolute = int(50 * (3 + 5**0.5) / 2)
    v = 9000
    np.testing.assert_allclose(
        made.keep_thresholds(50)[0] / 0xFFFFFFFF, (np.sqrt(v / absolute) + 1) * absolute / v, 1e-6
    )
