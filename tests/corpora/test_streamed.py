"""Shards without a cache: the same as with one in every pass, or an error before wrong ids."""

import gzip
import os
import pickle
import tempfile
import threading
import time
from dataclasses import replace
from itertools import chain

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora.shards.encoder
from corpora import CorpusError, Documents, LineSentence, Sentences, TaggedLineDocument, encode
from corpora.corpus import Corpus
from corpora.shards.encoder import Bounds
from corpora.shards.streamed import BESIDE

ROWS = st.lists(
    st.lists(st.text(st.sampled_from("abc \u3000"), max_size=4), max_size=12), max_size=40
)


ONE = [[f"w{i % 9}", "is", f"w{i % 4}"] for i in range(40)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Bounds so small that a few rows fill batches and shards."""
    bounds = Bounds(shard_tokens=40, batch_tokens=8, batch_rows=4, text_bytes=64)
    monkeypatch.setattr(corpora.shards.encoder, "Bounds", lambda: bounds)


@pytest.fixture
def files(tmp_path):
    def lines(first):
        return "".join(f"{i} {i % 7} is A number {'x ' * (i % 5)}\n" for i in range(first, 300))

    (tmp_path / "a.txt").write_text(lines(0))
    (tmp_path / "b.txt").write_bytes(b"")
    (tmp_path / "c.txt").write_bytes(gzip.compress(lines(100).encode()))
    (tmp_path / "d.txt").write_text(lines(250))
    (tmp_path / "e.txt").write_text("")
    return tmp_path


def whole(shards):
    """All there is in shards, as Python objects."""
    return [
        (
            (shard.fingerprint, shard.source, shard.rows, shard.tokens, shard.split),
            (shard.words.to_pylist(), shard.counts.tolist()),
            None if shard.tags is None else (shard.tags.to_pylist(), shard.tag_counts.tolist()),
            [batch.to_pydict() for batch in shard.batches()],
        )
        for shard in shards
    ]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "corpus",
    [
        LineSentence,
        lambda url: LineSentence(url, max_sentence_length=3).lowercase().filter(min_tokens=2),
        lambda url: TaggedLineDocument(url).sample(0.5),
        lambda url: LineSentence(url).shuffle(50) + Documents([(["a", "b"], [1, 2])] * 9),
    ],
)
def test_every_pass_gives_what_a_cache_has(files, corpus, workers):
    corpus = corpus(f"{files}/*.txt")
    shards = encode(corpus, cache=False, workers=workers)
    kept = whole(encode(corpus))
    assert len(kept) > 3
    for _ in range(2):
        assert whole(shards) == kept


@given(ROWS)
def test_any_rows(rows):
    assert whole(encode(Sentences(rows), cache=False)) == whole(encode(Sentences(rows)))


def test_nothing_is_written(files, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    before = sorted(tmp_path.rglob("*"))
    whole(encode(LineSentence(f"{files}/*.txt"), cache=False))
    assert sorted(tmp_path.rglob("*")) == before


def test_shards_in_any_order_and_side_by_side(files):
    corpus = LineSentence(f"{files}/*.txt")
    shards, kept = encode(corpus, cache=False), encode(corpus)
    assert whole(shards[::-1]) == whole(kept[::-1])
    pairs = [zip(s.batches(), s.batches(), strict=True) for s in shards]
    for (one, other), batch in zip(chain(*pairs), chain(*(s.batches() for s in kept)), strict=True):
        assert one.equals(other)
        assert one.equals(batch)


def test_a_pass_reads_the_text_once(files, monkeypatch):
    opened = []
    rows = LineSentence.rows
    monkeypatch.setattr(
        LineSentence, "rows", lambda self, source: opened.append(source.label) or rows(self, source)
    )
    shards = encode(LineSentence(f"{files}/*.txt"), cache=False)
    for _ in range(2):
        whole(shards)
    assert sorted(opened) == sorted(3 * [str(path) for path in files.iterdir()])


class Watched:
    """Rows that take a while, and how many of their like were being read at once."""

    active = most = 0

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        Watched.active += 1
        Watched.most = max(Watched.most, Watched.active)
        for row in self.rows:
            time.sleep(0.005)
            yield row
        Watched.active -= 1


@pytest.mark.parametrize("identified", [True, False])
def test_files_are_read_side_by_side_but_not_the_callers_own_code(monkeypatch, identified):
    monkeypatch.setattr(Watched, "most", 0)

    class Many(Corpus):
        def parts(self):
            found = [Sentences(Watched(ONE[:9])).parts()[0] for _ in range(8)]
            return [
                replace(p, fingerprint=f"{i}" * identified or None) for i, p in enumerate(found)
            ]

    shards = encode(Many(), cache=False, workers=1)
    assert Watched.most == 1
    whole(shards)
    assert (1 < Watched.most <= BESIDE) if identified else Watched.most == 1


def test_a_pass_left_in_the_middle_leaves_no_thread(files):
    shards = encode(LineSentence(f"{files}/*.txt"), cache=False)
    for number in (0, 3):
        batches = shards[number].batches()
        next(batches)
        batches.close()
    list(shards[0].batches())  # the pass stands before shard 1 now
    del shards, batches
    assert not [t for t in threading.enumerate() if t.name == "millrace-readahead"]


def test_they_pickle(files):
    shards = encode(LineSentence(f"{files}/*.txt"), cache=False)
    list(shards[0].batches())
    assert whole(pickle.loads(pickle.dumps(shards))) == whole(shards)


class Fickle:
    """Rows that are others in the second pass and later."""

    def __init__(self, *passes):
        self.passes = passes
        self.number = 0

    def __iter__(self):
        rows = self.passes[min(self.number, len(self.passes) - 1)]
        self.number += 1
        return iter(rows)


@pytest.mark.parametrize(
    ("second", "good"),
    [
        pytest.param(ONE[:-1], 38, id="a row less"),
        pytest.param([*ONE, ["w1"]], 40, id="a row more"),
        pytest.param([*ONE, *ONE], 40, id="shards more"),
        pytest.param([], 0, id="nothing"),
        pytest.param(ONE[:20], 20, id="half"),
        pytest.param([*ONE[:30], ONE[31], ONE[30], *ONE[32:]], 30, id="another order"),
        pytest.param([[word + "s" for word in row] for row in ONE], 15, id="other words"),
    ],
)
def test_a_text_that_has_changed_is_told_before_wrong_ids(second, good):
    shards = encode(Sentences(Fickle(ONE, second)), cache=False)
    got = []
    with pytest.raises(CorpusError, match="not the one that the first pass has counted") as raised:
        got.extend(row for shard in shards for b in shard.batches() for row in b["tokens"])
    assert len(got) <= good
    assert "sentences in memory" in str(raised.value)
    kept = encode(Sentences(ONE))
    assert got == [r for shard in kept for b in shard.batches() for r in b["tokens"]][: len(got)]


def test_a_part_that_was_empty_has_to_stay_so():
    corpus = Sentences(ONE) + Sentences(Fickle([], [["new"]]))
    with pytest.raises(CorpusError, match="after row 0"):
        whole(encode(corpus, cache=False))


def test_a_file_that_changes_between_two_passes(files):
    shards = encode(LineSentence(f"{files}/*.txt"), cache=False)
    whole(shards)
    path = files / "c.txt"
    path.write_text("quite another text\n")
    os.utime(path, (1, 1))
    with pytest.raises(CorpusError, match="changed while it was being read"):
        whole(shards)


def test_an_error_of_a_later_pass_is_raised_as_it_is():
    class Broken(Fickle):
        def __iter__(self):
            yield from super().__iter__()
            if self.number == 2:
                raise KeyError("mine")

    shards = encode(Sentences(Broken(ONE)), cache=False)
    with pytest.raises(KeyError, match="mine"):
        whole(shards)
    assert whole(shards) == whole(encode(Sentences(ONE)))


def test_batches_are_record_batches_of_int32():
    (batch,) = next(iter(encode(Sentences([["a"]]), cache=False))).batches()
    assert batch.schema == pa.schema({"tokens": pa.list_(pa.int32())})
