"""The two recipes that tell the story of retraining, run as a user would: by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_language import sentences

from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.core.passes import Plan
from pipeline.models.model import Model
from pipeline.recipe.recipe import read
from pipeline.store.versions import Store

RECIPES = Path(__file__).parents[2] / "recipes"


def write(path, rows):
    path.write_text("".join(" ".join(row) + "\n" for row in rows))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "inbox").mkdir()
    write(tmp_path / "inbox" / "monday.txt", sentences(600, seed=1))
    return tmp_path


@pytest.fixture
def millrace(capsys):
    """A function that runs a command and returns what it says as JSON."""

    def run(*arguments, code=0):
        capsys.readouterr()
        assert run_command(commands, [*map(str, arguments), "--json"]) == code
        said = capsys.readouterr()
        return json.loads(said.out) if said.out else {}

    return run


def model(store, number=None):
    store = Store.open(store)
    found = store.latest() if number is None else store.version(number)
    return Model.open(found.folder())


def vector(held, tag):
    return held.keyed_documents[tag]


class TestDaily:
    @pytest.fixture(autouse=True)
    def inbox(self, place, monkeypatch):
        monkeypatch.setenv("INBOX", str(place / "inbox"))
        self.inbox = place / "inbox"
        self.recipe = RECIPES / "retrain-daily.toml"

    def test_only_what_is_new_is_read_and_nothing_new_does_nothing(self, millrace):
        millrace("run", self.recipe)
        write(self.inbox / "tuesday.txt", [[*row, "brand-new"] for row in sentences(60, seed=2)])
        millrace("run", self.recipe)
        before, after = model("models/daily", 1), model("models/daily", 2)
        assert (before.tags.size, after.tags.size) == (600, 660)
        old = before.vocabulary.size
        assert after.vocabulary.retained.to_pylist()[:old] == before.vocabulary.retained.to_pylist()
        assert "brand" in after.keyed_vectors
        assert "brand" not in before.keyed_vectors
        receipt = Store.open("models/daily").latest().manifest.receipt
        assert receipt["rows"] == 60
        assert [epoch["rows"] for epoch in receipt["epochs"]] == [60 + 240] * 10
        millrace("run", self.recipe)
        assert [one.number for one in Store.open("models/daily").versions()] == [2, 1]

    def test_an_edited_file_takes_the_place_of_what_it_was(self, millrace):
        write(self.inbox / "tuesday.txt", [["erratum"] * 9] * 5 + sentences(55, seed=2))
        millrace("run", self.recipe)
        assert "erratum" in model("models/daily").keyed_vectors
        write(self.inbox / "tuesday.txt", [["corrected"] * 9] * 5 + sentences(55, seed=2))
        millrace("run", self.recipe)
        held = model("models/daily")
        assert "corrected" in held.keyed_vectors
        assert "erratum" not in held.vocabulary.words.to_pylist()
        assert held.tags.size == 660

    def test_files_that_were_only_copied_change_nothing(self, millrace):
        write(self.inbox / "tuesday.txt", sentences(60, seed=2))
        millrace("run", self.recipe)
        for path in self.inbox.iterdir():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
        write(self.inbox / "tuesday.txt", sentences(60, seed=3))  # and one that was edited
        millrace("run", self.recipe)
        before, after = model("models/daily", 1), model("models/daily", 2)
        receipt = Store.open("models/daily").latest().manifest.receipt
        assert receipt["rows"] == 60
        assert before.vocabulary.counts.sum() == after.vocabulary.counts.sum()
        old, new = (one.keyed_documents["monday.txt:1"] for one in (before, after))
        assert np.dot(old, new) > 0.9 * np.linalg.norm(old) * np.linalg.norm(new)
        for path in self.inbox.iterdir():
            path.write_bytes(path.read_bytes())
        millrace("run", self.recipe)
        versions = Store.open("models/daily").versions()
        assert versions[0].ledger.rows == 660

    def test_the_gate_holds_a_bad_model_back(self, millrace, place):
        strict = place / "strict.toml"
        text = self.recipe.read_text()
        assert "min_overlap = 0.3" in text
        strict.write_text(text.replace("min_overlap = 0.3", "min_overlap = 1.0"))
        millrace("run", strict)
        write(self.inbox / "tuesday.txt", sentences(300, seed=5))
        millrace("run", strict, code=6)
        assert Store.open("models/daily").latest().number == 1
        assert len(list((place / "models" / "daily" / "candidates").iterdir())) == 1

    def test_back_and_on(self, millrace):
        millrace("run", self.recipe)
        write(self.inbox / "tuesday.txt", sentences(60, seed=2))
        millrace("run", self.recipe)
        millrace("rollback", "models/daily", "1")
        assert np.array_equal(
            model("models/daily", 3).tag_vectors, model("models/daily", 1).tag_vectors
        )
        millrace("run", self.recipe)  # to the version that is back again, tuesday is new
        assert model("models/daily").tags.size == 660


class TestWikiThenDomain:
    def test_the_words_stay_and_only_the_domains_documents(self, millrace, place, monkeypatch):
        recipe = RECIPES / "wiki-then-domain.toml"
        write(place / "wiki.txt", sentences(800, seed=3))
        write(place / "ours.txt", [[*row, "xxyfg"] for row in sentences(40, seed=4)])
        for name in ("wiki.txt", "ours.txt"):
            monkeypatch.setenv("CORPUS", str(place / name))
            millrace("run", recipe)
        first, second = model("models/domain", 1), model("models/domain", 2)
        assert first.tags.keys[0].as_py() == "wiki.txt:1"
        assert [key.as_py() for key in second.tags.keys] == [f"ours.txt:{n}" for n in range(1, 41)]
        known = first.vocabulary.size
        assert (
            second.vocabulary.retained.to_pylist()[:known] == first.vocabulary.retained.to_pylist()
        )
        assert "xxyfg" in second.keyed_vectors
        # The post's own check: a text's inferred vector lies beside those of its like.
        row = [*sentences(1, seed=4)[0], "xxyfg"]
        inferred = second.infer([row], plan_of(recipe)).vectors[0]
        near = second.keyed_documents.most_similar(inferred, topn=5)
        assert "ours.txt:1" in [key for key, _ in near]


def plan_of(path):
    stage = next(one for one in read(str(path)).stages if type(one).use() == "train_doc2vec")
    return Plan(epochs=stage.epochs, alpha=stage.alpha, sample=0.0)
