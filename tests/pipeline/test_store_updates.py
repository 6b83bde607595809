"""Many runs of one recipe: what they cost stays in line with the content; and two at once."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.models.model import Model
from pipeline.recipe.recipe import parse
from pipeline.store.shards import stored_shards
from pipeline.store.versions import Store

HERE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
DAILY = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "json_lines"
text = "text"
tags = "tags"
url = "{root}/days/{day}"
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_doc2vec"
vector_size = 8
epochs = {epochs}
[[stage]]
use = "publish"
"""


def day(root, number, documents=5):
    (root / "days").mkdir(exist_ok=True)
    lines = [
        json.dumps({"text": f"the mill turns day{number} word{i}", "tags": [f"{number} {i}"]})
        for i in range(documents)
    ]
    (root / "days" / f"{number}.jsonl").write_text("\n".join(lines) + "\n")
    return f"{number}.jsonl"


def run(root, name, epochs=1):
    return job.run(parse(DAILY.format(root=root, day=name, epochs=epochs)), Lines(str))


def test_a_hundred_updates_cost_what_they_bring(tmp_path, capsys):
    sizes, seconds, memory = [], [], []
    for number in range(100):
        name = day(tmp_path, number)
        begun = time.monotonic()
        state = run(tmp_path, name)
        seconds.append(time.monotonic() - begun)
        sizes.append(state.version.size)
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    version = Store.open(f"{tmp_path}/models").latest()
    begun = time.monotonic()
    model = Model.open(version.folder())
    assert len(version.ledger) == 100
    assert time.monotonic() - begun < 1
    assert (version.number, model.tags.size, version.ledger.rows) == (100, 500, 500)
    assert model.vocabulary.counts.sum() == version.ledger.tokens == 2500
    assert stored_shards(version.store, version.ledger, hashes=True).rows == 500
    # 5 documents and a word a day: the size grows by as much each day, and the time hardly.
    assert sizes[99] - sizes[50] < 1.3 * (sizes[50] - sizes[1])
    assert sizes[99] < 60_000
    assert sorted(seconds[80:])[10] < 2 * sorted(seconds[5:25])[10] + 0.3
    assert memory[99] - memory[20] < 30 * (1024 if sys.platform == "linux" else 1 << 20)


@pytest.mark.parametrize("how", ["cache", "key"])
def test_text_is_kept_only_where_there_are_shards(tmp_path, capsys, how):
    text = DAILY.format(root=tmp_path, day=day(tmp_path, 1), epochs=1)
    if how == "cache":
        text = text.replace(f'cache = "{tmp_path}/cache"', "cache = false")
    else:
        text += "keep_shards = false\n"
    version = job.run(parse(text), Lines(str)).version
    told = "its text is not kept in the store" in capsys.readouterr().err
    assert told == (how == "cache")
    assert (version.ledger.rows, version.ledger.sets) == (5, set())
    assert len(stored_shards(version.store, version.ledger)) == 0
    assert not (tmp_path / "models" / "shards").exists()
    # What is read from now on can be kept all the same.
    again = run(tmp_path, day(tmp_path, 2))
    assert len(again.version.ledger.sets) == 1


@pytest.mark.parametrize("first", [True, False])
def test_of_two_runs_at_once_one_wins_and_the_other_says_so(tmp_path, first):
    if not first:
        run(tmp_path, day(tmp_path, 0))
    runs = []
    for number in (1, 2):
        recipe = tmp_path / f"{number}.toml"
        name = day(tmp_path, number, documents=2000)
        recipe.write_text(DAILY.format(root=tmp_path, day=name, epochs=30))
        runs.append(
            subprocess.Popen(
                [sys.executable, "-m", "pipeline.cli.commands", "run", str(recipe)],
                env=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    outs = [process.communicate(timeout=100) for process in runs]
    assert sorted(process.returncode for process in runs) == [0, 5], outs
    lost = next(e for p, (_, e) in zip(runs, outs, strict=True) if p.returncode == 5)
    assert "nothing was published: run again, starting from the newest" in lost
    assert "Traceback" not in lost
    store = Store.open(f"{tmp_path}/models")
    assert store.latest().number == (1 if first else 2)
    assert len(list(Path(tmp_path / "models" / "data").iterdir())) == len(store.versions())
    # Nothing is lost: the same run again goes through.
    again = next(i for i, process in enumerate(runs) if process.returncode == 5) + 1
    assert run(tmp_path, f"{again}.jsonl").version.number == store.latest().number
