"""Documents from recipe to store and command line, on real text: Python's own documentation."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.models.model import Model, ModelError
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse, read
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
use = "{reader}"
url = "{root}/{day}.txt"
[[stage]]
use = "build_vocab"
update = true
min_count = 2
[[stage]]
use = "train_doc2vec"
vector_size = 8
{keys}
[[stage]]
use = "publish"
"""
MODES = [
    "",
    "dbow_words = 1\nhs = 1",
    "dm = 1",
    "dm = 1\ndm_mean = 0\nhs = 1\nnegative = 0",
    "dm = 1\ndm_concat = 1\nwindow = 2",
    "dm = 1\nexact_gradient = true\nshared_noise = false\nhot_rows = false",
]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "monday.txt").write_text("the mill turns\n" * 5 + "\nthe race runs\n")
    (tmp_path / "tuesday.txt").write_text("the race runs and runs\n" * 5)
    return tmp_path


@pytest.fixture
def millrace(capsys):
    def call(*arguments):
        capsys.readouterr()
        code = run_command(commands, list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def run(root, day, keys="", reader="tagged_line_document", cache=None):
    cache = cache or f'"{root}/cache"'
    text = DAILY.format(root=root, day=day, keys=keys, reader=reader, cache=cache)
    return job.run(parse(text), Lines(str))


def opened(root):
    return Model.open(Store.open(str(root / "models")).latest().folder())


@pytest.mark.parametrize("keys", MODES)
def test_a_later_run_appends_documents(root, keys):
    first = run(root, "monday", keys)
    tags = [f"monday.txt:{line}" for line in range(1, 8)]
    assert list(first.model.keyed_documents) == tags
    before = opened(root)
    second = run(root, "tuesday", f"{keys}\nreplay = 0")
    after = opened(root)
    assert list(after.keyed_documents) == [*tags, *(f"tuesday.txt:{n}" for n in range(1, 6))]
    assert after.vocabulary.retained.to_pylist()[: before.vocabulary.size] == (
        before.vocabulary.retained.to_pylist()
    )
    np.testing.assert_array_equal(after.tag_vectors[:7], before.tag_vectors)
    assert np.isfinite(after.tag_vectors).all()
    assert (second.version.number, second.version.manifest.parent) == (2, 1)
    # The same again: no tag is new, and none gets a second row.
    third = run(root, "tuesday", keys)
    assert third.model.tags.size == 12
    assert third.model.tags.counts.tolist() == [1] * 7 + [2] * 5


def test_without_a_cache_it_is_the_same(root):
    kept = run(root, "monday")
    (root / "models").rename(root / "kept")
    streamed = run(root, "monday", cache="false")
    np.testing.assert_array_equal(kept.model.tag_vectors, streamed.model.tag_vectors)


def test_a_corpus_without_tags(root):
    with pytest.raises(RecipeError, match=r"\(line_sentence\) gives none: .*tagged_line_document"):
        run(root, "monday", reader="line_sentence")
    assert Store.open(str(root / "models")).latest() is None


def test_other_settings_than_the_models_are_refused(root):
    run(root, "monday", "dm = 1")
    with pytest.raises(ModelError, match="method is dm there and dbow here"):
        run(root, "tuesday")


def test_words_and_documents_are_not_mixed_up(root):
    state = run(root, "monday")
    with pytest.raises(ModelError, match="dbow_words = 1"):
        state.model.demand_trained_words()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("dm = 1\ndbow_words = 1", "dbow_words must be 0 where dm is 1"),
        ("dm_concat = 1", "dm_concat must be 0 where dm is 0"),
        ("dm = 1\ndm_tag_count = 2", "dm_tag_count must be 1 where dm_concat is 0"),
        ("negative = 0", "negative is 0 and hierarchical softmax"),
        ("window = 20000", "window must be from 1 to 10000"),
        ("alpha = 0.01\nmin_alpha = 0.02", "min_alpha must be at most alpha"),
        ("dm = 2", "dm"),
        ("sg = 1", "there is no such key"),
    ],
)
def test_keys_that_do_not_fit(root, keys, said):
    with pytest.raises(RecipeError, match=said):
        run(root, "monday", keys)


def test_neighbours_of_nothing():
    with pytest.raises(RecipeError, match="words or documents must be given"):
        parse('[[stage]]\nuse = "neighbours"\n', store="models")


def test_quickstart_from_recipe_to_command_line(tmp_path, millrace, monkeypatch):
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    text = (RECIPES / "quickstart.toml").read_text()
    assert "epochs = 20 " in text
    recipe = tmp_path / "quick.toml"
    recipe.write_text(text.replace("epochs = 20 ", "epochs = 6 "))
    store = str(tmp_path / "models")
    code, out, err = millrace("run", str(recipe), "--store", store, "--workers", "2")
    assert (code, "Traceback" in err) == (0, False), err
    assert re.search(r"^json\.decoder +json\S*", out, re.MULTILINE), out
    assert re.search(r"^threading +\S*(asyncio|thread|multiprocessing)", out, re.MULTILINE), out
    assert re.search(r"^thread +\S*thread", out, re.MULTILINE), out
    assert "not in the vocabulary" not in out
    named = re.findall(r"^  (millrace .*)$", err, re.MULTILINE)
    assert len(named) == 3
    for command in named:
        code, out, err = millrace(*shlex.split(command)[1:])
        assert (code, err) == (0, "")
        assert out
    code, out, _ = millrace(
        "similar", store, "json.decoder", "--documents", "--topn", "3", "--json"
    )
    told = json.loads(out)
    assert (code, told["version"], len(told["similar"])) == (0, 1, 3)
    code, out, err = millrace("similar", store, "json.decoder")
    assert (code, out, "it is a document: ask with --documents" in err) == (3, "", True)
    code, out, err = millrace("similar", store, "treading", "--documents")
    assert (code, out) == (3, "")
    assert 'the document "treading" has no vector' in err
    assert "threading" in err
    tags = opened(tmp_path).tags
    assert tags.find(["json.decoder", "threading", "http.client"]) != [-1] * 3


def test_reviews_documents(tmp_path, millrace, monkeypatch):
    lines = ["a fine good film"] * 30 + ["a bad dull film"] * 30
    (tmp_path / "two.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("CORPUS", str(tmp_path / "two.txt"))
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    store = str(tmp_path / "models")
    state = job.run(read(str(RECIPES / "reviews_documents.toml"), store=store), Lines(str))
    assert state.model.tag_vectors.shape == (60, 100)
    assert millrace("similar", store, "two.txt:3", "--documents")[0] == 0
    code, _, err = millrace("similar", store, "film")
    assert (code, "ask for documents" in err) == (3, True)


def test_whole_numbers_on_the_command_line(root, millrace):
    text = DAILY.format(
        root=root, day="monday", keys="", reader="tagged_line_document", cache="false"
    )
    text = text.replace('monday.txt"', 'monday.txt"\ntags = "line"').replace("/models", "/numbers")
    text = text.replace(
        '[[stage]]\nuse = "publish"',
        '[[stage]]\nuse = "neighbours"\ndocuments = [3, 99]\n[[stage]]\nuse = "publish"',
    )
    lines = Lines(str)
    job.run(parse(text), lines)
    assert [bool(near) for near in lines.tables["documents"].values()] == [True, False]
    code, out, _ = millrace("similar", f"{root}/numbers", "3", "--documents", "--topn", "2")
    assert (code, len(out.splitlines())) == (0, 2)
    code, _, err = millrace("similar", f"{root}/numbers", "99", "--documents")
    assert (code, 'the document "99" has no vector' in err) == (3, True)
