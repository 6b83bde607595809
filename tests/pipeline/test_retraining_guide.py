"""The guide to retraining: its recipes are right, the first runs, and no key is left out."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from small_language import sentences

from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.models.model import Model
from pipeline.recipe.recipe import parse
from pipeline.stage_update import UpdateStage
from pipeline.stages.evaluate import LIMITS, Evaluate
from pipeline.stages.train_doc2vec import TrainDoc2vec
from pipeline.store.versions import Store

GUIDE = (Path(__file__).parents[2] / "docs" / "retraining.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)


def whole(recipe):
    """The recipe; a part of one takes its place in the first."""
    if "publish" in recipe:
        return recipe
    if recipe.startswith("[engine]"):
        return f"{RECIPES[0]}\n{recipe}"
    use = tomllib.loads(recipe)["stage"][0]["use"]
    stages = RECIPES[0].split("[[stage]]\n")
    (at,) = (number for number, stage in enumerate(stages) if stage.startswith(f'use = "{use}"'))
    stages[at] = recipe.removeprefix("[[stage]]\n") + "\n"
    return "[[stage]]\n".join(stages)


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_recipes_are_right(recipe):
    uses = [type(stage).use() for stage in parse(whole(recipe)).stages]
    assert uses[-1] == "publish"


def test_no_key_is_left_out():
    keys = {field.name for field in fields(UpdateStage)} | {"new_only", "changed", "vanished"}
    keys |= {*LIMITS, "known", "documents", "held_out", "word_pairs", "analogies", "decay"}
    assert {key for key in keys if f"`{key}" not in GUIDE} == set()


def test_defaults_are_those_of_the_stages():
    words, documents = UpdateStage.__dataclass_fields__, TrainDoc2vec.__dataclass_fields__
    assert (words["replay"].default, documents["replay"].default) == (None, None)
    assert (words["anchor"].default, documents["anchor"].default) == (0.7, 0)
    assert (UpdateStage.slower, TrainDoc2vec.slower) == (1, 0.3)
    assert (documents["known"].default, documents["documents"].default) == ("update", "keep")
    assert Evaluate().limits() == []


def test_the_first_recipe_keeps_a_model_up_to_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    for name, rows, seed in (("texts/a", 300, 1), ("texts/b", 60, 2), ("held-out/c", 60, 3)):
        path = tmp_path / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(" ".join(row) + "\n" for row in sentences(rows, seed=seed)))
    (tmp_path / "daily.toml").write_text(RECIPES[0])

    def documents():
        assert run_command(commands, ["run", "daily.toml"]) == 0
        newest = Store.open("models/speeches").latest()
        return newest.number, Model.open(newest.folder()).tags.size

    assert documents() == (1, 360)
    assert documents() == (1, 360)
    (tmp_path / "texts/b.txt").unlink()
    assert documents() == (2, 300)
