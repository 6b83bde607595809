"""Errors: one paragraph with place and remedy, kept over a pickle."""

import pickle

import pytest

from corpora import CorpusError, MillraceError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CorpusError("it broke"), "it broke"),
        (CorpusError("it broke", url="a"), "a: it broke"),
        (CorpusError("it broke", position="byte 3"), "byte 3: it broke"),
        (
            CorpusError("it broke", url="a", position="byte 3", remedy="mend it"),
            "a, byte 3: it broke. To mend it: mend it.",
        ),
        (MillraceError("plain"), "plain"),
    ],
)
def test_text_and_pickle(error, text):
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == text
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert isinstance(error, MillraceError)
