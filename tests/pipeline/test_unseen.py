"""new_only: what a version has read is left out, what has changed or vanished is dealt with."""

import json
import os
from pathlib import Path

import pytest

from corpora import CorpusError, LineSentence
from corpora.errors import MillraceError
from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.recipe.variables import Variables
from pipeline.store.ledger import Consumed, Ledger
from pipeline.store.source_names import named
from pipeline.store.versions import Store
from pipeline.updates.unseen import compared

DAILY = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "{reader}"
url = "{url}"
new_only = true
{keys}
{more}
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_{model}"
vector_size = 8
[[stage]]
use = "publish"
"""
OTHER = """
[[stage]]
use = "line_sentence"
url = "{root}/other/*.txt"
new_only = {new_only}
"""


@pytest.fixture
def root(tmp_path):
    for name in ("days", "other"):
        (tmp_path / name).mkdir()
    write(tmp_path / "days/1.txt", "the mill turns\nthe race runs\n")
    write(tmp_path / "days/2.txt", "the mill stands\n")
    write(tmp_path / "other/a.txt", "a stone lies here\n")
    return tmp_path


def write(path, text):
    path.write_text(text)
    # A file written twice within a clock tick, with as many bytes, would pass for the same one.
    at = path.stat().st_mtime_ns + 1_000_000_000 * (1 + len(text))
    os.utime(path, ns=(at, at))


def run(root, keys="", more="", reader="line_sentence", model="word2vec", url=None, **values):
    url = url or f"{root}/days/*.txt"
    text = DAILY.format(root=root, url=url, keys=keys, more=more, reader=reader, model=model)
    return job.run(parse(text, **values), Lines(str))


def sources(root):
    table = Store.open(str(root / "models")).latest().ledger.table
    return {Path(row["source"]).name: row["rows"] for row in table.to_pylist()}


def test_only_new_files_are_read(root, capsys):
    assert run(root).version.number == 1
    assert sources(root) == {"1.txt": 2, "2.txt": 1}

    write(root / "days/3.txt", "the mill grinds\n")
    state = run(root)
    assert (state.version.number, state.receipt.rows) == (2, 1)
    assert "1 new, 0 changed, 0 vanished, 2 known" in capsys.readouterr().err
    assert sources(root) == {"1.txt": 2, "2.txt": 1, "3.txt": 1}
    words = state.vocabulary.words.to_pylist()
    assert [state.vocabulary.counts[words.index(word)] for word in ("the", "mill")] == [4, 3]


def test_nothing_new_ends_well_and_publishes_nothing(root, capsys):
    run(root)
    capsys.readouterr()
    state = run(root)
    assert state.version is None
    assert state.receipt is None
    assert "nothing new since version 1: nothing to do" in capsys.readouterr().err
    assert len(Store.open(str(root / "models")).versions()) == 1


def test_nothing_new_on_the_command_line(root, capsys):
    url = f"{root}/days/*.txt"
    given = {"reader": "line_sentence", "model": "word2vec", "url": url, "keys": "", "more": ""}
    (root / "daily.toml").write_text(DAILY.format(root=root, **given))
    for version, nothing in ((1, False), (None, True)):
        assert run_command(commands, ["run", str(root / "daily.toml"), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["version"], said["nothing_new"]) == (version, nothing)
    assert run_command(commands, ["run", str(root / "daily.toml")]) == 0
    assert "words, nothing new" in capsys.readouterr().err


def test_transforms_after_the_reader(root):
    more = '[[stage]]\nuse = "lowercase"\n[[stage]]\nuse = "shuffle"'
    assert run(root, more=more).receipt.rows == 3
    # What was shuffled together was read file by file all the same.
    assert set(sources(root)) == {"1.txt", "2.txt"}
    assert run(root, more=more).version is None
    write(root / "days/3.txt", "THE MILL GRINDS\n")
    assert run(root, more=more).receipt.rows == 1


def test_a_reader_with_other_settings_has_read_the_same_files(root):
    run(root)
    assert run(root, keys="max_sentence_length = 2").version is None


def test_two_readers(root):
    more = OTHER.format(root=root, new_only="true")
    assert run(root, more=more).receipt.rows == 4
    assert run(root, more=more).version is None
    write(root / "other/b.txt", "a stone\n")
    assert run(root, more=more).receipt.rows == 1
    interleaved = more + '[[stage]]\nuse = "interleave"'
    write(root / "other/c.txt", "a mill stone\n")
    assert run(root, more=interleaved).receipt.rows == 1
    assert "nothing" not in sources(root)


def test_a_reader_that_reads_all_beside_one_that_does_not(root):
    more = OTHER.format(root=root, new_only="false")
    assert run(root, more=more).receipt.rows == 4
    assert run(root, more=more).receipt.rows == 1


def test_a_file_that_was_only_copied_has_nothing_new(root, capsys):
    run(root)
    for path in (root / "days").iterdir():
        text = path.read_text()
        path.unlink()
        write(path, text)
    assert run(root).version is None
    assert "2 changed files have the text that they had" in capsys.readouterr().err
    write(root / "days/2.txt", "the mill stands still\n")
    state = run(root)
    assert (state.version.number, state.receipt.rows) == (2, 1)
    ledger = state.version.ledger
    assert (ledger.rows, len(ledger)) == (4, 4)  # read twice: 2.txt; known anew: 1.txt
    assert run(root).version is None
    (root / "days/1.txt").unlink()
    assert counts(run(root, keys='vanished = "forget"'))["the"] == 2


def test_a_changed_file(root):
    run(root)
    write(root / "days/2.txt", "the mill stands still\n")
    with pytest.raises(MillraceError, match=r"1 files are not what version 1 has read.*2\.txt"):
        run(root, keys='changed = "error"')
    assert run(root, keys='changed = "skip"').version is None
    assert run(root, keys='changed = "update"').receipt.rows == 1
    assert run(root).version is None


def counts(state):
    return dict(
        zip(state.vocabulary.words.to_pylist(), state.vocabulary.counts.tolist(), strict=True)
    )


def test_the_old_text_of_a_changed_file_is_replaced(root):
    run(root)
    write(root / "days/2.txt", "the mill grinds\n")
    state = run(root, keys='changed = "replace"')
    assert (state.version.number, state.receipt.rows) == (2, 1)
    assert sources(root) == {"1.txt": 2, "2.txt": 1}
    assert counts(state) == {"the": 3, "mill": 2, "turns": 1, "race": 1, "runs": 1, "grinds": 1}
    assert Store.open(str(root / "models")).latest().ledger.rows == 3


def test_documents_of_a_changed_file_are_replaced(root):
    documents = {"reader": "tagged_line_document", "model": "doc2vec"}
    run(root, **documents)
    write(root / "days/1.txt", "the race runs\n")
    state = run(root, keys='changed = "replace"', **documents)
    assert sorted(state.model.tags.keys.to_pylist()) == ["1.txt:1", "2.txt:1"]
    assert counts(state)["the"] == 2


def test_a_vanished_file_is_forgotten(root, capsys):
    run(root)
    (root / "days/1.txt").unlink()
    assert run(root).version is None
    capsys.readouterr()
    state = run(root, keys='vanished = "forget"')
    assert (state.version.number, state.receipt) == (2, None)
    assert "there is no new text" in capsys.readouterr().err
    assert sources(root) == {"2.txt": 1}
    assert counts(state) == {"the": 1, "mill": 1, "stands": 1}
    assert run(root, keys='vanished = "forget"').version is None
    stored = [path.name for path in (root / "cache").iterdir()]
    assert len(stored) == 1


def test_one_file_changes_while_another_vanishes(root):
    documents = {"reader": "tagged_line_document", "model": "doc2vec"}
    write(root / "days/1.txt", "the mill turns\nthe mill stands\n")
    model = run(root, **documents).model
    before, words = model.keyed_documents["1.txt:1"].copy(), model.vocabulary.words.to_pylist()
    write(root / "days/1.txt", "the mill turns\n")
    (root / "days/2.txt").unlink()
    write(root / "days/3.txt", "a stone lies\n")
    keys = 'changed = "replace"\nvanished = "forget"'
    # Frozen, so that nothing but the forgetting could move a vector.
    text = DAILY.format(
        root=root, url=f"{root}/days/*.txt", keys=keys, more="", reader="tagged_line_document",
        model="doc2vec",
    ).replace("vector_size = 8", 'vector_size = 8\nfreeze = "old_tags"')  # fmt: skip
    state = job.run(parse(text), Lines(str))
    assert state.model.keyed_documents["1.txt:1"].tolist() == before.tolist()
    # The document whose line was taken out, and the one that has vanished.
    assert sorted(state.model.tags.keys.to_pylist()) == ["1.txt:1", "3.txt:1"]
    assert state.version.manifest.forgot == 1
    # Words that only these two files had keep their places, if the edited one has them again.
    words.remove("stands")
    assert state.model.vocabulary.words.to_pylist()[:3] == words


def test_all_text_is_edited_away(root):
    run(root)
    for name in ("1.txt", "2.txt"):
        write(root / "days" / name, "")
    with pytest.raises(MillraceError, match="the corpus has no words"):
        run(root, keys='changed = "replace"')
    assert len(Store.open(str(root / "models")).versions()) == 1


def test_a_file_that_one_of_two_recipes_reads_does_not_vanish(root):
    more = OTHER.format(root=root, new_only="true")
    run(root, more=more)
    (root / "other/a.txt").unlink()
    (root / "days/1.txt").unlink()
    ledger = Store.open(str(root / "models")).latest().ledger
    found = compared(LineSentence(f"{root}/days/*.txt", new_only=True), ledger)
    assert [Path(one).name for one in found.vanished] == ["1.txt"]
    assert len(found.known) == 1


def test_values_of_the_environment_stay_out_of_the_ledger(root):
    environment = {"DAY": f"{root}/days/"}
    run(root, url="${DAY}*.txt", environment=environment)
    ledger = Store.open(str(root / "models")).latest().ledger
    names = ledger.table["source"].to_pylist()
    assert all(name.startswith("${DAY}") and str(root) not in name for name in names)
    assert run(root, url="${DAY}*.txt", environment=environment).version is None


def test_a_variable_with_another_value_is_another_file(root):
    write(root / "other/1.txt", "a stone\n")
    (root / "other/a.txt").unlink()
    run(root, url="${DAY}/*.txt", environment={"DAY": f"{root}/days"})
    state = run(
        root, url="${DAY}/*.txt", environment={"DAY": f"{root}/other"}, keys="vanished = 'forget'"
    )
    assert state.receipt.rows == 1
    assert len(state.version.ledger) == 3


def test_what_nothing_identifies_is_refused(root):
    class Anonymous(LineSentence):
        def _part(self, source):
            from dataclasses import replace

            part = super()._part(source)
            return replace(part, origins=(replace(part.origins[0], fingerprint=None),))

    with pytest.raises(MillraceError, match="nothing that is said of it tells its content"):
        compared(Anonymous(f"{root}/days/*.txt", new_only=True), None)


def test_in_python_there_is_nothing_to_compare_with(root):
    with pytest.raises(CorpusError, match="use it in a recipe"):
        LineSentence(f"{root}/days/*.txt", new_only=True).parts()
    with pytest.raises(ValueError, match="changed and vanished need new_only = true"):
        LineSentence("a", vanished="forget")


def test_a_recipe_has_to_load_what_it_compares_with(root):
    text = DAILY.format(
        root=root, url="a", keys="", more="", reader="line_sentence", model="word2vec"
    )
    with pytest.raises(RecipeError, match="new_only needs load_latest before it"):
        parse(text.replace('[[stage]]\nuse = "load_latest"', "").replace("update = true", ""))


def test_names_are_hidden_all_at_once():
    variables = Variables({}, {"/home/ann/": "HERE"})
    labels = [f"/home/ann/{number}.txt" for number in range(1000)] + ["/home/eve/1.txt"]
    names = named(labels, variables.hide)
    assert len(set(names)) == 1001
    assert names[-1] == "/home/eve/1.txt"
    assert names[0].startswith("${HERE}0.txt #")


def test_2000_files_are_compared_without_opening_one(root, monkeypatch):
    folder = root / "many"
    folder.mkdir()
    for number in range(2000):
        (folder / f"{number}.txt").write_text("a")
    reader = LineSentence(f"{folder}/*.txt", new_only=True)
    stats = []
    own = os.stat
    monkeypatch.setattr(os, "stat", lambda *given, **more: stats.append(1) or own(*given, **more))
    first = compared(reader, None)
    assert len(first.new) == 2000
    assert len(stats) < 2100
    ledger = Ledger.empty().add(
        [Consumed(part.label, part.origins[0].fingerprint, 1, 1) for part in first.new[1:]], 1, "t"
    )
    found = compared(reader, ledger)
    assert (len(found.new), len(found.known)) == (1, 1999)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_reader_without_new_only_says_what_counts_again(root, command, capsys):
    run(root)
    text = DAILY.format(root=root, reader="line_sentence", url=f"{root}/days/*.txt", keys="",
                        more="", model="word2vec").replace("new_only = true", "")  # fmt: skip
    (root / "recipe.toml").write_text(text)
    write(root / "days/3.txt", "the mill turns\n")
    capsys.readouterr()
    assert run_command(commands, [command, str(root / "recipe.toml")]) == 0
    told = "2 of 3 files were read before and count again; set new_only = true to leave them out"
    assert sum(told in line for line in "".join(capsys.readouterr()).splitlines()) == 1
    (root / "recipe.toml").write_text(text.replace("days/*", "other/*"))
    assert run_command(commands, [command, str(root / "recipe.toml")]) == 0
    assert "before and count" not in "".join(capsys.readouterr())
