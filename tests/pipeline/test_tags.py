"""The table of tags: every tag has one row for good, whatever its kind and whenever it comes."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import Documents, LineSentence, Sentences, encode
from corpora.rows.tag_kinds import tag_lists
from corpora.tokens.interner import Interner
from pipeline.core.settings import Settings
from pipeline.words.key_index import NumberIndex
from pipeline.words.tag_checks import check_tags
from pipeline.words.tags import TagError, TagTable

NAMES = st.lists(st.text("ab\u00e9 ", max_size=12), unique=True, max_size=12)
NUMBERS = st.lists(
    st.one_of(st.integers(-3, 12), st.integers(-(1 << 63), (1 << 63) - 1)),
    unique=True,
    max_size=12,
)


def shard(tags):
    keys = tag_lists([tags]).values
    return SimpleNamespace(tags=keys, tag_counts=np.arange(1, len(tags) + 1))


MIXED = st.tuples(NAMES, NUMBERS).flatmap(lambda both: st.permutations(both[0] + both[1]))


@given(st.lists(st.lists(st.one_of(NAMES, NUMBERS, MIXED), max_size=4), max_size=4))
def test_rows_are_those_of_a_dict(runs):
    table, expected = TagTable.empty(), {}
    for run in runs:
        before = table
        table = table.add([shard(tags) for tags in run])
        for tags in run:
            for count, tag in enumerate(tags, 1):
                expected[tag] = expected.get(tag, 0) + count
        assert table.keys.to_pylist() == list(expected)
        assert table.counts.tolist() == list(expected.values())
        assert table.keys.to_pylist()[: before.size] == before.keys.to_pylist()
    asked = [*expected, "unheard of", 1 << 70, 77, "77", -(1 << 63)]
    rows = {tag: row for row, tag in enumerate(expected)}
    assert table.find(asked) == [rows.get(tag, -1) for tag in asked]
    for kind, arrow in ((str, pa.string()), (int, pa.int64())):
        some = [tag for tag in asked if type(tag) is kind and tag != 1 << 70]
        found = table.lookup(pa.array(some, arrow))
        assert found.dtype == np.int32
        assert found.tolist() == [rows.get(tag, -1) for tag in some]
    asked = [tag for tag in asked if tag != 1 << 70]
    found = table.lookup(tag_lists([asked]).values)
    assert found.tolist() == [rows.get(tag, -1) for tag in asked]
    assert TagTable(*table.__reduce__()[1]).find(asked) == found.tolist()


def test_a_number_and_its_digits_are_two_tags():
    table = TagTable.empty().add([shard(["123"]), shard([123]), shard(["x"])])
    assert table.keys.to_pylist() == ["123", 123, "x"]
    assert table.find([123, "123", np.int64(123)]) == [1, 0, 1]


@given(NUMBERS, NUMBERS)
def test_number_index(numbers, wanted):
    found = NumberIndex(np.array(numbers, np.int64)).find(np.array(wanted, np.int64))
    assert found.tolist() == [numbers.index(n) if n in numbers else -1 for n in wanted]


@given(NAMES, NAMES)
def test_interner_find(known, wanted):
    interner = Interner()
    interner.intern(pa.array([known], pa.list_(pa.string())))
    found = interner.find(pa.array(["skipped", *wanted], pa.string()).slice(1))
    assert found.tolist() == [known.index(w) if w in known else -1 for w in wanted]
    assert interner.words.to_pylist() == known


def test_from_shards():
    documents = [(["a"], ["x", "y"]), (["b"], ["y"]), ([], ["z"])]
    table = TagTable.empty().add(encode(Documents(documents)))
    assert (table.keys.to_pylist(), table.counts.tolist()) == (["x", "y", "z"], [1, 2, 1])


def test_a_corpus_without_tags_is_refused(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a b\n")
    shards = encode(LineSentence(path))
    check_tags(shards, Settings("skip_gram"))
    with pytest.raises(TagError, match=r"lines\.txt: its rows have no tags.*tagged_line_document"):
        check_tags(shards, Settings("dbow"))
    mixed = encode(Documents([(["a"], ["x"])]) + Sentences([["a"]]))
    with pytest.raises(TagError, match="no tags"):
        check_tags(mixed, Settings("dm"))


def test_documents_need_as_many_tags_as_concatenation_has_room_for():
    documents = [(["a"], ["x", "y"]), (["b"], ["y", "z"]), (["c"], ["q"]), (["c"], [])]
    shards = encode(Documents(documents))
    concat = Settings("dm", join="concat", tag_count=2)
    check_tags(shards, Settings("dm"))
    check_tags(shards, Settings("dbow"))
    with pytest.raises(TagError, match=r"row 2: it has 1 tags \('q'\).*needs 2.*dm_tag_count"):
        check_tags(shards, concat)
    check_tags(encode(Documents(documents[:2])), concat)
    with pytest.raises(TagError, match=r"row 1: it has 0 tags \(none\)"):
        check_tags(encode(Documents([documents[0], documents[3]])), concat)


def test_unknown_tags_are_refused():
    shards = encode(Documents([(["a"], ["x"]), (["b"], ["new"]), (["b"], ["newer"])]))
    known = TagTable.empty().add([shard(["x"])])
    with pytest.raises(TagError, match=r"'new' has no vector, like 1 others.*update=True"):
        check_tags(shards, Settings("dbow"), known)
    check_tags(shards, Settings("dbow"), known.add(shards))


def test_too_many_bytes(monkeypatch):
    monkeypatch.setattr("pipeline.words.tags.Interner", lambda: Interner(most_bytes=4))
    with pytest.raises(TagError, match="2 GiB"):
        TagTable.empty().add([shard(["abc", "de"])])
