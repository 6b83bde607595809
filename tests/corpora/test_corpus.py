"""A corpus is a value: read again, joined, transformed, pickled."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pytest

from corpora import LineSentence, RowTransform, Sentences, encode
from corpora.corpus import Chain, Corpus
from corpora.part import Part


@pytest.fixture
def two(tmp_path):
    (tmp_path / "a.txt").write_text("A one\nA two\n")
    (tmp_path / "b.txt").write_text("B one\n")
    return LineSentence(tmp_path / "a.txt"), LineSentence(tmp_path / "b.txt")


@dataclass(frozen=True)
class Shout(RowTransform):
    """A transform of somebody's own."""

    def rows(self, batch):
        return batch.set_column(0, "text", pa.array([f"{row}!" for row in batch[0].to_pylist()]))


def test_it_can_be_read_again(two):
    corpus = two[0] + two[1]
    assert list(corpus) == list(corpus) == [["A", "one"], ["A", "two"], ["B", "one"]]
    assert [part.label[-5:] for part in corpus.parts()] == ["a.txt", "b.txt"]


def test_transforms_go_where_they_are_put(two):
    a, b = two
    assert list((a + b).lowercase().take(2)) == [["a", "one"], ["a", "two"]]
    assert list(a.lowercase() + b) == [["a", "one"], ["a", "two"], ["B", "one"]]
    assert list((a.take(1) + b).then(Shout())) == [["A", "one!"], ["B", "one!"]]
    assert list(a.take(0)) == list(a.take(0).lowercase()) == []
    assert list(a.take(99)) == list(a)


def test_fingerprints_follow_the_transforms(two):
    a, b = two

    def prints(corpus):
        return [part.fingerprint for part in corpus.parts()]

    every = [
        a,
        b,
        a.lowercase(),
        a.take(1),
        a.take(2),
        a.lowercase().take(1),
        a.take(1).lowercase(),
    ]
    every += [(a + b).take(1), (b + a).take(1)]
    found = [tuple(prints(corpus)) for corpus in every]
    assert len(set(found)) == len(every)
    assert prints(a + b) == prints(a) + prints(b)
    assert prints(a.lowercase()) == prints(a.lowercase())
    assert prints((a + Sentences([["x"]])).take(1)) == [None]
    assert (a + b).take(1).parts()[0].label.endswith("a.txt and 1 more")


def test_it_pickles_and_compares(two):
    corpus = (two[0] + two[1]).lowercase().take(2)
    copy = pickle.loads(pickle.dumps(corpus))
    assert copy == corpus
    assert list(copy) == list(corpus)
    for part in pickle.loads(pickle.dumps((two[0] + two[1]).lowercase().parts())):
        assert sum(batch.num_rows for batch in part.read()) > 0


def test_a_chain_is_flat(two):
    a, b = two
    assert (a + b) + (b + a) == Chain((a, b, b, a))
    with pytest.raises(TypeError):
        a + 1


def test_taking_reads_no_further():
    class Endless(Corpus):
        def parts(self):
            return [Part("endless", None, self.read)]

        def read(self) -> Iterator[pa.RecordBatch]:
            self.made = 0
            while True:
                self.made += 1
                yield pa.record_batch({"text": ["a b", None]})

    corpus = Endless()
    assert list(corpus.take(3)) == [["a", "b"], [], ["a", "b"]]
    assert corpus.made == 2


def test_reading_stops_when_the_reader_does(tmp_path):
    (tmp_path / "a.txt").write_text("word\n" * 2_000_000)
    rows = iter(LineSentence(tmp_path / "a.txt"))
    assert next(rows) == ["word"]
    rows.close()


def test_what_is_no_corpus_is_refused():
    with pytest.raises(TypeError, match=r"takes a corpus, not list: Sentences\(\.\.\.\)"):
        encode([["a"]])
