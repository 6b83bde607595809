"""Pairs in C: equal to a slow twin for any rows, and wrong arguments are refused."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from corpora._tokens import ffi, lib
from hypothesis import given
from hypothesis import strategies as st

from corpora import MillraceError
from corpora.phrases import PhraseTable
from corpora.tokens.pairs import CHAIN_BITS, Chains, Pairs, PairTable, Rows

ROWS = st.lists(st.lists(st.integers(0, 7), max_size=40), max_size=12)
BOTH = np.full(5, 3, np.uint8)
TABLE = np.array([0, 1, 2, 3, 4, ~0, ~1, ~2], np.int32)


def rows_of(rows, table=TABLE):
    ends = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return Rows(ends, np.array([i for row in rows for i in row], np.int32), table)


def twin(rows):
    """(first, connectors, second) of every pair, in order."""
    found = []
    for row in rows:
        first, between = None, []
        for word in (int(TABLE[i]) for i in row):
            if word < 0:
                between.append(~word)
                continue
            if first is not None:
                found.append((first, tuple(between), word))
            first, between = word, []
    return found


def spelled(chains, pairs):
    ends, words = chains.spelled(pairs.chain)
    starts = np.concatenate([[0], ends])
    each = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return [(a, tuple(words[starts[i] : ends[i]].tolist()), b) for i, (a, b) in enumerate(each)]


@given(ROWS)
def test_pairs_are_those_of_the_slow_way(rows):
    chains = Chains()
    found = Pairs.from_slots(chains.pairs_of(rows_of(rows)))
    assert spelled(chains, found) == twin(rows)
    assert (found.counts == 1).all()


@given(ROWS, st.integers(1, 5))
def test_shares_count_each_pair_once(rows, parts):
    chains, tables = Chains(), [PairTable() for _ in range(parts)]
    pairs = chains.pairs_of(rows_of(rows))
    for part, table in enumerate(tables):
        table.add(pairs, part, parts)
        table.add(pairs, part, parts)
    held = [Pairs.from_slots(table.slots()) for table in tables]
    counted = Counter()
    for some in held:
        counted.update(dict(zip(spelled(chains, some), some.counts.tolist(), strict=True)))
    assert counted == Counter(twin([*rows, *rows]))
    assert sum(map(len, tables)) == len(counted)
    assert (np.sum([table.find(pairs) for table in tables], axis=0) > 1).all()


def test_tables_and_chains_grow():
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 3000, (300, 100)).tolist()
    table = np.arange(3000, dtype=np.int32)
    table[2000:] = ~np.arange(1000, dtype=np.int32)
    chains, pairs = Chains(), PairTable()
    found = chains.pairs_of(rows_of(rows, table))
    pairs.add(found)
    held = Pairs.from_slots(pairs.slots())
    every = Pairs.from_slots(found)
    key = (every.first, every.second, every.chain)
    assert len(held) == len(set(zip(*(k.tolist() for k in key), strict=True))) > 10_000
    assert held.counts.sum() == len(found)
    assert len(chains) > 4000


def test_a_long_chain():
    row = [0, *[5] * 20_000, 1, *[6] * 10, 2]
    chains = Chains()
    found = Pairs.from_slots(chains.pairs_of(rows_of([row])))
    assert spelled(chains, found) == twin([row])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (Rows(np.array([0, 2]), np.array([0, 8], np.int32), TABLE), "refused"),
        (Rows(np.array([0, 2]), np.array([-1, 0], np.int32), TABLE), "refused"),
        (Rows(np.array([0, 2]), np.array([0, 0], np.int32), TABLE[:0]), "refused"),
        (Rows(np.array([0, 3]), np.array([0, 1], np.int32), TABLE), "outside"),
        (Rows(np.array([0, 2, 1]), np.array([0, 1], np.int32), TABLE), "fall"),
        (Rows(np.array([-1, 2]), np.array([0, 1], np.int32), TABLE), "outside"),
    ],
)
def test_rows_that_point_outside_are_refused(rows, told):
    with pytest.raises(MillraceError, match=told):
        Chains().pairs_of(rows)
    with pytest.raises(MillraceError, match=told):
        PairTable().joined(0, BOTH, Chains(), rows, 8)


def test_arrays_of_other_kinds_are_refused():
    wide = Rows(np.array([0, 2]), np.array([0, 1], np.int64), TABLE)
    apart = Rows(np.array([0, 2]), np.zeros(4, np.int32)[::2], TABLE)
    for rows in (wide, apart):
        with pytest.raises(TypeError, match="is wanted"):
            Chains().pairs_of(rows)
    for slots in (np.zeros((4, 2), np.uint64)[::2], np.zeros((2, 2))):
        with pytest.raises(TypeError, match="is wanted"):
            PairTable().add(slots)
        with pytest.raises(TypeError, match="is wanted"):
            PairTable().find(slots)


def test_wrong_arguments_are_refused():
    table, null = PairTable(), ffi.NULL
    pairs = np.zeros((1, 2), np.uint64)
    at, given = ffi.new("int64_t *"), ffi.cast("mr_pair *", pairs.ctypes.data)
    c = table._c
    for n, part, parts in [(-1, 0, 1), (1, 1, 1), (1, -1, 1), (1, 0, 0)]:
        assert lib.mr_pairs_add(c, given, n, at, part, parts) == lib.MR_BAD_ARGUMENT
    at[0] = 2
    assert lib.mr_pairs_add(c, given, 1, at, 0, 1) == lib.MR_BAD_ARGUMENT
    assert lib.mr_pairs_add(null, given, 1, at, 0, 1) == lib.MR_BAD_ARGUMENT
    assert lib.mr_pairs_find(c, null, 1, null) == lib.MR_BAD_ARGUMENT
    c.slots_n = 3
    assert lib.mr_pairs_find(c, given, 0, null) == lib.MR_BAD_ARGUMENT
    chains = Chains()
    chains._c.chains_n = 1 << 30
    reading, rows = ffi.new("mr_reading *"), rows_of([[0, 1]])
    assert lib.mr_pairs_of(chains._c, rows.to_c(), reading, given) == lib.MR_BAD_ARGUMENT
    reading.row = 7
    assert lib.mr_pairs_of(Chains()._c, rows.to_c(), reading, given) == lib.MR_BAD_ARGUMENT
    reading.row, reading.pairs_n = 0, 3
    assert lib.mr_pairs_of(Chains()._c, rows.to_c(), reading, given) == lib.MR_BAD_ARGUMENT


def test_a_count_that_no_slot_can_hold_is_an_error():
    most = Pairs(*(np.zeros(1, np.int32) for _ in range(3)), np.array([(1 << 40) - 1]))
    table = PairTable()
    table.add(most.to_slots())
    with pytest.raises(MillraceError, match="million million"):
        table.add(most.to_slots())
    assert table.find(most.to_slots()).tolist() == [(1 << 40) - 1]


def test_a_phrase_number_beyond_the_phrases_is_refused():
    table = PairTable()
    slots = Pairs(*(np.array([n], np.int32) for n in (0, 1, 0)), np.array([9])).to_slots()
    table.add(slots)
    with pytest.raises(MillraceError, match="refused"):
        table.joined(8, BOTH, Chains(), rows_of([[0, 1]]), 8)
    with pytest.raises(MillraceError, match="refused"):
        table.joined(9, BOTH, Chains(), rows_of([[0, 1]]), 2**31 - 1)
    assert table.joined(9, BOTH, Chains(), rows_of([[0, 1]]), 8)[0].tolist() == [16]


WORDS = st.sampled_from(["a", "b", "c", "", "a_b", "_", "ü", "of", "the"])
SENTENCES = st.lists(st.lists(WORDS, max_size=12), max_size=8)
GRAMS = st.lists(
    st.tuples(WORDS, st.lists(st.sampled_from(["of", "the"]), max_size=3), WORDS).filter(
        lambda gram: not {gram[0], gram[2]} & {"of", "the"}
    ),
    max_size=12,
    unique_by=lambda gram: (gram[0], *gram[1], gram[2]),
)


def greedy(sentence, grams, delimiter):
    made, at = [], 0
    while at < len(sentence):
        for end in range(at + 2, len(sentence) + 1):
            if tuple(sentence[at:end]) in grams:
                made.append(delimiter.join(sentence[at:end]))
                at = end
                break
        else:
            made.append(sentence[at])
            at += 1
    return made


@given(SENTENCES, GRAMS, st.sampled_from(["_", "", " ", "ß~"]))
def test_joining_is_that_of_the_slow_way(sentences, grams, delimiter):
    grams = [[first, *between, last] for first, between, last in grams]
    table = PhraseTable(grams, delimiter=delimiter, connectors={"of", "the"})
    batch = pa.record_batch([pa.array(sentences, pa.list_(pa.string()))], names=["words"])
    known = set(map(tuple, grams))
    expected = [greedy(sentence, known, delimiter) for sentence in sentences]
    assert table.join(batch)["words"].to_pylist() == expected


@pytest.mark.parametrize("grams", [[["a"]], [["of", "a"]], [["a", "of"]], [["a", "b", "c"]], [[]]])
def test_what_is_no_phrase_is_refused(grams):
    with pytest.raises(ValueError, match="is no phrase"):
        PhraseTable(grams, connectors={"of"})


def test_a_phrase_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        PhraseTable([["a", "b"], ["a", "b"]])


def test_rows_with_other_columns_null_and_slices():
    table = PhraseTable([["a", "b"]])
    words = pa.array(
        [["x"], ["a", "b"], None, [], ["a", "b", "b"]], pa.large_list(pa.large_string())
    )
    batch = pa.record_batch({"words": words, "tags": pa.array([[1], [2], [3], [4], [5]])})
    made = table.join(batch.slice(1))
    assert made["words"].to_pylist() == [["a_b"], [], [], ["a_b", "b"]]
    assert made["tags"].to_pylist() == [[2], [3], [4], [5]]
    text = pa.record_batch({"text": ["a b", None, "", "b a  b"]})
    assert table.join(text)["words"].to_pylist() == [["a_b"], [], [], ["b", "a_b"]]


def test_the_limits_of_a_slot():
    assert lib.MR_LIMIT == 7
    assert Pairs.from_slots(np.array([[1 << 32, (5 << CHAIN_BITS) | 3]], np.uint64)).chain[0] == 3
