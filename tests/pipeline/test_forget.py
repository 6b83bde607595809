"""Forgetting: counts exact, other rows the same to the bit, and no byte left after gc."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from pipeline import job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.core.tree import Tree
from pipeline.models.model import Model
from pipeline.recipe.recipe import parse
from pipeline.store.collect import collect
from pipeline.store.forgetting import LEFT_OUT, forget_in
from pipeline.store.ledger import SCHEMA, Ledger
from pipeline.store.shards import stored_shards
from pipeline.store.versions import Store, StoreError
from pipeline.updates.cut_out import pruned, table_of, without_unused
from pipeline.updates.forget import ForgetError, forget
from pipeline.words.tags import TagTable

DAILY = """
store = "{root}/models"
cache = {cache}
[engine]
workers = 1
[[stage]]
use = "load_latest"
{before}
[[stage]]
use = "json_lines"
url = "{root}/{day}.jsonl"
text = "text"
tags = "tags"
{between}
[[stage]]
use = "build_vocab"
update = true
min_count = 2
[[stage]]
use = "train_doc2vec"
vector_size = 8
epochs = 2
{keys}
[[stage]]
use = "publish"
"""
FORGET = """
store = "{root}/models"
cache = "{root}/cache"
[[stage]]
use = "load_latest"
[[stage]]
use = "forget"
{keys}
[[stage]]
use = "publish"
"""
MODES = ["", "dbow_words = 1\nhs = 1\nnegative = 0", "dm = 1\nhs = 1"]


def document(day, i):
    return {
        "text": f"the mill of {day} turns and turns secretword{day}{i} secretword{day}{i} "
        + "a river runs " * (i % 5 + 1),
        "tags": [f"{day} document {i}", f"theme {i % 3}"],
    }


@pytest.fixture
def root(tmp_path):
    for day in ("monday", "tuesday"):
        lines = [json.dumps(document(day, i)) for i in range(40)]
        (tmp_path / f"{day}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(root, day, keys="", before="", between="", cache=None):
    text = DAILY.format(
        root=root, day=day, keys=keys, before=before, between=between,
        cache=f'"{root}/cache"' if cache is None else cache,
    )  # fmt: skip
    return job.run(parse(text), Lines(str))


def newest(root):
    version = Store.open(f"{root}/models").latest()
    return version, Model.open(version.folder())


def counts_of(model):
    return dict(
        zip(model.vocabulary.words.to_pylist(), model.vocabulary.counts.tolist(), strict=True)
    )


def words_in(documents):
    return Counter(word for one in documents for word in one["text"].split())


def rows_of(model):
    """Every row of the model by what it belongs to, as bytes."""
    files = model.files()
    words = files.vocabulary.retained.to_pylist()
    found = {("word", w): files.matrices.vectors[i].tobytes() for i, w in enumerate(words)}
    if files.matrices.output is not None:
        found |= {("out", w): files.matrices.output[i].tobytes() for i, w in enumerate(words)}
    tags = files.tags.keys.to_pylist()
    return found | {("tag", t): files.matrices.tag_vectors[i].tobytes() for i, t in enumerate(tags)}


def bytes_in(folder, *wanted):
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(word in path.read_bytes() + path.name.encode() for word in wanted)
    ]


@pytest.mark.parametrize("keys", MODES)
def test_documents_leave_and_the_others_stay_to_the_bit(root, keys):
    run(root, "monday", keys)
    run(root, "tuesday", keys)
    _, before = newest(root)
    assert bytes_in(root / "models", b"secretwordmonday7")
    forgotten = ["monday document 7", "tuesday document 39"]
    named = ", ".join(f'"{tag}"' for tag in forgotten)
    state = job.run(parse(FORGET.format(root=root, keys=f"tags = [{named}]")), Lines(str))
    version, after = newest(root)
    assert (version.number, version.manifest.forgot) == (3, 2)
    assert version.manifest.ledger.rows == 78
    left = [document("monday", i) for i in range(40) if i != 7]
    left += [document("tuesday", i) for i in range(39)]
    assert counts_of(after) == words_in(left)
    assert after.tags.size == before.tags.size - 2
    assert dict(zip(after.tags.keys.to_pylist(), after.tags.counts.tolist(), strict=True)) == dict(
        Counter(tag for one in left for tag in one["tags"])
    )
    old = rows_of(before)
    assert all(old[key] == row for key, row in rows_of(after).items())
    gone = {key[1] for key in old.keys() - rows_of(after).keys()}
    assert gone == {*forgotten, "secretwordmonday7", "secretwordtuesday39"}
    if after.tree is not None:
        after.tree.check()
        assert len(after.files().matrices.nodes) == after.vocabulary.size - 1
    kept = stored_shards(state.store, version.ledger, hashes=True)
    assert kept.rows == 78
    # The older versions still have them, until gc.
    assert bytes_in(root / "models", b"secretwordmonday7", b"monday document 7\0")
    done = collect(state.store, grace=0)
    assert done.versions == [1, 2]
    assert not bytes_in(
        root / "models", b"secretwordmonday7", b"secretwordtuesday39", b"monday document 7",
        b"tuesday document 39",
    )  # fmt: skip
    assert not bytes_in(root / "cache", b"secretwordmonday7", b"tuesday document 39")
    # And the store goes on as before.
    (root / "tuesday.jsonl").write_text(json.dumps(document("wednesday", 1)) * 1 + "\n")
    again = run(root, "tuesday", keys)
    assert again.version.number == 4
    assert counts_of(again.model) == words_in([*left, document("wednesday", 1)])


def millrace(capsys, *arguments):
    code = run_command(commands, [str(one) for one in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_source_leaves(root, capsys):
    run(root, "monday")
    run(root, "tuesday")
    store = f"{root}/models"
    code, out, _ = millrace(
        capsys, "forget", store, "--source", "*/monday.jsonl", "--cache", f"{root}/cache", "--json"
    )
    told = json.loads(out)
    assert (code, told["version"]) == (0, 3)
    assert told["forgot"] == {"documents": 40, "rows": 40, "tokens": 720, "words": 41, "left": 720}
    version, model = newest(root)
    assert counts_of(model) == words_in(document("tuesday", i) for i in range(40))
    assert [row["source"] for row in version.ledger.table.to_pylist()] == [f"{root}/tuesday.jsonl"]
    assert millrace(capsys, "gc", store, "--grace", "0")[0] == 0
    assert not bytes_in(root / "models", b"monday")
    assert not bytes_in(root / "cache", b"monday")
    code, out, _ = millrace(capsys, "show", store)
    assert "forgot      40 documents" in out
    code, out, _ = millrace(capsys, "similar", store, "--documents", "tuesday document 3")
    assert code == 0
    code, _, err = millrace(capsys, "rollback", store, 2)
    assert (code, "has no version 2" in err) == (4, True)


def test_what_is_not_there(root, capsys):
    run(root, "monday")
    store = f"{root}/models"
    for named in (("--tag", "nobody"), ("--source", "nowhere/*")):
        code, _, err = millrace(capsys, "forget", store, *named)
        assert (code, "no" in err, "Traceback" in err) == (3, True, False)
        code, out, _ = millrace(capsys, "forget", store, *named, "--missing", "skip")
        assert (code, out) == (0, "there is nothing to forget\n")
    code, _, err = millrace(capsys, "forget", store)
    assert (code, "name what to forget" in err) == (2, True)
    code, _, err = millrace(capsys, "forget", store, "--source", "*")
    assert (code, "no word of the model would be left" in err) == (3, True)
    assert newest(root)[0].number == 1
    assert not list((root / "models" / "shards").glob(".*"))


def test_a_version_from_before_a_forgetting_can_not_come_back(root, capsys):
    run(root, "monday")
    assert millrace(capsys, "forget", f"{root}/models", "--tag", "monday document 3")[0] == 0
    code, _, err = millrace(capsys, "rollback", f"{root}/models", 1)
    assert (code, "was made to forget" in err) == (4, True)


def test_tags_from_a_file(root, capsys):
    run(root, "monday")
    (root / "gone.txt").write_text("monday document 1\n\nmonday document 2\n")
    arguments = ("forget", f"{root}/models", "--from", root / "gone.txt")
    code, out, _ = millrace(capsys, *arguments, "--dry-run")
    assert (code, out.startswith("would forget 2 documents")) == (0, True)
    assert (newest(root)[0].number, len(list((root / "models" / "shards").iterdir()))) == (1, 1)
    code, out, _ = millrace(capsys, *arguments)
    assert (code, out.startswith("version 2: forgot 2 documents: 2 rows")) == (0, True)


def test_text_that_was_not_kept_can_not_be_forgotten(root):
    run(root, "monday", cache="false")
    version, model = newest(root)
    with pytest.raises(ForgetError, match="does not have the text of the document"):
        forget(version.store, model, version.ledger, tags=["monday document 3"])
    with pytest.raises(ForgetError, match=r"does not have the text of .*monday"):
        forget(version.store, model, version.ledger, sources=[f"{root}/monday.jsonl"])
    assert not (root / "models" / "shards").exists() or not list(
        (root / "models" / "shards").iterdir()
    )


def test_files_that_were_read_as_one(root):
    for i in range(3):
        (root / f"part{i}.jsonl").write_text(json.dumps(document(f"part{i}", i)) + "\n")
    run(root, "part*", between='[[stage]]\nuse = "shuffle"')
    version, model = newest(root)
    assert version.ledger.table["rows"].to_pylist() == [3, 0, 0]
    with pytest.raises(ForgetError, match="was read as one with"):
        forget(version.store, model, version.ledger, sources=["*part1*"])
    found = forget(version.store, model, version.ledger, tags=["part1 document 1"])
    assert (found.rows, len(found.ledger), found.ledger.rows) == (1, 3, 2)


def test_equal_files_that_were_touched_were_not_read_as_one(root):
    (root / "copy.jsonl").write_bytes((root / "monday.jsonl").read_bytes())
    for day in ("monday", "tuesday", "copy"):
        run(root, day)
    version, model = newest(root)
    rows = version.ledger.table.to_pylist()
    # Both had changed to the text that they had.
    empty = {"rows": 0, "tokens": 0, "counted": False, "version": 9}
    rows += [{**rows[0], **empty}, {**rows[2], **empty}]
    ledger = Ledger(pa.Table.from_pylist(rows, SCHEMA))
    found = forget(version.store, model, ledger, sources=["*copy*"])
    assert (found.rows, found.old) == (40, frozenset())
    assert [row["source"][-9:] for row in found.ledger.table.to_pylist()] == [
        "day.jsonl", "day.jsonl", "day.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "how", [{"tags": ["me"], "sources": []}, {"tags": [], "sources": ["*my*"]}]
)
def test_text_leaves_the_cache_in_other_forms_too(root, how):
    mine = {"text": "the mill turns myword turns the mill turns myword turns", "tags": ["me"]}
    (root / "my-monday.jsonl").write_text(json.dumps(mine) + "\n")
    # What phrases were found in stands in no ledger; nor, after a rollback, does what came since.
    run(root, "*monday", between='[[stage]]\nuse = "phrases"\nmin_count = 1\nthreshold = 0.01')
    version, _ = newest(root)
    assert len(bytes_in(root / "cache", b"myword")) >= 2
    (root / "later.jsonl").write_text(json.dumps({**mine, "text": "myword once more"}) + "\n")
    run(root, "later", between='[[stage]]\nuse = "phrases"\nmin_count = 1\nthreshold = 0.01')
    version.store.rollback(1)
    assert len(bytes_in(root / "cache", b"myword")) >= 3
    forget_in(version.store, **how, cache=f"{root}/cache")
    assert not bytes_in(root / "cache", b"myword")
    assert len(list((root / "cache").iterdir())) == 2  # what others have stays


def test_counts_that_were_never_made_are_not_subtracted(root):
    run(root, "monday")
    _, before = newest(root)
    text = DAILY.format(
        root=root, day="tuesday", keys="", before="", between="", cache=f'"{root}/cache"'
    )
    text = text.replace('[[stage]]\nuse = "build_vocab"\nupdate = true\nmin_count = 2\n', "")
    job.run(parse(text), Lines(str))
    version, model = newest(root)
    assert version.ledger.table["counted"].to_pylist() == [True, False]
    found = forget(version.store, model, version.ledger, sources=["*tuesday*"])
    assert counts_of(found.model) == counts_of(before)


def test_text_that_comes_again_leaves_rows_where_they_are(root):
    run(root, "monday")
    run(root, "tuesday")
    version, model = newest(root)
    before = rows_of(model)
    found = forget(version.store, model, version.ledger, sources=["*monday*"], rows_stay=True)
    assert rows_of(found.model) == before
    counts = counts_of(found.model)
    assert {word for word, n in counts.items() if n == 0} == {
        "monday", *(f"secretwordmonday{i}" for i in range(40)),
    }  # fmt: skip
    left = without_unused(found.files)
    words = words_in(document("tuesday", i) for i in range(40))
    assert counts_of(Model.of(left)) == words
    assert left.tags.keys.to_pylist() == [
        tag for tag in model.tags.keys.to_pylist() if "monday" not in tag
    ]
    assert without_unused(left) is left


def test_a_set_that_two_sources_have_is_cut_for_both(root):
    (root / "copy.jsonl").write_bytes((root / "monday.jsonl").read_bytes())
    for day in ("monday", "tuesday", "copy"):
        run(root, day)
    version, model = newest(root)
    assert len(version.ledger.sets) == 2
    rows = version.ledger.table.to_pylist()
    # A third row, of a file that had changed to the text that it had.
    rows.append({**rows[0], "rows": 0, "tokens": 0, "counted": False, "version": 9})
    ledger = Ledger(pa.Table.from_pylist(rows, SCHEMA))
    found = forget(version.store, model, ledger, tags=["monday document 3"])
    assert found.rows == 2
    one, other, two, again = found.ledger.table.to_pylist()
    assert one["set"] == two["set"] == again["set"] != rows[0]["set"]
    assert (one["rows"], two["rows"], again["rows"], other) == (39, 39, 0, rows[1])
    assert found.old == {rows[0]["set"]}
    left = [document("monday", i) for i in range(40) if i != 3] * 2
    assert counts_of(found.model) == words_in([*left, *(document("tuesday", i) for i in range(40))])


def test_the_recipe_is_not_kept_where_it_names_what_was_forgotten(root, monkeypatch):
    run(root, "monday")
    job.run(parse(FORGET.format(root=root, keys='tags = ["monday document 1"]')), Lines(str))
    assert newest(root)[0].manifest.recipe == LEFT_OUT
    monkeypatch.setenv("WHO", "monday document 2")
    job.run(parse(FORGET.format(root=root, keys='tags = ["${WHO}"]')), Lines(str))
    assert "${WHO}" in newest(root)[0].manifest.recipe
    # A recipe that goes on naming it is never kept.
    again = 'tags = ["monday document 1"]\nmissing = "skip"'
    job.run(parse(FORGET.format(root=root, keys=again)), Lines(str))
    assert newest(root)[0].manifest.recipe == LEFT_OUT
    # Nor one that spells it otherwise.
    again = r'tags = ["monday\u0020document 1"]' + '\nmissing = "skip"'
    job.run(parse(FORGET.format(root=root, keys=again)), Lines(str))
    assert newest(root)[0].manifest.recipe == LEFT_OUT
    collect(newest(root)[0].store, grace=0)
    assert not bytes_in(root / "models", b'monday document 1"', b'monday document 2"')
    assert newest(root)[0].number == 5


def test_a_recipe_that_names_nothing_of_it_stays_with_the_version(root):
    run(root, "*day")
    recipe = newest(root)[0].manifest.recipe
    made, _ = forget_in(newest(root)[0].store, ["monday document 1"], [])
    assert made.manifest.recipe == recipe  # so that infer still knows how to read
    made, _ = forget_in(made.store, [], ["*tuesday*"])
    assert made.manifest.recipe == recipe
    run(root, "tuesday")
    made, _ = forget_in(made.store, [], ["*tuesday*"])
    assert made.manifest.recipe == LEFT_OUT


def test_a_document_that_was_trained_twice_in_a_run_can_be_forgotten(root):
    twice = 'epochs = 2\n[[stage]]\nuse = "train_doc2vec"\nvector_size = 8\nepochs = 2'
    text = DAILY.format(
        root=root, day="monday", keys="", before="", between="", cache=f'"{root}/cache"'
    )
    job.run(parse(text.replace("epochs = 2", twice)), Lines(str))
    _, found = forget_in(newest(root)[0].store, ["monday document 3"], [])
    assert (found.documents, found.rows) == (1, 1)
    tags = newest(root)[1].tags.keys.to_pylist()
    assert len(tags) == 42
    assert "monday document 3" not in tags


def test_a_cache_can_be_cleared_afterwards(root, capsys):
    run(root, "*day")
    tag = "monday document 3"
    _, said, _ = millrace(capsys, "forget", root / "models", "--tag", tag)
    assert said.rstrip().endswith("--missing skip --cache FOLDER")
    assert bytes_in(root / "cache", b"secretwordmonday3")
    given = ("forget", root / "models", "--tag", tag, "--missing", "skip", "--cache")
    assert millrace(capsys, *given, root / "cache", "--dry-run")[0] == 0
    assert bytes_in(root / "cache", b"secretwordmonday3")
    code, said, _ = millrace(capsys, *given, root / "cache")
    assert (code, said) == (0, "there is nothing to forget\n")
    assert not bytes_in(root / "cache", b"secretwordmonday3")
    assert len(list((root / "cache").iterdir())) == 1


@pytest.mark.parametrize("tag", ["me", 7])
def test_text_of_a_document_that_has_left_the_model_can_be_forgotten(root, tag):
    (root / "mine.jsonl").write_text(
        json.dumps({"text": "the mill the mill myword", "tags": [tag]})
    )
    (root / "yours.jsonl").write_text(json.dumps({"text": "the mill the mill", "tags": [8]}))
    run(root, "mine")
    run(root, "yours", 'documents = "drop_old"\ndbow_words = 0')
    version, model = newest(root)
    assert model.tags.keys.to_pylist() == [8]
    with pytest.raises(ForgetError, match='no document "nobody"'):
        forget_in(version.store, ["nobody", str(tag)], [])
    _, found = forget_in(version.store, [str(tag)], [], cache=f"{root}/cache")
    assert (found.documents, found.rows, found.tokens) == (1, 1, 5)
    collect(version.store, grace=0)
    assert not bytes_in(root / "models", b"myword")
    assert not bytes_in(root / "cache", b"myword")
    assert newest(root)[1].tags.keys.to_pylist() == [8]


def test_the_stage_stands_before_readers(root):
    from pipeline.recipe.mistakes import RecipeError

    stage = '[[stage]]\nuse = "forget"\ntags = ["x"]'
    parse(DAILY.format(root=root, day="a", keys="", before=stage, between="", cache="false"))
    with pytest.raises(RecipeError, match="has to come before any reader"):
        parse(DAILY.format(root=root, day="a", keys="", before="", between=stage, cache="false"))
    with pytest.raises(RecipeError, match="tags or sources must be given"):
        parse(FORGET.format(root=root, keys=""))


def test_sets_that_vanish_are_told_before_the_commit(root):
    run(root, "monday")
    version, _ = newest(root)
    version.store.storage.drop(f"shards/{min(version.ledger.sets)}")
    with pytest.raises(StoreError, match="no longer in the store"):
        version.store.publish(lambda folder: None, parent=1, ledger=version.ledger)
    assert version.store.latest().number == 1


def test_phrases_that_only_others_had_leave(root):
    between = '[[stage]]\nuse = "phrases"\nmin_count = 1\nthreshold = 0.5'
    documents = [
        {"text": "the old mill " + "hidden treasure lies there " * 6, "tags": ["secret"]},
        *({"text": "big river runs by day or big river waits " * 3, "tags": [i]} for i in "abc"),
    ]
    (root / "monday.jsonl").write_text("\n".join(map(json.dumps, documents)) + "\n")
    run(root, "monday", "dbow_words = 1", between=between)
    version, model = newest(root)
    names = model.phrases[0].table.names.to_pylist()
    assert {"hidden_treasure", "big_river"} <= set(names)
    job.run(parse(FORGET.format(root=root, keys='tags = ["secret"]')), Lines(str))
    collect(version.store, grace=0)
    _, model = newest(root)
    assert "big_river" in model.phrases[0].table.names.to_pylist()
    assert not bytes_in(root / "models", b"treasure", b"secret")
    # The text that comes next is joined by what is left.
    (root / "tuesday.jsonl").write_text(json.dumps({"text": "big river", "tags": ["new"]}) + "\n")
    again = run(root, "tuesday", "dbow_words = 1", between=between)
    assert "treasure" not in str(again.model.vocabulary.words.to_pylist())
    assert again.model.vocabulary.words.to_pylist().count("big_river") == 1


def test_phrases_of_phrases():
    from corpora.phrases import PhraseTable
    from pipeline.phrases.frozen import FrozenPhrases
    from pipeline.updates.cut_out import phrases_of

    def frozen(*grams):
        return FrozenPhrases.of(PhraseTable(list(grams), np.ones(len(grams)) * 2), threshold=1)

    first = frozen(["new", "york"], ["my", "own"], ["so", "so"])
    second = frozen(["new_york", "city"], ["my_own", "secret"])
    gone, stays = pa.array(["my_own_secret", "other"]), pa.array(["new_york_city", "new"])
    one, two = phrases_of((first, second), gone, stays)
    assert one.table.names.to_pylist() == ["new_york", "so_so"]
    assert two.table.names.to_pylist() == ["new_york_city"]
    assert phrases_of((first,), pa.array(["my_own"]), pa.array(["my_own"]))[0] is first
    (none,) = phrases_of((frozen(["a", "b"]),), pa.array(["a_b"]), pa.array(["a"]))
    assert len(none.table) == 0


def test_rates_of_rows_are_cut():
    from pipeline.updates.cut_out import _rates

    keep = np.array([True, False, True])
    assert _rates(np.array([1, 2, 3]), keep).tolist() == [1, 3]
    assert _rates(np.array([7]), keep).tolist() == [7]
    assert _rates(None, keep) is None


@pytest.mark.parametrize("seed", range(20))
def test_pruning_keeps_what_is_below(seed):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(2, 60))
    tree = Tree.of(draw.integers(1, 100, n)).grow(draw.integers(1, 100, n + n // 2))
    words = draw.random(len(tree.leaves)) < draw.random()
    words[draw.integers(len(words))] = True
    left, nodes = pruned(tree, words)
    left.check()
    assert (len(left.leaves), len(left.inner)) == (words.sum(), words.sum() - 1)
    # A leaf's path is what it was, without the nodes that went.
    at, path = tree.paths()
    new_at, new_path = left.paths()
    number = np.cumsum(nodes) - 1
    for new, old in enumerate(np.flatnonzero(words)):
        steps = path[at[old] : at[old + 1]]
        kept = [number[s >> 1] * 2 + (s & 1) for s in steps if nodes[s >> 1]]
        assert new_path[new_at[new] : new_at[new + 1]].tolist() == kept


def test_tags_of_both_kinds_are_cut():
    table = TagTable(pa.array(["a", "b"]), np.array([1, 1]))
    both = pa.UnionArray.from_dense(
        pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32()),
        [pa.array(["a", "b"]), pa.array([5, 6])], ["name", "number"],
    )  # fmt: skip
    table = TagTable(both, np.array([1, 2, 3, 4]))
    for kept in ([1, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1]):
        mask = np.array(kept, bool)
        left = table_of(table, mask)
        keys = [key for key, stays in zip(both.to_pylist(), kept, strict=True) if stays]
        assert left.keys.to_pylist() == keys
        assert left.find(keys) == list(range(len(keys)))
        assert left.counts.tolist() == table.counts[mask].tolist()
