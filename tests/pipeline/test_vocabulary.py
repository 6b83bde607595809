"""Counts, ids and tables of the vocabulary."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import Sentences, encode
from pipeline.words.admission import RULE_DISCARD, RULE_KEEP, Admission
from pipeline.words.vocabulary import Vocabulary, VocabularyError


class Table(NamedTuple):
    words: pa.StringArray
    counts: np.ndarray


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


@pytest.mark.parametrize(
    ("text", "said"), [([["a", "b"]], "seen 1 time[.]"), ([[]], "has no words")]
)
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


few = st.lists(st.text("abcde", min_size=1, max_size=2), max_size=20)


@given(few, few, st.integers(0, 4), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_who_is_admitted(first, second, min_count, final, remembered, by_count):
    """Caps and rules against the same said plainly; the second batch is an update."""
    rules = {"a": RULE_DISCARD, "b": RULE_KEEP}
    admission = Admission(
        min_count, lambda word, *_: rules.get(word[0], 0), final, remembered, by_count
    )
    ids, counts = [], {}
    made = Vocabulary.empty()
    for batch in (first, second):
        table = Table(pa.array(batch, pa.string()), np.ones(len(batch), np.int64))
        for word in batch:
            counts[word] = counts.get(word, 0) + 1
        ranked = sorted(
            (word for word in counts if word not in ids and word[0] != "a"),
            key=lambda word: (word[0] != "b", -counts[word], word.encode()),
        )
        ranked = ranked[: max(0, remembered - len(ids))]
        fit = [word for word in ranked if word[0] == "b" or counts[word] >= min_count]
        new = fit[: max(0, final - len(ids))]
        order = list(dict.fromkeys(batch))
        by = {word: order.index(word) if word in order else -1 for word in new}
        new.sort(key=lambda word: (-counts[word], word.encode()))
        ids += new if by_count else sorted(new, key=by.get)
        counts = {word: counts[word] for word in {*ids, *ranked}}
        try:
            made = Vocabulary.build([table], admission=admission, previous=made)
        except VocabularyError:
            assert not ids
            return
        assert made.retained.to_pylist() == ids
        found = dict(zip(made.words.to_pylist(), made.counts.tolist(), strict=True))
        assert found == counts
