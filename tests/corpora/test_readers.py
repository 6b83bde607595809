"""The readers: LineSentence as gensim reads, token lists in memory, the prose of Python."""

import bz2
import gzip
import lzma
import pickle
import random
import threading

import pytest
import zstandard

from corpora import CorpusError, LineSentence, PythonDocs, Sentences, encode
from corpora.readers import python_docs
from corpora.readers.python_docs import modules, prose


def test_lines_as_gensim_reads_them(tmp_path):
    word2vec = pytest.importorskip("gensim.models.word2vec")
    rng = random.Random(3)
    words = ["the", "\u00e9t\u00e9", "a\xa0b", "\u3042\u3000\u3044", "x\r", "\t", ".", "\x1cq"]
    lines = [" ".join(rng.choices(words, k=rng.randrange(40))) for _ in range(300)]
    path = tmp_path / "a.txt"
    path.write_bytes("\n".join(lines).encode())
    for length in (1, 3, 7, 10_000):
        for limit in (None, 1, 50):
            expected = list(word2vec.LineSentence(str(path), length, limit))
            corpus = LineSentence(path, max_sentence_length=length, limit=limit)
            assert list(corpus) == expected
            shards = encode(corpus)
            assert shards.rows == len(expected)
            lengths = [len(line.split()) for line in lines[:limit]]
            assert shards.split == sum((n - 1) // length for n in lengths if n)


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]
)
def test_every_codec_by_content(tmp_path, pack):
    text = "".join(f"line {i} of some\n" for i in range(20_000)).encode()
    path = tmp_path / "corpus.data"
    path.write_bytes(pack(text))
    assert list(LineSentence(path)) == [line.split() for line in text.decode().splitlines()]


def test_limit_counts_lines_of_each_file(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name}1\n\n{name}3\n")
    corpus = LineSentence(f"{tmp_path}/*.txt", limit=2)
    assert list(corpus) == [["a1"], ["b1"]]
    assert list(LineSentence(f"{tmp_path}/*.txt", limit=0)) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(b"a b\n" * 9)[:20], "byte 20: the gzip file is cut short"),
        (b"good line\nbad \xff line\n", "byte 14, line 2: the text is not UTF-8"),
        (gzip.compress(b"one\n\xe9"), "byte 4, line 2: the text is not UTF-8"),
    ],
)
def test_an_error_has_its_place_and_leaves_no_thread(tmp_path, data, message):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for use in (list, encode):
        with pytest.raises(CorpusError) as caught:
            use(LineSentence(path))
        assert str(caught.value).startswith(f"{path}, {message}")
        assert caught.value.remedy
    assert not [t for t in threading.enumerate() if t.name == "millrace-readahead"]


def test_bad_settings():
    with pytest.raises(ValueError, match=r"max_sentence_length must be at least 1.*; limit must"):
        LineSentence("a", max_sentence_length=0, limit=-1)


def test_sentences_can_be_read_again():
    corpus = Sentences([["a b", "c"], [], ("d",)])
    assert list(corpus) == list(corpus) == [["a b", "c"], [], ["d"]]
    many = [[str(i), "x"] for i in range(10_000)]
    assert list(Sentences(many)) == many
    assert "10000" not in repr(Sentences(many))


@pytest.mark.parametrize("once", [iter([["a"]]), (row for row in [["a"]]), map(list, ["a"])])
def test_a_one_shot_iterator_is_refused(once):
    with pytest.raises(ValueError, match="a generator is used up by the first pass: give a list"):
        Sentences(once)


@pytest.mark.parametrize("other", ["some text", b"bytes", 5, None])
def test_what_is_not_sentences(other):
    with pytest.raises(ValueError, match="iterable must be"):
        Sentences(other)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a sentence", "is one string where a list of tokens is wanted"),
        (7, "is int where a list of tokens is wanted"),
        (["a", 7], "has a token that is int, not str, at place 1"),
        (["a", None], "has a token that is NoneType, not str, at place 1"),
        (["a", "\ud800"], "has a token that holds half of a surrogate pair at place 1"),
    ],
)
def test_a_wrong_sentence_is_named(row, problem):
    good = [["good"]] * 5000
    for use in (list, encode):
        with pytest.raises(CorpusError, match=problem) as caught:
            use(Sentences([*good, row, *good]))
        assert caught.value.position == "sentence 5000"


def test_an_error_in_ones_own_iterable_is_raised_as_it_is():
    class Broken:
        def __iter__(self):
            yield ["a"]
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        encode(Sentences(Broken()))


SOURCE = '''#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""The module's text."""
import os  # noqa: F401
TABLE = {
    'a': 1,  # LATIN SMALL LETTER
}
class C:
    "A class; it can't fail."
    # type: ignore
    def run(self):
        """Call get_ident() twice."""
        x = "no docstring # no comment"
        return x  # the end, of it
'''


def test_prose_is_docstrings_and_comments():
    expected = (
        "The module's text LATIN SMALL LETTER A class it can't fail Call get_ident twice "
        "the end of it"
    )
    assert prose(SOURCE) == expected.split()


def test_modules_of_a_folder(tmp_path):
    for name in (
        "b.py",
        "a/__init__.py",
        "a/c.py",
        "a/test/x.py",
        "test/y.py",
        "site-packages/z.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("")
    assert list(modules(tmp_path)) == ["a", "a.c", "b"]


def test_python_docs(monkeypatch):
    everything = modules(python_docs.Path(python_docs.sysconfig.get_path("stdlib")))
    assert len(everything) > 400
    some = {
        n: p for n, p in everything.items() if n.startswith(("thread", "socket", "json", "abc"))
    }
    monkeypatch.setattr(python_docs, "modules", lambda _: some)
    (part,) = PythonDocs().parts()
    assert part.fingerprint == PythonDocs().parts()[0].fingerprint
    rows = [row for batch in part.read() for row in batch.to_pylist()]
    tags = [row["tags"] for row in rows]
    assert tags == sorted(tags)
    assert {"threading", "socket", "json.decoder"} <= {tag for (tag,) in tags}
    text = {row["tags"][0]: row["text"] for row in rows}
    assert text["threading"].startswith(
        "Thread module emulating a subset of Java's threading model"
    )
    shards = encode(PythonDocs().lowercase())
    assert shards[0].tags.to_pylist() == [tag for (tag,) in tags]
    assert shards[0].tag_counts.tolist() == [1] * len(tags)
    assert shards[0].counts.sum() == shards.tokens


def test_a_module_that_is_not_python(monkeypatch, tmp_path):
    (tmp_path / "old.py").write_text("print 'hello'")
    monkeypatch.setattr(python_docs.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(CorpusError, match=r"old\.py: this module is not Python 3"):
        list(PythonDocs())
    (tmp_path / "old.py").unlink()
    with pytest.raises(CorpusError, match="has no sources"):
        PythonDocs().parts()


def test_a_readers_repr_shows_no_secret():
    for url in ("https://host/a.txt?token=hush", ["sftp://ann:hush@host/a.txt"]):
        corpus = LineSentence(url, storage_options={"key": "hush"}).lowercase()
        assert "hush" not in repr(corpus)
        assert pickle.loads(pickle.dumps(corpus)) == corpus
        assert LineSentence(url) == LineSentence(url)
    assert LineSentence("https://host/a.txt?token=hush").url.endswith("hush")
