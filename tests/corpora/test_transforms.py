"""Transforms: which rows stay, in which order, whatever batches and parts they come in."""

import pickle
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from texts import texts

from corpora import CorpusError, Documents, LineSentence, Sentences, TaggedLineDocument, encode
from corpora.corpus import Corpus
from corpora.part import Part
from corpora.rows.draws import draws, uniform
from corpora.transform import TRANSFORMS
from corpora.transforms.normalize import Normalize
from corpora.transforms.tokenize import Tokenize


@dataclass(frozen=True)
class Given(Corpus):
    """A corpus of given parts, each a list of batches."""

    batches_of_parts: tuple

    def parts(self):
        return [
            Part(f"part {i}", f"print {i}", lambda batches=batches: iter(batches))
            for i, batches in enumerate(self.batches_of_parts)
        ]


def numbers(n, cuts=(), first=0):
    """Rows "0" to n - 1, in batches cut at the given places; some of them empty."""
    edges = [0, *sorted(cut % (n + 1) for cut in cuts), n]
    rows = [str(first + i) for i in range(n)]
    return tuple(
        pa.record_batch({"text": pa.array(rows[a:b], pa.string())}) for a, b in pairwise(edges)
    )


def read(corpus):
    return [int(word) for (word,) in corpus]


cuts = st.lists(st.integers(0, 1000), max_size=5)

ANY = [
    lambda corpus: corpus.take(17),
    lambda corpus: corpus.skip(17),
    lambda corpus: corpus.sample(0.3),
    lambda corpus: corpus.sample(0.3, seed=2),
    lambda corpus: corpus.shuffle(10),
    lambda corpus: corpus.shuffle(7, seed=3),
    lambda corpus: corpus.shuffle(1000),
    lambda corpus: corpus.shard(1, 3),
    lambda corpus: corpus.filter(column="text", one_of=("3", "44")),
    lambda corpus: corpus.filter(min_tokens=1, max_tokens=1),
]


@pytest.mark.parametrize("step", ANY)
@settings(max_examples=40)
@given(st.integers(0, 60), cuts)
def test_batches_make_no_difference(step, n, cuts):
    whole = step(Given((numbers(n),)))
    assert read(step(Given((numbers(n, cuts),)))) == read(whole) == read(whole)
    assert set(read(whole)) <= set(range(n))


@pytest.mark.parametrize("step", ANY)
def test_they_pickle_compare_and_have_fingerprints(step, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"{i}\n" for i in range(50)))
    corpus = step(LineSentence(tmp_path / "a.txt"))
    copy = pickle.loads(pickle.dumps(corpus))
    assert copy == corpus
    assert list(copy) == list(corpus)
    (part,) = corpus.parts()
    assert part.fingerprint == copy.parts()[0].fingerprint
    others = {other(LineSentence(tmp_path / "a.txt")).parts()[0].fingerprint for other in ANY}
    assert len(others) == len(ANY)


@settings(max_examples=60)
@given(st.integers(0, 60), st.integers(2, 30), st.integers(-5, 5))
def test_shuffling_loses_nothing(n, buffer, seed):
    mixed = read(Given((numbers(n),)).shuffle(buffer, seed))
    assert sorted(mixed) == list(range(n))
    assert all(row < place + buffer for place, row in enumerate(mixed))  # forward: less than that


def test_shuffling_is_thorough():
    mixed = read(Given((numbers(10_000),)).shuffle(1000))
    moves = np.array(mixed) - np.arange(10_000)
    assert abs(moves).mean() > 250
    assert read(Given((numbers(10_000),)).shuffle(1000, seed=2)) != mixed
    small = [tuple(read(Given((numbers(3),)).shuffle(9, seed))) for seed in range(600)]
    assert set(Counter(small)) == {
        (0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)
    }  # fmt: skip
    assert min(Counter(small).values()) > 60


def test_shuffling_rows_of_other_columns():
    documents = Documents([(["a b"], ["x"]), (["c"], [7])])
    corpus = documents + Sentences([["d"]]) + Given((numbers(2),))
    rows = list(corpus.shuffle(4))
    expected = [(["a b"], ["x"]), (["c"], [7]), (["d"], []), (["0"], []), (["1"], [])]
    assert sorted(rows) == sorted(expected)


def test_sampling():
    n = 20_000
    for fraction in (0.0, 0.01, 0.5, 1.0):
        kept = read(Given((numbers(n),)).sample(fraction))
        assert kept == sorted(set(kept))
        assert abs(len(kept) - n * fraction) < 4 * (n * fraction * (1 - fraction)) ** 0.5 + 1
    half = set(read(Given((numbers(n),)).sample(0.5)))
    other = set(read(Given((numbers(n),)).sample(0.5, seed=2)))
    assert abs(len(half & other) - n / 4) < 400
    single = Given(tuple(numbers(1, first=i) for i in range(1000)))
    assert 420 < len(read(single.sample(0.5))) < 580


def test_more_files_change_no_sample(tmp_path):
    for name in ("b", "d"):
        (tmp_path / name).write_text("".join(f"{name} {i}\n" for i in range(200)))
    corpus = LineSentence(f"{tmp_path}/*").sample(0.4)
    before = list(corpus)
    (tmp_path / "a").write_text("new\n" * 50)
    (tmp_path / "c").write_text("new\n" * 50)
    assert [row for row in corpus if row != ["new"]] == before


@settings(max_examples=50)
@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 5), st.sampled_from(["row", "file"]))
def test_shards_are_the_corpus(sizes, of, by):
    corpus = Given(tuple(numbers(n, first=100 * i) for i, n in enumerate(sizes)))
    shares = [read(corpus.shard(i, of, by=by)) for i in range(of)]
    assert sorted(chain(*shares)) == read(corpus)
    if by == "row":
        assert max(map(len, shares)) - min(map(len, shares)) <= len(sizes)


def test_one_row_files_are_dealt_out():
    corpus = Given(tuple(numbers(1, first=i) for i in range(6)))
    assert [read(corpus.shard(i, 3)) for i in range(3)] == [[0, 3], [1, 4], [2, 5]]
    parts = [p.fingerprint for p in corpus.shard(0, 3).parts() + corpus.shard(1, 3).parts()]
    assert len(set(parts)) == 12


def test_what_was_cut_from_one_row_stays_together(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a a a a\nb b b b b b b b\n" * 50)
    corpus = TaggedLineDocument(path, max_document_length=3)
    whole = Counter(document.tags[0] for document in corpus)
    for some in (corpus.sample(0.5), corpus.shard(1, 3)):
        kept = Counter(document.tags[0] for document in some)
        assert 0 < len(kept) < len(whole)
        assert all(whole[tag] == n for tag, n in kept.items())
        assert encode(some).split > 0


def test_interleaving():
    a, b, c = (Given((numbers(n, first=first),)) for n, first in ((6, 0), (3, 10), (2, 20)))
    assert read((a + b).interleave()) == [0, 10, 1, 11, 2, 12, 3, 4, 5]
    assert read((a + b).interleave((2, 1))) == [0, 1, 10, 2, 3, 11, 4, 5, 12]
    assert read((a + b + c).interleave((3, 2, 1)))[:6] == [0, 10, 1, 2, 11, 20]
    assert read(a.interleave()) == read(a)
    with pytest.raises(CorpusError, match="2 weights for 3 corpora"):
        read((a + b + c).interleave((1, 1)))
    for weights in ((1, 0), (1, -1), (1, float("inf")), (1, float("nan")), (True, 1), ("1", 1)):
        with pytest.raises(ValueError, match="weights must be"):
            (a + b).interleave(weights)
    # A link is a corpus, however many parts it has, and behind whatever transforms.
    two = Given((numbers(2), numbers(2, first=2)))
    assert read((two.take(9) + b).interleave()) == [0, 10, 1, 11, 2, 12, 3]
    prints = {(x + y).interleave(w).parts()[0].fingerprint for x, y, w in
              [(two, b, None), (b, two, None), (two, b, (1, 2))]}  # fmt: skip
    assert len(prints) == 3


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), cuts, st.integers(1, 9)), min_size=1, max_size=4))
def test_interleaving_loses_nothing(sources):
    weights = tuple(float(weight) for _, _, weight in sources)
    joined = Given((numbers(sources[0][0], sources[0][1]),))
    plain = Given((numbers(sources[0][0]),))
    for i, (n, cuts, _) in enumerate(sources[1:], 1):
        joined += Given((numbers(n, cuts, first=100 * i),))
        plain += Given((numbers(n, first=100 * i),))
    mixed = read(joined.interleave(weights))
    assert mixed == read(plain.interleave(weights))
    assert sorted(mixed) == read(joined)
    for i in range(len(sources)):
        own = [row for row in mixed if row // 100 == i]
        assert own == sorted(own)


def test_filter():
    rows = Sentences([["a"], ["a", "b"], [], ["a", "b", "c"]])
    assert list(rows.filter(min_tokens=1)) == [["a"], ["a", "b"], ["a", "b", "c"]]
    assert list(rows.filter(max_tokens=0)) == [[]]
    text = pa.record_batch({"text": ["a\u3000b", None, "x", "y"], "n": [1, 2, None, 4]})
    corpus = Given(((text,),))
    assert list(corpus.filter(min_tokens=2)) == [["a", "b"]]
    assert list(corpus.filter(column="n", at_least=2)) == [[], ["y"]]
    assert list(corpus.filter(column="n", one_of=(1, 4), max_tokens=1)) == [["y"]]
    assert list(corpus.filter(column="n", at_most=1.5)) == [["a", "b"]]
    assert list(corpus.filter(column="text", one_of=("x",))) == [["x"]]
    with pytest.raises(CorpusError, match='"n" is int64, and can\'t be compared'):
        list(corpus.filter(column="n", at_least="2"))
    with pytest.raises(CorpusError, match='"n" is int64, and can\'t be compared'):
        list(corpus.filter(column="n", one_of=("two",)))
    with pytest.raises(ValueError, match="give min_tokens or max_tokens, or column"):
        rows.filter()
    with pytest.raises(ValueError, match="need a column"):
        rows.filter(at_least=3)
    with pytest.raises(ValueError, match="column needs one_of"):
        rows.filter(column="n")
    with pytest.raises(ValueError, match="min_tokens must be at least 0"):
        rows.filter(min_tokens=-1)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.none() | texts(), max_size=4), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_normalize(rows, form):
    column = pa.array(["before", *rows], pa.string()).slice(1)
    made = Normalize(form).rows(pa.record_batch({"text": column}))
    expected = [None if row is None else unicodedata.normalize(form, row) for row in rows]
    assert made["text"].to_pylist() == expected
    words = pa.array([["before"], [row or "" for row in rows], []])
    made = Normalize(form).rows(pa.record_batch({"words": words}).slice(1))
    assert made["words"].to_pylist() == [[row or "" for row in expected], []]


def test_tokenize():
    text = Given(((pa.record_batch({"text": ["don't \u0434\u0430, 3rd", None, "..."]}),),))
    assert list(text.tokenize()) == [["don", "t", "\u0434\u0430", "3rd"], [], []]
    assert list(text.tokenize(r"(?i)[a-z']+")) == [["don't", "rd"], [], []]
    assert list(text.tokenize(r"(\w)\w*")) == [["d", "t", "\u0434", "3"], [], []]
    assert next(iter(text.tokenize(r"\w*"))) == ["don", "t", "\u0434\u0430", "3rd"]
    assert list(Sentences([["new york", "city"]]).tokenize(r"\w+ \w+")) == [["new york"]]
    for wrong, message in (("(", "is not: missing"), ("(a)(b)", "one group at most, not 2")):
        with pytest.raises(ValueError, match=message):
            text.tokenize(wrong)
    assert pickle.loads(pickle.dumps(Tokenize("a"))) == Tokenize("a")


def shout(row):
    return [f"{word}!" for word in row.split()] if row != "drop" else None


def upper(batch):
    return batch.set_column(0, "text", pa.array([row.upper() for row in batch[0].to_pylist()]))


def test_functions_of_ones_own(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b\ndrop\nc\n")
    corpus = LineSentence(path)
    assert list(corpus.map(shout)) == [["a!", "b!"], ["c!"]]
    assert list(corpus.map(str.upper)) == [["A", "B"], ["DROP"], ["C"]]
    assert list(corpus.map_batches(upper)) == [["A", "B"], ["DROP"], ["C"]]
    documents = TaggedLineDocument(path).map(shout)
    assert list(documents) == [(["a!", "b!"], ["a.txt:1"]), (["c!"], ["a.txt:3"])]
    copy = pickle.loads(pickle.dumps(corpus.map(shout)))
    assert list(copy) == list(corpus.map(shout))
    assert corpus.map(shout).parts()[0].fingerprint is None
    named = {corpus.map(shout, name=name).parts()[0].fingerprint for name in ("shout 1", "shout 2")}
    assert (
        len(named | {None, corpus.map_batches(upper, name="shout 1").parts()[0].fingerprint}) == 4
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda row: 5, "returned int for the rows"),
        (lambda row: "a" if row == "a" else ["b"], "returned list, str for the rows"),
        (lambda row: [row, 5], "returned what is not text"),
        (lambda row: "\ud800", "returned what is not text"),
    ],
)
def test_a_function_that_returns_something_else(function, message):
    corpus = Given(((pa.record_batch({"text": ["a", "b"]}),),))
    with pytest.raises(CorpusError, match=message):
        list(corpus.map(function))
    for batch in (None, pa.record_batch({"n": [1]})):
        with pytest.raises(CorpusError, match="returned"):
            list(corpus.map_batches(lambda _, batch=batch: batch))


def test_skip_and_take():
    corpus = Given((numbers(5), numbers(5, first=5)))
    assert read(corpus.skip(3).take(4)) == [3, 4, 5, 6]
    assert read(corpus.skip(99)) == read(corpus.take(0)) == []


def test_every_transform_of_a_recipe_is_a_method():
    for name in TRANSFORMS.names():
        assert callable(getattr(Corpus, name)), name


def test_draws_never_change():
    assert [hex(int(x)) for x in draws(1234567, 0, 3)] == [
        "0x599ed017fb08fc85",
        "0x2c73f08458540fa5",
        "0x883ebce5a3f27c77",
    ]
    assert uniform(3, 5, 4).tolist() == uniform(3, 0, 9)[5:].tolist()
    assert draws(-1, 0, 1) == draws((1 << 64) - 1, 0, 1)
    many = uniform(1, 0, 100_000)
    assert abs(many.mean() - 0.5) < 0.005
    assert 0 <= many.min() < many.max() < 1
