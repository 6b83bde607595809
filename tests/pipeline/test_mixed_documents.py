"""Documents with strings and whole numbers as tags: trained, saved, grown, inferred, forgotten."""

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from corpora import CorpusError, Documents, TaggedDocument, encode
from pipeline import Doc2Vec, job
from pipeline.cli.progress import Lines
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.inferring import infer_to
from pipeline.models.model import Model
from pipeline.recipe.recipe import parse
from pipeline.store.collect import collect
from pipeline.store.diff import diff
from pipeline.store.forgetting import forget_in
from pipeline.store.shards import stored_shards
from pipeline.store.versions import Store
from pipeline.updates.known_documents import known_again
from pipeline.words.tag_checks import check_tags
from pipeline.words.tags import TagError, TagTable

WORDS = np.random.default_rng(1).choice([f"n{k}" for k in range(8)], (30, 20))
LISTED = [
    TaggedDocument(words, [123 + k, ("sports", "123", f"own {k}")[k % 3]])
    for k, words in enumerate(WORDS.tolist())
]
KEYS = list(dict.fromkeys(tag for document in LISTED for tag in document.tags))
MODES = [{"dm": 0}, {"dm": 1}, {"dm_concat": 1, "dm_tag_count": 2}, {"dm": 0, "hs": 1}]


def made(given=None, **changes):
    how = {"vector_size": 12, "window": 3, "min_count": 1, "workers": 1, "epochs": 3}
    return Doc2Vec(given, **{**how, **changes})


@pytest.mark.parametrize("mode", MODES)
def test_the_keys_are_of_both_kinds(mode):
    model = made(LISTED, **mode)
    assert list(model.dv) == list(model.dv.key_to_index) == KEYS
    assert (123 in model.dv, "123" in model.dv, 0 in model.dv, "124" in model.dv) == (1, 1, 0, 0)
    assert model.dv.get_index(123) == 0
    assert model.dv.get_index("123") == KEYS.index("123")
    assert (model.dv[123] != model.dv["123"]).any()
    np.testing.assert_array_equal(model.dv[["123", 124]], model.dv.vectors[[3, 2]])
    counts = Counter(tag for document in LISTED for tag in document.tags)
    assert {tag: model.dv.get_vecattr(tag, "doc_count") for tag in KEYS} == counts
    assert {tag for tag, _ in model.dv.most_similar(123, topn=len(KEYS))} == {*KEYS} - {123}


@pytest.mark.parametrize("mode", MODES)
def test_bits_do_not_depend_on_the_way(mode, tmp_path):
    listed = made(LISTED, **mode)
    once = made(iter(LISTED), **mode)
    streamed = made(Documents(LISTED), cache=False, **mode)
    cached = made(Documents(LISTED), cache=tmp_path, **mode)
    for other in (once, streamed, cached):
        assert list(other.dv) == KEYS
        np.testing.assert_array_equal(other.dv.vectors, listed.dv.vectors)
        np.testing.assert_array_equal(other.wv.vectors, listed.wv.vectors)


def test_the_kind_of_a_tag_shapes_no_vector():
    """The same rows in the same order give the same vectors, whatever their tags are called."""
    names = {tag: f"{type(tag).__name__} {tag}" for tag in KEYS}
    named = [TaggedDocument(words, [names[tag] for tag in tags]) for words, tags in LISTED]
    one, two = made(LISTED, dm=0), made(named, dm=0)
    assert list(two.dv) == list(names.values())
    np.testing.assert_array_equal(one.dv.vectors, two.dv.vectors)


def test_saved_loaded_and_grown(tmp_path):
    model = made(LISTED, dm=0)
    model.save(tmp_path / "a.model")
    loaded = Doc2Vec.load(tmp_path / "a.model")
    assert list(loaded.dv) == KEYS
    more = [TaggedDocument(["n1", "new"], [5, "5", "sports"]), TaggedDocument(["n2"], [123])]
    for one in (model, loaded):
        before = one.dv.vectors.copy()
        one.build_vocab(more, update=True)
        assert list(one.dv) == [*KEYS, 5, "5"]
        np.testing.assert_array_equal(one.dv.vectors[: len(KEYS)], before)
        one.train(more)
        assert (one.dv["sports"] != before[KEYS.index("sports")]).any()
        assert (one.dv[5] != one.dv["5"]).any()
    np.testing.assert_array_equal(model.dv.vectors, loaded.dv.vectors)
    model.dv.save(tmp_path / "dv.kv")
    kept = type(model.dv).load(tmp_path / "dv.kv")
    assert list(kept) == [*KEYS, 5, "5"]
    np.testing.assert_array_equal(kept["5"], model.dv["5"])
    with pytest.raises(TagError, match=r"the tag 6 has no vector, like 1 others"):
        model.train([TaggedDocument(["n1"], ["sports", 6, "6"])])


def test_faults_name_tags_of_either_kind():
    shards = encode(Documents([(["a"], [1, "x"]), (["b"], [2, "2", "y"])]))
    with pytest.raises(TagError, match=r"row 1: it has 3 tags \(2, '2', 'y'\)"):
        check_tags(shards, Settings("dm", join="concat", tag_count=2))
    table = TagTable.empty().add(shards)
    again = encode(Documents([(["a"], [2, "new"]), (["a"], ["x", 9])]))
    assert known_again(table, again, "update").tolist() == [1, 2]
    with pytest.raises(TagError, match="the tag 2 is known, like 1 others"):
        known_again(table, again, "error")


RECIPE = """
store = "{root}/models"
cache = {cache}
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "json_lines"
url = "{root}/{day}.jsonl"
tags = "tags"
[[stage]]
use = "shuffle"
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_doc2vec"
vector_size = 8
epochs = 2
{keys}
[[stage]]
use = "publish"
"""


def line(day, i):
    return {
        "text": f"the mill of {day} turns secretword{day}{i} " + "a river runs " * (i % 3),
        "tags": [[i, f"theme {i % 3}"], [i], [f"{i}"], [f"{i}", 100 + i]][i % 4],
    }


@pytest.fixture
def root(tmp_path):
    for day, some in (("monday", range(24)), ("tuesday", range(20, 40))):
        text = "\n".join(json.dumps(line(day, i)) for i in some)
        (tmp_path / f"{day}.jsonl").write_text(text)
    return tmp_path


def run(root, day, keys="", cache=None):
    cache = f'"{root}/cache"' if cache is None else cache
    job.run(parse(RECIPE.format(root=root, day=day, keys=keys, cache=cache)), Lines(str))
    version = Store.open(f"{root}/models").latest()
    return version, Model.open(version.folder())


def counted(days):
    lines = [line(day, i) for day, some in days.items() for i in some]
    return Counter(tag for one in lines for tag in one["tags"])


def held(model):
    return dict(zip(model.tags.keys.to_pylist(), model.tags.counts.tolist(), strict=True))


def test_a_store_goes_on_with_them_and_forgets_them(root):
    first, monday = run(root, "monday")
    assert held(monday) == counted({"monday": range(24)})
    second, both = run(root, "tuesday", "replay = 0.5")
    assert held(both) == counted({"monday": range(24), "tuesday": range(20, 40)})
    told = diff(first, second)
    assert (told.documents.common, told.documents.removed) == (monday.tags.size, 0)
    store = Store.open(f"{root}/models")
    # "6" is the document "6"; 5 is a number's, since no string is called so; "23" and 23 stay two.
    third, gone = forget_in(store, ["6", "5"], [])
    after = Model.open(third.folder())
    wanted = counted(
        {"monday": [i for i in range(24) if i not in (5, 6)], "tuesday": range(20, 40)}
    )
    assert gone.documents == 2
    assert held(after) == wanted
    kept = stored_shards(store, third.ledger, hashes=True)
    assert TagTable.empty().add(kept).size == len(wanted)
    rows = dict(zip(both.tags.keys.to_pylist(), both.tag_vectors, strict=True))
    for tag, vector in zip(after.tags.keys.to_pylist(), after.tag_vectors, strict=True):
        np.testing.assert_array_equal(vector, rows[tag])
    collect(store, grace=0)
    found = b"".join(path.read_bytes() for path in (root / "models").rglob("*") if path.is_file())
    assert b"secretwordmonday7" in found
    assert b"secretwordmonday5" not in found
    assert b"secretwordmonday6" not in found


def test_a_cache_changes_no_bit(root):
    one = run(root, "monday")[1]
    (root / "models").rename(root / "others")
    two = run(root, "monday", cache="false")[1]
    assert one.tags.keys.to_pylist() == two.tags.keys.to_pylist()
    np.testing.assert_array_equal(one.tag_vectors, two.tag_vectors)


@pytest.mark.parametrize("known", ["replace", "error"])
def test_known_documents(root, known):
    run(root, "monday")
    if known == "error":
        with pytest.raises(TagError, match="is known, like"):
            run(root, "tuesday", 'known = "error"')
        return
    _, model = run(root, "tuesday", 'known = "replace"')
    days = {"monday": range(24), "tuesday": range(20, 40)}
    assert set(held(model)) == set(counted(days))


def test_inferred_into_parquet(root):
    _, model = run(root, "monday")
    some = Documents([(["the"], [7, "7"]), (["mill"], ["x"]), (["?"], [])])
    infer_to(model, some, root / "a.parquet", Plan())
    assert pq.read_table(root / "a.parquet")["tags"].to_pylist() == [["7", "7"], ["x"], []]
    numbers = Documents([(["the"], [7]), (["mill"], [8])])
    infer_to(model, numbers, root / "b.parquet", Plan())
    assert pq.read_table(root / "b.parquet")["tags"].to_pylist() == [[7], [8]]
    infer_to(model, some + numbers, root / "c.parquet", Plan())
    assert pq.read_table(root / "c.parquet")["tags"].to_pylist()[3:] == [["7"], ["8"]]
    with pytest.raises(CorpusError, match=r"rows 2 to 4: .*strings as tags.*give tags of one kind"):
        infer_to(model, numbers + some, root / "d.parquet", Plan())
    assert not (root / "d.parquet").exists()
