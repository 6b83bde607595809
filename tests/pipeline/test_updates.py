"""Training that goes on from a version: replay, frozen rows, rates, anchors, known documents."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.store.errors import DamagedError
from pipeline.store.versions import Store
from pipeline.updates.known_documents import staying
from pipeline.words.tags import TagError

RECIPE = """
store = "{root}/{store}"
cache = "{root}/cache"
[engine]
workers = 1
{load}
[[stage]]
use = "tagged_line_document"
url = "{root}/{day}.txt"
{reader}
[[stage]]
use = "build_vocab"
update = true
min_count = 2
[[stage]]
use = "train_{model}"
vector_size = 12
sample = 0
{keys}
[[stage]]
use = "publish"
"""
LOAD = '[[stage]]\nuse = "load_latest"'
WORDS = [f"{a}{b}" for a in "abcdefgh" for b in "aeiou"]
MODES = {
    "skip-gram": ("word2vec", ""),
    "CBOW, tree": ("word2vec", "sg = 0\nhs = 1"),
    "PV-DBOW": ("doc2vec", "epochs = 4"),
    "PV-DM, tree": ("doc2vec", "dm = 1\nhs = 1\nepochs = 4"),
}


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "monday", WORDS[:30], 60, seed=1)
    write(tmp_path, "tuesday", WORDS[10:], 25, seed=2)
    return tmp_path


def write(root, day, words, rows, seed):
    rng = random.Random(seed)
    lines = [" ".join(rng.choices(words, k=20)) for _ in range(rows)]
    (root / f"{day}.txt").write_text("\n".join(lines) + "\n")


def run(root, day, model="word2vec", keys="", *, store="models", load=LOAD, reader=""):
    told = {"store": store, "day": day, "model": model, "keys": keys}
    text = RECIPE.format(root=root, load=load, reader=reader, **told)
    said = []
    state = job.run(parse(text), Lines(said.append))
    return state, "\n".join(said)


def newest(root, store="models"):
    return Model.open(Store.open(str(root / store)).latest().folder())


def parts(model):
    names = ("vectors", "output", "nodes", "tag_vectors")
    found = dict(zip(names, model.files().matrices.parts, strict=True))
    return {
        name: np.array(rows).reshape(len(rows), -1)
        for name, rows in found.items()
        if rows is not None
    }


def moved(before, after, name, rows=slice(None)):
    """Whether any of the first rows is another than before, bit by bit."""
    old = before[name]
    return after[name][: len(old)][rows].tobytes() != old[rows].tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_replay_is_in_the_receipt_and_no_chance(root, mode):
    model, keys = MODES[mode]
    both = []
    for store in ("one", "other"):
        run(root, "monday", model, keys, store=store)
        state, said = run(root, "tuesday", model, f"{keys}\nreplay = 0.35", store=store)
        assert state.receipt.replayed == 21
        assert (state.receipt.rows, state.receipt.tokens) == (25, 500)
        assert all((epoch.rows, epoch.tokens) == (46, 920) for epoch in state.receipt.epochs)
        assert "replaying 21 of 60 older rows in each epoch" in said
        both.append(parts(newest(root, store)))
    for name in both[0]:
        assert both[0][name].tobytes() == both[1][name].tobytes()


def test_a_third_run_replays_what_both_had(root):
    run(root, "monday")
    run(root, "tuesday")
    write(root, "wednesday", WORDS, 10, seed=3)
    state, _ = run(root, "wednesday", keys="replay = 1")
    assert (state.receipt.replayed, state.receipt.rows) == (85, 10)


def test_what_was_not_kept_is_not_replayed(root):
    text = RECIPE.format(
        root=root, store="models", load=LOAD, day="monday", model="word2vec", keys="", reader=""
    )
    job.run(parse(text + "keep_shards = false\n"), Lines(str))
    state, said = run(root, "tuesday")
    assert state.receipt.replayed == 0
    assert "60 rows of older text are not in the store: no replay of them" in said


def test_old_text_that_is_missing_is_an_error(root):
    run(root, "monday")
    (folder,) = (root / "models/shards").iterdir()
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DamagedError):
        run(root, "tuesday")
    assert Store.open(str(root / "models")).latest().number == 1


FROZEN = {"words": ("vectors", "output", "nodes"), "tags": ("tag_vectors",)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("freeze", ["words", "old_words", "tags", "old_tags"])
def test_frozen_rows_keep_every_bit(root, mode, freeze):
    model, keys = MODES[mode]
    if model == "word2vec" and freeze.endswith("tags"):
        return
    run(root, "monday", model, keys)
    before = parts(newest(root))
    run(root, "tuesday", model, f'{keys}\nfreeze = "{freeze}"\nreplay = 0.5')
    after = parts(newest(root))
    frozen = FROZEN[freeze.removeprefix("old_")]
    for name in before:
        # PV-DBOW's words are never trained; the tree's nodes only where they are above old words.
        still = name in frozen or (mode == "PV-DBOW" and name == "vectors")
        assert moved(before, after, name) != still, name
    if freeze == "old_words" and mode != "PV-DBOW":
        fresh = after["vectors"][len(before["vectors"]) :]
        assert len(fresh)
        assert np.linalg.norm(fresh, axis=1).min() > 0.15, "new words learn"
    if freeze == "old_tags" and "tag_vectors" in after:
        norms = np.linalg.norm(after["tag_vectors"][60:], axis=1)
        assert norms.min() > 0.15, "new documents learn"


def test_freeze_is_looked_at_before_anything_runs(root):
    with pytest.raises(ModelError, match=r"train_word2vec, freeze: .*It is one of .*\"tags\""):
        run(root, "monday", keys='freeze = "everything"')
    assert Store.open(str(root / "models")).latest() is None


def test_rows_that_a_file_names_are_frozen(root):
    model, keys = MODES["PV-DM, tree"]
    run(root, "monday", model, keys)
    before, held = parts(newest(root)), newest(root)
    (root / "frozen.txt").write_text("aa\nmonday.txt:7\n\nba\n")
    frozen = f'{keys}\nreplay = 1\nfreeze = "{root}/frozen.txt"'
    run(root, "tuesday", model, frozen)
    after = parts(newest(root))
    words = [held.keyed_vectors.key_to_index[word] for word in ("aa", "ba")]
    for name, rows in (("vectors", words), ("output", words), ("tag_vectors", [6])):
        assert not moved(before, after, name, rows)
        others = np.setdiff1d(np.arange(len(before[name])), rows)
        assert (after[name][others] != before[name][others]).any(axis=1).all(), name
    (root / "frozen.txt").write_text("aa\nnobody\n")
    with pytest.raises(ModelError, match=r"frozen\.txt, line 2: .*no word and no tag 'nobody'"):
        run(root, "tuesday", model, frozen)


def test_old_rows_learn_slowly_and_new_ones_fast(root):
    run(root, "monday", "doc2vec")
    before = parts(newest(root))
    slow = "replay = 1\nupdate_alpha = 0.000001\nmin_alpha = 0"
    run(root, "tuesday", "doc2vec", slow)
    after = parts(newest(root))
    steps = np.linalg.norm(after["tag_vectors"][:60] - before["tag_vectors"], axis=1)
    assert 0 < steps.max() < 1e-3
    assert np.linalg.norm(after["tag_vectors"][60:], axis=1).min() > 0.3


@pytest.mark.parametrize(("model", "alpha"), [("word2vec", 0.025), ("doc2vec", 0.3 * 0.025)])
def test_what_the_usual_update_begins_with(root, model, alpha):
    made = {}
    for keys in ("", f"update_alpha = {alpha}", "update_alpha = 0.001"):
        store = f"s{len(made)}"
        run(root, "monday", model, store=store)
        run(root, "tuesday", model, keys, store=store)
        made[keys] = parts(newest(root, store))["output"]
    usual, same, other = made.values()
    assert usual.tobytes() == same.tobytes() != other.tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_an_anchor_takes_old_rows_back(root, mode):
    model, keys = MODES[mode]
    made = {}
    for anchor in (0, 0.25, 1):
        run(root, "monday", model, keys, store=f"s{anchor}")
        before = parts(newest(root, f"s{anchor}"))
        run(root, "tuesday", model, f"{keys}\nanchor = {anchor}", store=f"s{anchor}")
        made[anchor] = parts(newest(root, f"s{anchor}"))
    for name, old in before.items():
        free, held = made[0][name][: len(old)], made[1][name][: len(old)]
        np.testing.assert_allclose(
            made[0.25][name][: len(old)], free + 0.25 * (old - free), atol=1e-6
        )
        np.testing.assert_allclose(held, old, atol=1e-6)
        assert made[1][name][len(old) :].tobytes() == made[0][name][len(old) :].tobytes()


@pytest.mark.parametrize("mode", ["skip-gram", "PV-DBOW", "PV-DM, tree"])
def test_a_model_made_anew_is_turned_onto_the_one_before(root, mode):
    model, keys = MODES[mode]
    run(root, "monday", model, keys, load="")
    kept = newest(root)
    plain, _ = run(root, "monday", model, f"{keys}\nseed = 2", load="", store="other")
    turned, said = run(root, "monday", model, f"{keys}\nseed = 2\nalign = true", load="")
    assert "aligned with version 1" in said
    for name in ("keyed_vectors", "keyed_documents")[: 1 + (model == "doc2vec")]:
        one, two, old = (getattr(m, name).vectors for m in (plain.model, turned.model, kept))
        np.testing.assert_allclose(one @ one.T, two @ two.T, atol=1e-5)
        if name == "keyed_documents" or model == "word2vec":
            assert (two * old).sum() > (one * old).sum() + 0.1
    one, two = parts(plain.model), parts(turned.model)
    inside = "tag_vectors" if model == "doc2vec" else "vectors"
    np.testing.assert_allclose(
        one[inside] @ one["output"].T, two[inside] @ two["output"].T, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["text", "binary", "kv", "store"])
@pytest.mark.parametrize("locked", ["false", "true"])
def test_first_vectors_come_from_elsewhere(root, kind, locked):
    rng = np.random.default_rng(5)
    given = KeyedVectors.of(["aa", "ba", "nowhere"], rng.normal(size=(3, 12)).astype(np.float32))
    address = root / {"text": "v.txt", "binary": "v.bin", "kv": "v.kv", "store": "given"}[kind]
    if kind == "store":
        run(root, "monday", store="given", load="")
        given = newest(root, "given").keyed_vectors
    elif kind == "kv":
        given.save(address)
    else:
        given.save_word2vec_format(address, binary=kind == "binary")
    keys = f'init_from = "{address}"\ninit_locked = {locked}'
    _, said = run(root, "monday", keys=keys)
    taken = 30 if kind == "store" else 2
    assert f"{taken} of 30 new words begin with vectors from" in said
    for _ in range(2):
        model = newest(root)
        same = (model.keyed_vectors["ba"] == given["ba"]).all()
        assert same == (locked == "true"), "locked for good"
        run(root, "tuesday")


def test_first_vectors_of_another_size_are_refused(root):
    KeyedVectors.of(["aa"], np.ones((1, 5), np.float32)).save(root / "v.kv")
    with pytest.raises(ModelError, match=r"5 numbers and the model's 12.*vector_size = 5"):
        run(root, "monday", keys=f'init_from = "{root}/v.kv"')


@pytest.fixture
def known(root):
    """Two days with documents that have the same tags: the numbers of their lines."""
    run(root, "monday", "doc2vec", reader='tags = "line"')
    return parts(newest(root))


def test_known_documents_are_an_error_where_they_should_be(root, known):
    with pytest.raises(TagError, match=r"tuesday\.txt: the tag 0 is known, like 24 others"):
        run(root, "tuesday", "doc2vec", 'known = "error"', reader='tags = "line"')


def test_known_documents_go_on_or_begin_anew(root, known):
    made = {}
    for policy in ("update", "replace"):
        store = policy
        run(root, "monday", "doc2vec", reader='tags = "line"', store=store)
        keys = f'known = "{policy}"\nupdate_alpha = 0.0000001\nreplay = 1\nmin_alpha = 0'
        state, _ = run(root, "tuesday", "doc2vec", keys, reader='tags = "line"', store=store)
        assert state.model.tags.size == 60
        made[policy] = parts(newest(root, store))["tag_vectors"]
    old = known["tag_vectors"]
    np.testing.assert_allclose(made["update"], old, atol=1e-3)
    np.testing.assert_allclose(made["replace"][25:], old[25:], atol=1e-3)
    assert np.abs(made["replace"][:25] - old[:25]).max(axis=1).min() > 0.05


def test_documents_that_begin_anew_learn_nothing_of_their_old_text(root, known):
    # New text of words that are too rare teaches nothing either.
    (root / "tuesday.txt").write_text("".join(f"once{n}\n" for n in range(60)))
    keys = 'known = "replace"\nfreeze = "words"\nreplay = 1'
    state, _ = run(root, "tuesday", "doc2vec", keys, reader='tags = "line"')
    assert state.receipt.replayed == 60
    words = Model.fresh(state.model.vocabulary, state.model.settings, 1, state.model.tags)
    after, start = parts(newest(root))["tag_vectors"], np.array(words.tag_vectors)
    assert (after == start).all()
    assert (after != known["tag_vectors"]).any()


def test_documents_that_begin_anew_learn_while_old_ones_are_frozen_or_anchored(root, known):
    lengths = {}
    for keys in ("", 'freeze = "old_tags"', "anchor = 0.9"):
        store = f"store{len(lengths)}"
        run(root, "monday", "doc2vec", reader='tags = "line"', store=store)
        told = f'known = "replace"\n{keys}'
        run(root, "tuesday", "doc2vec", told, reader='tags = "line"', store=store)
        after = parts(newest(root, store))["tag_vectors"]
        lengths[keys] = np.linalg.norm(after[:25], axis=1).mean()
        if "old_tags" in keys:
            assert (after[25:] == known["tag_vectors"][25:]).all()
    assert min(lengths.values()) > 0.8 * max(lengths.values())


def test_an_edited_file_is_no_error_where_known_documents_are(root):
    reader = 'tags = "line"\nnew_only = true\nchanged = "replace"'
    run(root, "monday", "doc2vec", reader=reader)
    write(root, "monday", WORDS, 60, seed=9)
    state, _ = run(root, "monday", "doc2vec", 'known = "error"', reader=reader)
    assert state.version.number == 2


def test_two_trainings_in_a_run_count_a_document_once(root):
    text = RECIPE.format(root=root, load="", reader="", day="monday", store="models",
                         model="doc2vec", keys="")  # fmt: skip
    train = text[text.index('[[stage]]\nuse = "train') : text.index('[[stage]]\nuse = "publish"')]
    state = job.run(parse(text.replace(train, train * 2)), Lines(str))
    assert state.model.tags.counts.tolist() == [1] * 60


def test_old_documents_are_dropped(root):
    run(root, "monday", "doc2vec")
    before = parts(newest(root))
    keys = 'documents = "drop_old"\nfreeze = "words"\nreplay = 0.2'
    state, said = run(root, "tuesday", "doc2vec", keys)
    after = newest(root)
    assert "60 documents of earlier runs are left out" in said
    assert list(after.keyed_documents) == [f"tuesday.txt:{n}" for n in range(1, 26)]
    assert after.tag_vectors.shape == (25, 12)
    assert not moved(before, parts(after), "output")
    assert state.receipt.replayed == 12


def test_documents_stay_for_so_many_days(root):
    run(root, "monday", "doc2vec")
    state, _ = run(root, "tuesday", "doc2vec", 'documents = "window 2 days"')
    assert state.model.tags.size == 85, "all were read today"
    found = (state.model.tags, state.store, state.ledger)
    for days, there in ((1, 85), (3, 0)):
        later = datetime.now(UTC) + timedelta(days=days)
        assert staying("window 2 days", *found, later).sum() == there
    assert staying("drop_old", *found).sum() == 0


@pytest.mark.parametrize(
    ("model", "keys", "mistake"),
    [
        ("word2vec", "replay = 1.5", "less than or equal to 1"),
        ("word2vec", 'freeze = "tags"', "freeze must not be 'tags' where there are no documents'"),
        ("word2vec", "update_alpha = 0", "greater than 0"),
        ("word2vec", "init_locked = true", "init_locked must be false where init_from"),
        ("doc2vec", 'init_from = "x"', "init_from must not be given where words' vectors are not"),
        ("doc2vec", 'documents = "window 0 days"', 'documents must be "keep", "drop_old" or'),
        ("doc2vec", 'known = "no"', "known"),
        ("doc2vec", 'known = "replace"\nfreeze = "tags"', 'freeze must not be "tags" where known'),
    ],
)
def test_keys_that_make_no_sense(root, model, keys, mistake):
    with pytest.raises(RecipeError, match=mistake):
        run(root, "monday", model, keys)


def test_four_times_as_many_rows_are_replayed_as_are_new(root):
    run(root, "monday")
    write(root, "tuesday", WORDS, 4, seed=5)
    state, _ = run(root, "tuesday")
    assert (state.receipt.rows, state.receipt.replayed) == (4, 16)
    write(root, "wednesday", WORDS, 40, seed=6)
    state, _ = run(root, "wednesday")
    assert (state.receipt.rows, state.receipt.replayed) == (40, 64), "all there is"
    run(root, "monday", "doc2vec", store="documents")
    state, _ = run(root, "tuesday", "doc2vec", store="documents")
    assert state.receipt.replayed == 16


def test_a_second_training_in_one_run_is_no_update(root):
    again = '[[stage]]\nuse = "train_word2vec"\nvector_size = 12\nsample = 0\nupdate_alpha = 1e-9'
    run(root, "monday", store="one")
    _, said = run(root, "monday", keys=again)
    assert said.count("trained 6,000 words") == 2
    assert "replaying" not in said
    once, twice = (parts(newest(root, store))["vectors"] for store in ("one", "models"))
    assert np.linalg.norm(twice - once, axis=1).min() > 0.01, "alpha counts, and no anchor"


def test_each_update_draws_noise_of_its_own(root, monkeypatch):
    seeds, train = [], Model.train

    def watched(model, work, plan, **how):
        seeds.append(plan.seed)
        return train(model, work, plan, **how)

    monkeypatch.setattr(Model, "train", watched)
    for day in ("monday", "tuesday", "monday"):
        run(root, day)
    assert seeds[0] == 1
    assert len(set(seeds)) == 3
