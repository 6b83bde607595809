"""`cache = false`: nothing of the corpus is written, and the vectors are the same bit for bit."""

import gzip
import tempfile

import numpy as np
import pytest

from corpora import CorpusError
from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.recipe.recipe import parse

RECIPE = """
store = "{root}/models"
cache = {cache}
[engine]
workers = {workers}
[[stage]]
use = "{reader}"
url = "{root}/text/*"
[[stage]]
use = "lowercase"
[[stage]]
use = "filter"
min_tokens = 3
[[stage]]
use = "build_vocab"
min_count = 2
[[stage]]
use = "{stage}"
vector_size = 16
epochs = {epochs}
[[stage]]
use = "publish"
"""


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    lines = [f"The w{i % 7} and W{i % 11} of {'so ' * (i % 4)}w{i % 3}\n" for i in range(3000)]
    (folder / "a.txt").write_text("".join(lines[:2000]))
    (folder / "b.txt.gz").write_bytes(gzip.compress("".join(lines[1000:]).encode()))
    (folder / "c.txt").write_text("")
    return tmp_path


WORDS = {"reader": "line_sentence", "stage": "train_word2vec"}
DOCUMENTS = {"reader": "tagged_line_document", "stage": "train_doc2vec"}


def run(root, cache, said=str, workers=1, epochs=2, model=WORDS):
    text = RECIPE.format(root=root, cache=cache, workers=workers, epochs=epochs, **model)
    return job.run(parse(text), Lines(said))


@pytest.mark.parametrize("model", [WORDS, DOCUMENTS], ids=["words", "documents"])
def test_vectors_are_those_of_a_cache_and_nothing_is_written(root, monkeypatch, model):
    kept = run(root, f'"{root}/cache"', model=model)
    scratch = root / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("MILLRACE_CACHE", str(scratch))
    said = []
    streamed = run(root, "false", said.append, model=model)
    weights, others = (vars(state.model.weights) for state in (kept, streamed))
    arrays = [name for name, value in weights.items() if isinstance(value, np.ndarray)]
    assert any(weights[name].any() for name in arrays)
    for name in arrays:
        assert np.array_equal(weights[name], others[name])
    assert streamed.receipt == kept.receipt
    assert list(scratch.iterdir()) == []
    assert any("each epoch reads the text again" in line for line in said)


def test_several_workers_train_every_row(root):
    state = run(root, "false", workers=3)
    assert {epoch.rows for epoch in state.receipt.epochs} == {state.shards.rows}


def test_a_text_that_changes_during_the_run_ends_it(root):
    def said(line):
        if "each epoch reads" in line:
            (root / "text" / "a.txt").write_text("another text by now\n" * 30)

    with pytest.raises(CorpusError, match="changed while it was being read"):
        run(root, "false", said)
