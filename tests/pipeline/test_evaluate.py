"""The stage evaluate: what it measures is true, and below a limit nothing is published."""

import json
import random

import numpy as np
import pytest

from corpora import CorpusError, Documents, Sentences, encode
from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.evaluation.gates import GateError
from pipeline.evaluation.held_out import held_out_loss
from pipeline.evaluation.measures import drift, overlap, ranks, self_ranks
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.store.versions import Store, StoreError
from pipeline.words.vocabulary import Vocabulary

KIN = [[f"{kind}{number}" for number in range(12)] for kind in ("animal", "number", "stone")]
RECIPE = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "{reader}"
url = "{root}/days/*.txt"
new_only = true
[[stage]]
use = "lowercase"
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_{model}"
vector_size = 16
epochs = 10
alpha = 0.05
sample = 0
[[stage]]
use = "evaluate"
{limits}
[[stage]]
use = "publish"
"""


def rows(n, seed, words=30):
    chance = random.Random(seed)
    return [chance.choices(KIN[at % len(KIN)], k=words) for at in range(n)]


def write(path, lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(" ".join(line) for line in lines) + "\n")


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "days/1.txt", rows(200, 1))
    write(tmp_path / "held_out.txt", [[word.upper() for word in line] for line in rows(30, 2)])
    return tmp_path


def recipe(root, limits="", model="word2vec"):
    reader = "line_sentence" if model == "word2vec" else "tagged_line_document"
    return RECIPE.format(root=root, limits=limits, model=model, reader=reader)


def run(root, limits="", model="word2vec"):
    return job.run(parse(recipe(root, limits, model)), Lines(str))


def trained(settings, seen, **plan):
    shards = encode(seen)
    words = Vocabulary.build(shards, min_count=1)
    model = Model.fresh(words, settings, 1, tags_with(shards, settings))
    if plan:
        model.train(shards, Plan(sample=0, **plan))
    return model


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "skip_gram"},
        {"method": "skip_gram", "hierarchical": True, "negative": 0},
        {"method": "cbow"},
        {"method": "dbow"},
        {"method": "dbow_words", "hierarchical": True},
        {"method": "dm"},
        {"method": "dm", "join": "concat", "window": 2},
    ],
)
def test_the_held_out_loss_tells_a_trained_model_from_a_fresh_one(settings):
    settings = Settings(vector_size=16, **settings)
    seen = rows(150, 1)
    if settings.has_tags:
        corpus = Documents([(line, [str(at)]) for at, line in enumerate(seen)])
    else:
        corpus = Sentences(seen)
    other, plan = Sentences(rows(20, 2)), Plan(epochs=10)
    fresh = held_out_loss(trained(settings, corpus), other, plan)
    model = trained(settings, corpus, epochs=20, alpha=0.05)
    before = {
        name: part.copy() for name, part in vars(model.weights).items() if hasattr(part, "copy")
    }
    found = held_out_loss(model, other, plan, workers=2)
    assert found.loss < 0.95 * fresh.loss
    assert found.known == 1
    for name, part in before.items():
        assert (getattr(model.weights, name) == part).all()


def test_the_loss_of_words_is_that_which_training_reports():
    seen = Sentences(rows(50, 1))
    model = trained(Settings(vector_size=16), seen, epochs=5)
    plan = Plan(alpha=0, min_alpha=0, epochs=1, sample=0)
    shards = encode(seen)
    assert model.train(shards, plan).epochs[0].loss == pytest.approx(
        held_out_loss(model, seen, Plan()).loss, rel=1e-6
    )


def test_a_document_without_known_words_rates_nothing():
    model = trained(Settings("dbow", 8), Documents([(["a", "b"] * 5, ["x"])]), epochs=2)
    unknown = held_out_loss(model, Sentences([["c", "d"], [], ["e"]]), Plan())
    assert (unknown.terms, unknown.known) == (0, 0.0)


def test_drift_and_overlap():
    chance = np.random.default_rng(1)
    old = chance.normal(size=(300, 8)).astype(np.float32)
    new = np.concatenate([old[:100], old[200:], chance.normal(size=(50, 8))]).astype(np.float32)
    rows_, before = np.arange(200), np.concatenate([np.arange(100), np.arange(200, 300)])
    same = drift(new, old, rows_, before)
    assert (same.mean, same.worst) == (pytest.approx(1), pytest.approx(1))
    assert overlap(new, old, rows_, before, sample=50) == 1
    new[7] = -new[7]
    moved = drift(new, old, rows_, before)
    assert (moved.mean, moved.worst) == (pytest.approx(1 - 2 / 200), pytest.approx(-1))
    random_ = chance.normal(size=new.shape).astype(np.float32)
    assert overlap(random_, old, rows_, before, sample=200) < 0.15
    nothing = np.zeros(0, np.int64)
    assert drift(new, old, nothing, nothing) is None
    assert overlap(new, old, nothing, nothing, sample=5) is None


def test_ranks_are_counted_over_all_rows():
    chance = np.random.default_rng(2)
    vectors = chance.normal(size=(40_000, 4)).astype(np.float32)
    asked = chance.normal(size=(5, 4)).astype(np.float32)
    places = np.array([0, 17, 20_000, 39_999, 5])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = asked / np.linalg.norm(asked, axis=1, keepdims=True) @ unit.T
    expected = [int((row > row[at]).sum()) + 1 for row, at in zip(scores, places, strict=True)]
    assert ranks(vectors, asked, places).tolist() == expected


def test_documents_find_themselves():
    # Words of a document's own, so that nothing else is near.
    texts = [[f"w{at}-{n}" for n in range(8)] * 4 for at in range(30)]
    corpus = Documents([(text, [f"d{at}"]) for at, text in enumerate(texts)])
    model = trained(Settings("dbow", 32), corpus, epochs=60, alpha=0.1)
    opened = []
    shards = [*encode(corpus), *encode(Sentences([["no", "document"]]))]
    texts = [(one.rows, lambda one=one: opened.append(one) or [one]) for one in shards]
    found = self_ranks(model, texts, Plan(epochs=60), sample=20, seed=1, workers=1)
    assert len(found) >= 19  # one row has no tag
    assert (found == 1).mean() > 0.9


def test_measures_stand_in_the_manifest(root):
    keys = f'held_out = "{root}/held_out.txt"\nmax_loss = 10\nmin_self_rank = 0'
    first = run(root, keys, "doc2vec").version.manifest.metrics
    assert {"loss", "held_out_loss", "held_out_known", "self_rank", "self_rank_median"} == set(
        first
    )
    assert first["held_out_known"] == 1.0  # it was lowercased as the corpus was

    write(root / "days/2.txt", rows(20, 3))
    second = run(root, keys, "doc2vec").version.manifest.metrics
    more = {"held_out_loss_rise", "documents_cosine", "documents_worst_cosine", "documents_overlap"}
    assert set(second) == set(first) | more
    assert 0.9 < second["documents_worst_cosine"] <= second["documents_cosine"] < 1.0001


def test_nothing_has_to_be_cached(root):
    text = recipe(root, f'held_out = "{root}/held_out.txt"', "doc2vec")
    text = text.replace(f'cache = "{root}/cache"', "cache = false")
    metrics = job.run(parse(text), Lines(str)).version.manifest.metrics
    assert {"held_out_loss", "self_rank"} <= set(metrics)


def test_held_out_text_is_read_as_a_corpus_is(root):
    run(root)
    text = f"""
store = "{root}/models"
[[stage]]
use = "load_latest"
[[stage]]
use = "evaluate"
held_out = "{root}/held_out.txt"
"""
    with pytest.raises(ModelError, match="put a reader before evaluate"):
        job.run(parse(text), Lines(str))
    (root / "other.txt").write_text("nothing of it known\n")
    (root / "days/2.txt").write_text("animal1 animal2\n")
    with pytest.raises(ModelError, match="no text that the model knows"):
        run(root, f'held_out = "{root}/other.txt"')


@pytest.mark.parametrize("limit", ["min_cosine", "min_overlap", "min_worst_cosine"])
def test_words_that_move_too_far_are_not_published(root, limit):
    run(root, f"{limit} = 1.0")  # no parent, nothing to compare
    write(root / "days/2.txt", [[word[::-1] for word in row] + row for row in rows(60, 3)])
    with pytest.raises(GateError, match=rf"words_\w+ is 0\.\d+, and not at least 1 \({limit}"):
        run(root, f"{limit} = 1.0")
    assert len(Store.open(str(root / "models")).versions()) == 1


def test_a_model_that_is_not_good_enough_is_kept_apart(root, capsys):
    (root / "recipe.toml").write_text(
        recipe(root, f'held_out = "{root}/held_out.txt"\nmax_loss = 0.01')
    )
    assert run_command(commands, ["run", str(root / "recipe.toml")]) == 6
    said = capsys.readouterr().err
    assert "nothing was published: held_out_loss is" in said
    assert "and not at most 0.01 (max_loss)" in said
    assert Store.open(str(root / "models")).latest() is None
    (candidate,) = (root / "models/candidates").iterdir()
    assert str(candidate) in said
    assert Model.open(candidate).vocabulary.size == 36
    assert json.loads((candidate / "metrics.json").read_text())["held_out_loss"] > 0.01


def test_word_tests(root):
    (root / "pairs.tsv").write_text(
        "animal1\tanimal2\t9\nanimal1\tstone3\t1\nnumber1\tnumber5\t8\n"
    )
    (root / "analogies.txt").write_text(": kin\nanimal1 animal2 stone1 stone2\n")
    keys = (
        f'word_pairs = "{root}/pairs.tsv"\nanalogies = "{root}/analogies.txt"\nmin_word_pairs = 0.4'
    )
    metrics = run(root, keys).version.manifest.metrics
    assert metrics["word_pairs"] >= 0.4
    assert metrics["word_pairs_unknown"] == 0
    assert metrics["analogies"] in (0.0, 1.0)


def test_a_measure_that_is_no_number_is_not_good_enough(root):
    (root / "pairs.tsv").write_text("animal1\tanimal2\t9\nanimal1\tstone3\t9\n")
    keys = f'word_pairs = "{root}/pairs.tsv"'
    assert "word_pairs" not in run(root, keys).version.manifest.metrics
    write(root / "days/2.txt", rows(3, 3))
    with pytest.raises(GateError, match="word_pairs is nan"):
        run(root, keys + "\nmin_word_pairs = -1.0")


@pytest.mark.parametrize("key", ["held_out", "word_pairs", "analogies"])
def test_a_file_that_is_not_there_ends_the_run_before_it_begins(root, key):
    with pytest.raises(CorpusError, match="there is no such file"):
        run(root, f'{key} = "{root}/nowhere.txt"')
    assert not (root / "cache").exists()


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ("max_loss = 1", "max_loss needs held_out"),
        ("min_analogies = 0.5", "min_analogies needs analogies"),
        ("min_overlap = 1.5", "min_overlap"),
        ("min_selfrank = 1", 'did you mean "min_self_rank"'),
    ],
)
def test_limits_that_make_no_sense(root, keys, mistake):
    with pytest.raises(RecipeError, match=mistake):
        parse(recipe(root, keys))


READ = 'use = "line_sentence"\nurl = "{root}/days/*.txt"\n[[stage]]\n'


@pytest.mark.parametrize(
    "stages",
    [
        'use = "evaluate"\nsample = 3',
        'use = "neighbours"\nwords = ["a"]',
        READ + 'use = "infer"\nto = "{root}/vectors.parquet"',
    ],
)
def test_an_empty_store_has_no_model_to_be_looked_at(root, stages):
    text = 'store = "{root}/models"\n[[stage]]\nuse = "load_latest"\n[[stage]]\n' + stages
    with pytest.raises(StoreError, match="has no version yet, and this run has trained nothing"):
        job.run(parse(text.format(root=root)), Lines(str))
