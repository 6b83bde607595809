"""Phrases beside gensim's: the same counts, the same phrases and scores, the same sentences."""

from pathlib import Path

import pytest

from corpora import LineSentence
from pipeline import ENGLISH_CONNECTOR_WORDS, Phrases

theirs = pytest.importorskip("gensim.models.phrases", reason="gensim: NOT compared with it")
datapath = pytest.importorskip("gensim.test.utils").datapath

CASES = {
    "as it is": {},
    "connectors": {"connector_words": ENGLISH_CONNECTOR_WORDS},
    "npmi": {"scoring": "npmi", "threshold": 0.3, "min_count": 2},
    "npmi, connectors": {
        "scoring": "npmi",
        "threshold": -0.1,
        "min_count": 3,
        "connector_words": ENGLISH_CONNECTOR_WORDS,
    },
    "low": {"min_count": 1, "threshold": 0.5, "delimiter": "~~"},
    "all but a few": {"min_count": 3, "threshold": 1000.0},
}


@pytest.fixture(scope="module")
def text():
    path = datapath("lee_background.cor")
    return path, [line.split() for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_the_same_connectors():
    assert ENGLISH_CONNECTOR_WORDS == theirs.ENGLISH_CONNECTOR_WORDS


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("given", CASES.values(), ids=CASES)
def test_the_same_on_real_text(text, given):
    path, rows = text
    corpus = LineSentence(path)
    for halves in (False, True):
        peer, ours = theirs.Phrases(rows, **given), Phrases(corpus, **given)
        if halves:
            peer.add_vocab(rows[:100])
            ours.add_vocab(corpus.take(100))
        assert len(ours.vocab) == len(peer.vocab)
        assert ours.corpus_word_count == peer.corpus_word_count
        assert dict(ours.vocab.items()) == peer.vocab
        found = ours.export_phrases()
        assert len(found) > 5
        assert found == peer.export_phrases()  # to the last bit of each score
        assert ours.find_phrases(corpus) == peer.find_phrases(rows)
        joined = list(peer[rows])
        assert list(ours[corpus]) == list(ours[rows]) == joined
        assert list(ours.freeze()[corpus]) == list(peer.freeze()[rows])


def test_the_same_trigrams_where_gensim_is_not_frozen(text):
    path, rows = text
    corpus = LineSentence(path)
    one, first = theirs.Phrases(rows, 2, 3.0), Phrases(corpus, 2, 3.0)
    two, second = theirs.Phrases(one[rows], 2, 3.0), Phrases(first[corpus], 2, 3.0)
    expected = list(two[one[rows]])
    assert any(word.count("_") == 3 for row in expected for word in row)
    assert list(second[first[corpus]]) == expected
    assert list(second.freeze()[first.freeze()[rows]]) == expected
    # The peer's frozen phrases lose those whose words have the delimiter in them.
    assert list(two.freeze()[one.freeze()[rows]]) != expected
