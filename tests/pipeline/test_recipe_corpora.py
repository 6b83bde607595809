"""Every reader and transform in a recipe: by its name, checked, and the same as in Python."""

import re
from dataclasses import make_dataclass

import pytest

import corpora
from corpora.reader import READERS
from corpora.transform import TRANSFORMS
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.stage_corpus import applied

READ = {
    "line_sentence": 'url = "a.txt"\nlimit = 5\nerrors = "replace"',
    "path_line_sentences": 'url = "folder"\nmax_sentence_length = 7',
    "text8": 'url = "text8.zip"',
    "tagged_line_document": 'url = ["a.txt", "b.txt"]\ntags = "address"',
    "brown": 'url = "brown"',
    "tagged_brown": 'url = "brown"',
    "json_lines": 'url = "a.jsonl"\ntext = "body"\ntags = "id"\ncolumns = ["lang"]',
    "csv": 'url = "a.tsv"\ndelimiter = "\\t"\nnames = ["a", "text"]\nint_tags = true',
    "parquet": 'url = "s3://b/*.parquet"\ntags = "id"\nstorage_options = { anon = true }',
    "python_docs": "",
    "sentences": 'iterable = [["a", "b"]]',
    "documents": 'iterable = [[["a", "b"], ["tag"]]]',
}
STEPS = {
    "take": "n = 5",
    "skip": "n = 5",
    "filter": 'min_tokens = 3\ncolumn = "lang"\none_of = ["en", "fr"]\nat_most = "x"',
    "sample": "fraction = 0.25\nseed = 4",
    "shuffle": "buffer = 1000\nseed = 4",
    "shard": 'index = 1\nof = 4\nby = "file"',
    "interleave": "weights = [3, 1.5]",
    "join_phrases": 'url = "new_york.arrow"',
    "lowercase": "",
    "normalize": 'form = "NFKC"',
    "tokenize": r"pattern = '\w+'",
    "simple_preprocess": "deacc = true\nmax_len = 20",
}
REST = '[[stage]]\nuse = "build_vocab"\n[[stage]]\nuse = "train_word2vec"\n'


def stages(*tables):
    text = "".join(f'[[stage]]\nuse = "{use}"\n{keys}\n' for use, keys in tables)
    return parse(text + REST + '[[stage]]\nuse = "publish"\n', store="models").stages


def test_none_is_left_out():
    assert sorted(READ) == READERS.names()
    assert sorted(STEPS) == TRANSFORMS.names()
    shown = {name for name in corpora.__all__ if name in {READERS[use].__name__ for use in READ}}
    assert len(shown) == len(READ)


@pytest.mark.parametrize("use", READ)
def test_readers(use):
    (reader, *_) = stages((use, READ[use]))
    assert type(reader) is READERS[use]
    for key in re.findall(r"^(\w+) =", READ[use], re.MULTILINE):
        assert getattr(reader, key) is not None
    assert isinstance(getattr(reader, "url", ""), str | tuple)
    assert isinstance(getattr(reader, "columns", ()), tuple)


@pytest.mark.parametrize("use", STEPS)
def test_transforms(use):
    (_, step, *_) = stages(("line_sentence", 'url = "a.txt"'), (use, STEPS[use]))
    assert type(step) is TRANSFORMS[use]
    hash(step)


def test_bad_keys_are_all_named():
    with pytest.raises(RecipeError) as caught:
        stages(
            ("text8", 'url = "a"\nmax_sentence_length = 0'),
            ("shard", "index = 4\nof = 4"),
            ("filter", ""),
            ("tokenize", 'pattern = "("'),
            ("interleave", "weights = [1, -1]"),
            ("map_rows", 'function = "os.system"'),
        )
    said = str(caught.value)
    for mistake in (
        "max_sentence_length",
        "index must be less than of",
        "give min_tokens or max_tokens",
        "must be a regular expression",
        "weights",
        'there is no stage "map_rows"',
    ):
        assert mistake in said


def test_a_chain_is_interleaved(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f"{name}1\n{name}2\n")

    tables = [("line_sentence", f'url = "{tmp_path / name}"') for name in "ab"]
    found = stages(*tables, ("interleave", ""))
    state = make_dataclass("State", ["corpus", "shards", "unread", "ledger"])(*[None] * 4)
    for stage in found[:3]:
        state = applied(stage, state)
    assert list(state.corpus) == [["a1"], ["b1"], ["a2"], ["b2"]]
