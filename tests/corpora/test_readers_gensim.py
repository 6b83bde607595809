"""The readers beside gensim's, on the same files: the same rows, except for what is mended."""

import random
import warnings
from inspect import signature

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from texts import texts

from corpora import (
    Brown,
    CorpusError,
    Documents,
    PathLineSentences,
    Sentences,
    TaggedBrown,
    TaggedDocument,
    TaggedLineDocument,
    Text8,
    encode,
    simple_preprocess,
)

word2vec = pytest.importorskip("gensim.models.word2vec")
doc2vec = pytest.importorskip("gensim.models.doc2vec")
gensim_utils = pytest.importorskip("gensim.utils")

WORDS = ["the", "\u00e9t\u00e9", "a\xa0b", "\u3042\u3000\u3044", "x\r", "\t", ".", "\x1cq", "\0"]


def hostile(seed, lines=200):
    """Lines of odd white space, blank ones, long ones, CRLF; with or without a last line end."""
    rng = random.Random(seed)
    made = [" ".join(rng.choices(WORDS, k=rng.choice([0, 0, 1, 5, 40]))) for _ in range(lines)]
    made[seed % lines] = "long " * 25_000
    return rng.choice(["\n", "\r\n"]).join(made) + rng.choice(["", "\n", "\n\n"])


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("b.txt", "a.txt", "B", ".hidden")):
        (tmp_path / name).write_bytes(hostile(seed).encode())
    return tmp_path


@pytest.mark.parametrize("length", [1, 7, 10_000])
@pytest.mark.parametrize("limit", [None, 30])
def test_path_line_sentences(folder, length, limit):
    theirs = list(word2vec.PathLineSentences(str(folder), length, limit))
    for url in (folder, f"{folder}/"):
        ours = PathLineSentences(url, max_sentence_length=length, limit=limit)
        assert list(ours) == theirs
    one = folder / "B"
    assert list(PathLineSentences(one)) == list(word2vec.PathLineSentences(str(one)))


def test_path_line_sentences_leave_folders_out(folder):
    expected = list(PathLineSentences(folder))
    (folder / "c").mkdir()
    (folder / "c" / "d.txt").write_text("not read")
    assert list(PathLineSentences(folder)) == expected
    (folder / "od[d]").mkdir()
    (folder / "od[d]" / "d.txt").write_text("odd name")
    assert list(PathLineSentences(folder / "od[d]")) == [["odd", "name"]]


@pytest.mark.parametrize("seed", range(4))
def test_tagged_line_document(tmp_path, seed):
    path = tmp_path / "a.txt"
    path.write_bytes(hostile(seed).encode())
    theirs = [tuple(document) for document in doc2vec.TaggedLineDocument(str(path))]
    ours = [tuple(d) for d in TaggedLineDocument(path, tags="line", max_document_length=None)]
    assert ours == theirs
    named = [tuple(d) for d in TaggedLineDocument(path, max_document_length=None)]
    assert named == [(words, [f"a.txt:{tag + 1}"]) for words, (tag,) in theirs]


def test_a_long_document_is_split_under_its_tag(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("first\n" + "long " * 25_000 + "\n\nlast one\n")
    rows = list(TaggedLineDocument(path, tags="line"))
    assert [(len(words), tags) for words, tags in rows] == [
        (1, [0]),
        (10_000, [1]),
        (10_000, [1]),
        (5_000, [1]),
        (0, [2]),
        (2, [3]),
    ]
    shards = encode(TaggedLineDocument(path))
    assert (shards.split, shards.tokens, shards.rows) == (2, 25_003, 6)
    assert shards[0].tags.to_pylist() == [f"a.txt:{line}" for line in (1, 2, 3, 4)]


def text8(path):
    """gensim's rows; tokens can be glued where a chunk of 8192 bytes ends at a line's end."""
    return [word for row in word2vec.Text8Corpus(str(path)) for word in row]


@pytest.mark.parametrize("length", [1, 999, 10_000])
def test_text8(tmp_path, length):
    rng = random.Random(length)
    path = tmp_path / "text8"
    path.write_text(" " + " ".join(rng.choices([*WORDS[:4], "word"], k=35_000)) + " end")
    assert list(Text8(path, max_sentence_length=length)) == list(
        word2vec.Text8Corpus(str(path), length)
    )


def test_text8_glues_no_tokens(tmp_path):
    path = tmp_path / "text8"
    path.write_text("x" * 8187 + " foo\n" + "bar baz")
    assert text8(path)[1:] == ["foobar", "baz"]
    assert next(iter(Text8(path)))[1:] == ["foo", "bar", "baz"]
    path.write_text("one line\nand another\n" * 5000)
    assert [len(row) for row in Text8(path)] == [10_000, 10_000]
    assert encode(Text8(path)).split == 0


def test_bytes_that_are_not_utf8(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo \xff\n")
    for reader in (Text8, TaggedLineDocument, PathLineSentences, Brown):
        with pytest.raises(CorpusError, match="not UTF-8") as caught:
            list(reader(path))
        line = "" if reader is Text8 else ", line 2"
        assert caught.value.position == f"byte 8{line}"
    assert list(Text8(path, errors="replace")) == [["one", "two", "\ufffd"]]
    assert list(PathLineSentences(path, errors="ignore")) == [["one"], ["two"]]
    assert [d.words for d in TaggedLineDocument(path, errors="ignore")] == [["one"], ["two"]]


BROWN = [
    "The/at",
    "Jury/nn-tl",
    "1/2/cd",
    "./.",
    "not/*",
    "isn't/bez*",
    "plain",
    "\u0130x/np",
    "/nn",
]


@pytest.fixture
def brown(tmp_path):
    rng = random.Random(5)
    for name in ("cb02", "ca01", "README"):
        lines = ["\t" + " ".join(rng.choices(BROWN, k=rng.randrange(9))) for _ in range(99)]
        (tmp_path / name).write_text("\n\n".join(lines))
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_brown(brown):
    theirs = list(word2vec.BrownCorpus(str(brown)))
    ours = list(Brown(brown))
    assert sorted(ours) == sorted(theirs)
    by_file = [list(word2vec.BrownCorpus(str(brown)))]  # in the order of the folder
    assert len(by_file[0]) == len(ours)
    assert ours == [row for name in ("README", "ca01", "cb02") for row in Brown(brown / name)]


def test_tagged_brown(brown):
    theirs = {tags[0]: words for words, tags in doc2vec.TaggedBrownCorpus(str(brown))}
    ours = list(TaggedBrown(brown))
    assert {f"{brown}/{tags[0]}": words for words, tags in ours} == theirs
    assert len(ours) == len(theirs)
    names = [tags[0].partition("_")[0] for _, tags in ours]
    assert names == sorted(names)


def test_documents_give_a_model_the_same_tags():
    rng = random.Random(2)
    made = [
        TaggedDocument(rng.choices(WORDS, k=rng.randrange(9)), [f"t{i % 7}", f"u{i}"])
        for i in range(50)
    ]
    theirs = [doc2vec.TaggedDocument(*document) for document in made]
    assert list(Documents(made)) == theirs
    assert list(Documents(theirs)) == made


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(texts(), texts())
def test_simple_preprocess(one, other):
    corpus = Documents([TaggedDocument([one], ["1"]), TaggedDocument([other], ["2"])])
    text = pa.record_batch({"text": [one, other, None]})
    for deacc in (False, True):
        expected = [gensim_utils.simple_preprocess(row, deacc=deacc) for row in (one, other)]
        assert [d.words for d in corpus.simple_preprocess(deacc=deacc)] == expected
        step = Sentences([]).simple_preprocess(deacc=deacc).transform
        assert step.rows(text)["words"].to_pylist() == [*expected, []]
        assert [simple_preprocess(row, deacc) for row in (one, other)] == expected
        assert simple_preprocess(one.encode("utf-8", "surrogatepass"), deacc) == expected[0]
        assert step.rows(text.slice(1))["words"].to_pylist() == [expected[1], []]


def test_simple_preprocess_bounds():
    words = [
        "a",
        "ab",
        "abc",
        "_ab",
        "ab_c",
        "12ab",
        "abcdefghijklmnop",
        "\u00c9T\u00c9",
        "x\u00b2y",
        "\u0660\u0661",
    ]
    for bounds in ({}, {"min_len": 1, "max_len": 3}, {"min_len": 0, "max_len": 99}):
        expected = [gensim_utils.simple_preprocess(" ".join(words), **bounds)]
        assert list(Sentences([words]).simple_preprocess(**bounds)) == expected
        assert [simple_preprocess(" ".join(words), **bounds)] == expected
    broken = b"the \xff\xfemill \xc3\x89t\xc3\xa9"
    assert simple_preprocess(broken) == gensim_utils.simple_preprocess(broken)
    assert signature(simple_preprocess).parameters["max_len"].default == 15


def test_word2vec_reads_the_same_corpus(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = word2vec.Word2Vec(vector_size=4, min_count=1)
        model.build_vocab(PathLineSentences(folder))
    shards = encode(PathLineSentences(folder))
    counts = {}
    for shard in shards:
        for word, count in zip(shard.words.to_pylist(), shard.counts.tolist(), strict=True):
            counts[word] = counts.get(word, 0) + count
    assert counts == {w: model.wv.get_vecattr(w, "count") for w in model.wv.key_to_index}
    assert np.sum(list(counts.values())) == shards.tokens
