"""The approximate index finds nearly all that exact search does."""

import sys

import numpy as np
import pytest
from vectors import matrix

from corpora.errors import MillraceError
from pipeline import KeyedVectors
from pipeline.vectors.approximate import ApproximateIndex
from pipeline.vectors.errors import VectorFileError


@pytest.fixture(scope="module")
def wv():
    return KeyedVectors.of([f"w{i}" for i in range(3000)], matrix(3000))


def shared(wv, index):
    """The share of the ten nearest that the index finds, too."""
    asked = [f"w{i}" for i in range(0, 3000, 100)]
    exact = [[key for key, _ in wv.most_similar([wv[word]])] for word in asked]
    found = [[key for key, _ in wv.most_similar(word, indexer=index)] for word in asked]
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])


def test_it_finds_most(wv, tmp_path):
    pytest.importorskip("usearch")
    index = wv.approximate_index(workers=1)
    assert shared(wv, index) > 0.9
    key, cosine = wv.most_similar("w7", topn=3, indexer=index)[0]
    assert (key, cosine) == ("w7", pytest.approx(1, abs=2e-3))
    index.save(tmp_path / "index")
    again = ApproximateIndex.load(wv, tmp_path / "index")
    assert shared(wv, again) == shared(wv, index)
    (tmp_path / "other").write_bytes(b"no index" * 100)
    with pytest.raises(VectorFileError, match="build it again"):
        ApproximateIndex.load(wv, tmp_path / "other")
    with pytest.raises(VectorFileError, match="build it again"):
        ApproximateIndex.load(KeyedVectors.of(["a"], np.ones((1, 20))), tmp_path / "index")


def test_without_its_library(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(MillraceError, match="pip install usearch"):
        wv.approximate_index()
