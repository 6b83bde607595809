"""Token batches: the rows of the corpus, each batch with its own dictionary, nothing on disk."""

import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import texts

import corpora.tokens.token_batches
from corpora import CorpusError, LineSentence, Sentences
from corpora.corpus import Corpus
from corpora.part import Part
from corpora.tokens.units import Bounds


class Made(Corpus):
    def __init__(self, *parts):
        self.all = parts

    def parts(self):
        return [Part(f"part {i}", None, lambda p=p: iter(p)) for i, p in enumerate(self.all)]


def rows_of(batch):
    words = np.array(batch.words.to_pylist(), dtype=object)
    return [list(words[row]) for row in batch.batch["tokens"].to_pylist()]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(corpora.tokens.token_batches, "Bounds", lambda: Bounds(text_bytes=256))


@settings(max_examples=25)
@given(st.lists(texts(), max_size=20))
def test_the_rows_are_the_corpus(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora.tokens.token_batches, "Bounds", lambda: Bounds(text_bytes=256))
        corpus = Made(*[[pa.record_batch({"text": rows[i : i + 3]})] for i in range(0, 20, 3)])
        for workers in (1, 3):
            made = list(corpus.token_batches(workers=workers))
            assert [row for batch in made for row in rows_of(batch)] == [r.split() for r in rows]
            for batch in made:
                ids = [i for row in batch.batch["tokens"].to_pylist() for i in row]
                counts = np.bincount(ids, minlength=len(batch.words)).tolist()
                assert batch.counts.tolist() == counts
                assert (batch.rows, batch.tokens) == (batch.batch.num_rows, len(ids))


def test_documents(small):
    rows = [{"text": f"word {i} again", "tags": [f"t{i}", "all"]} for i in range(40)]
    corpus = Made([pa.RecordBatch.from_pylist(rows[i : i + 4]) for i in range(0, 40, 4)])
    made = list(corpus.token_batches())
    assert len(made) > 3
    assert made[0].batch.schema == pa.schema(
        [(n, pa.list_(pa.int32())) for n in ("tokens", "tags")]
    )
    assert sum(int(batch.tag_counts.sum()) for batch in made) == 80
    found = [row for batch in made for row in batch.with_words().to_pylist()]
    assert found == [{"tokens": row["text"].split(), "tags": row["tags"]} for row in rows]


def test_other_software_takes_them(small):
    made = list(Sentences([["a", "b c"], ["a"]] * 50).token_batches())
    table = pa.Table.from_batches([pa.record_batch(batch) for batch in made])
    assert table.num_rows == 100
    assert pa.record_batch(made[0]).equals(made[0].batch)
    with_words = [batch.with_words() for batch in made]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, with_words[0].schema) as stream:
        for batch in with_words:
            stream.write_batch(batch)
    back = pa.ipc.open_stream(sink.getvalue()).read_all()
    assert back["tokens"].to_pylist() == [["a", "b c"], ["a"]] * 50


def test_rows_that_were_cut_are_counted(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b c d e\n")
    (made,) = LineSentence(path, max_sentence_length=2).token_batches()
    assert (made.rows, made.split) == (3, 2)


def test_nothing_is_written_and_every_pass_starts_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", None)
    path = tmp_path / "a.txt"
    path.write_text("a b\n" * 1000)
    corpus = LineSentence(path)
    first, second = (list(corpus.token_batches()) for _ in range(2))
    assert [batch.batch for batch in first] == [batch.batch for batch in second]
    assert list(tmp_path.iterdir()) == [path]


def test_a_loop_may_stop_early_and_an_error_comes_through(small):
    ended = []

    class Own:
        def __iter__(self):
            try:
                for i in range(100_000):
                    yield [f"w{i}"] * 10
                raise CorpusError("it broke")
            finally:
                ended.append(True)

    corpus = Sentences(Own())
    batches = corpus.token_batches(workers=2)
    assert next(batches).rows > 0
    batches.close()
    assert ended == [True]
    with pytest.raises(CorpusError, match="it broke"):
        list(corpus.token_batches(workers=2))
    with pytest.raises(ValueError, match="greater than 0"):
        next(corpus.token_batches(workers=0))


def test_no_rows():
    assert list(Sentences([]).token_batches()) == []
