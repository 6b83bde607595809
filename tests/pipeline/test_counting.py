"""Counting words: exact and in order, whatever fits into memory."""

import errno
import tempfile
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.words.counting
from corpora import MillraceError, Sentences, encode
from pipeline.words.counting import Counting
from pipeline.words.vocabulary import Vocabulary

WORDS = st.lists(st.lists(st.text(max_size=3), max_size=60), max_size=12)


def counted(batches, memory, ranked=()):
    with Counting(memory) as counting:
        if ranked:
            counting.add(pa.array(ranked), np.ones(len(ranked), np.int64), ranked=len(ranked))
        for batch in batches:
            counting.add(pa.array(batch, pa.string()), np.ones(len(batch), np.int64))
        return counting.result()


def expected(batches, ranked=()):
    counts = Counter(word for batch in (*batches, ranked) for word in batch)
    later = sorted(counts.keys() - set(ranked), key=lambda word: (-counts[word], word.encode()))
    return [(word, counts[word]) for word in [*ranked, *later]]


RANKED = st.lists(st.text(max_size=2), unique=True)


@settings(max_examples=40)
@given(
    WORDS, st.sampled_from([1, 1000, 20_000, 1 << 28]), st.lists(st.text(max_size=2), unique=True)
)
def test_any_memory_gives_the_same(batches, memory, ranked):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.words.counting, "MOST_RUNS", 3)
        patch.setattr(pipeline.words.counting, "LEAST_ROWS", 4)
        patch.setattr(pipeline.words.counting, "PIECE", 16)
        found = counted(batches, memory, ranked)
    pairs = list(zip(found.words.to_pylist(), found.counts.tolist(), strict=True))
    assert pairs == expected(batches, ranked)
    assert found.ranked == len(ranked)
    assert found.counts.dtype == np.int64


def test_many_words_in_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 40_000, 200_000) * 7919 % 40_000
    batches = [[f"wörd{i}" for i in part] for part in np.array_split(numbers, 20)]
    found = counted(batches, 200_000)
    assert list(tmp_path.iterdir()) == []
    pairs = list(zip(found.words.to_pylist(), found.counts.tolist(), strict=True))
    assert pairs == expected(batches)


def test_a_vocabulary_is_the_same_and_stays_usable(monkeypatch):
    rows = [[f"w{i * i % 997}" for i in range(k, k + 50)] for k in range(0, 3000, 50)]
    shards = encode(Sentences(rows))
    whole = Vocabulary.build(shards, 3)
    monkeypatch.setattr(pipeline.words.counting, "PIECE", 64)
    for previous in (None, whole):
        small = Vocabulary.build(shards, 3, previous=previous, memory=100)
        large = Vocabulary.build(shards, 3, previous=previous)
        assert small.words.equals(large.words)
        assert small.counts.tolist() == large.counts.tolist()
        assert small.size == large.size
        assert small.lookup(small.retained).tolist() == list(range(small.size))
        small.words.validate(full=True)
    streamed = Vocabulary.build(Sentences(rows).token_batches(), 3)
    assert streamed.words.equals(whole.words)


def test_a_disk_that_takes_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pa, "OSFile", full)
    with pytest.raises(MillraceError, match=r"No space left on device.*set TMPDIR"):
        counted([["a", "b"]], memory=1)
    assert list(tmp_path.iterdir()) == []


def test_more_words_than_arrow_can_hold(monkeypatch):
    monkeypatch.setattr(pipeline.words.counting, "NO_RANK", 3)
    with pytest.raises(MillraceError, match="more than 2 GiB together"):
        counted([["aa", "bb"]], memory=1)
