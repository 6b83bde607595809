"""The guide to phrases: its examples run."""

import gzip
import re
from pathlib import Path

import pytest

from pipeline.recipe.recipe import parse

GUIDE = (Path(__file__).parents[2] / "docs" / "phrases.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
RECIPES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
REST = '[[stage]]\nuse = "train_word2vec"\n[[stage]]\nuse = "publish"\n'


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_run(example, tmp_path, monkeypatch, capsys):
    (tmp_path / "reviews").mkdir()
    text = "".join(f"This film was good but film {i} was a good one\n" for i in range(50))
    (tmp_path / "reviews" / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.chdir(tmp_path)
    made = {"__name__": "example"}
    exec(compile(example, "docs/phrases.md", "exec"), made)
    assert "this_film" in capsys.readouterr().out
    assert made["best"]


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_recipes_are_right(recipe):
    uses = [type(stage).use() for stage in parse(recipe + REST, store="models").stages]
    assert uses.count("phrases") == 2
