"""The tokeniser: equal to str.split() for any text, on every instruction set, at any size."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import SPACES, texts

from corpora.errors import MillraceError
from corpora.tokens import isa
from corpora.tokens.buffers import id_lists
from corpora.tokens.interner import FIRST_WORDS, DictionaryFullError, Interner, rename


def words_of(interner, lists):
    words = np.array(interner.words.to_pylist(), dtype=object)
    return [list(words[row]) for row in lists.to_pylist()]


def check(rows, column=None):
    interner = Interner()
    lists = interner.split(pa.array(rows, pa.string()) if column is None else column)
    expected = [row.split() for row in rows]
    assert words_of(interner, lists) == expected
    flat = [word for row in expected for word in row]
    assert interner.words.to_pylist() == list(dict.fromkeys(flat))
    counts = dict(zip(interner.words.to_pylist(), interner.counts.tolist(), strict=True))
    assert counts == Counter(flat)


@given(st.lists(texts(), max_size=8))
def test_it_splits_as_str_split_does(rows):
    for name in isa.available():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MILLRACE_ISA", name)
            check(rows)


def test_every_code_point_is_white_space_or_not(any_isa):
    points = [chr(i) for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]
    lists = Interner().split(pa.array([f"a{point}b" for point in points]))
    found = np.diff(lists.offsets.to_numpy()) == 2
    assert [points[i] for i in np.flatnonzero(found)] == [p for p in points if p.isspace()]


def test_white_space_at_every_place_of_a_chunk(any_isa):
    for space in SPACES:
        for before in (0, 1, 13, 61, 62, 63, 64, 1021, 1022, 1023, 1024):
            check(["x" * before + space + "yy" + space * 3 + "z"])


@given(st.lists(texts(), min_size=1, max_size=8), st.data())
def test_a_slice_is_split_from_where_it_begins(rows, data):
    start = data.draw(st.integers(0, len(rows)))
    length = data.draw(st.integers(0, len(rows) - start))
    column = pa.array(rows, pa.string()).slice(start, length)
    check(rows[start : start + length], column)
    check(rows[start : start + length], column.cast(pa.large_string()))


def test_a_word_ends_with_its_row(any_isa):
    check(["ab", "cd", "", "", "e" * 100, "f" * 64, "\u3000", "g"])


def test_a_word_of_any_length(any_isa):
    check(
        [" ".join("abcdefghijklmnopqrstuvwxyz"[:n] * k for n in range(1, 27) for k in (1, 2, 99))]
    )
    check(["x" * 5_000_000 + " y", "x" * 5_000_000])
    check(["a a\0 a\0\0 \0 \0\0 abcdefgh abcdefg\0 abcdefgh\0"])


def test_the_last_word_of_a_buffer_is_not_read_beyond():
    for n in range(1, 40):
        chars = pa.py_buffer(b"q" * n)
        offsets = pa.py_buffer(np.array([0, n], np.int32))
        column = pa.StringArray.from_buffers(1, offsets, chars)
        check(["q" * n], column)


def test_the_tables_grow(any_isa):
    rng = random.Random(1)
    rows = [" ".join(f"w{rng.randrange(90_000)}" for _ in range(50)) for _ in range(8_000)]
    assert len({word for row in rows for word in row.split()}) > 4 * FIRST_WORDS
    check(rows)


def test_ids_do_not_depend_on_the_seed():
    rows = pa.array([" ".join(f"{i * 7919 % 1000}" for i in range(5000))])
    assert Interner().split(rows).equals(Interner().split(rows))


def test_one_dictionary_over_many_columns():
    interner = Interner()
    first = interner.split(pa.array(["a b", "b c"])).to_pylist()
    second = interner.split(pa.array(["c a d"])).to_pylist()
    assert (first, second) == ([[0, 1], [1, 2]], [[2, 0, 3]])
    assert interner.counts.tolist() == [2, 2, 2, 1]


def test_null_is_empty_text():
    assert Interner().split(pa.array(["a", None, "a"])).to_pylist() == [[0], [], [0]]
    assert Interner().split(pa.array([], pa.string())).to_pylist() == []


@given(st.lists(st.lists(texts(), max_size=6), max_size=8), st.data())
def test_ready_words_stay_whole(rows, data):
    start = data.draw(st.integers(0, len(rows)))
    whole = pa.array(rows, pa.list_(pa.string()))
    for column in (whole, whole.cast(pa.large_list(pa.large_string()))):
        interner = Interner()
        assert words_of(interner, interner.intern(column.slice(start))) == rows[start:]


def test_ready_words_grow_the_tables():
    rows = [[f"word {i * 31 % 50_000}" for i in range(k, k + 1000)] for k in range(0, 60_000, 1000)]
    interner = Interner()
    assert words_of(interner, interner.intern(pa.array(rows))) == rows
    rows = [["long" * 30_000 + str(i)] for i in range(40)]
    interner = Interner()
    assert words_of(interner, interner.intern(pa.array(rows))) == rows


@pytest.mark.parametrize("ready", [False, True])
def test_a_full_dictionary_keeps_whole_rows_only(ready):
    rows = [[f"{letter}{i:05d}" for i in range(200)] + ["again"] for letter in "abcdefghij"]
    interner = Interner(most_bytes=1 << 12)
    column = pa.array(rows if ready else [" ".join(row) for row in rows])
    with pytest.raises(DictionaryFullError) as caught:
        (interner.intern if ready else interner.split)(column)
    done = caught.value.done
    assert 0 < len(done) < len(rows)
    assert words_of(interner, done) == rows[: len(done)]
    kept = Counter(word for row in rows[: len(done)] for word in row)
    assert dict(zip(interner.words.to_pylist(), interner.counts, strict=True)) == kept
    with pytest.raises(MillraceError, match="no more words"):
        interner.split(pa.array(["a"]))


def test_a_row_too_large_for_an_empty_dictionary():
    interner = Interner(most_bytes=100)
    with pytest.raises(DictionaryFullError) as caught:
        interner.split(pa.array(["a " * 500]))
    assert (len(caught.value.done), len(interner)) == (0, 0)


def spoiled(make, kind, offsets):
    """An array whose offsets were changed after Arrow had looked at them."""
    numbers = np.zeros(len(offsets), kind)
    array = make(pa.py_buffer(numbers))
    numbers[:] = offsets
    return array


def strings(kind, offsets, wrap=lambda array: array):
    arrow = pa.StringArray if kind == np.int32 else pa.LargeStringArray
    chars, rows = pa.py_buffer(b"a b c d e f g h "), len(offsets) - 1
    return spoiled(lambda made: wrap(arrow.from_buffers(rows, made, chars)), kind, offsets)


def one_list(values):
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def lists(offsets, values):
    kind, rows = pa.list_(values.type), len(offsets) - 1
    return spoiled(
        lambda made: pa.ListArray.from_buffers(kind, rows, [None, made], children=[values]),
        np.int32,
        offsets,
    )


WRONG = [[0, 17], [-1, 3], [5, 3], [0, 9, 4], [0, 99, 4], [0, 4, 2, 8], [3, 2, 8], [0, -5, 8]]


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("offsets", WRONG)
def test_wrong_offsets_are_refused(any_isa, kind, offsets):
    with pytest.raises(MillraceError, match="offsets"):
        Interner().split(strings(kind, offsets))
    with pytest.raises(MillraceError, match="offsets"):
        Interner().intern(strings(kind, offsets, one_list))


def test_a_word_that_ends_nowhere():
    for far in (2**31, 2**40, 2**62, -(2**62)):
        with pytest.raises(MillraceError, match="offsets"):
            Interner().split(strings(np.int64, [0, far]))
        with pytest.raises(MillraceError, match="offsets"):
            Interner().intern(strings(np.int64, [0, far], one_list))


@pytest.mark.parametrize("offsets", [[0, 5], [2, 1], [-1, 1], [0, 2, 1]])
def test_lists_that_reach_beyond_their_words(offsets):
    with pytest.raises(MillraceError, match=r"column (fall|reach)"):
        Interner().intern(lists(offsets, pa.array(["a", "b"])))


def test_null_words_are_refused():
    with pytest.raises(MillraceError, match="a word is null"):
        Interner().intern(pa.array([["a", None]]))
    with pytest.raises(MillraceError, match="list of words is null"):
        Interner().intern(pa.array([["a"], None]))


def test_another_type_is_refused_or_cast():
    with pytest.raises(pa.ArrowNotImplementedError):
        Interner().split(pa.array([[1]]))
    assert Interner().split(pa.array(["a", "a"]).dictionary_encode()).to_pylist() == [[0], [0]]


def test_id_lists_share_the_ids():
    lists = id_lists(np.array([0, 2, 3]), np.array([7, 8, 9], np.int32))
    assert lists.to_pylist() == [[7, 8], [9]]


def test_an_instruction_set_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", "mmx")
    with pytest.raises(MillraceError, match="MILLRACE_ISA is 'mmx', but here there are only: port"):
        Interner()


@given(st.lists(texts(), max_size=6), st.lists(texts(), max_size=6))
def test_dictionaries_that_are_merged_are_one(first, second):
    whole = Interner()
    expected = whole.split(pa.array(first + second, pa.string())).to_pylist()
    one, two = Interner(), Interner()
    start = one.split(pa.array(first, pa.string())).to_pylist()
    later = two.split(pa.array(second, pa.string())).to_pylist()
    table = one.absorb(two)
    assert start + [[int(table[i]) for i in row] for row in later] == expected
    assert one.words.equals(whole.words)
    assert one.counts.tolist() == whole.counts.tolist()


def test_ids_beyond_the_table_are_refused():
    table = np.array([5, 6], np.int32)
    for wrong in ([2], [0, 1, -1], [1] * 100 + [2]):
        ids = np.array(wrong, np.int32)
        with pytest.raises(MillraceError, match="refused its arguments"):
            rename(ids, table)
        assert ids.tolist() == wrong
    rename(np.empty(0, np.int32), np.empty(0, np.int32))
