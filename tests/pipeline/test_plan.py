"""What a run would do, told without doing it."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.models.model import ModelError
from pipeline.planning.plan import planned
from pipeline.planning.told import told
from pipeline.recipe.recipe import parse, read
from pipeline.store.ledger import Consumed
from pipeline.store.versions import Store

RECIPES = Path(__file__).parents[2] / "recipes"
DAILY = """
store = "{root}/models"
cache = {cache}
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "tagged_line_document"
url = "{root}/days/*.txt"
new_only = true
{keys}
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_doc2vec"
vector_size = 16
epochs = 4
replay = 0.2
update_alpha = 0.0075
[[stage]]
use = "evaluate"
min_overlap = 0.5
[[stage]]
use = "publish"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "days").mkdir()
    for day in (1, 2):
        (tmp_path / f"days/{day}.txt").write_text("the mill turns round\n" * 50)
    return tmp_path


def recipe(root, keys="", cache=None):
    return parse(DAILY.format(root=root, keys=keys, cache=cache or f'"{root}/cache"'))


def everything(root):
    return sorted((str(path), path.stat().st_mtime_ns) for path in root.rglob("*"))


def test_a_first_run(root):
    before = everything(root)
    outlook = planned(recipe(root))
    assert everything(root) == before  # no store, no cache
    assert (outlook.version, outlook.words, outlook.passes) == (None, 0, 1)
    (reading,) = outlook.readings
    assert (reading.new.files, reading.new.bytes, reading.known.files) == (2, 2100, 0)
    assert not reading.measured
    assert reading.tokens == pytest.approx(400, rel=0.2)
    (training,) = outlook.trainings
    assert (training.epochs, training.alpha, training.seconds) == (4, 0.025, None)
    assert outlook.publishes
    assert not outlook.nothing_new
    assert "documents_overlap at least 0.5 (min_overlap)" in outlook.gates
    assert planned(recipe(root, cache="false")).passes == 5


def test_a_later_run(root):
    job.run(recipe(root), Lines(str))
    before = everything(root)
    outlook = planned(recipe(root))
    assert outlook.nothing_new
    assert not outlook.publishes
    assert outlook.passes == 0
    assert "nothing new: there is no text to read" in told(outlook)

    (root / "days/3.txt").write_text("the mill stands still\n" * 10)
    (root / "days/1.txt").write_text("the mill turns round and round\n" * 60)
    (root / "days/2.txt").rename(root / "days/4.txt")
    outlook = planned(recipe(root))
    (reading,) = outlook.readings
    assert (reading.new.files, reading.changed.files, reading.vanished) == (2, 1, 1)
    assert (outlook.version, outlook.words, outlook.documents) == (1, 4, 100)
    (training,) = outlook.trainings
    assert training.words_per_second > 0
    assert training.replayed == 80  # a fifth of 400 words
    assert training.seconds_anew > training.seconds
    assert training.seconds == pytest.approx(training.trained / training.words_per_second)
    assert training.bytes > 100 * 64
    assert len([path for path, _ in everything(root)]) == len(before) + 1  # the new file


def test_other_settings_than_the_loaded_model_has_are_told_by_the_plan_too(root):
    job.run(recipe(root), Lines(str))
    (root / "days/3.txt").write_text("the mill stands still\n" * 10)
    other = DAILY.replace("vector_size = 16", "vector_size = 8").replace("{keys}", "")
    with pytest.raises(ModelError, match="vector_size is 16 there and 8 here"):
        planned(parse(other.format(root=root, cache=f'"{root}/cache"')))
    (root / "other.toml").write_text(other.format(root=root, cache=f'"{root}/cache"'))
    for command in ("plan", "run"):
        assert run_command(commands, [command, str(root / "other.toml")]) == 2


def test_words_are_reckoned_as_they_were_before(root):
    job.run(recipe(root), Lines(str))
    (root / "days/3.txt").write_text("the mill turns round\n" * 500)
    (reading,) = planned(recipe(root)).readings
    assert reading.measured
    assert (reading.tokens, reading.rows) == (2000, 500)


def test_what_is_forgotten_makes_a_version_too(root):
    job.run(recipe(root), Lines(str))
    (root / "days/1.txt").unlink()
    kept = planned(recipe(root))
    gone = planned(recipe(root, 'vanished = "forget"'))
    assert (kept.publishes, gone.publishes) == (False, True)
    assert gone.nothing_new


def test_a_run_that_would_end_at_changed_files(root):
    job.run(recipe(root), Lines(str))
    (root / "days/1.txt").write_text("the mill stands still and waits\n")
    outlook = planned(recipe(root, 'changed = "error"'))
    assert not outlook.publishes
    assert "the run would end here, because files have changed" in told(outlook)


def test_the_command(root, capsys):
    (root / "recipe.toml").write_text(DAILY.format(root=root, keys="", cache="false"))
    job.run(read(str(root / "recipe.toml")), Lines(str))
    (root / "days/3.txt").write_text("the mill stands still\n" * 10)
    capsys.readouterr()
    assert run_command(commands, ["plan", str(root / "recipe.toml")]) == 0
    said = capsys.readouterr().out
    assert "1 file of 220 bytes new, 0 files changed (update), 0 vanished (keep)" in said
    assert "about 42 words in 10 rows to read (as in its files read before)" in said
    assert "learning rate from 0.0075 to 0.0001" in said  # an update's
    assert "all text anew: 0 s" in said
    assert run_command(commands, ["plan", str(root / "recipe.toml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["readings"][0]["new"] == {"files": 1, "bytes": 220}


@pytest.mark.parametrize("name", ["quickstart.toml", "reviews.toml"])
def test_recipes_that_read_all_of_it(root, name, monkeypatch):
    monkeypatch.setenv("CORPUS", str(root / "days/1.txt"))
    outlook = planned(read(str(RECIPES / name), store=str(root / "none")))
    assert outlook.publishes
    assert outlook.readings[0].reads.files == 1
    assert not (root / "none").exists()


def test_2000_files_are_planned_at_once(root):
    state = job.run(recipe(root), Lines(str))
    for number in range(2000):
        (root / f"days/n{number}.txt").write_text("the mill turns round\n")
    ready = recipe(root)
    first = planned(ready).readings[0]
    assert first.new.files == 2000
    parts = [(f"{root}/days/n{n}.txt", Path(f"{root}/days/n{n}.txt").stat()) for n in range(1999)]
    known = [
        Consumed(path, json.dumps([path, at.st_size, at.st_mtime_ns, at.st_ino]), 1, 4)
        for path, at in parts
    ]
    Store.open(f"{root}/models").publish(
        state.model.save, parent=1, ledger=state.version.ledger, consumed=known
    )
    begun = time.process_time()
    outlook = planned(ready)
    assert time.process_time() - begun < 5
    assert (outlook.readings[0].new.files, outlook.readings[0].known.files) == (1, 2001)
    assert asdict(outlook)["sources"] == 2001
