"""A store whose processes are killed at any moment: what is there is whole, and goes on."""

import os
import random
import subprocess
import sys
import time

import pytest

from pipeline.models.model import Model
from pipeline.store.collect import collect
from pipeline.store.shards import stored_shards
from pipeline.store.versions import Store

HERE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
WORK = """
import random, sys, tempfile
from corpora import Documents, encode
from corpora.errors import MillraceError
from pipeline.store.forgetting import forget_in
from pipeline.store.ledger import Consumed, Ledger, consumed
from pipeline.models.model import Model, tags_with
from pipeline.core.settings import Settings
from pipeline.store.versions import ConflictError, Store
from pipeline.store.collect import collect
from pipeline.words.vocabulary import Vocabulary

store, cache, seed, jobs = Store.open(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
draw = random.Random(seed)
settings = Settings(vector_size=4, method="dbow", hierarchical=True)

def update():
    latest = store.latest()
    model = Model.open(latest.folder()) if latest else None
    n = draw.randrange(10**9)
    texts = [(["mill", "river", f"word{n}x{i}"], [f"tag {n} {i}"]) for i in range(8)]
    shards = encode(Documents(texts), None)
    vocabulary = Vocabulary.build(shards, 1, previous=model.vocabulary if model else None)
    tags = tags_with(shards, settings, model.tags if model else None)
    if model is None:
        model = Model.fresh(vocabulary, settings, 1, tags)
    else:
        model.grow(vocabulary, 1, tags)
    read = [Consumed(f"source {n}", str(n), one.rows, one.tokens, made=one.made, _home=one._home)
            for one in consumed(shards, counted=True)]
    return store.publish(
        model.save, parent=latest.number if latest else 0,
        ledger=latest.ledger if latest else None, consumed=read,
    )

def forget():
    latest = store.latest()
    if latest is None or len(latest.ledger) < 3:
        return None
    if draw.random() < 0.5:
        return forget_in(store, [], [latest.ledger.table["source"][0].as_py()])[0]
    keys = Model.open(latest.folder()).tags.keys
    return forget_in(store, [keys[draw.randrange(len(keys))].as_py()], [])[0]

def rollback():
    found = store.versions()
    return store.rollback(draw.choice(found).number) if found else None

def gc():
    collect(store, draw.choice([1, 2, 3]), 0.0)

with tempfile.TemporaryDirectory() as warm:
    store, real = Store.open(warm), store
    update()
    store = real
print("ready", flush=True)
while True:
    name = draw.choice(jobs.split(","))
    try:
        made = globals()[name]()
    except ConflictError:
        continue
    except MillraceError as error:
        known = ("was made to forget", "is writing", "has no version", "is missing",
                 "has no document", "nothing was read from", "no word of the model")
        if not any(text in str(error) for text in known):
            raise
        continue
    print(name, made.number if made else 0, flush=True)
"""
ALL = "update,update,update,forget,gc,rollback"


def worker(root, seed, jobs=ALL):
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(root / "models"), str(root / "cache"), str(seed), jobs],
        env=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def demand_whole(root):
    """Open everything that the newest version has, and compare it with itself."""
    store = Store.open(str(root / "models"))
    versions, damaged = store.history()
    assert damaged == []
    for version in versions:
        version.folder()
        kept = stored_shards(store, version.ledger, hashes=True)
        assert (kept.rows, kept.tokens) == (version.ledger.rows, version.ledger.tokens)
    if versions:
        model = Model.open(versions[0].folder())
        kept = stored_shards(store, versions[0].ledger)
        assert model.vocabulary.counts.sum() == kept.tokens
        assert model.tags.size == kept.rows
        model.tree.check()
    return store


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment(tmp_path, seed):
    draw = random.Random(seed)
    told = 0
    for attempt in range(8):
        process = worker(tmp_path, 100 * seed + attempt)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.3 * draw.random())
        process.kill()
        out, err = process.communicate(timeout=60)
        assert err == ""
        told += len(out.splitlines())
        demand_whole(tmp_path)
    assert told > 0
    store = demand_whole(tmp_path)
    # What was left behind goes, and nothing else does.
    collect(store, grace=0)
    store = demand_whole(tmp_path)
    versions = store.versions()
    needed = {v.manifest.data for v in versions}
    assert {path.name for path in (tmp_path / "models" / "data").iterdir()} == needed
    sets = set().union(*(v.ledger.sets for v in versions))
    assert {path.name for path in (tmp_path / "models" / "shards").iterdir()} == sets
    assert store.storage.unfinished() == []


def test_several_at_once(tmp_path):
    jobs = ["update", "update,forget", "update,rollback", "gc"]
    workers = [worker(tmp_path, seed, some) for seed, some in enumerate(jobs)]
    assert all(process.stdout.readline() == "ready\n" for process in workers)
    time.sleep(4)
    for process in workers:
        process.kill()
    outs = [process.communicate(timeout=60) for process in workers]
    assert [err for _, err in outs] == [""] * len(workers)
    assert all("gc" in out or "update" in out for out, _ in outs)
    demand_whole(tmp_path)
