"""Phrases joined as ids, where rows become ids, give what joining the words gives."""

import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import Documents, LineSentence, Sentences, encode
from corpora.part import before_joins
from corpora.phrases import PhraseTable
from corpora.shards import encoder
from corpora.tokens.token_batches import token_batches
from corpora.tokens.units import Bounds, tokenised

WORDS = st.sampled_from(["a", "b", "c", "of", "a_b", "", "long word"])
ROWS = st.lists(st.lists(WORDS, max_size=12), min_size=1, max_size=30)
ONE = PhraseTable([["a", "b"], ["a", "of", "c"]], connectors={"of"})
TWO = PhraseTable([["a_b", "c"], ["c", "c"]], delimiter="~")


def rows_of(words, lists):
    return [[words[i] for i in row] for row in lists]


def check(words, counts, found, expected):
    assert found == expected
    flat = [word for row in expected for word in row]
    assert words == list(dict.fromkeys(flat))
    assert dict(zip(words, counts, strict=True)) == Counter(flat)


@settings(deadline=None)
@given(ROWS, st.integers(1, 400), st.integers(1, 2))
def test_token_batches(rows, text_bytes, workers):
    corpus = Sentences(rows).phrases(ONE).phrases(TWO)
    expected = list(corpus)
    (part,) = corpus.parts()
    assert len(before_joins(part)[1]) == 2
    found = []
    for made in token_batches([part], workers, Bounds(text_bytes=text_bytes)):
        some = rows_of(made.words.to_pylist(), made.batch["tokens"].to_pylist())
        check(made.words.to_pylist(), made.counts.tolist(), some, some)
        found += some
    assert found == expected


@settings(deadline=None)
@given(ROWS, st.integers(1, 3), st.booleans())
def test_shards(rows, workers, cache):
    corpus = Documents([(row, [i]) for i, row in enumerate(rows)]).phrases(ONE).phrases(TWO)
    shards = encode(corpus, None if cache else False, workers=workers)
    (shard,) = shards
    batches = list(shard.batches())
    lists = [row for batch in batches for row in batch["tokens"].to_pylist()]
    words = shard.words.to_pylist()
    expected = [row.words for row in corpus]
    check(words, shard.counts.tolist(), rows_of(words, lists), expected)
    assert shard.tokens == sum(map(len, expected))
    assert [row for batch in batches for row in batch["tags"].to_pylist()] == [
        [i] for i in range(len(rows))
    ]


def test_what_comes_after_sees_joined_rows(tmp_path):
    (tmp_path / "a.txt").write_text("a b c\nc c\nx\n")
    (tmp_path / "b.txt").write_text("a of c a b\n")
    corpus = LineSentence([tmp_path / "a.txt", tmp_path / "b.txt"]).phrases(ONE)
    joined = [["a_b", "c"], ["c", "c"], ["x"], ["a_of_c", "a_b"]]
    for after in (
        corpus,
        corpus.lowercase(),
        corpus.skip(0),
        corpus.map(lambda words: words),
        corpus.shard(0, 1),
        pickle.loads(pickle.dumps(corpus)),
    ):
        assert list(after) == joined
        found = [
            row
            for made in after.token_batches()
            for row in rows_of(made.words.to_pylist(), made.batch["tokens"].to_pylist())
        ]
        assert found == joined
    assert list(corpus.filter(min_tokens=2).phrases(TWO)) == [["a_b~c"], ["c~c"], joined[3]]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_dictionary_that_is_full(monkeypatch, workers):
    rows = [[f"w{i % 97}", "a", "b", f"v{i % 89}"] for i in range(4000)]
    whole = encode(Sentences(rows).phrases(ONE), workers=workers)
    bounds = Bounds(word_bytes=4000, text_bytes=5000)
    monkeypatch.setattr(encoder, "Bounds", lambda: bounds)
    shards = encode(Sentences(rows).phrases(ONE), workers=workers)
    assert len(shards) >= len(whole) == 1
    found = [
        row
        for shard in shards
        for batch in shard.batches()
        for row in rows_of(shard.words.to_pylist(), batch["tokens"].to_pylist())
    ]
    assert found == list(Sentences(rows).phrases(ONE))


def test_a_unit_without_words():
    (part,) = Sentences([[], []]).parts()
    made = tokenised(list(part.read()), (ONE,))
    assert made.rows[0].columns[0].to_pylist() == [[], []]
    assert len(made.by.words) == 0
