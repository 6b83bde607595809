"""Whole runs: an empty store and a later run, the same bits again, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.models.model import Model, ModelError
from pipeline.recipe.recipe import parse
from pipeline.store.versions import ConflictError, Store, StoreError

DAILY = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "line_sentence"
url = "{root}/{day}.txt"
[[stage]]
use = "build_vocab"
update = true
min_count = 5
[[stage]]
use = "train_word2vec"
vector_size = 8
window = {window}
[[stage]]
use = "publish"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "monday.txt").write_text("the mill turns\n" * 20 + "rare word\n" * 3)
    (tmp_path / "tuesday.txt").write_text("the race runs\n" * 20 + "rare word\n" * 3)
    return tmp_path


def run(root, day, window=2):
    return job.run(parse(DAILY.format(root=root, day=day, window=window)), Lines(str))


def test_the_first_run_and_a_later_one_are_the_same_recipe(root):
    first = run(root, "monday")
    assert (first.version.number, first.version.manifest.parent) == (1, None)
    assert first.vocabulary.retained.to_pylist() == ["mill", "the", "turns"]
    second = run(root, "tuesday")
    assert (second.version.number, second.version.manifest.parent) == (2, 1)
    # The ids of the first run stay; "rare" was seen 3 + 3 times and so gets in at 5.
    words = ["mill", "the", "turns", "race", "runs", "rare", "word"]
    assert second.vocabulary.retained.to_pylist() == words
    assert second.vocabulary.counts[1] == 40
    ledger = second.version.ledger.table
    assert [Path(source).name for source in ledger["source"].to_pylist()] == [
        "monday.txt", "tuesday.txt",
    ]  # fmt: skip
    assert (ledger["rows"].to_pylist(), ledger["tokens"].to_pylist()) == ([23, 23], [66, 66])
    assert (ledger["version"].to_pylist(), ledger["counted"].to_pylist()) == ([1, 2], [True, True])
    assert second.version.manifest.receipt["tokens"] == 66
    assert len(second.version.manifest.receipt["epochs"]) == 5
    opened = Model.open(Store.open(str(root / "models")).latest().folder())
    assert opened.vectors.shape == (7, 8)
    assert np.array_equal(opened.vectors, second.model.vectors)


def test_other_settings_than_the_models_are_refused(root):
    run(root, "monday")
    with pytest.raises(ModelError, match="window is 2 there and 3 here"):
        run(root, "tuesday", window=3)
    assert Store.open(str(root / "models")).latest().number == 1


def test_training_on_needs_something_to_go_on_from(root):
    text = DAILY.format(root=root, day="monday", window=2)
    text = text.replace('[[stage]]\nuse = "build_vocab"\nupdate = true\nmin_count = 5\n', "")
    with pytest.raises(ModelError, match="put build_vocab, with update = true, before"):
        job.run(parse(text), Lines(str))


def test_a_run_from_an_old_version_is_not_published(root, monkeypatch):
    run(root, "monday")
    train = Model.grow

    def meanwhile(self, *arguments):
        store = Store.open(str(root / "models"))
        store.publish(store.latest().manifest.files and self.save, parent=1)
        train(self, *arguments)

    monkeypatch.setattr(Model, "grow", meanwhile)
    with pytest.raises(ConflictError, match="this run went on from version 1"):
        run(root, "tuesday")
    assert len(list((root / "models" / "data").iterdir())) == 2


def test_a_store_is_tried_before_any_work(root):
    (root / "models").write_text("")
    (root / "monday.txt").unlink()
    with pytest.raises(StoreError, match="cannot write the store"):
        run(root, "monday")


def test_one_worker_gives_the_same_bits(root):
    code = (
        "import sys\nfrom pipeline import job\nfrom pipeline.cli.progress import Lines\n"
        "from pipeline.recipe.recipe import parse\n"
        "state = job.run(parse(sys.argv[1]), Lines(str))\n"
        "files = {file.name: file.sha256 for file in state.version.manifest.files}\n"
        "del files['ledger.arrow']  # it says when\nprint(files)"
    )
    outputs = set()
    for seed in "12":
        text = DAILY.format(root=root, day="monday", window=2)
        text = text.replace("/models", f"/models{seed}").replace("/cache", f"/cache{seed}")
        paths = os.pathsep.join(sys.path)
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed}
        outputs.add(
            subprocess.run(
                [sys.executable, "-c", code, text],
                env=environment, check=True, capture_output=True, text=True,
            ).stdout
        )  # fmt: skip
    assert len(outputs) == 1
    assert "vectors.npy" in outputs.pop()
