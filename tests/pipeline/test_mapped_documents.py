"""Documents' vectors in a file: the same numbers as in memory, and no part of the memory."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from models import KINDS, made

from corpora import Documents, encode
from pipeline.core.passes import Plan
from pipeline.core.row_file import RowFile, RowFileError
from pipeline.core.settings import Settings
from pipeline.models import bundle
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.words.vocabulary import Vocabulary

PLAN = Plan(epochs=2, alpha=0.1, sample=0.0)
FIRST = [(["a", "b"] * 20, ["x"]), (["a", "c"] * 20, ["y"])]
MORE = [(["d", "a"] * 20, ["z"]), (["b", "d"] * 20, ["y"])]


def model_of(settings, path=None):
    shards = encode(Documents(FIRST))
    words, tags = Vocabulary.build(shards, 1), tags_with(shards, settings)
    return Model.fresh(words, settings, 3, tags, path)


@pytest.mark.parametrize("settings", [KINDS["dbow"], Settings("dm", vector_size=5)])
def test_trained_in_a_file_as_in_memory(settings, tmp_path):
    path = tmp_path / "tags.npy"
    one, other = model_of(settings, path), model_of(settings)
    dv = one.keyed_documents
    shards = encode(Documents(MORE))
    for model in (one, other):
        model.train(encode(Documents(FIRST)), PLAN)
        grown = Vocabulary.build(shards, 1, previous=model.vocabulary)
        model.grow(grown, 3, tags_with(shards, settings, model.tags))
        model.train(shards, PLAN)
    np.testing.assert_array_equal(dv.vectors, other.tag_vectors)
    np.testing.assert_array_equal(np.load(path)[:, : settings.vector_size], other.tag_vectors)
    assert dv.most_similar("x") == other.keyed_documents.most_similar("x")
    assert dv.most_similar_each(["x"]) == other.keyed_documents.most_similar_each(["x"])
    assert one.infer([["a"]], PLAN).vectors.tolist() == other.infer([["a"]], PLAN).vectors.tolist()
    bundle.write(tmp_path / "m", one, {})
    bundle.write(tmp_path / "n", other, {})
    assert (tmp_path / "m").read_bytes() == (tmp_path / "n").read_bytes()
    dv["x"] = np.ones(settings.vector_size)
    assert np.load(path, mmap_mode="r")[0, 0] == 1


@pytest.mark.parametrize("mmap", [None, "r"])
def test_read_into_a_file(mmap, tmp_path):
    other = model_of(KINDS["dbow"])
    bundle.write(tmp_path / "m", other, {})
    one, _ = bundle.read(tmp_path / "m", mmap, in_place=True)
    one.map_documents(tmp_path / "tags.npy")
    one.keyed_documents["y"] = other.keyed_documents["y"] = np.ones(16)
    for model in (one, other):
        model.train(encode(Documents(FIRST)), PLAN)
    np.testing.assert_array_equal(one.tag_vectors, other.tag_vectors)
    np.testing.assert_array_equal(np.load(tmp_path / "tags.npy"), other.weights.tags)


def test_moved_into_a_file(tmp_path):
    model, other = model_of(KINDS["dbow"]), model_of(KINDS["dbow"])
    dv = model.keyed_documents
    model.map_documents(tmp_path / "tags.npy")
    dv["x"] = other.keyed_documents["x"] = np.ones(16)
    for each in (model, other):
        each.train(encode(Documents(FIRST)), PLAN)
    np.testing.assert_array_equal(np.load(tmp_path / "tags.npy"), other.weights.tags)
    np.testing.assert_array_equal(dv.vectors, other.tag_vectors)
    with pytest.raises(ModelError, match="words only"):
        made(KINDS["tree"]).map_documents(tmp_path / "tags.npy")
    with pytest.raises(TypeError, match="save the model"):
        copy.deepcopy(model)


def test_a_file_of_something_else_is_kept(tmp_path):
    path = tmp_path / "tags.npy"
    np.save(path, np.ones(3))
    with pytest.raises(RowFileError, match=r"tags\.npy.*another name"):
        model_of(KINDS["dbow"], path)
    assert np.load(path).tolist() == [1, 1, 1]
    with pytest.raises(RowFileError, match="nowhere"):
        model_of(KINDS["dbow"], tmp_path / "nowhere" / "tags.npy")
    with pytest.raises(RowFileError):
        model_of(KINDS["dbow"], tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["tags.npy"]


def test_a_new_file_takes_the_place_of_an_old_one_that_goes_on(tmp_path):
    path = tmp_path / "tags.npy"
    first = RowFile(path, 16)
    old = first.rows(2)
    old[...] = 1
    new = RowFile(path, 16).rows(3)
    assert not new.any()
    assert first.rows(4).sum(axis=1).tolist() == [16, 16, 0, 0]
    assert np.load(path).shape == (3, 16)


def test_a_full_disk_is_one_error(tmp_path, monkeypatch):
    file = RowFile(tmp_path / "tags.npy", 16)
    file.rows(2)[...] = 1
    with pytest.raises(RowFileError, match=r"tags\.npy can't grow .*make room"):
        file.rows(1 << 55)
    assert np.load(file.path).sum() == 32
    assert file.rows(3).sum() == 32


MEASURED = """
import sys
import threading
from pathlib import Path
import numpy as np, pyarrow as pa
from corpora import Documents, encode
from pipeline.models import bundle
from pipeline.models.model import Model
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) >> 10

def tags(n):
    return TagTable(pa.array(np.arange(n)), np.ones(n, np.int64))

folder, n = sys.argv[1], 300_000
shards = encode(Documents([(["a", "b", "c"] * 30, [i * 1000]) for i in range(200)]))
words = Vocabulary.build(shards, 1)
settings, plan = Settings("dm", vector_size=100), Plan(epochs=1, sample=0.0)
small = Model.fresh(words, settings, 1, tags(1000 * 200), None)
small.train(shards, plan)
small.keyed_documents.most_similar(0)
del small
held = tags(n)
base = anonymous()
model = Model.fresh(words, settings, 1, tags(1000), folder + "/tags.npy")

def grow():
    model.grow(words, 1, held)
    assert np.isfinite(model.tag_vectors[::1000]).all()

def mapped():
    made, _ = bundle.read(folder + "/m", None, in_place=True)
    made.map_documents(Path(folder + "/again.npy"))
    return made

steps = [
    grow,
    lambda: model.train(shards, plan, workers=2),
    lambda: model.keyed_documents.most_similar(5),
    lambda: model.keyed_documents.most_similar_each([5, 7]),
    lambda: bundle.write(folder + "/m", model, {}),
    lambda: model.keyed_documents.save(folder + "/kv"),
    lambda: globals().update(again=mapped()),
    lambda: again.train(shards, plan),
]
def watch():
    while not done.wait(0.002):
        seen.append(anonymous() - base)

found = []
for step in steps:
    seen, done = [0], threading.Event()
    watching = threading.Thread(target=watch)
    watching.start()
    step()
    done.set()
    watching.join()
    found.append(max(seen))
print(n * 112 * 4 >> 20, *found)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="tells kinds of memory apart on Linux alone")
def test_memory_does_not_grow_with_the_documents(tmp_path):
    made = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    documents, *grown = map(int, made.stdout.split())
    assert documents > 120
    assert max(grown) < documents / 4, grown
