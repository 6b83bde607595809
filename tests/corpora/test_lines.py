"""The line splitter: the same rows at any cut of the input; errors with their place."""

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import SPACES, texts

from corpora import LineSentence, _tokens
from corpora.errors import CorpusError
from corpora.tokens import isa
from corpora.tokens.lines import MOST_BYTES, split_lines

BLOCKS = st.lists(st.integers(0, 200), max_size=30)


def cut(text, sizes):
    """Cut bytes into blocks of the given sizes, the rest in one."""
    blocks, at = [], 0
    for size in sizes:
        blocks.append(text[at : at + size])
        at += size
    return [*blocks, text[at:]]


def rows(blocks, **options):
    batches = list(split_lines(blocks, **options))
    return [row for batch in batches for row in batch["text"].to_pylist()]


def lines(text):
    """Every line without its end; a last line end begins no line."""
    pieces = text.split("\n")
    return pieces if pieces[-1] else pieces[:-1]


@given(texts(), BLOCKS)
def test_lines_are_the_same_at_any_cut(text, sizes):
    text = text.lstrip("\ufeff")
    blocks = cut(text.encode(), sizes)
    assert rows(blocks, keep_blank=True) == lines(text)
    assert rows(blocks) == [line for line in lines(text) if line.strip()]


@given(texts(), BLOCKS, st.integers(1, 12))
def test_long_lines_are_cut_between_words(text, sizes, most):
    text = text.lstrip("\ufeff")
    expected = []
    for line in lines(text):
        words = line.split()
        expected += [(words[i : i + most], i > 0) for i in range(0, len(words), most)]
    for name in isa.available():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MILLRACE_ISA", name)
            found = list(split_lines(cut(text.encode(), sizes), max_words=most))
        pairs = [
            (row.split(), continued)
            for batch in found
            for row, continued in zip(*(batch[i].to_pylist() for i in (0, 1)), strict=True)
        ]
        assert pairs == expected
        joined = "".join(row for batch in found for row in batch["text"].to_pylist())
        assert joined == "".join(line for line in lines(text) if line.strip())


@given(texts(), BLOCKS, st.integers(0, 6))
def test_no_more_lines_than_asked_for(text, sizes, most):
    text = text.lstrip("\ufeff")
    found = rows(cut(text.encode(), sizes), max_lines=most, keep_blank=True)
    assert found == lines(text)[:most]


@given(texts(), st.binary(min_size=1, max_size=4), texts(), BLOCKS)
def test_what_is_not_utf8_is_found_where_python_finds_it(before, odd, after, sizes):
    data = before.encode() + odd + after.encode()
    blocks = cut(data, sizes)
    start = first_wrong(data)
    if start is None:
        rows(blocks)
        return
    with pytest.raises(CorpusError) as caught:
        rows(blocks, url="a.txt")
    line = data[:start].count(b"\n") + 1
    assert caught.value.position == f"byte {start}, line {line}"
    assert caught.value.url == "a.txt"


def first_wrong(data):
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start


@pytest.mark.parametrize(
    "odd",
    b"\x80 \xc0\x80 \xc1\xbf \xe0\x80\x80 \xed\xa0\x80 \xf0\x80\x80\x80 \xf4\x90\x80\x80 "
    b"\xf5\x80\x80\x80 \xff \xe2\x82 \xf0\x9f\x98 \xc3".split(),
)
@pytest.mark.parametrize("after", [b"", b"x", b"\n", b"\xe2\x82\xac"])
def test_every_kind_of_wrong_sequence(odd, after):
    data = b"one\ntwo " + odd + after
    for size in range(1, len(data) + 1):
        with pytest.raises(CorpusError, match="byte 8, line 2"):
            rows(data[i : i + size] for i in range(0, len(data), size))


def test_lines_before_what_is_wrong_are_enough():
    assert rows([b"a\nb\n\xff"], max_lines=2) == ["a", "b"]
    with pytest.raises(CorpusError, match="byte 4, line 3"):
        rows([b"a\nb\n\xff"], max_lines=3)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_a_byte_order_mark_is_dropped_at_the_start_only(size):
    data = b"\xef\xbb\xbfa\n\xef\xbb\xbfb"
    assert rows(data[i : i + size] for i in range(0, len(data), size)) == ["a", "\ufeffb"]
    with pytest.raises(CorpusError, match="byte 5, line 2"):
        rows([b"\xef\xbb\xbfa\n\xff"])
    assert rows([b"\xef\xbb\xbf"]) == rows([]) == rows([b""]) == []
    with pytest.raises(CorpusError, match="byte 0, line 1"):
        rows([b"\xef\xbb"])


def test_only_a_line_feed_ends_a_line():
    text = "a\rb\r\nc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i\0j"
    assert rows([text.encode()]) == text.split("\n")


def test_blank_lines_of_every_white_space():
    blank = SPACES.replace("\n", "") * 30
    assert rows([f"a\n{blank}\n\n{blank}b\n{blank}".encode()]) == ["a", blank + "b"]


def test_one_long_line_leaves_in_pieces():
    block = b"word " * 20_000
    seen = held = 0
    for batch in split_lines((block for _ in range(100)), max_words=10_000):
        seen += batch.num_rows
        held = max(held, batch.nbytes)
    assert seen == 200
    assert held < 2 * len(block)


def test_one_long_line_without_a_cut():
    blocks = [b"x" * 100_000] * 100
    assert [len(row) for row in rows([*blocks, b"\nend"])] == [10_000_000, 3]


def test_the_batches_own_their_rows():
    batches = list(split_lines([b"a\nb", b"c\nd", b"e\n"]))
    assert pa.Table.from_batches(batches)["text"].to_pylist() == ["a", "bc", "de"]
    assert batches[0].schema.names == ["text"]


@given(texts(), st.binary(min_size=1, max_size=5), texts(), st.binary(max_size=3), BLOCKS)
def test_wrong_bytes_are_handled_as_python_does(before, odd, after, end, sizes):
    data = b"x" + before.encode() + odd + after.encode() + end
    for errors in ("replace", "ignore"):
        text = data.decode(errors=errors)
        assert rows(cut(data, sizes), errors=errors, keep_blank=True) == lines(text)


@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_wrong_bytes_at_every_cut(errors):
    data = b"a\xe2\x82\nb\xf0\x9f\x98 \xed\xa0\x80 \xc0\x80\xff \xe2\x82\xac\xe2\x82\xac\n\xf0\x9f"
    for size in range(1, len(data) + 1):
        blocks = [data[i : i + size] for i in range(0, len(data), size)]
        assert rows(blocks, errors=errors) == lines(data.decode(errors=errors))
        assert rows(blocks, errors=errors, max_words=2)
    assert rows([b"\xef\xbb\xbfa\xff"], errors=errors)[0][0] == "a"


def test_odd_text_is_text():
    assert rows([b"\0a\0b\0 \0\r\n\0"]) == ["\0a\0b\0 \0\r", "\0"]
    assert [row.split() for row in rows([b"a b\r\nc\r\n"])] == [["a", "b"], ["c"]]
    assert rows([b"no last", b" newline"]) == ["no last newline"]
    assert rows([b"", b"\n", b""], keep_blank=True) == [""]


@pytest.mark.parametrize("filling", [b"\0", b" ", b"x", "字".encode(), "\u3000".encode()])
def test_a_hundred_megabytes_without_a_word(filling):
    block = filling * (1 << 18)
    taken = 0

    def blocks():
        nonlocal taken
        yield b"one line\n"
        for _ in range(100 * (1 << 20) // len(block)):
            taken += 1
            yield block

    with pytest.raises(CorpusError, match=r"a\.txt, before byte \d+, line 2: a row of [01] words"):
        rows(blocks(), max_words=10_000, url="a.txt")
    assert taken * len(block) <= MOST_BYTES + 2 * len(block) + (1 << 20)


def test_a_hundred_megabytes_without_a_newline():
    block = b"word after word " * (1 << 16)
    found = held = 0
    for batch in split_lines((block for _ in range(100)), max_words=10_000):
        found += sum(len(row.split()) for row in batch["text"].to_pylist())
        held = max(held, batch.nbytes)
    assert found == 100 * 3 * (1 << 16)
    assert held < 3 * len(block)


def test_a_reader_has_the_choice(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"fine\ncaf\xe9 au lait\n")
    with pytest.raises(CorpusError, match=r"latin\.txt, byte 8, line 2: the text is not UTF-8"):
        list(LineSentence(path))
    assert list(LineSentence(path, errors="replace"))[1] == ["caf\ufffd", "au", "lait"]
    assert list(LineSentence(path, errors="ignore"))[1] == ["caf", "au", "lait"]
    prints = {LineSentence(path, errors=e).parts()[0].fingerprint for e in ("strict", "ignore")}
    assert len(prints) == 2
    with pytest.raises(ValueError, match="errors must be one of"):
        LineSentence(path, errors="skip")


EDGES = bytes.fromhex(
    "00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 f8 ff"
)


@pytest.mark.parametrize("name", isa.available())
def test_every_turn_of_utf8(name):
    number = isa.NAMES[name]
    for before in (0, 30, 62):
        for three in itertools.product(EDGES, repeat=3):
            data = b"x" * before + bytes(three) + b"\x80" * (three[0] >= 0xF0) + b"y" * 80
            state = _tokens.ffi.new("mr_utf8 *")
            good = _tokens.lib.mr_utf8_check(state, data, len(data), number)
            start = first_wrong(data)
            assert (None if good == len(data) else good - state.seen) == start, data


@given(st.lists(st.sampled_from("aé€😀字 "), min_size=60, max_size=300), st.data())
def test_a_wrong_byte_anywhere_is_found(characters, data):
    text = bytearray("".join(characters).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    start = first_wrong(bytes(text))
    for name in isa.available():
        state = _tokens.ffi.new("mr_utf8 *")
        good = _tokens.lib.mr_utf8_check(state, bytes(text), len(text), isa.NAMES[name])
        wrong = good < len(text) or state.want
        assert (good - state.seen if wrong else None) == start
