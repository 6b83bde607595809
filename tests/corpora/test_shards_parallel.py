"""Encoding on several threads: the same shards as on one, in the same order; errors end it."""

import threading
import time
import traceback

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import texts

import corpora.shards.encoder
from corpora import CorpusError, LineSentence, Sentences, encode
from corpora.corpus import Corpus
from corpora.part import Part
from corpora.shards.encoder import Bounds
from corpora.tokens.interner import Interner
from corpora.tokens.side_by_side import StoppedError
from corpora.tokens.units import tokenised, units


class Made(Corpus):
    """Parts with the batches given; identified ones have a fingerprint."""

    def __init__(self, *parts, identified=True):
        self.all, self.identified = parts, identified

    def parts(self):
        return [
            Part(f"part {i}", f"fingerprint {i}" if self.identified else None, read)
            for i, read in enumerate(self.all)
        ]


def texts_of(rows, size=3, tags=None):
    def read():
        for at in range(0, len(rows), size):
            columns = {"text": pa.array(rows[at : at + size], pa.string())}
            if tags:
                columns["tags"] = pa.array(tags[at : at + size], pa.list_(pa.string()))
            yield pa.RecordBatch.from_pydict(columns)

    return read


def everything(shards):
    """All that a shard says of itself and holds, bit for bit."""
    return [
        (
            shard.fingerprint,
            shard.source,
            shard.rows,
            shard.tokens,
            shard.split,
            shard.words.to_pylist(),
            shard.counts.tolist(),
            shard.tags and shard.tags.to_pylist(),
            [batch.to_pydict() for batch in shard.batches()],
        )
        for shard in shards
    ]


def bounded(**bounds):
    patch = pytest.MonkeyPatch()
    patch.setattr(corpora.shards.encoder, "Bounds", lambda: Bounds(**bounds))
    return patch


ROWS = st.lists(texts(), max_size=30)


@settings(max_examples=25)
@given(ROWS, st.integers(1, 9), st.integers(1, 400), st.integers(1, 200), st.integers(1, 50))
def test_the_same_shards_for_any_number_of_workers(rows, size, text_bytes, tokens, words):
    tags = [row.split()[:2] for row in rows]
    corpus = Made(texts_of(rows, size), texts_of(rows[::-1], size, tags[::-1]), texts_of(rows))
    small = bounded(
        shard_tokens=tokens, shard_words=words, batch_tokens=16, batch_rows=4, text_bytes=text_bytes
    )
    with small.context():
        found = [everything(encode(corpus, workers=n)) for n in (1, 2, 7)]
    small.undo()
    assert found[0] == found[1] == found[2]
    assert sum(shard[2] for shard in found[0]) == 3 * len(rows)


@settings(max_examples=25)
@given(ROWS, st.integers(100, 6000))
def test_the_same_shards_where_dictionaries_fill_up(rows, word_bytes):
    rows = [" ".join(row.split()[:20])[:60] for row in rows] + [f"w{i}" for i in range(400)]
    small = bounded(word_bytes=max(word_bytes, 1500), text_bytes=300, batch_tokens=64)
    found = [everything(encode(Made(texts_of(rows)), workers=n)) for n in (1, 3)]
    small.undo()
    assert found[0] == found[1]


def test_merging_happens_up_to_a_full_dictionary():
    one, two = Interner(most_bytes=4096), Interner()
    two.split(pa.array([" ".join(f"{i:07d}" for i in range(100))]))
    assert one.fits(two)
    one.absorb(two)
    assert one.fits(two)
    two.split(pa.array([" ".join(f"x{i:07d}" for i in range(100))]))
    assert not one.fits(two)


def test_units_hold_about_so_much_text():
    batches = [pa.record_batch({"text": ["x" * 100] * n}) for n in (1, 3, 50, 1)]
    batches.append(pa.record_batch({"text": ["x" * 5000, "y"]}))
    batches.append(pa.record_batch({"text": pa.array([], pa.string())}))
    made = list(units(batches, 1000))
    assert all(made)
    rows = [row for unit in made for batch in unit for row in batch["text"].to_pylist()]
    assert rows == [row for batch in batches for row in batch["text"].to_pylist()]
    sizes = [sum(batch.nbytes for batch in unit) for unit in made]
    assert sorted(sizes)[-2] <= 1100  # a long row is a unit of its own
    assert len(tokenised(made[0]).rows) == len(made[0])


def test_one_file_read_by_many(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{i} {i * i % 977} and {i % 7}\n" for i in range(60_000)))
    small = bounded(shard_tokens=50_000, text_bytes=1 << 14)
    found = [everything(encode(LineSentence(path), workers=n)) for n in (1, 2, 3, 8)]
    small.undo()
    assert len(found[0]) > 3
    assert all(other == found[0] for other in found)


def test_files_side_by_side_keep_their_order(tmp_path):
    for i in range(40):
        (tmp_path / f"{i:02d}.txt").write_text(f"file {i}\n" * (1 + (40 - i) * 50))
    corpus = LineSentence(str(tmp_path / "*.txt"))
    cache = tmp_path / "cache"
    seen = []
    shards = encode(corpus, cache, lambda *done: seen.append(done), workers=4)
    assert [shard.source for shard in shards] == [f"{tmp_path}/{i:02d}.txt" for i in range(40)]
    assert seen[-1] == (shards.tokens, shards.rows)
    assert seen == sorted(seen)
    assert everything(shards) == everything(encode(corpus, workers=1))
    again = encode(corpus + corpus, cache, workers=4)
    assert (again.reused, len(again)) == (80, 80)
    assert encode(corpus + corpus, tmp_path / "other", workers=4).reused == 40


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_is_the_callers_own_is_read_on_the_callers_thread(workers):
    threads = []

    class Own:
        def __iter__(self):
            threads.append(threading.current_thread())
            yield ["a", "b"]

    corpus = Sentences(Own()) + Sentences(Own())
    reported = []
    encode(corpus, report=lambda *_: reported.append(threading.current_thread()), workers=workers)
    assert set(threads + reported) == {threading.current_thread()}
    assert len(threads) == 2


def endless(step=0.0, ended=None):
    def read():
        try:
            while True:
                time.sleep(step)
                yield pa.record_batch({"text": ["some words"] * 100})
        finally:
            if ended is not None:
                ended.append(True)

    return read


def failing():
    yield pa.record_batch({"text": ["fine"]})
    time.sleep(0.05)
    raise CorpusError("it broke", url="b.txt")


@pytest.mark.parametrize("workers", [2, 4])
def test_an_error_in_one_file_ends_the_others(tmp_path, workers):
    ended = []
    corpus = Made(endless(0.001, ended), failing, endless(0.001, ended))
    begun = time.monotonic()
    with pytest.raises(CorpusError, match=r"b\.txt: it broke") as caught:
        encode(corpus, tmp_path / "cache", workers=workers)
    assert time.monotonic() - begun < 10
    assert "failing" in [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert len(ended) in {1, 2}  # none goes on; the last may not even have begun
    assert list((tmp_path / "cache").iterdir()) == []
    assert not any(t.name.startswith("millrace-parts") and t.is_alive() for t in tidy())


def tidy():
    """Return the threads that are left after a moment."""
    deadline = time.monotonic() + 5
    while len(threading.enumerate()) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    return threading.enumerate()


def test_an_error_of_the_caller_ends_the_files(tmp_path):
    class Own:
        def __iter__(self):
            yield ["a"]
            raise RuntimeError("mine")

    class Both(Corpus):
        def parts(self):
            return [*Made(endless(0.001)).parts(), *Sentences(Own()).parts()]

    with pytest.raises(RuntimeError, match="mine"):
        encode(Both(), workers=2)

    def report(tokens, rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(Made(endless(0.001), endless(0.001)), report=report, workers=2)
    assert not any(t.name.startswith("millrace-parts") for t in tidy())


def test_an_error_while_tokenising_is_raised_where_it_belongs():
    wrong = pa.record_batch({"text": pa.array([[1]])})

    def read():
        yield pa.record_batch({"text": ["a b"]})
        yield wrong

    with pytest.raises(pa.ArrowNotImplementedError) as caught:
        encode(Made(read, identified=False), workers=4)
    assert "tokenised" in [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert not issubclass(StoppedError, CorpusError)


def test_workers_are_counted_from_one():
    with pytest.raises(ValueError, match="at least 1"):
        encode(Sentences([]), workers=0)


def test_memory_does_not_grow_with_the_part():
    made = taken = most = 0

    def read():
        nonlocal made, most
        for _ in range(200):
            made += 1
            most = max(most, made - taken)
            yield pa.record_batch({"text": ["a b c d"] * 50})

    def report(tokens, rows):
        nonlocal taken
        taken = rows // 50

    small = bounded(text_bytes=1 << 10)
    encode(Made(read), report=report, workers=3)
    small.undo()
    assert most <= 8
