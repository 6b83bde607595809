"""Strings and whole numbers as tags of one document: from the reader to the shards and back."""

import hashlib
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpora.shards.encoder
from corpora import Documents, JsonLines, Sentences, encode
from corpora.rows.columns import joined
from corpora.rows.tag_kinds import BOTH, is_in, lists_of_both, tag_lists, taken_apart
from corpora.shards.cached import opened_set
from corpora.shards.cut import cut, has_any
from corpora.shards.encoder import Bounds

TAGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.sampled_from(["7", "n7", "s7", ""]),
    st.integers(-9, 9),
    st.integers(-(1 << 63), (1 << 63) - 1),
)
ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abc"), max_size=3), st.lists(TAGS, max_size=4)), max_size=24
)
SMALL = {"shard_tokens": 30, "batch_tokens": 6, "batch_rows": 4, "text_bytes": 120}
# By the code before there were documents with tags of both kinds, with pyarrow 26.
BEFORE = {
    "string": "821fd55c8a18a75f51c2611ae33e68c46c7d900aedfb228add31450aa6d242d6",
    "int64": "2ef7cab8f5df60f01096603f32a2ff2e0e1fe9f921e3c488dc69af439257081c",
}


def documents_of(shards):
    found = []
    for shard in shards:
        words, tags = shard.words.to_pylist(), shard.tags.to_pylist()
        for batch in shard.batches():
            rows = zip(batch["tokens"].to_pylist(), batch["tags"].to_pylist(), strict=True)
            found += [([words[i] for i in row], [tags[i] for i in own]) for row, own in rows]
    return found


def like(documents):
    """The documents, with the type of each tag to see: in Python 1 is True, but "1" is not 1."""
    return [(words, [(type(tag), tag) for tag in tags]) for words, tags in documents]


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_tags_come_back(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora.shards.encoder, "Bounds", lambda: Bounds(**SMALL))
        made = [
            encode(Documents(rows), cache, workers=n) for cache in (None, False) for n in (1, 2)
        ]
        for shards in made:
            assert like(documents_of(shards)) == like(rows)
        prints = [[shard.fingerprint for shard in shards] for shards in made]
        assert prints == prints[:1] * 4
    for shard in made[0]:
        tags, counts = shard.tags.to_pylist(), shard.tag_counts.tolist()
        assert len(set(tags)) == len(tags)
        kinds = {str: pa.string(), int: pa.int64()}
        held = {type(tag) for tag in tags}
        assert shard.tags.type == (BOTH if len(held) > 1 else kinds[held.pop() if held else str])
        every = [tags[i] for b in shard.batches() for row in b["tags"].to_pylist() for i in row]
        assert tags == list(dict.fromkeys(every))  # in the order in which they came
        assert counts == [every.count(tag) for tag in tags]
    assert like(Documents(rows)) == like(rows)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(2, 9))
def test_they_go_through_transforms(rows, buffer):
    def sortable(documents):
        return sorted(map(repr, like(documents)))

    corpus = Documents(rows)
    chain = Documents(rows[::2]) + Documents(rows[1::2])
    for moved in (corpus.shuffle(buffer), chain.interleave(), chain.shuffle(buffer)):
        assert sortable(moved) == sortable(rows)
        assert like(documents_of(encode(moved))) == like(moved)
    assert like(corpus.skip(1).take(5)) == like(rows[1:6])
    assert like(corpus.shard(1, 2)) == like(rows[1::2])
    kept = [row for row in rows if len(row[0]) > 1]
    assert like(corpus.filter(min_tokens=2)) == like(kept)
    cut_up = [([word], tags) for words, tags in rows for word in words or [None]]
    cut_up = [([] if words == [None] else words, tags) for words, tags in cut_up]
    assert like(Documents(rows, max_document_length=1)) == like(cut_up)


def test_slices_and_joins_of_columns():
    lists = tag_lists([[1, "a"], [], ["b"], [2, 3, "1"]])
    for first in range(4):
        some = lists.slice(first, 2)
        assert lists_of_both(some).to_pylist() == some.to_pylist()
        codes, names, numbers = taken_apart(lists_of_both(some).values)
        assert len(codes) == len(names) + len(numbers)
    batches = [
        pa.record_batch({"words": [["x"]] * len(tags), "tags": tags})
        for tags in (lists.slice(1, 2), tag_lists([[9]]), tag_lists([["9"]]), lists.slice(3, 1))
    ]
    batches.append(pa.record_batch({"text": ["y"]}))
    found = joined(batches)["tags"]
    assert found.to_pylist() == [[], ["b"], [9], ["9"], [2, 3, "1"], []]
    assert is_in(found.flatten(), [pa.array(["1", "9"])]).tolist() == [0, 0, 1, 0, 0, 1]
    found.validate(full=True)


def test_a_shard_does_not_end_at_each_change():
    rows = [(["a"], [(i, f"name {i}", "x")[i % 3]]) for i in range(20_000)]
    shards = encode(Documents(rows))
    assert len(shards) == 1
    assert documents_of(shards) == rows
    # Batches of numbers alone, of strings alone and of both: from the first of both on, one shard.
    changing = [(["a"], [i] if i % 9000 else [i, "first"]) for i in range(1, 30_000)]
    assert [str(s.tags.type) for s in encode(Documents(changing))] == ["int64", str(BOTH)]


@pytest.mark.parametrize("kind", ["string", "int64"])
def test_shards_of_one_kind_are_the_bytes_that_they_were(kind, tmp_path):
    tag = {"string": lambda i: [f"n{i % 500}", "all"], "int64": lambda i: [i % 500 - 3, 10**15]}
    rows = [([f"w{i % 7}", "x"], tag[kind](i)) for i in range(6000)]
    shards = [*encode(Documents(rows)), *encode(Documents(rows), False)]
    assert len({shard.fingerprint for shard in shards}) == 1
    if pa.__version__.startswith("26."):
        assert shards[0].fingerprint == BEFORE[kind]
    # The dictionary's file, written as it always was.
    schema = pa.schema([pa.field("key", getattr(pa, kind)()), pa.field("count", pa.int64())])
    path = tmp_path / "tags.arrow"
    with pa.ipc.new_file(str(path), schema) as file:
        columns = [shards[0].tags, pa.array(shards[0].tag_counts)]
        file.write_batch(pa.record_batch(columns, schema=schema))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == shards[0].entry.files["00000.tags.arrow"][1]


def test_lines_of_json(tmp_path):
    path, cache = tmp_path / "a.jsonl", tmp_path / "cache"
    given = [["x", 1], [2], "3", 3, ["x", 3]]
    lines = [json.dumps({"text": "a b", "id": tags}) for tags in given]
    path.write_text("\n".join(lines))
    corpus = JsonLines(path, tags="id")
    first, again = encode(corpus, cache), encode(corpus, cache)
    assert (first.reused, again.reused) == (0, 1)
    wanted = [tags if isinstance(tags, list) else [tags] for tags in given]
    for shards in (first, again, encode(corpus, False)):
        assert [tags for _, tags in documents_of(shards)] == wanted
        assert shards[0].tags.to_pylist() == ["x", 1, 2, "3", 3]
        assert shards[0].tag_counts.tolist() == [2, 1, 1, 1, 2]
    assert [shard.fingerprint for shard in first] == [s.fingerprint for s in encode(corpus, False)]


@pytest.mark.parametrize(
    "dropped", [["7"], [7], ["7", 7], ["a", "b", "c", "7"], [1, 2, 7], ["nobody", 99]]
)
def test_cutting_documents_out(dropped, tmp_path):
    rows = [
        (["to", "be"], ["a", 1]), (["or"], [7]), (["not"], ["7", "b"]), (["to"], [2, "c"]),
        ([], ["a"]), (["be"], [1]),
    ]  # fmt: skip
    shards = encode(Documents(rows))
    (made,) = (part.made for part in shards.parts)
    arrays = [
        pa.array([tag for tag in dropped if type(tag) is kind], arrow)
        for kind, arrow in ((str, pa.string()), (int, pa.int64()))
    ]
    new, gone = cut(made, arrays, tmp_path)
    left = [row for row in rows if not set(row[1]) & set(dropped)]
    assert documents_of(opened_set("", new)) == left
    assert sum(one.rows for one in gone) == len(rows) - len(left)
    assert any(has_any(made, some) for some in arrays) == (len(left) < len(rows))
    for one, two in zip(opened_set("", new), encode(Documents(left)), strict=True):
        assert one.tags.type == two.tags.type
        assert dict(zip(one.tags.to_pylist(), one.tag_counts, strict=True)) == dict(
            zip(two.tags.to_pylist(), two.tag_counts, strict=True)
        )
    held = dict(zip(shards[0].tags.to_pylist(), shards[0].tag_counts, strict=True))
    for tag, count in zip(gone[0].tags.to_pylist(), gone[0].tag_counts, strict=True):
        assert count == sum(tag in own for _, own in rows if set(own) & set(dropped)) <= held[tag]


def test_token_batches_have_them():
    corpus = Documents([(["a"], [7, "7"]), (["b"], ["x"])]) + Sentences([["c"]])
    tagged, plain = corpus.token_batches()
    assert tagged.tags.to_pylist() == [7, "7", "x"]
    assert tagged.tag_counts.tolist() == [1, 1, 1]
    assert tagged.with_words()["tags"].to_pylist() == [[7, "7"], ["x"]]
    assert plain.tags is None
    np.testing.assert_array_equal(tagged.batch["tags"].values, [0, 1, 2])
