"""Compacting: words by falling count, rare ones without rows, and all other rows to the bit."""

import json
import random
from collections import Counter

import numpy as np
import pytest

from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.models.model import Model, ModelError
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.recipe.schema import schema
from pipeline.store.versions import Store, StoreError
from pipeline.updates.compacting import compacted
from pipeline.updates.cut_out import without
from pipeline.updates.forget import forget

DAILY = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
{before}
[[stage]]
use = "json_lines"
url = "{root}/{day}*.jsonl"
tags = "tags"
{between}
[[stage]]
use = "build_vocab"
update = true
min_count = 2
[[stage]]
use = "train_{model}"
vector_size = 8
epochs = 2
{keys}
[[stage]]
use = "publish"
"""
COMPACT = """
store = "{root}/models"
[[stage]]
use = "load_latest"
[[stage]]
use = "compact"
{keys}
[[stage]]
use = "publish"
"""
MODES = {
    "skip-gram": ("word2vec", ""),
    "CBOW, tree": ("word2vec", "sg = 0\nhs = 1\nnegative = 0"),
    "PV-DBOW": ("doc2vec", "dbow_words = 1"),
    "PV-DM, both": ("doc2vec", "dm = 1\nhs = 1"),
}
WORDS = [f"{a}{b}" for a in "bcdfghklmnp" for b in "aeiou"]


@pytest.fixture
def root(tmp_path):
    """A first text, and a second one whose words are others, and more frequent."""
    for day, some, rows in (("monday", WORDS[:40], 40), ("tuesday", WORDS[20:], 120)):
        rng = random.Random(day)
        shares = [1 / (1 + i) for i in range(len(some))][:: 1 if day == "monday" else -1]
        lines = [
            json.dumps({"text": " ".join(rng.choices(some, shares, k=9)), "tags": [f"{day} {i}"]})
            for i in range(rows)
        ]
        (tmp_path / f"{day}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(root, day, mode="skip-gram", before="", between=""):
    model, keys = MODES[mode]
    text = DAILY.format(root=root, day=day, model=model, keys=keys, before=before, between=between)
    return job.run(parse(text), Lines(str))


def compact(root, keys="", said=None):
    text = COMPACT.format(root=root, keys=keys)
    return job.run(parse(text), Lines(str if said is None else said.append))


def newest(root):
    version = Store.open(f"{root}/models").latest()
    return version, Model.open(version.folder())


def counts_of(model):
    words = model.vocabulary.words.to_pylist()
    return dict(zip(words, model.vocabulary.counts.tolist(), strict=True))


def rows_of(model):
    """Each word's rows, as bytes."""
    matrices = model.files().matrices
    wide = [m for m in (matrices.vectors, matrices.output) if m is not None]
    words = model.vocabulary.retained.to_pylist()
    return {word: tuple(m[i].tobytes() for m in wide) for i, word in enumerate(words)}


def paths_of(model):
    """Each word's way through the tree: what its nodes have learnt, and which way it turns."""
    at, path = model.tree.paths()
    nodes = model.files().matrices.nodes
    return {
        word: [(nodes[s >> 1].tobytes(), s & 1) for s in path[at[i] : at[i + 1]]]
        for i, word in enumerate(model.vocabulary.retained.to_pylist())
    }


@pytest.mark.parametrize("mode", MODES)
def test_words_are_sorted_and_rows_stay_to_the_bit(root, mode):
    run(root, "monday", mode)
    run(root, "tuesday", mode)
    version, before = newest(root)
    counts = before.vocabulary.retained_counts
    assert (np.diff(counts) > 0).any()  # words of the second run stand behind rarer ones
    compact(root, "min_count = 12")
    compacted_version, after = newest(root)
    assert (compacted_version.number, compacted_version.manifest.parent) == (3, 2)
    assert compacted_version.ledger.table.equals(version.ledger.table)

    old, new = counts_of(before), counts_of(after)
    kept = [w for w in before.vocabulary.retained.to_pylist() if old[w] >= 12]
    order = sorted(old, key=lambda w: (w not in kept, -old[w], w))
    assert 0 < len(kept) < before.vocabulary.size
    assert after.vocabulary.retained.to_pylist() == order[: len(kept)]
    assert list(new.items()) == [(word, old[word]) for word in order]  # counts are remembered

    was = rows_of(before)
    assert rows_of(after) == {word: was[word] for word in kept}
    if before.tags is not None:
        assert after.tags.keys.equals(before.tags.keys)
        assert after.tag_vectors.tobytes() == before.tag_vectors.tobytes()
    if before.tree is not None:
        after.tree.check()
        assert len(after.files().matrices.nodes) == len(kept) - 1
        ways = paths_of(before)
        for word, way in paths_of(after).items():
            left = iter(ways[word])
            assert all(step in left for step in way)  # nothing but nodes that went is missing
    for word in kept:
        near = before.keyed_vectors.most_similar(word, topn=before.vocabulary.size)
        near = [(other, score) for other, score in near if other in kept]
        now = after.keyed_vectors.most_similar(word, topn=len(kept))
        assert [other for other, _ in now] == [other for other, _ in near]
        np.testing.assert_allclose([s for _, s in now], [s for _, s in near], rtol=1e-5, atol=1e-6)

    # The store goes on from it: words that come back follow, and are counted on.
    again = run(root, "tuesday", mode).model
    assert again.vocabulary.retained.to_pylist()[: len(kept)] == order[: len(kept)]
    read = Counter()
    for day in ("monday", "tuesday", "tuesday"):
        for line in (root / f"{day}.jsonl").read_text().splitlines():
            read.update(json.loads(line)["text"].split())
    assert counts_of(again) == read


def test_only_the_order_changes_where_nothing_is_rare(root):
    run(root, "monday", "PV-DM, both")
    run(root, "tuesday", "PV-DM, both")
    version, before = newest(root)
    compact(root)
    after = newest(root)[1]
    assert rows_of(after) == rows_of(before)
    assert paths_of(after) == paths_of(before)
    assert counts_of(after) == counts_of(before)
    assert (np.diff(after.vocabulary.retained_counts) <= 0).all()
    said = []
    compact(root, said=said)
    assert "the words are in order, and none is too rare" in said
    same = newest(root)[0].manifest
    assert [f.sha256 for f in same.files] == [
        f.sha256 for f in version.store.version(3).manifest.files
    ]


def test_what_is_not_remembered_is_as_if_never_seen(root):
    run(root, "monday")
    old = counts_of(newest(root)[1])
    text = f"rare rare {min(old, key=old.get)}"
    (root / "wednesday.jsonl").write_text(json.dumps({"text": text, "tags": []}) + "\n")
    run(root, "wednesday")
    before = newest(root)[1]
    old = counts_of(before)
    said = []
    compact(root, "min_count = 4\nremember = 4", said)
    after = newest(root)[1]
    assert counts_of(after) == {word: n for word, n in old.items() if n >= 4}
    fewer = sum(n < 4 for n in old.values())
    assert any(line.endswith(f"{fewer:,} words were dropped altogether") for line in said)
    again = run(root, "wednesday").model
    assert counts_of(again)["rare"] == 2


def test_forgetting_after_compacting(root):
    """What a compaction dropped still stands in the text: it is not subtracted."""
    run(root, "monday", "PV-DBOW")
    run(root, "tuesday", "PV-DBOW")
    compact(root, "min_count = 12\nremember = 12")
    version, model = newest(root)
    found = forget(version.store, model, version.ledger, sources=["*monday*"])
    held, left = counts_of(model), counts_of(found.model)
    read = Counter()
    for line in (root / "tuesday.jsonl").read_text().splitlines():
        read.update(json.loads(line)["text"].split())
    assert left == {word: read[word] for word in held if read[word]}
    assert found.model.tags.size == 120


def test_rates_of_rows_go_with_their_words(root):
    run(root, "monday")
    run(root, "tuesday")
    _, model = newest(root)
    words = model.vocabulary.retained.to_pylist()
    rates = np.arange(len(words), dtype=np.float32)
    model.keyed_vectors.vectors_lockf = rates
    files = compacted(model.files(), 12, 1)
    its = dict(zip(files.vocabulary.retained.to_pylist(), files.word_rates.tolist(), strict=True))
    assert its == {word: float(words.index(word)) for word in its}
    model.keyed_vectors.vectors_lockf = np.array([0.5], np.float32)
    assert compacted(model.files(), 12, 1).word_rates.tolist() == [0.5]


@pytest.mark.parametrize("model", ["word2vec", "doc2vec"])
def test_attributes_go_with_their_keys(root, model):
    run(root, "monday", "PV-DBOW" if model == "doc2vec" else "skip-gram")
    _, held = newest(root)
    shown = [held.keyed_vectors, *([held.keyed_documents] if model == "doc2vec" else [])]
    for vectors in shown:
        for key in vectors:
            vectors.set_vecattr(key, "own", f"of {key}")
    files = compacted(held.files(), 12, 1)
    words, tags = np.ones(len(files.vocabulary.words), bool), None
    words[1] = False
    if model == "doc2vec":
        tags = np.ones(files.tags.size, bool)
        tags[3] = False
    for made in (files, without(files, words, tags)):
        again = Model.of(made)
        for vectors in [
            again.keyed_vectors,
            *([again.keyed_documents] if tags is not None else []),
        ]:
            assert [vectors.get_vecattr(key, "own") for key in vectors] == [
                f"of {key}" for key in vectors
            ]


def test_one_word_is_left(root):
    run(root, "monday", "CBOW, tree")
    model = newest(root)[1]
    most = int(model.vocabulary.counts.max())
    files = compacted(model.files(), most, 1)
    assert (files.vocabulary.size, len(files.tree.leaves), len(files.matrices.nodes)) == (1, 1, 0)
    with pytest.raises(ModelError, match=f"no word has a count of {most + 1}.*has {most}"):
        compact(root, f"min_count = {most + 1}")
    assert newest(root)[0].number == 1


def test_where_it_stands(root):
    stage = '[[stage]]\nuse = "compact"'
    with pytest.raises(RecipeError, match=r"compact.: has to come before any reader"):
        run(root, "monday", between=stage)
    with pytest.raises(RecipeError, match=r"compact.: needs a model"):
        parse(COMPACT.format(root=root, keys="").replace("load_latest", "python_docs"))
    with pytest.raises(StoreError, match="no version to go on from"):
        compact(root)
    state = run(root, "monday", before=stage)  # the first run of a recipe that compacts each time
    assert state.version.number == 1
    assert run(root, "tuesday", before=stage).version.number == 2
    keys = schema()["definitions"]["compact"]["properties"]
    assert (keys["min_count"]["minimum"], keys["remember"]["default"]) == (1, 1)
    assert "lose their vectors" in keys["min_count"]["description"]
