"""A process that dies before any one of its steps on the disk leaves a store that is whole."""

import os
import subprocess
import sys

import pytest

HERE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
# The parent only forks: no thread is ever there to be lost in a child.
STEPS = """
import os, shutil, sys
from pathlib import Path
from corpora import Documents, encode
from pipeline.store.forgetting import forget_in
from pipeline.store.ledger import consumed
from pipeline.models.model import Model, tags_with
from pipeline.core.settings import Settings
from pipeline.store.versions import Store
from pipeline.store.collect import collect
from pipeline.store.shards import stored_shards
from pipeline.words.vocabulary import Vocabulary

root, name = Path(sys.argv[1]), sys.argv[2]
CHANGES = {"os.link", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.utime", "os.chmod"}
settings = Settings(vector_size=4, method="dbow", hierarchical=True)

def update(store, day):
    latest = store.latest()
    model = Model.open(latest.folder()) if latest else None
    texts = [(["mill", f"word{day}x{i}"], [f"tag {day} {i}"]) for i in range(4)]
    shards = encode(Documents(texts))
    vocabulary = Vocabulary.build(shards, 1, previous=model.vocabulary if model else None)
    tags = tags_with(shards, settings, model.tags if model else None)
    if model is None:
        model = Model.fresh(vocabulary, settings, 1, tags)
    else:
        model.grow(vocabulary, 1, tags)
    store.publish(
        model.save, parent=latest.number if latest else 0,
        ledger=latest.ledger if latest else None, consumed=list(consumed(shards, counted=True)),
    )

def prepare(store):
    for day in range(3):
        update(store, day)

JOBS = {
    "publish": lambda store: update(store, 9),
    "forget": lambda store: forget_in(store, ["tag 1 2"], []),
    "rollback": lambda store: store.rollback(1),
    "gc": lambda store: collect(store, 1, 0),
}

def whole(store, least):
    versions, damaged = store.history()
    assert damaged == [] and versions[0].number >= least, (damaged, versions)
    for version in versions:
        model = Model.open(version.folder())
        kept = stored_shards(store, version.ledger, hashes=True)
        assert (kept.rows, kept.tokens) == (version.ledger.rows, version.ledger.tokens)
        assert (model.tags.size, model.vocabulary.counts.sum()) == (kept.rows, kept.tokens)

def goes_on(store):
    whole(store, 3)
    number = store.latest().number
    update(store, 10)
    assert store.latest().number == number + 1
    collect(store, 1, 0)
    whole(store, number + 1)
    assert store.storage.unfinished() == []
    assert len(os.listdir(store.storage.root / "data")) == 1
    assert set(os.listdir(store.storage.root / "shards")) == store.latest().ledger.sets

def forked(work, *arguments):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def dying(store, step):
    left = [step]
    here = str(root)
    def hook(event, arguments):
        opened = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wxa"
        # What is removed with its folder is named without it.
        path = str(arguments[0])
        if (event in CHANGES or opened) and (here in path or not path.startswith("/")):
            if left[0] == 0:
                os._exit(9)
            left[0] -= 1
    sys.addaudithook(hook)
    JOBS[name](store)

template = root / "template"
assert forked(prepare, Store.open(str(template))) == 0
for step in range(1000):
    place = root / f"{name}{step}"
    shutil.copytree(template, place)
    ended = forked(dying, Store.open(str(place)), step)
    assert ended in (0, 9), ended
    assert forked(goes_on, Store.open(str(place))) == 0, step
    shutil.rmtree(place)
    if ended == 0:
        break
print(step)
"""


@pytest.mark.parametrize(
    ("name", "least"), [("publish", 20), ("forget", 20), ("rollback", 4), ("gc", 8)]
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere libraries don't bear a fork")
def test_it_may_die_before_any_step(tmp_path, name, least):
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", STEPS, str(tmp_path), name],
        check=False, capture_output=True, text=True, env=HERE, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= least
