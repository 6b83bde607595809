"""A recipe whose transforms are others than those of the loaded version's text."""

import pytest

from corpora.errors import UsageError
from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.planning.plan import planned
from pipeline.recipe.recipe import parse
from pipeline.recipe.same_text import OtherTextError
from pipeline.store.versions import Store

RECIPE = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
{load}
[[stage]]
use = "line_sentence"
url = "{root}/days/*.txt"
new_only = true
{transforms}
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_word2vec"
vector_size = 8
[[stage]]
use = "publish"
"""
LOWER, SIMPLE = '[[stage]]\nuse = "lowercase"', '[[stage]]\nuse = "simple_preprocess"'
CHOOSING = "".join(
    f'\n[[stage]]\nuse = "{use}"\n{keys}'
    for use, keys in (
        ("sample", "fraction = 0.9"),
        ("take", "n = 9"),
        ("skip", "n = 0"),
        ("shuffle", ""),
        ("filter", "min_tokens = 1"),
        ("shard", "index = 0\nof = 1"),
    )
)
COMPACT = """
store = "{root}/models"
[[stage]]
use = "load_latest"
[[stage]]
use = "compact"
[[stage]]
use = "publish"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "days").mkdir()
    day(tmp_path, 1)
    run(tmp_path, SIMPLE)
    day(tmp_path, 2)
    return tmp_path


def day(root, number):
    (root / f"days/{number}.txt").write_text("The Mill turns, round!\n" * 9)


def recipe(root, transforms, load=""):
    return parse(RECIPE.format(root=root, transforms=transforms, load=load))


def run(root, transforms, load=""):
    return job.run(recipe(root, transforms, load), Lines(str))


def versions(root):
    return len(Store.open(f"{root}/models").versions())


@pytest.mark.parametrize(
    ("transforms", "here"),
    [
        (LOWER, "lowercase"),
        ("", "no transform"),
        (f"{SIMPLE}\nmin_len = 3", r"simple_preprocess \(min_len = 3\)"),
        (f"{LOWER}\n{SIMPLE}", "lowercase, then simple_preprocess"),
    ],
)
def test_other_transforms_end_the_run_and_the_plan(root, transforms, here):
    wanted = f"went through simple_preprocess, and this recipe's goes through {here}: .*other_trans"
    for what in (lambda ready: job.run(ready, Lines(str)), planned):
        with pytest.raises(OtherTextError, match=wanted):
            what(recipe(root, transforms))
    assert versions(root) == 1


def test_the_exit_code(root, capsys):
    (root / "recipe.toml").write_text(RECIPE.format(root=root, transforms=LOWER, load=""))
    for command in ("run", "plan"):
        assert run_command(commands, [command, str(root / "recipe.toml")]) == 2
        assert "set other_transforms = true in the stage load_latest" in capsys.readouterr().err


def test_what_only_chooses_rows_makes_no_other_text(root):
    planned(recipe(root, SIMPLE + CHOOSING))
    run(root, SIMPLE + CHOOSING + "")
    assert versions(root) == 2


def test_a_default_that_is_written_out_is_the_same(root):
    run(root, f"{SIMPLE}\nmin_len = 2")
    assert versions(root) == 2


def test_it_may_be_wanted(root):
    planned(recipe(root, LOWER, "other_transforms = true"))
    run(root, LOWER, "other_transforms = true")
    day(root, 3)
    run(root, LOWER)  # that is compared with the newest
    assert versions(root) == 3
    with pytest.raises(UsageError, match="version 3 went through lowercase"):
        run(root, SIMPLE)


def test_a_recipe_that_reads_nothing_is_passed_over(root):
    job.run(parse(COMPACT.format(root=root)), Lines(str))
    assert versions(root) == 2
    with pytest.raises(OtherTextError, match="went through simple_preprocess"):
        run(root, LOWER)
    run(root, LOWER, "other_transforms = true")
    Store.open(f"{root}/models").rollback(2)
    with pytest.raises(OtherTextError, match="went through simple_preprocess"):
        run(root, LOWER)


@pytest.mark.parametrize(
    "kept", ["# left out: it names what was forgotten\n", "[[stage]]\nuse = 7"]
)
def test_a_recipe_that_is_not_there_is_not_compared(root, kept):
    store = Store.open(f"{root}/models")
    held = store.latest()
    files = {path.name: path.read_bytes() for path in held.folder().iterdir()}
    store.publish(
        lambda folder: [(folder / name).write_bytes(data) for name, data in files.items()] and None,
        parent=1,
        recipe=kept,
    )
    run(root, LOWER)
    assert versions(root) == 3


def test_values_of_the_environment_stay_hidden(root, monkeypatch):
    monkeypatch.setenv("PATTERN", "s3cr3t+")
    once = f'{LOWER}\n[[stage]]\nuse = "tokenize"\npattern = "${{PATTERN}}|[a-z]+"'
    run(root, once, "other_transforms = true")
    with pytest.raises(OtherTextError) as error:
        run(root, SIMPLE)
    assert "s3cr3t" not in str(error.value)
    assert "${PATTERN}|" in str(error.value)
