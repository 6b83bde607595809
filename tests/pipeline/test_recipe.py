"""A recipe: what it becomes, and every mistake in it told at once."""

import dataclasses
import json
import pickle
import re
from pathlib import Path

import pytest

from corpora import LineSentence
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.names import ENGINES, STAGES
from pipeline.recipe.recipe import parse, read
from pipeline.recipe.schema import schema
from pipeline.stages.build_vocab import BuildVocab
from pipeline.stages.neighbours import Neighbours

RECIPES = Path(__file__).parents[2] / "recipes"
GOOD = """
store = "models/test"
cache = "cache/here"
[engine]
use = "local"
workers = 3
[[stage]]
use = "line_sentence"
url = "${CORPUS}"
[[stage]]
use = "lowercase"
[[stage]]
use = "build_vocab"
min_count = 2
[[stage]]
use = "train_word2vec"
alpha = 1
[[stage]]
use = "neighbours"
words = ["river", "sea"]
[[stage]]
use = "publish"
"""
SECRET = {"CORPUS": "/data/s3cr3t.txt"}


def mistakes(text, **more):
    with pytest.raises(RecipeError) as caught:
        parse(text, **{"environment": {}, **more})
    return [str(mistake) for mistake in caught.value.mistakes]


def stages(*tables):
    return "".join(f"[[stage]]\n{table}\n" for table in tables)


def test_a_recipe_becomes_values():
    recipe = parse(GOOD, environment=SECRET)
    assert recipe.stages[0] == LineSentence(url="/data/s3cr3t.txt")
    assert recipe.stages[2] == BuildVocab(min_count=2)
    assert recipe.stages[4] == Neighbours(words=("river", "sea"))
    assert [type(stage).use() for stage in recipe.stages] == [
        "line_sentence", "lowercase", "build_vocab", "train_word2vec", "neighbours", "publish",
    ]  # fmt: skip
    assert (recipe.store, recipe.cache, recipe.engine.workers) == ("models/test", "cache/here", 3)
    assert recipe.text == GOOD
    assert parse(GOOD, environment=SECRET, store="other").store == "other"


def test_all_mistakes_are_told_at_once():
    text = """
    stor = "models"
    cache = 7
    [engine]
    use = "lokal"
    [[stage]]
    use = "line_sentence"
    ulr = "a.txt"
    [[stage]]
    use = "lowercas"
    [[stage]]
    use = "build_vocab"
    min_count = 0
    update = "yes"
    [[stage]]
    use = "train_word2vec"
    window = "5"
    sample = true
    vector_size = 1.5
    [[stage]]
    use = "neighbours"
    words = ["a", 1]
    [[stage]]
    use = "publish"
    """
    assert mistakes(text) == [
        'stor: there is no such key; did you mean "store"?',
        "cache: should be a valid string or False, but is 7",
        'engine: there is no engine "lokal"; did you mean "local"?',
        "stage 1 (line_sentence), url: is missing and has to be given",
        'stage 1 (line_sentence), ulr: there is no such key; did you mean "url"?',
        'stage 2: there is no stage "lowercas"; did you mean "lowercase"?',
        "stage 3 (build_vocab), min_count: should be greater than or equal to 1, but is 0",
        'stage 3 (build_vocab), update: should be a valid boolean, but is "yes"',
        "stage 4 (train_word2vec), vector_size: should be a valid integer, but is 1.5",
        'stage 4 (train_word2vec), window: should be a valid integer, but is "5"',
        "stage 4 (train_word2vec), sample: should be a valid number, but is true",
        "stage 5 (neighbours), words[1]: should be a valid string, but is 1",
        'stage 6 (publish): needs a store: write store = "..." at the top, or give --store',
    ]


READ, VOCAB, TRAIN = (
    'use = "line_sentence"\nurl = "a"',
    'use = "build_vocab"',
    'use = "train_word2vec"',
)
DOCUMENTS = 'use = "train_doc2vec"'
LOWER, PUBLISH, LOAD = 'use = "lowercase"', 'use = "publish"', 'use = "load_latest"'


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([], ['there is no stage: write [[stage]] and use = "..."']),
        ([VOCAB, TRAIN, PUBLISH], ["stage 1 (build_vocab): needs a corpus: put a reader"]),
        ([LOWER, VOCAB, TRAIN, PUBLISH], ["stage 1 (lowercase): needs a corpus: put a reader"]),
        ([READ, TRAIN, PUBLISH], ["stage 2 (train_word2vec): needs a vocabulary: put build_vocab"]),
        ([PUBLISH], ["stage 1 (publish): needs a model: put train_word2vec, train_doc2vec"]),
        ([READ, VOCAB, TRAIN], ["stage 3 (train_word2vec): nothing after it uses the model"]),
        ([READ, VOCAB], ["stage 2 (build_vocab): nothing after it uses the vocabulary"]),
        ([READ], ["stage 1 (line_sentence): nothing after it reads the corpus"]),
        (
            [READ, VOCAB, LOWER, TRAIN, PUBLISH],
            ["stage 3 (lowercase): comes after stage 2 (build_vocab), which so would not count"],
        ),
        (
            [READ, VOCAB, TRAIN, LOAD, PUBLISH],
            ["stage 4 (load_latest): has to come before every other stage", "stage 3 "],
        ),
        (
            [LOAD, READ, VOCAB, TRAIN, PUBLISH],
            ["stage 3 (build_vocab): would throw away the vocabulary that there is by then: set"],
        ),
        (
            [READ, VOCAB, TRAIN, PUBLISH, 'use = "evaluate"\nmin_cosine = 0.5'],
            ["stage 5 (evaluate): its limits hold nothing back after publish: move it before"],
        ),
        (
            [READ, VOCAB, DOCUMENTS, PUBLISH],
            ["stage 3 (train_doc2vec): needs documents with tags, and stage 1 (line_sentence)"],
        ),
        (
            ['use = "csv"\nurl = "a"', VOCAB, DOCUMENTS, PUBLISH],
            ["stage 3 (train_doc2vec): needs documents with tags, and stage 1 (csv) gives none: s"],
        ),
        (["min_count = 1"], ['stage 1: does not say which stage it is: write use = "..."']),
        (["use = 7"], ["stage 1: use should be a name in quotes"]),
        (['use = "xyz"', PUBLISH], ['stage 1: there is no stage "xyz"; there are: brown']),
        ([READ.replace('"a"', "2026-01-01")], ["stage 1 (line_sentence), url: a date has no"]),
    ],
)
def test_sequence_and_names(tables, expected):
    found = mistakes(stages(*tables), store="models")
    for wanted in expected:
        assert any(mistake.startswith(wanted) for mistake in found), found


@pytest.mark.parametrize(
    "tables",
    [
        [READ, READ, LOWER, VOCAB, TRAIN, PUBLISH],
        [LOAD, READ, VOCAB + "\nupdate = true", TRAIN, PUBLISH],
        [LOAD, READ, TRAIN, PUBLISH],
        [LOAD, 'use = "neighbours"\nwords = ["a"]'],
        [LOAD, 'use = "evaluate"\nmin_cosine = 0.5'],
        [READ, VOCAB, TRAIN, PUBLISH, 'use = "evaluate"'],
        ['use = "csv"\nurl = "a"\ntags = "id"', VOCAB, DOCUMENTS, PUBLISH],
        ['use = "tagged_brown"\nurl = "a"', VOCAB, DOCUMENTS, PUBLISH],
        ['use = "python_docs"', VOCAB, DOCUMENTS, PUBLISH],
        [READ, VOCAB, TRAIN, 'use = "neighbours"\nwords = ["a"]'],
    ],
)
def test_orders_that_are_right(tables):
    assert len(parse(stages(*tables), store="models").stages) == len(tables)


def test_stages_in_single_brackets():
    assert mistakes('[stage]\nuse = "publish"') == [
        "write each stage as [[stage]], in double brackets"
    ]
    assert "engine: should be a table: write [engine]" in mistakes("engine = 3")


def test_what_is_not_toml_says_the_line():
    (only,) = mistakes('store = "a"\n[[stage]\n')
    assert re.search(r"is not TOML: .*line 2", only)


def test_files(tmp_path):
    with pytest.raises(RecipeError, match=r"no\.toml has a mistake:\n  there is no such file"):
        read("no.toml")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        read(str(tmp_path))
    (tmp_path / "latin.toml").write_bytes(b'store = "\xe9"')
    with pytest.raises(RecipeError, match="is not UTF-8 text at byte 9"):
        read(str(tmp_path / "latin.toml"))
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("${CORPUS}", "a").encode())
    assert read(str(tmp_path / "bom.toml"), workers=7).engine.workers == 7


def test_errors_pickle():
    with pytest.raises(RecipeError) as caught:
        parse("x = 1")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.mistakes) == (str(caught.value), caught.value.mistakes)


class TestEnvironment:
    def test_a_missing_variable_is_a_mistake_among_the_others(self):
        text = GOOD.replace("min_count = 2", "min_count = -2")
        assert mistakes(text) == [
            (
                "stage 1 (line_sentence), url: the environment has no variable CORPUS; "
                "set it: export CORPUS=..."
            ),
            "stage 3 (build_vocab), min_count: should be greater than or equal to 1, but is -2",
        ]

    def test_what_is_no_variable(self):
        found = mistakes(GOOD.replace("${CORPUS}", "${A B} ${C"))
        assert '"${A B}" does not name a variable' in found[0]
        assert '"${C" has no closing brace' in found[1]

    def test_an_escaped_dollar(self):
        recipe = parse(GOOD.replace("${CORPUS}", "$${CORPUS}$1"), environment={})
        assert recipe.stages[0] == LineSentence(url="${CORPUS}$1")

    @pytest.mark.parametrize("value", ["/data/s3cr3t.txt", 'quo"ted\\s3cr3t\n', "s"])
    def test_a_value_is_never_told(self, value):
        environment = {"CORPUS": value}
        recipe = parse(GOOD, environment=environment)
        assert repr(value)[1:-1] not in repr(recipe) or value == "s"
        assert recipe.stages[0].url == value
        assert "LineSentence" not in repr(recipe)
        assert recipe.variables.hide(f"no file {value}!") == "no file ${CORPUS}!"
        assert recipe.variables.hide(f"no file {value!r}!") == "no file '${CORPUS}'!"
        wrong = GOOD.replace('url = "${CORPUS}"', 'url = "a"\nlimit = "${CORPUS}"')
        found = "\n".join(mistakes(wrong, environment=environment))
        assert "${CORPUS}" in found
        assert value not in found.replace("stage", "").replace("sentence", "") or value == "s"

    def test_what_became_of_a_value_is_hidden_too(self):
        recipe = parse(GOOD, environment={"CORPUS": "file:///data/secret/*.txt"})
        for text in ("/data/secret/*.txt", "file:///data/secret/a.txt"):
            assert "secret" not in recipe.variables.hide(f"cannot read {text}: no such file")

    def test_honest_words_stay(self):
        recipe = parse(GOOD, environment={"CORPUS": "a"})
        assert recipe.variables.hide("a late train: a") == "${CORPUS} late train: ${CORPUS}"


class TestCache:
    def cache(self, line, monkeypatch, **environment):
        for name in ("MILLRACE_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return parse(f'{line}\nstore = "m"\n{stages(LOAD, PUBLISH)}').cache

    def test_where_it_lies(self, monkeypatch):
        assert self.cache("cache = false", monkeypatch) is None
        assert self.cache('cache = "~/x"', monkeypatch) == str(Path.home() / "x")
        assert self.cache("", monkeypatch, MILLRACE_CACHE="/tmp/c") == "/tmp/c"
        assert self.cache("", monkeypatch).endswith("/millrace")
        monkeypatch.setattr("sys.platform", "darwin")
        assert self.cache("", monkeypatch) == str(Path.home() / "Library/Caches/millrace")


class TestSchema:
    def test_every_key_is_described(self):
        for name, table in schema()["definitions"].items():
            declared = STAGES.get(name) or ENGINES.get(name.removeprefix("engine_"))
            assert table["description"], name
            if declared and declared.__module__.startswith("pipeline"):
                for key, field in table["properties"].items():
                    assert field.get("description"), f"{name}.{key} has no description"

    def test_it_agrees_with_the_check(self):
        jsonschema = pytest.importorskip("jsonschema")
        import tomllib

        validator = jsonschema.Draft7Validator(schema())
        jsonschema.Draft7Validator.check_schema(schema())
        for path in RECIPES.glob("*.toml"):
            validator.validate(tomllib.loads(path.read_text()))
        for bad in ("min_count = 0", "min_cuont = 1", 'update = "yes"'):
            table = tomllib.loads(GOOD.replace("min_count = 2", bad))
            assert not validator.is_valid(table), bad

    def test_it_is_json(self):
        assert json.loads(json.dumps(schema()))["$schema"].endswith("draft-07/schema#")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.name)
def test_our_recipes_are_right(path, monkeypatch):
    monkeypatch.setenv("CORPUS", "a.txt")
    monkeypatch.setenv("INBOX", "texts")
    recipe = read(str(path))
    assert dataclasses.is_dataclass(recipe.engine)
