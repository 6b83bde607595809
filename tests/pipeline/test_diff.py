"""Two versions compared, on models whose differences are known."""

import json

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.core.settings import Settings
from pipeline.models.model import Model
from pipeline.models.model_files import Matrices
from pipeline.store import diff as module
from pipeline.store.diff import diff
from pipeline.store.ledger import Consumed
from pipeline.store.versions import Store
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

DRAW = np.random.default_rng(1)
VECTORS = DRAW.normal(size=(200, 6)).astype(np.float32)


def model(words, vectors, tags=None, tag_vectors=None):
    counts = np.arange(len(words), 0, -1)
    vocabulary = Vocabulary(pa.array(words), counts, len(words))
    settings = Settings(vector_size=6, **({} if tags is None else {"method": "dm"}))
    table = None if tags is None else TagTable(tags, np.ones(len(tags), np.int64))
    output = np.zeros_like(vectors)
    return Model(vocabulary, settings, Matrices(vectors, output, None, tag_vectors), table)


@pytest.fixture(params=[7, 1 << 15])
def store(tmp_path, monkeypatch, request):
    monkeypatch.setattr(module, "BLOCK", request.param)
    return Store.open(str(tmp_path / "models"))


def words(n, first=0):
    return [f"w{i}" for i in range(first, first + n)]


def test_words_that_came_went_and_moved(store):
    moved = VECTORS.copy()
    moved[50] = -moved[50]
    moved[60] += 0.01
    store.publish(model(words(199), VECTORS[:199]).save, consumed=[Consumed("a", "1", 1, 1)])
    later = model(["new", *words(189, 10)], np.concatenate([VECTORS[:1], moved[10:199]]))
    store.publish(later.save, consumed=[Consumed("a", "2", 1, 1), Consumed("b", "1", 1, 1)])
    found = diff(store.version(1), store.version(2), topn=2)
    keys = found.words
    assert (keys.added, keys.removed, keys.common) == (1, 10, 189)
    assert (keys.examples_added, keys.examples_removed) == (["new"], ["w0", "w1"])
    assert (keys.same, keys.moved[0]) == (187, ("w50", -1.0))
    assert keys.moved[1][0] == "w60"
    assert keys.sampled == 189
    assert 0.9 < keys.overlap < 1
    assert found.documents is None
    assert (found.sources_added, found.sources_removed) == (2, 1)
    same = diff(store.version(1), store.version(1)).words
    assert (same.added, same.removed, same.same, same.cosine, same.overlap) == (0, 0, 199, 1, 1)


def overlap_slowly(was, now, n):
    shared = []
    for i in range(len(was)):
        near = []
        for matrix in (was, now):
            unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
            scores = unit @ unit[i]
            scores[i] = -9
            near.append(set(np.argsort(-scores)[:n].tolist()))
        shared.append(len(near[0] & near[1]) / n)
    return np.mean(shared)


def test_neighbours_are_those_of_the_definition(store):
    now = VECTORS + DRAW.normal(size=VECTORS.shape, scale=0.3).astype(np.float32)
    store.publish(model(words(200), VECTORS).save)
    store.publish(model(words(200), now).save)
    found = diff(store.version(1), store.version(2)).words
    assert found.overlap == pytest.approx(overlap_slowly(VECTORS, now, 10))


def test_documents_with_tags_of_both_kinds(store):
    was = pa.UnionArray.from_dense(
        pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32()),
        [pa.array(["a", "b"]), pa.array([5, 6])], ["name", "number"],
    )  # fmt: skip
    store.publish(model(words(3), VECTORS[:3], was, VECTORS[:4]).save)
    now = pa.array(["b", "c", "a"])
    store.publish(model(words(3), VECTORS[:3], now, VECTORS[[2, 9, 0]]).save)
    found = diff(store.version(1), store.version(2)).documents
    assert (found.added, found.removed, found.common, found.same) == (1, 2, 2, 2)
    assert (found.examples_added, found.examples_removed) == (["c"], ["5", "6"])


def test_nothing_in_common(store):
    store.publish(model(words(3), VECTORS[:3]).save)
    store.publish(model(words(3, 3), VECTORS[:3]).save)
    store.publish(model(words(1), VECTORS[:1]).save)
    assert diff(store.version(1), store.version(2)).words.overlap is None
    one = diff(store.version(1), store.version(3)).words
    assert (one.common, one.overlap, one.sampled) == (1, None, 0)


def test_the_command(store, capsys):
    store.publish(model(words(20), VECTORS[:20]).save)
    store.publish(model(words(22), VECTORS[:22]).save, parent=1)
    assert run_command(commands, ["diff", store.url, "1", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["a"], told["b"], told["words"]["added"]) == (1, 2, 2)
    assert run_command(commands, ["diff", store.url, "1", "2"]) == 0
    out = capsys.readouterr().out
    assert "words: 2 added, 0 removed, 20 in both" in out
    assert "neighbours kept: 100.0% of the nearest 10 of 20" in out
    assert run_command(commands, ["diff", store.url, "1", "9"]) == 4
    assert "has no version 9" in capsys.readouterr().err
