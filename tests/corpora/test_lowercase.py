"""Lower case: equal to str.lower() for every code point, in context, in slices and lists."""

# ruff: noqa: RUF001  (letters that look alike are the point)

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from corpora.transforms.lowercase import Lowercase, lower

POINTS = [chr(i) for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]
ODD = st.sampled_from("AaZz'.- ΣσςΑΩİIıßẞǅЖ\u0345\u0307\u00ad\U00010400\u10a0\u1c89\ua7cb")


def test_every_code_point():
    for before, after in (("", ""), ("A", ""), ("", "B"), ("a'", "b")):
        text = [before + point + after for point in POINTS]
        assert lower(pa.array(text)).to_pylist() == [row.lower() for row in text]


@given(st.lists(st.text(ODD, max_size=8), max_size=9), st.integers(0, 4))
def test_in_context_and_in_slices(rows, start):
    column = pa.array(rows, pa.string()).slice(min(start, len(rows)))
    expected = [row.lower() for row in rows[start:]]
    assert lower(column).to_pylist() == expected
    assert lower(column.cast(pa.large_string())).to_pylist() == expected


def test_arrow_alone_would_not_do():
    assert pc.utf8_lower(pa.array(["ΟΔΟΣ"])).to_pylist() != ["ΟΔΟΣ".lower()]


@given(st.lists(st.lists(st.text(ODD, max_size=5), max_size=4), max_size=6), st.integers(0, 4))
def test_lists_of_words(rows, start):
    words = pa.array(rows, pa.list_(pa.string()))
    batch = pa.record_batch({"words": words, "n": pa.array(range(len(rows)), pa.int64())})
    made = Lowercase().rows(batch.slice(start))
    assert made["words"].to_pylist() == [[word.lower() for word in row] for row in rows[start:]]
    assert made["n"].to_pylist() == list(range(len(rows)))[start:]


def test_null_stays_null():
    assert lower(pa.array(["A", None, "Σ", None])).to_pylist() == ["a", None, "σ", None]
    assert lower(pa.array([None], pa.string())).to_pylist() == [None]
