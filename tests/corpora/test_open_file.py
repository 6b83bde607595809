"""Open files in the place of an address, as gensim's readers take them."""

import bz2
import io
import os

import pytest

from corpora import CorpusError, LineSentence, TaggedLineDocument, Text8, encode
from corpora.sources.open_file import OpenFile

TEXT = "the caf\u00e9\n\nopens late\n"
ROWS = [["the", "caf\u00e9"], ["opens", "late"]]


@pytest.mark.parametrize(
    "held",
    [
        io.StringIO(TEXT),
        io.BytesIO(TEXT.encode()),
        io.BytesIO(b"\xef\xbb\xbf" + TEXT.encode()),
        io.BytesIO(bz2.compress(TEXT.encode())),
    ],
)
def test_it_is_read_from_its_beginning_each_time(held):
    held.read(3)
    corpus = LineSentence(held)
    assert list(corpus) == list(corpus) == ROWS
    assert encode(corpus).tokens == 4
    assert not held.closed


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_a_file_on_a_disk(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text(TEXT, "utf-8")
    with path.open(mode, encoding=None if mode == "rb" else "utf-8") as held:
        assert list(LineSentence(held)) == ROWS
        assert list(Text8(held)) == [ROWS[0] + ROWS[1]]
        documents = list(TaggedLineDocument(held, tags="line"))
        assert [tuple(document) for document in documents][2] == (ROWS[1], [2])
        assert next(iter(TaggedLineDocument(held))).tags == ["a.txt:1"]


def test_what_is_not_utf8_is_an_error_with_its_place():
    with pytest.raises(CorpusError, match="not UTF-8") as caught:
        list(LineSentence(io.BytesIO(b"one\ntwo \xff\n")))
    assert caught.value.position == "byte 8, line 2"


def test_what_cant_be_read_again_is_an_error(tmp_path):
    inlet, outlet = os.pipe()
    os.close(outlet)
    with os.fdopen(inlet) as pipe, pytest.raises(CorpusError, match="give its address"):
        list(LineSentence(pipe))
    (tmp_path / "a.txt").touch()
    with (tmp_path / "a.txt").open() as held:
        corpus = LineSentence(held)
    with pytest.raises(CorpusError, match=r"a\.txt: .* closed file"):
        list(corpus)


def test_two_that_read_it_at_once_are_told():
    opened = OpenFile(io.BytesIO(b"a b\n" * 1_000_000))
    blocks = opened.blocks()
    first = next(blocks)
    assert len(b"".join(opened.blocks())) == 4_000_000 > len(first)
    with pytest.raises(CorpusError, match="meanwhile"):
        list(blocks)
