"""The command line: what it prints where, and the exit code of every kind of failure."""

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import click
import numpy as np
import pyarrow as pa
import pytest

from pipeline.cli import results
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.store.versions import Store
from pipeline.words.vocabulary import Vocabulary

HERE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
RECIPE = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "line_sentence"
url = "{root}/corpus.txt"
[[stage]]
use = "build_vocab"
min_count = 1
[[stage]]
use = "train_word2vec"
vector_size = 16
epochs = 20
alpha = 0.1
sample = 0
[[stage]]
use = "neighbours"
words = ["cat", "xyzzy"]
topn = 2
[[stage]]
use = "publish"
"""


@pytest.fixture
def root(tmp_path):
    chance = random.Random(1)
    kin = [["cat", "dog", "cow", "hen"], ["one", "two", "six", "ten"]]
    lines = [" ".join(chance.choices(chance.choice(kin), k=8)) for _ in range(500)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines))
    (tmp_path / "recipe.toml").write_text(RECIPE.format(root=tmp_path))
    return tmp_path


@pytest.fixture
def recipe(root):
    return str(root / "recipe.toml")


@pytest.fixture
def millrace(capsys):
    def call(*arguments):
        code = run_command(commands, list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def edit(recipe, old, new):
    from pathlib import Path

    path = Path(recipe)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def spawn(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli.commands", *arguments],
        env={**HERE, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_run_then_the_commands_it_names(millrace, recipe, root):
    code, out, err = millrace("run", recipe)
    assert (code, "Traceback" in err) == (0, False)
    assert re.search(r"^cat +(dog|cow|hen) \d\.\d\d +(dog|cow|hen) \d\.\d\d$", out, re.MULTILINE)
    assert re.search(r"^xyzzy +not in the vocabulary$", out, re.MULTILINE)
    assert "stage 1/5: line_sentence" in err
    assert "version 1" in err
    named = re.findall(r"^  (millrace .*)$", err, re.MULTILINE)
    assert len(named) == 2
    for command in named:
        code, out, err = millrace(*shlex.split(command)[1:])
        assert (code, err) == (0, "")
        assert out


def test_no_command_is_named_that_would_ask_for_a_hidden_name(millrace, recipe, root, monkeypatch):
    monkeypatch.setenv("CORPUS", f"{root}/corpus.txt")
    edit(recipe, f"{root}/corpus.txt", "${CORPUS}")
    edit(recipe, "line_sentence", "tagged_line_document")
    edit(recipe, "train_word2vec", "train_doc2vec")
    edit(recipe, 'words = ["cat", "xyzzy"]', 'documents = ["corpus.txt:1"]')
    assert "--documents corpus.txt:1" in millrace("run", recipe)[2]
    monkeypatch.chdir(root)  # where the value is the file's name, which tags begin with
    monkeypatch.setenv("CORPUS", "corpus.txt")
    code, _, err = millrace("run", recipe)
    assert (code, "--documents" in err, "Try next" in err) == (0, False, True)


def test_the_word_to_ask_for_is_frequent_and_not_too_frequent():
    counts = np.arange(1000, 0, -1)
    words = [f"w{letters(at)}" for at in range(1000)]
    mixed = np.random.default_rng(1).permutation(1000)
    vocabulary = Vocabulary(pa.array([words[at] for at in mixed]), counts[mixed], 1000)
    assert results._example(SimpleNamespace(vocabulary=vocabulary)) == f"w{letters(100)}"
    few = Vocabulary(pa.array(["the", "mill"]), np.array([9, 2]), 2)
    assert results._example(SimpleNamespace(vocabulary=few)) == "mill"


def letters(number):
    return "".join(chr(97 + int(digit)) for digit in str(number))


def test_run_as_json(millrace, recipe, root):
    code, out, _ = millrace("run", recipe, "--json", "--store", f"{root}/other")
    told = json.loads(out)
    assert code == 0
    assert (told["version"], told["store"], told["words"]) == (1, f"{root}/other", 8)
    assert set(told["tables"]["neighbours"]["cat"]) <= {"dog", "cow", "hen"}
    assert told["receipt"]
    assert not (root / "models").exists()


def test_the_next_run_adds_a_version(millrace, recipe, root):
    for _ in range(2):
        assert millrace("run", recipe)[0] == 0
    code, out, _ = millrace("versions", f"{root}/models", "--json")
    assert code == 0
    assert [version["version"] for version in json.loads(out)] == [2, 1]
    code, out, err = millrace("versions", f"{root}/models")
    assert [line.split()[0] for line in out.splitlines()] == ["version", "2", "1"]
    assert err == ""


def test_what_the_manifest_keeps(millrace, recipe, root, monkeypatch):
    monkeypatch.setenv("PLACE", str(root))
    edit(recipe, f'cache = "{root}/', 'cache = "${PLACE}/')
    edit(recipe, f'url = "{root}/', 'url = "${PLACE}/')
    edit(recipe, f'store = "{root}/models"', 'store = "${PLACE}/models"')
    code, out, err = millrace("run", recipe)
    assert code == 0
    assert str(root) not in out + err
    assert 'millrace versions "${PLACE}/models"' in err  # as a shell will fill it in
    version = Store.open(str(root / "models")).latest()
    content = version.manifest.to_bytes().decode()
    assert str(root) not in content
    assert "${PLACE}/corpus.txt" in version.manifest.recipe
    (source,) = version.ledger.table.to_pylist()
    assert source["source"].startswith("${PLACE}/corpus.txt #")  # and a hash of the whole name
    assert (source["rows"], source["tokens"]) == (500, 4000)
    assert not [
        path for path in (root / "models").rglob("*.*") if str(root).encode() in path.read_bytes()
    ]


def test_similar(millrace, recipe, root):
    millrace("run", recipe)
    store = f"{root}/models"
    code, out, _ = millrace(
        "similar", store, "cat", "dog", "--minus", "one", "--topn", "2", "--json"
    )
    told = json.loads(out)
    assert (code, told["version"], len(told["similar"])) == (0, 1, 2)
    assert set(told["similar"]) <= {"cow", "hen"}
    assert millrace("similar", f"{store}@1", "cat")[0] == 0
    code, _, err = millrace("similar", f"{store}@9", "cat")
    assert (code, "has no version 9; it has: 1" in err) == (4, True)
    code, out, err = millrace("similar", store, "cta")
    assert (code, out) == (3, "")
    assert 'the word "cta" has no vector' in err
    assert "cat" in err
    code, _, err = millrace("similar", f"{root}/empty", "cat")
    assert (code, "has no version" in err) == (4, True)


def test_check(millrace, recipe):
    code, out, err = millrace("check", recipe)
    assert (code, err) == (0, "")
    assert "is right: line_sentence, build_vocab, train_word2vec, neighbours, publish" in out
    edit(recipe, "min_count", "min_cuont")
    edit(recipe, '"publish"', '"publsh"')
    for command in ("check", "run"):
        code, out, err = millrace(command, recipe)
        assert (code, out) == (2, "")
        assert "has 2 mistakes:" in err
        assert 'stage 2 (build_vocab), min_cuont: there is no such key; did you mean "min_c' in err
        assert 'stage 5: there is no stage "publsh"; did you mean "publish"?' in err
        assert "Traceback" not in err
    code, out, _ = millrace("check", recipe, "--json")
    assert (code, [one["stage"] for one in json.loads(out)["mistakes"]]) == (2, [2, 5])


class TestFailures:
    """Each is one message and its exit code, and nothing half-written."""

    def fails(self, millrace, recipe, root, code, *words):
        got, out, err = millrace("run", recipe)
        last = err.splitlines()[-1]
        assert (got, out) == (code, ""), err
        assert "Traceback" not in err
        for word in words:
            assert word in last
        assert Store.open(f"{root}/models").latest() is None
        assert not list(root.glob("models/data/*"))

    def test_no_such_recipe(self, millrace, root):
        code, _, err = millrace("run", str(root / "no.toml"))
        assert (code, "there is no such file" in err) == (2, True)

    def test_no_such_corpus(self, millrace, recipe, root):
        edit(recipe, "corpus.txt", "corups.txt")
        self.fails(millrace, recipe, root, 3, "corups.txt")

    def test_an_empty_glob(self, millrace, recipe, root):
        edit(recipe, "corpus.txt", "no-*.txt")
        self.fails(millrace, recipe, root, 3, "no-*.txt")

    def test_bytes_that_are_not_utf8(self, millrace, recipe, root):
        with (root / "corpus.txt").open("ab") as file:
            file.write(b"\ngood\nb\xe9d\n")
        self.fails(millrace, recipe, root, 3, "corpus.txt", "byte")

    def test_no_word_is_left(self, millrace, recipe, root):
        edit(recipe, "min_count = 1", "min_count = 100000")
        self.fails(millrace, recipe, root, 3, "min_count")

    def test_a_store_that_cannot_be_written(self, millrace, recipe, root):
        (root / "models").write_text("a file")
        code, out, err = millrace("run", recipe)
        assert (code, out) == (4, "")
        assert err.startswith("millrace: cannot write the store at")  # before the first stage
        assert (root / "models").read_text() == "a file"
        assert not (root / "cache").exists()

    def test_a_store_elsewhere(self, millrace, recipe):
        code, _, err = millrace("run", recipe, "--store", "s3://bucket/models")
        assert (code, "stores on s3 are not supported yet" in err) == (4, True)

    def test_a_conflict(self, millrace, recipe, root, monkeypatch):
        store = Store.open(f"{root}/models")
        real = Store.publish

        def another_first(self, write, **more):
            def slow(folder):
                write(folder)
                real(store, write)

            return real(self, slow, **more)

        monkeypatch.setattr(Store, "publish", another_first)
        code, _, err = millrace("run", recipe)
        assert (code, "another run published version 1" in err) == (5, True)

    def test_our_own_error_keeps_its_traceback(self, millrace, recipe, monkeypatch):
        monkeypatch.setattr(Store, "publish", lambda *a, **k: 1 / 0)
        code, _, err = millrace("run", recipe)
        assert code == 1
        assert "ZeroDivisionError" in err
        assert "Traceback" in err

    def test_usage(self, millrace):
        assert millrace("rnu")[0] == 2
        assert millrace("run")[0] == 2
        assert millrace("run", "a", "--workers", "0")[0] == 2


@pytest.mark.parametrize(("kill", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_promptly(recipe, root, kill, code):
    edit(recipe, "epochs = 20", "epochs = 1000000")
    process = spawn("run", recipe)
    for line in process.stderr:
        if "train_word2vec" in line:
            break
    time.sleep(0.3)
    process.send_signal(kill)
    begun = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - begun < 3
    assert (process.returncode, "Traceback" in err) == (code, False)
    assert Store.open(f"{root}/models").latest() is None


def test_a_reader_that_closes_the_pipe():
    process = spawn("schema")
    process.stdout.close()
    assert (process.wait(20), process.stderr.read()) == (0, "")
    process.stderr.close()


def test_every_command_has_help_with_an_example(millrace):
    code, out, _ = millrace("--help")
    assert code == 0
    assert "Exit codes:" in out
    for name, command in commands.commands.items():
        assert name in out
        code, told, _ = millrace(name, "--help")
        assert code == 0
        assert re.search(rf"^ +(CORPUS=\S+ )?millrace {name} ", told, re.MULTILINE), name
        assert all(not isinstance(p, click.Option) or p.help for p in command.params)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nimport pipeline.cli.commands\n"
        "heavy = {'numpy', 'pyarrow', 'pydantic', 'fsspec', 'rich', 'cffi'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], env=HERE, check=True)


def test_version():
    out, err = spawn("--version").communicate(timeout=20)
    assert re.fullmatch(r"millrace (\d+\.\d+.*|from its source tree, not installed)\n", out), err
