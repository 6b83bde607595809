"""Phrases in recipes: found, joined, chained, published with the model, and found again there."""

import pytest

from corpora import LineSentence, MillraceError
from pipeline import Phrases, job
from pipeline.models.model import Model
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.store.versions import Store

READ = '[[stage]]\nuse = "line_sentence"\nurl = "{root}/text/*"\n'
PHRASES = '[[stage]]\nuse = "phrases"\nscoring = "npmi"\nthreshold = 0.6\n'
TRAIN = """
[[stage]]
use = "build_vocab"
min_count = 2
update = {update}
[[stage]]
use = "train_word2vec"
vector_size = 8
epochs = 1
[[stage]]
use = "publish"
"""
LOAD = '[[stage]]\nuse = "load_latest"\n'


class Told:
    def __init__(self):
        self.lines, self.tables = [], {}

    def stage(self, number, total, name):
        pass

    def counted(self, tokens, rows):
        pass

    def trained(self, progress):
        pass

    def say(self, text):
        self.lines.append(text)

    def table(self, name, rows):
        self.tables[name] = rows


@pytest.fixture
def root(tmp_path):
    (tmp_path / "text").mkdir()
    lines = [f"w{n % 13} new york city w{n % 7} the bank of america w{n % 5}\n" for n in range(500)]
    (tmp_path / "text" / "a.txt").write_text("".join(lines))
    return tmp_path


def run(root, *stages, update="false", cache="true"):
    told = Told()
    kept = f'"{root}/cache"' if cache == "true" else "false"
    top = f'store = "{root}/models"\ncache = {kept}\n'
    text = top + "".join(stages).replace("{root}", str(root)) + TRAIN.replace("{update}", update)
    return job.run(parse(text), told), told


@pytest.mark.parametrize("cache", ["true", "false"])
def test_phrases_are_found_and_joined(root, cache):
    english = PHRASES + 'connector_words = "english"\n'
    state, told = run(root, READ, english, english, cache=cache)
    words = state.vocabulary.retained.to_pylist()
    assert "new_york_city" in words
    assert "bank_of_america" in words
    assert "york" not in words
    best = dict(told.tables["phrases"][0][1])
    assert "new_york_city" in best
    assert sum("phrases among" in line for line in told.lines) == 2
    again, told = run(root, LOAD, READ, english, english, update="true", cache=cache)
    assert again.version.number == 2
    assert again.vocabulary.retained.to_pylist() == words
    assert sum("of the loaded version are joined" in line for line in told.lines) == 2


def test_they_are_those_of_python_and_a_part_of_the_version(root):
    state, _ = run(root, READ, PHRASES)
    phrases = Phrases(LineSentence(root / "text" / "a.txt"), 5, 0.6, scoring="npmi")
    (held,) = state.phrases
    assert dict(held.phrasegrams) == phrases.export_phrases()
    folder = Store.open(f"{root}/models").latest().folder()
    assert (folder / "phrases-1.arrow").is_file()
    (again,) = Model.open(folder).phrases
    assert dict(again.phrasegrams) == phrases.export_phrases()
    corpus = LineSentence(root / "text" / "a.txt")
    joined = f'[[stage]]\nuse = "join_phrases"\nurl = "{folder}/phrases-1.arrow"\n'
    state, _ = run(root, READ, joined)
    assert list(state.corpus) == list(corpus.phrases(phrases))


def test_new_text_is_joined_by_the_old_phrases(root):
    run(root, READ, PHRASES)
    (root / "text" / "b.txt").write_text("green tea and new york\n" * 500)
    state, _ = run(root, LOAD, READ, PHRASES, update="true")
    words = state.vocabulary.retained.to_pylist()
    assert "new_york" in words
    assert "green" in words
    assert "green_tea" not in words


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ([LOAD, READ], "were joined 1 times, and in this one they were 0 times"),
        ([LOAD, READ, PHRASES, PHRASES], "the recipe has more stages phrases"),
        ([LOAD, READ, PHRASES.replace("0.6", "0.7")], "threshold is 0.6 there and 0.7 here"),
        ([LOAD, READ, PHRASES + 'delimiter = " "\n'], "delimiter is _ there and"),
    ],
)
def test_other_phrases_than_the_version_has(root, stages, told):
    run(root, READ, PHRASES)
    with pytest.raises(MillraceError, match=told):
        run(root, *stages, update="true")
    assert Store.open(f"{root}/models").latest().number == 1


def test_too_many_stages(root):
    with pytest.raises(MillraceError, match="more than 4 stages phrases"):
        run(root, READ, *[PHRASES] * 5)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('scoring = "npmi"\nthreshold = 2.0', "threshold must be from -1 to 1"),
        ("threshold = 0.0", "threshold must be more than 0"),
        ("min_count = 0", "min_count"),
        ('scoring = "ones"', "scoring"),
        ('connector_words = "german"', "connector_words"),
        ("connector_words = [1]", "connector_words"),
        ("delimiter = 1", "delimiter"),
    ],
)
def test_wrong_keys(keys, told):
    text = READ + f'[[stage]]\nuse = "phrases"\n{keys}\n' + TRAIN.replace("{update}", "false")
    with pytest.raises(RecipeError, match=told):
        parse(text, store="models")


def test_a_list_of_connectors(root):
    state, _ = run(root, READ, PHRASES + 'connector_words = ["of", "the"]\n')
    assert state.phrases[0].connector_words == {"of", "the"}
    assert "bank_of_america" in state.vocabulary.retained.to_pylist()
