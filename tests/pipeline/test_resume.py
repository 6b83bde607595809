"""Runs that are killed: they go on where they were, and end with the same bits."""

import errno
import fcntl
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from corpora import Sentences, encode
from pipeline import _train
from pipeline.core.checkpoint import Checkpoints, Cursor, opened
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.models.model import Model
from pipeline.run_key import run_key
from pipeline.stage import Setting, State
from pipeline.stages.train_word2vec import TrainWord2vec
from pipeline.store.versions import Store
from pipeline.updates.row_rates import RowRates
from pipeline.words.vocabulary import Vocabulary

KILLS = int(os.environ.get("MILLRACE_KILLS", "12"))  # the more, the longer it takes
RECIPE = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
checkpoint = 0
[[stage]]
use = "load_latest"
[[stage]]
use = "tagged_line_document"
url = "{root}/text.txt"
[[stage]]
use = "build_vocab"
update = true
[[stage]]
use = "train_doc2vec"
dbow_words = 1
hs = 1
vector_size = 24
epochs = 3
[[stage]]
use = "publish"
"""


class KilledError(Exception):
    """Stands for a process's end."""


class Dying(Checkpoints):
    """Checkpoints of a run that dies after so many of them."""

    left = 3

    def save(self, cursor, matrices):
        super().save(cursor, matrices)
        Dying.left -= 1
        if not Dying.left:
            raise KilledError


def corpus(lines=30_000):
    draw = random.Random(3)
    words = [f"w{draw.randrange(300)}" for _ in range(lines * 6)]
    return [words[at : at + 6] for at in range(0, len(words), 6)]


def trained(shards, checkpoints, settings=Settings("skip_gram", 16, hierarchical=True), **how):  # noqa: B008
    vocabulary = Vocabulary.build(shards, 2)
    model = Model.fresh(vocabulary, settings, seed=1)
    receipt = model.train(shards, Plan(epochs=2), checkpoints=checkpoints, **how)
    return model, receipt


def test_a_run_goes_on_within_an_epoch_and_ends_with_the_same_bits(tmp_path):
    shards = encode(Sentences(corpus()), tmp_path / "cache")
    assert sum(len(list(shard.batches())) for shard in shards) > 2
    whole, receipt = trained(shards, None)
    for dies_after in (1, 2, 3, 5):
        home = tmp_path / f"runs{dies_after}"
        Dying.left = dies_after
        with pytest.raises(KilledError), opened(home, "key", every=0) as held:
            trained(shards, Dying(held.folder, held.key, 0))
        said = []
        with opened(home, "key", 0, said.append) as held:
            assert held.load() is not None
            again, second = trained(shards, held)
        assert [line.partition(":")[0] for line in said] == ["going on from a checkpoint"]
        for name, matrix in whole.weights.matrices.items():
            assert matrix.tobytes() == again.weights.matrices[name].tobytes(), name
        assert second == receipt
        assert not list(home.iterdir())


def test_whoever_watches_hears_the_epochs_before_the_kill_too(tmp_path):
    shards = encode(Sentences(corpus()), tmp_path / "cache")
    Dying.left = sum(len(list(shard.batches())) for shard in shards) + 1  # in the second epoch
    with pytest.raises(KilledError), opened(tmp_path / "runs", "key", every=0) as held:
        trained(shards, Dying(held.folder, held.key, 0))
    heard = []
    with opened(tmp_path / "runs", "key", every=0) as held:
        cursor, _ = held.load()
        assert len(cursor.epochs) == 1
        trained(shards, held, on_epoch=lambda receipt: heard.append(receipt) or False)
    assert [len(receipt.epochs) for receipt in heard] == [1, 2]


def test_several_workers_go_on_and_train_every_row_once(tmp_path):
    shards = encode(Sentences(corpus()), tmp_path / "cache")
    Dying.left = 3
    with pytest.raises(KilledError), opened(tmp_path / "runs", "key", every=0) as held:
        trained(shards, Dying(held.folder, held.key, 0), workers=3)
    with opened(tmp_path / "runs", "key", every=0) as held:
        _, receipt = trained(shards, held, workers=3)
    assert [epoch.rows for epoch in receipt.epochs] == [30_000, 30_000]


@pytest.mark.parametrize(
    "damage", ["cut", "changed", "gone", "no json", "other key", "other shape"]
)
def test_a_checkpoint_that_does_not_verify_is_passed_over(tmp_path, damage):
    held = Checkpoints(tmp_path, "key")
    held.save(Cursor(units=1), {"input": np.ones((3, 16), np.float32)})
    state = tmp_path / "state.json"
    path = tmp_path / json.loads(state.read_text())["files"]["input"]["name"]
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "changed":
        path.write_bytes(content[:-1] + b"x")
    elif damage == "gone":
        path.unlink()
    elif damage == "no json":
        state.write_text("{")
    elif damage == "other key":
        held = replace(held, key="another")
    if damage != "other shape":
        assert held.load() is None
    shards = encode(Sentences(corpus(2000)))
    model, receipt = trained(shards, held)
    plain, _ = trained(shards, None)
    assert np.array_equal(model.vectors, plain.vectors)
    assert [epoch.rows for epoch in receipt.epochs] == [2000, 2000]


def test_only_the_newest_checkpoint_is_kept(tmp_path):
    with opened(tmp_path, "key") as held:
        for units in range(3):
            held.save(Cursor(units=units), {"input": np.ones((3, 16), np.float32)})
            assert len(list(held.folder.iterdir())) == 2
        assert held.load()[0].units == 2


def test_a_second_process_on_the_same_run_goes_without(tmp_path):
    with opened(tmp_path, "key") as first, opened(tmp_path, "key") as second:
        assert first is not None
        assert second is None


def test_what_dead_runs_left_is_swept_after_a_while(tmp_path):
    old, young = tmp_path / "old", tmp_path / "young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    with opened(tmp_path, "key"):
        assert not old.exists()
        assert young.exists()


RUN = "from pipeline.cli.commands import main; main()"


def start(recipe):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "run", str(recipe)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(recipe):
    process = start(recipe)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


def bits(store):
    version = Store.open(str(store)).latest()
    assert version is not None
    folder = version.folder()
    files = [file.name for file in version.manifest.files if not file.name.startswith("ledger")]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def prepared(root, text):
    root.mkdir()
    (root / "text.txt").write_text(text)
    (root / "recipe.toml").write_text(RECIPE.format(root=root))
    return root / "recipe.toml", root / "models"


def killed_after(recipe, seconds, done=lambda: False):
    """Run a recipe, and kill it after some seconds or when `done`; returns whether it was alive."""
    process, begun = start(recipe), time.monotonic()
    while process.poll() is None and time.monotonic() - begun < seconds and not done():
        time.sleep(0.002)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive


def test_killed_at_random_moments_a_recipe_ends_with_the_same_bits(tmp_path):
    text = "\n".join(" ".join(row) for row in corpus())
    recipe, whole = prepared(tmp_path / "whole", text)
    begun = time.monotonic()
    finished(recipe)
    took = time.monotonic() - begun
    draw, killed = random.Random(), 0
    for round_ in count():
        recipe, store = prepared(tmp_path / f"killed{round_}", text)

        def resumable(store=store):
            return any((store / "runs").glob("*/state.json"))

        assert killed_after(recipe, 60, resumable)
        killed += 1
        while killed < KILLS and not Store.open(str(store)).latest():
            killed += killed_after(recipe, draw.uniform(0.1, took))
        if not Store.open(str(store)).latest():
            finished(recipe)
        assert [version.number for version in Store.open(str(store)).versions()] == [1]
        assert bits(whole) == bits(store)
        if killed >= KILLS:
            return


def test_a_full_disk_is_said_once_and_the_run_goes_on(tmp_path, monkeypatch):
    shards = encode(Sentences(corpus(2000)))
    plain, receipt = trained(shards, None)
    told = []

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened(tmp_path, "key", 0, told.append) as held:
        held.save(Cursor(), {"input": np.ones((3, 16), np.float32)})
        monkeypatch.setattr(os, "fsync", full)
        model, again = trained(shards, held)
        assert held.load()[1].keys() == {"input"}  # the one before
        assert len(list(held.folder.iterdir())) == 2
    assert again == receipt
    assert np.array_equal(model.vectors, plain.vectors)
    assert len(told) == 1
    assert "No space left on device" in told[0]


def test_a_lock_that_its_holder_has_removed_is_none(tmp_path, monkeypatch):
    with opened(tmp_path, "key"):
        pass
    lock = fcntl.flock

    def late(*given):
        lock(*given)
        next(tmp_path.glob("*.lock")).unlink()  # as whoever held it before us does at its end

    monkeypatch.setattr(fcntl, "flock", late)
    with opened(tmp_path, "key") as held:
        assert held is None


def test_what_a_run_is_known_by(tmp_path, monkeypatch):
    """Whatever changes the bits that a run ends with changes its key."""
    shards = encode(Sentences(corpus(200)))
    vocabulary = Vocabulary.build(shards, 2)
    stage = TrainWord2vec()

    def key(workers=1, change=lambda _: None, **rates):
        model = Model.fresh(vocabulary, Settings(vector_size=16), seed=1)
        change(model)
        of = dict.fromkeys(RowRates._fields) | rates
        state = State(Setting(report=None, workers=workers))
        return run_key(stage, state, shards, model, RowRates(**of))

    ones = np.ones(vocabulary.size, np.float32)
    assert key(2) == key(3)
    keys = [
        key(),
        key(workers=2),
        key(word_rates=ones * 0.5),
        key(output_rates=ones * 0.5),
        key(change=lambda model: model.keyed_vectors.vectors.fill(0.5)),
        key(change=lambda model: setattr(model.keyed_vectors, "vectors_lockf", ones * 0.5)),
    ]
    assert keys[0] == key()
    # Another build of the core, or another version of the library, may come to other bits.
    (tmp_path / "core.so").write_bytes(b"other arithmetic")
    monkeypatch.setattr(_train, "__file__", str(tmp_path / "core.so"))
    keys.append(key())
    monkeypatch.setattr("pipeline.run_key.release", lambda: "99.0")
    keys.append(key())
    assert len(set(keys)) == len(keys)
