"""A model's files: each kind of model comes back whole; what doesn't fit together is refused."""

import json

import numpy as np
import pyarrow as pa
import pytest
from models import DOCUMENTS, KINDS, made

from corpora import Documents, encode
from pipeline.core.settings import Settings
from pipeline.models.model import Model, ModelError


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, tmp_path):
    model = made(KINDS[kind])
    model.save(tmp_path)
    again = Model.open(tmp_path)
    second = tmp_path / "again"
    second.mkdir()
    again.save(second)  # as it is mapped
    for path in sorted(tmp_path.glob("*.*")):
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
    assert again.settings == model.settings
    np.testing.assert_array_equal(again.vectors, model.vectors)
    with pytest.raises(ValueError, match="read-only"):
        again.vectors[0, 0] = 1
    for name in ("input", "output", "nodes", "tags"):
        one, other = getattr(model.weights, name), getattr(again.weights, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
    if model.tree is not None:
        np.testing.assert_array_equal(again.tree.leaves, model.tree.leaves)
        np.testing.assert_array_equal(again.tree.inner, model.tree.inner)
    if model.tags is not None:
        assert again.tags.keys.to_pylist() == ["x", "y", 7, 8]
        assert again.tags.counts.tolist() == [1, 2, 1, 1]
        assert again.tags.find([8, "y", "8"]) == [3, 1, -1]
        assert again.keyed_documents.vectors.shape == (4, KINDS[kind].vector_size)


def test_one_word_and_no_tag(tmp_path):
    model = made(Settings("dbow", hierarchical=True), [(["a"], [])])
    model.save(tmp_path)
    again = Model.open(tmp_path)
    assert again.weights.nodes.shape == (0, 112)
    assert again.tags.size == 0
    again.grow(again.vocabulary, 1, again.tags.add(encode(Documents(DOCUMENTS))))
    assert again.tag_vectors.shape == (4, 100)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tag_vectors.npy", np.zeros((3, 16), np.float32)),
        ("tag_vectors.npy", np.zeros((4, 16))),
        ("nodes.npy", np.zeros((3, 16), np.float32)),
        ("leaves.npy", np.zeros(2, np.uint32)),
        ("inner.npy", np.zeros(2, np.int64)),
        ("output.npy", np.zeros((3, 32), np.float32)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, wrong, tmp_path):
    made(KINDS["dbow"]).save(tmp_path)
    np.save(tmp_path / name, wrong)
    with pytest.raises(ModelError, match=f"{name} has shape"):
        Model.open(tmp_path)


@pytest.mark.parametrize("name", ["tags.arrow", "leaves.npy", "words.arrow", "nodes.npy"])
@pytest.mark.parametrize("how", ["missing", "cut", "garbage"])
def test_files_that_are_missing_or_damaged(name, how, tmp_path):
    made(KINDS["dbow"]).save(tmp_path)
    path = tmp_path / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40] if how == "cut" else b"no such thing" * 20)
    with pytest.raises(ModelError, match="does not hold a model"):
        Model.open(tmp_path)


def test_settings_and_columns_that_can_not_be(tmp_path):
    made(KINDS["dbow"]).save(tmp_path)
    path = tmp_path / "settings.json"
    said = json.loads(path.read_text())
    for change in ({"vector_size": 0}, {"speed": 9}, {"method": "glove"}):
        path.write_text(json.dumps({**said, "settings": {**said["settings"], **change}}))
        with pytest.raises(ModelError, match="does not hold a model"):
            Model.open(tmp_path)
    path.write_text(json.dumps(said))
    table = pa.table({"tag": ["x", None, "y", "z"], "count": [1, 2, 3, 4]})
    where = str(tmp_path / "tags.arrow")
    with pa.OSFile(where, "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    with pytest.raises(ModelError, match="lacks a value"):
        Model.open(tmp_path)
    path.write_text(json.dumps({**said, "words": 99}))
    with pytest.raises(ModelError):
        Model.open(tmp_path)
