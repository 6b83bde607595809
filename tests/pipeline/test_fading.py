"""Counts that fade: right on average, ids for good, and what forgetting makes of them."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import Sentences, encode
from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.models.model import Model
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.recipe.schema import schema
from pipeline.stages.build_vocab import BuildVocab
from pipeline.store.collect import collect
from pipeline.store.versions import Store
from pipeline.updates.forget import forget
from pipeline.words.fading import faded, without_text
from pipeline.words.vocabulary import Vocabulary

DAILY = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "json_lines"
url = "{root}/{day}*.jsonl"
tags = "tags"
new_only = {new_only}
{between}
[[stage]]
use = "build_vocab"
update = true
min_count = {min_count}
decay = {decay}
[[stage]]
use = "train_doc2vec"
vector_size = 4
epochs = 1
replay = 0
[[stage]]
use = "publish"
"""
COMMON = "the mill turns and turns and turns "


def write(root, day, *texts):
    lines = [json.dumps({"text": text, "tags": [f"{day} {i}"]}) for i, text in enumerate(texts)]
    (root / f"{day}.jsonl").write_text("\n".join(lines) + "\n")


def run(root, day, *, decay=0.5, min_count=3, said=None, between="", new_only="false"):
    text = DAILY.format(
        root=root, day=day, decay=decay, min_count=min_count, between=between, new_only=new_only
    )
    return job.run(parse(text), Lines(str if said is None else said.append))


def newest(root):
    version = Store.open(f"{root}/models").latest()
    return version, Model.open(version.folder())


def counts_of(vocabulary):
    return dict(zip(vocabulary.words.to_pylist(), vocabulary.counts.tolist(), strict=True))


def made(counts, size):
    words = pa.array([f"w{i:06d}" for i in range(len(counts))], pa.string())
    return Vocabulary(words, np.array(counts, np.int64), size)


def test_counts_are_right_on_average_however_small():
    """A word that comes x times in each run levels off at x / decay, also where x is 1."""
    often = np.repeat(np.arange(1, 6), 2000)
    vocabulary = made(often, len(often))
    for run in range(60):
        vocabulary = faded(vocabulary, 0.1, run)
        vocabulary = Vocabulary(vocabulary.words, vocabulary.counts + often, vocabulary.size)
    for x in range(1, 6):
        assert vocabulary.counts[often == x].mean() == pytest.approx(x / 0.1, rel=0.02)


def test_rare_words_leave_after_as_many_runs_as_their_counts_say():
    vocabulary, runs = made(np.ones(4000, np.int64), 0), 0.0
    for run in range(1, 100):
        vocabulary = faded(vocabulary, 0.25, run)
        runs += len(vocabulary.words) / 4000
    assert len(vocabulary.words) == 0
    assert runs == pytest.approx(3, rel=0.05)  # the sum of 0.75 ** n from n = 1 on


@given(st.lists(st.integers(0, 10**12), max_size=30), st.floats(0, 1), st.integers(0, 9), st.data())
def test_what_fading_keeps(counts, decay, run, data):
    size = data.draw(st.integers(0, len(counts)))
    before = made(counts, size)
    after = faded(before, decay, run)
    assert after.size == size
    assert after.retained.to_pylist() == before.retained.to_pylist()
    left = counts_of(after)
    for i, (word, count) in enumerate(counts_of(before).items()):
        exact = count * (1 - decay)
        if word not in left:
            assert i >= size
            assert exact < 1
            continue
        assert left[word] <= count
        assert abs(left[word] - exact) < 1 or (i < size and left[word] == min(count, 1))
        assert left[word] > 0 or count == 0
    assert counts_of(faded(before, decay, run)) == left  # again the same
    assert faded(before, 0.0, run) is before


def test_another_run_draws_anew():
    many = made(np.ones(1000, np.int64), 0)
    runs = {tuple(faded(many, 0.5, run).words.to_pylist()) for run in range(5)}
    assert len(runs) == 5
    assert all(400 < len(words) < 600 for words in runs)


def test_counts_do_not_depend_on_how_the_corpus_is_cut():
    texts = [[f"w{i % 7}", f"v{i % 31}", f"u{i}"] for i in range(60)]
    found = []
    for cut in (1, 7, 60):
        vocabulary = None
        for run in range(4):
            some = texts[run * 15 :]
            pieces = (some[at : at + cut] for at in range(0, len(some), cut))
            shards = [shard for piece in pieces for shard in encode(Sentences(piece))]
            previous = vocabulary and faded(vocabulary, 0.3, run)
            vocabulary = Vocabulary.build(shards, 4, previous=previous)
        found.append((list(counts_of(vocabulary).items()), vocabulary.size))
    assert found[0] == found[1] == found[2]


def test_a_topic_fades_in_a_recipe(tmp_path):
    write(tmp_path, "monday", COMMON + "plague " * 40 + "once " + "twice twice")
    for day in ("tuesday", "wednesday", "thursday", "friday", "saturday"):
        write(tmp_path, day, COMMON + "river river")
    run(tmp_path, "monday")
    first = newest(tmp_path)[1]
    assert counts_of(first.vocabulary)["plague"] == 40  # nothing fades in the run that read it
    said = []
    for day in ("tuesday", "wednesday", "thursday", "friday", "saturday"):
        run(tmp_path, day, said=said)
    version, last = newest(tmp_path)
    counts = counts_of(last.vocabulary)
    assert last.vocabulary.retained.to_pylist()[: first.vocabulary.size] == (
        first.vocabulary.retained.to_pylist()
    )
    assert 1 <= counts["plague"] <= 2  # 40 / 32
    assert "once" not in counts or counts["once"] == 1
    assert last.vocabulary.lookup(pa.array(["plague"]))[0] >= 0
    assert last.vocabulary.lookup(pa.array(["river"]))[0] >= 0  # 2 + 1 are 3
    assert any("older counts lost 50 %" in line for line in said)
    # A run without new text lets nothing fade.
    run(tmp_path, "saturday", new_only="true")
    assert newest(tmp_path)[0].number == version.number


def test_the_same_run_twice_is_the_same(tmp_path):
    found = []
    for name in ("one", "other"):
        root = tmp_path / name
        root.mkdir()
        write(root, "monday", *(COMMON + f"word{i} word{i % 9}" for i in range(60)))
        write(root, "tuesday", *(COMMON + f"word{i % 30}" for i in range(60)))
        run(root, "monday")
        run(root, "tuesday")
        files = newest(root)[0].folder()
        found.append([(files / n).read_bytes() for n in ("words.arrow", "tag_vectors.npy")])
    assert found[0] == found[1]


def test_the_key(tmp_path):
    said = schema()["definitions"]["build_vocab"]["properties"]["decay"]
    assert (said["minimum"], said["maximum"], said["default"]) == (0, 1, 0)
    assert "halve in 7 runs" in said["description"]
    assert 0.9**6 > 0.5 > 0.9**7
    with pytest.raises(ValueError, match=r"decay must be 0 where update is false, not 0\.5"):
        BuildVocab(decay=0.5)
    with pytest.raises(RecipeError, match=r"decay.*less than or equal to 1"):
        run(tmp_path, "monday", decay=1.5)


words = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), max_size=8)


@given(st.lists(words, min_size=1, max_size=5), st.integers(0, 4), st.floats(0, 1))
def test_counts_without_some_text_are_never_negative(sources, leaving, decay):
    vocabulary = Vocabulary.empty()
    for run, source in enumerate(sources):
        table = pa.array(list(source), pa.string()), np.array([*source.values()], np.int64)
        vocabulary = faded(vocabulary, decay, run).add(*table, min_count=3)
    if not len(vocabulary.words):
        return
    leaving %= len(sources)
    gone = sources[leaving]
    kept = sum((Counter(s) for i, s in enumerate(sources) if i != leaving), Counter())
    named = vocabulary.words.to_pylist()
    left = without_text(
        vocabulary.counts,
        np.array([gone.get(word, 0) for word in named]),
        np.array([kept[word] for word in named]),
    )
    for word, count, before in zip(named, left.tolist(), vocabulary.counts.tolist(), strict=True):
        assert (count > 0) == (kept[word] > 0)
        assert count <= before
        if word not in gone:
            assert count == before
        if before == gone.get(word, 0) + kept[word]:  # it has not faded
            assert count == kept[word]


@pytest.mark.parametrize("how", ["tags", "sources"])
def test_forgetting_after_fading(tmp_path, how):
    """Words that only the forgotten have leave, also where they had faded; the others stay."""
    phrases = '[[stage]]\nuse = "phrases"\nmin_count = 1\nthreshold = 1'
    secrets = (f"shared x{i} shared y{i} ghostword treasure z{i} " for i in range(12))
    write(tmp_path, "monday", "the mill " + " ".join(secrets))
    write(tmp_path, "tuesday", *("the mill shared river" for _ in range(12)))
    write(tmp_path, "wednesday", *("the mill river" for _ in range(12)))
    for day in ("monday", "tuesday", "wednesday"):
        run(tmp_path, day, decay=0.9, min_count=20, between=phrases)
    version, model = newest(tmp_path)
    before, joined = counts_of(model.vocabulary), "ghostword_treasure"
    assert 1 <= before["shared"] <= 3  # 36 were read, 24 of them on monday
    assert model.phrases[0].table.names.to_pylist() == [joined]
    assert joined not in before  # it faded away
    named = {"tags": ["monday 0"]} if how == "tags" else {"sources": ["*monday*"]}
    dry = forget(version.store, model, version.ledger, **named, dry_run=True)
    found = forget(version.store, model, version.ledger, **named)
    after = counts_of(found.files.vocabulary)
    assert after == counts_of(dry.files.vocabulary)
    assert set(after) == {"the", "mill", "shared", "river"}
    assert 1 <= after["shared"] <= before["shared"]
    assert 0 < after["the"] <= before["the"]
    assert after["river"] == before["river"]
    assert len(found.model.phrases[0].table) == 0
    with version.store.storage.writing():
        version.store.publish(found.model.save, ledger=found.ledger, forgot=1)
    collect(version.store, grace=0)
    files = [path for path in (tmp_path / "models").rglob("*") if path.is_file()]
    assert not [path for path in files if b"ghostword" in path.read_bytes()]


def test_forgetting_is_exact_where_nothing_has_faded(tmp_path, monkeypatch):
    write(tmp_path, "monday", COMMON * 3 + "secret")
    write(tmp_path, "tuesday", COMMON * 2)
    run(tmp_path, "monday", decay=0)
    run(tmp_path, "tuesday", decay=0)
    version, model = newest(tmp_path)
    monkeypatch.setattr("pipeline.updates.forget._Work._read", None)  # no dictionary is looked at
    found = forget(version.store, model, version.ledger, sources=["*monday*"])
    assert counts_of(found.files.vocabulary) == Counter((COMMON * 2).split())


def test_words_that_others_had_stay_where_their_faded_count_is_what_goes(tmp_path):
    """By subtraction alone nothing would be left of a word that others have, too."""
    write(tmp_path, "monday", COMMON + "shared " * 8)
    write(tmp_path, "tuesday", COMMON + "shared " * 4)
    run(tmp_path, "monday")
    run(tmp_path, "tuesday")
    version, model = newest(tmp_path)
    assert counts_of(model.vocabulary)["shared"] == 8  # 8 / 2 + 4
    found = forget(version.store, model, version.ledger, sources=["*monday*"])
    assert counts_of(found.files.vocabulary)["shared"] == 3  # a third of 8


def test_each_run_of_a_recipe_draws_for_itself(tmp_path, monkeypatch):
    runs = []

    def noted(vocabulary, decay, run):
        runs.append((decay, run))
        return faded(vocabulary, decay, run)

    monkeypatch.setattr("pipeline.stages.build_vocab.faded", noted)
    for day in ("monday", "tuesday", "wednesday"):
        write(tmp_path, day, COMMON * 2)
        run(tmp_path, day, decay=0.25)
    assert runs == [(0.25, 1), (0.25, 2)]  # by the version that it goes on from


def test_text_that_two_sources_have_stays_with_the_other(tmp_path):
    for day in ("monday", "tuesday"):
        write(tmp_path, day, COMMON + "shared " * 8)
        (tmp_path / f"{day}.jsonl").write_text(
            (tmp_path / f"{day}.jsonl").read_text().replace(day, "both")
        )
        run(tmp_path, day)
    version, model = newest(tmp_path)
    assert len(version.ledger.sets) == 1
    found = forget(version.store, model, version.ledger, sources=["*monday*"])
    assert counts_of(found.files.vocabulary)["shared"] == 6  # half of 12
    assert set(counts_of(found.files.vocabulary)) == set(counts_of(model.vocabulary))
