"""Token shards: what went in comes out, kept ones are found again, damaged ones are made anew."""

import json
import multiprocessing
import os
import pickle
import resource
import shutil

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora.shards.encoder
from corpora import CorpusError, LineSentence, MillraceError, Sentences, encode
from corpora.corpus import Corpus
from corpora.part import Part
from corpora.shards.encoder import Bounds, encode_part
from corpora.shards.shard_set import ABANDONED, MANIFEST, WORKING


class Documents(Corpus):
    """Rows with tags."""

    def __init__(self, rows, size=3):
        self.rows, self.size = rows, size

    def parts(self):
        return [Part("documents", None, self.read)]

    def read(self):
        schema = pa.schema({"text": pa.string(), "tags": pa.list_(pa.string())})
        for i in range(0, len(self.rows), self.size):
            yield pa.RecordBatch.from_pylist(self.rows[i : i + self.size], schema=schema)


def decoded(shard):
    """Every row of a shard as words, and its tags."""
    words = np.array(shard.words.to_pylist(), dtype=object)
    for batch in shard.batches():
        rows = [list(words[row]) for row in batch["tokens"].to_pylist()]
        if shard.tags is None:
            yield from rows
        else:
            names = np.array(shard.tags.to_pylist(), dtype=object)
            yield from zip(rows, (list(names[r]) for r in batch["tags"].to_pylist()), strict=True)


@pytest.fixture
def small(monkeypatch):
    """Bounds so small that a few rows fill batches and shards."""
    bounds = Bounds(shard_tokens=40, batch_tokens=8, batch_rows=4, text_bytes=64)
    monkeypatch.setattr(corpora.shards.encoder, "Bounds", lambda: bounds)
    return bounds


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{i} {i % 7} is a number {'x ' * (i % 5)}\n" for i in range(500)))
    return path


ROWS = st.lists(
    st.lists(st.text(st.sampled_from("abc \u3000"), max_size=4), max_size=12), max_size=40
)


@given(ROWS)
def test_what_goes_in_comes_out(rows):
    bounds = Bounds(shard_tokens=40, batch_tokens=8, batch_rows=4, text_bytes=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora.shards.encoder, "Bounds", lambda: bounds)
        shards = encode(Sentences(rows))
        texts = encode(Documents([{"text": " ".join(r), "tags": r[:2]} for r in rows]))
    assert [row for shard in shards for row in decoded(shard)] == rows
    assert [row for shard in texts for row in decoded(shard)] == [
        (" ".join(row).split(), row[:2]) for row in rows
    ]
    assert (shards.rows, shards.tokens) == (len(rows), sum(map(len, rows)))
    for shard in (*shards, *texts):
        batches = list(shard.batches())
        assert sum(batch.num_rows for batch in batches) == shard.rows
        assert sum(len(batch["tokens"].values) for batch in batches) == shard.tokens
        ids = [i for batch in batches for row in batch["tokens"].to_pylist() for i in row]
        assert shard.counts.tolist() == np.bincount(ids, minlength=len(shard.words)).tolist()
        assert all(b.num_rows <= 4 for b in batches)
        assert all(len(b["tokens"].values) <= 8 or b.num_rows == 1 for b in batches)


def test_the_types(text):
    (shard,) = encode(LineSentence(text))
    batch = next(shard.batches())
    assert batch.schema == pa.schema({"tokens": pa.list_(pa.int32())})
    assert (shard.words.type, shard.counts.dtype) == (pa.string(), np.int64)
    assert (shard.tags, shard.tag_counts) == (None, None)
    assert (shard.source, shard.split) == (str(text), 0)
    (tagged,) = encode(Documents([{"text": "a b", "tags": ["t"]}]))
    batch = next(tagged.batches())
    assert batch.schema == pa.schema([(n, pa.list_(pa.int32())) for n in ("tokens", "tags")])
    assert (tagged.tags.to_pylist(), tagged.tag_counts.tolist()) == (["t"], [1])


def test_shards_are_bounded(small, text):
    shards = encode(LineSentence(text))
    assert len(shards) > 10
    assert max(shard.tokens for shard in shards) <= 40 + 64
    expected = [line.split() for line in text.read_text().splitlines()]
    assert [row for shard in shards for row in decoded(shard)] == expected
    assert shards[0].words[0].as_py() == "0"
    assert len({shard.fingerprint for shard in shards}) == len(shards)
    assert len(shards[1:3]) == 2


def test_a_full_dictionary_closes_the_shard(small, text):
    small.shard_tokens, small.text_bytes, small.word_bytes = 10**9, 10**9, 1600
    expected = [line.split() for line in text.read_text().splitlines()]
    for corpus in (LineSentence(text), Sentences(expected)):
        shards = encode(corpus)
        assert len(shards) > 1
        assert [row for shard in shards for row in decoded(shard)] == expected
    documents = [{"text": " ".join(row), "tags": [f"tag {row[0]} {'x' * 9}"]} for row in expected]
    shards = encode(Documents(documents, size=200))
    assert len(shards) > 1
    rows = [row for shard in shards for row in decoded(shard)]
    assert [row for row, _ in rows] == expected
    assert [tags for _, tags in rows] == [document["tags"] for document in documents]
    for shard in shards:
        assert shard.tag_counts.tolist() == [1] * shard.rows


def test_a_row_that_no_dictionary_can_hold(small):
    small.word_bytes = 2000
    with pytest.raises(CorpusError, match="words or tags of one row"):
        encode(Sentences([["a"], [f"{i:05d}" for i in range(1000)]]))


def test_reuse(text, tmp_path):
    cache = tmp_path / "a" / "cache"
    first = encode(LineSentence(text), cache)
    assert first.reused == 0
    seen = []
    again = encode(LineSentence(text), str(cache), lambda *done: seen.append(done))
    assert (again.reused, again.tokens, again.rows) == (1, first.tokens, first.rows)
    assert seen[-1] == (first.tokens, first.rows)
    assert again[0] == first[0]
    assert again[0].words.equals(first[0].words)
    assert encode(LineSentence(text).lowercase(), cache).reused == 0
    assert encode(LineSentence(text, limit=3), cache).reused == 0
    assert encode(LineSentence(text, max_sentence_length=3), cache).reused == 0
    assert encode(LineSentence(text) + LineSentence(text), cache).reused == 2
    with text.open("a") as file:
        file.write("more\n")
    assert encode(LineSentence(text), cache).reused == 0
    assert {path.name[:8] for path in cache.iterdir()}.isdisjoint({WORKING[:8]})


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "manifest", "empty", "format", "lie"])
@pytest.mark.parametrize("which", ["tokens", "words"])
def test_a_damaged_set_is_made_anew(text, tmp_path, damage, which):
    cache = tmp_path / "cache"
    (shard,) = encode(LineSentence(text), cache)
    expected = list(decoded(shard))
    path = shard.folder / f"00000.{which}.arrow"
    manifest = shard.folder / MANIFEST
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "gone":
        path.unlink()
    elif damage == "manifest":
        manifest.unlink()
    elif damage == "empty":
        manifest.write_text("")
    elif damage == "format":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 0}))
    else:
        manifest.write_text(manifest.read_text().replace('"rows": 500', '"rows": 501'))
    again = encode(LineSentence(text), cache)
    assert again.reused == 0
    assert list(decoded(again[0])) == expected
    assert encode(LineSentence(text), cache).reused == 1


def test_nothing_half_done_stays(tmp_path):
    cache = tmp_path / "cache"
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"fine\n" * 1_000_000 + b"\xff")
    with pytest.raises(CorpusError, match="not UTF-8"):
        encode(LineSentence(bad), cache)
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_left_is_swept_after_a_day(text, tmp_path):
    cache = tmp_path / "cache"
    old, new = cache / f"{WORKING}1", cache / f"{WORKING}2"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "00000.tokens.arrow").write_text("half")
    for path in (old / "00000.tokens.arrow", old):
        os.utime(path, (0, path.stat().st_mtime - ABANDONED - 1))
    encode(LineSentence(text), cache)
    assert not old.exists()
    assert new.exists()


def test_other_processes_at_the_same_time(text, tmp_path):
    context = multiprocessing.get_context("spawn")

    cache = tmp_path / "cache"
    others = [context.Process(target=encode, args=(LineSentence(text), cache)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0, 0]
    assert len(list(cache.iterdir())) == 1
    assert encode(LineSentence(text), cache).reused == 1


def test_the_one_who_comes_second_takes_the_first_ones(text, tmp_path, monkeypatch):
    cache = tmp_path / "cache"

    class Slow(Corpus):
        def parts(self):
            (part,) = LineSentence(text).parts()

            def read():
                yield from part.read()
                encode(LineSentence(text), cache)  # somebody else is done first

            return [Part(part.label, part.fingerprint, read)]

    shards = encode(Slow(), cache)
    assert len(list(cache.iterdir())) == 1
    assert len(list(decoded(shards[0]))) == 500


def test_temporary_shards_go_when_they_are_no_longer_used(text):
    shards = encode(LineSentence(text))
    folder = shards[0].folder
    shard = shards[0]
    batches = list(shard.batches())
    del shards
    assert folder.is_dir()
    with pytest.raises(MillraceError, match="encode with a cache"):
        pickle.dumps(shard)
    del shard
    assert not folder.exists()
    assert not folder.parent.exists()
    assert sum(batch.num_rows for batch in batches) == 500  # what is mapped stays readable


def test_kept_shards_pickle(text, tmp_path):
    (shard,) = encode(LineSentence(text), tmp_path / "cache")
    assert len(shard.words) > 0
    data = pickle.dumps(shard)
    assert len(data) < 2000
    assert list(decoded(pickle.loads(data))) == list(decoded(shard))


def test_memory_is_mapped_and_not_copied(text, tmp_path):
    (shard,) = encode(LineSentence(text), tmp_path / "cache")
    before = pa.total_allocated_bytes()
    batches = list(shard.batches())
    assert pa.total_allocated_bytes() == before
    assert len(batches) == 1


def test_progress_is_the_sum_so_far(small, text):
    seen = []
    shards = encode(LineSentence(text), None, lambda *done: seen.append(done))
    assert seen == sorted(seen)
    assert len(seen) > 5
    assert seen[-1] == (shards.tokens, shards.rows)


def test_an_empty_corpus(tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    shards = encode(LineSentence(tmp_path / "empty.txt"), tmp_path / "cache")
    assert (len(shards), shards.rows, shards.tokens) == (0, 0, 0)
    assert len(encode(LineSentence(tmp_path / "empty.txt"), tmp_path / "cache")) == 0
    shards = encode(Sentences([[], []]))
    assert (shards.rows, shards.tokens, list(shards[0].words)) == (2, 0, [])


def test_a_disk_that_takes_no_more(text, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(MillraceError, match=r"shards can't be written there .*free some space"):
            encode(LineSentence(text), tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_is_no_folder(text):
    with pytest.raises(MillraceError, match="cache folder can't be made"):
        encode(LineSentence(text), text)


def test_a_part_without_rows_in_between(small):
    written = []

    class Sink:
        schema = pa.schema({"tokens": pa.list_(pa.int32())})

        def open(self, schema):
            return self

        def write_batch(self, batch):
            written.extend(batch["tokens"].to_pylist())

        def close(self, end=None):
            self.end = end

    empty = pa.record_batch({"text": pa.array([], pa.string())})
    full = pa.record_batch({"text": ["a b", "b"]})
    part = Part("some", None, lambda: iter([empty, full, empty, full]))
    encode_part(part, Sink(), lambda *_: None)
    assert written == [[0, 1], [1], [0, 1], [1]]


def test_the_folder_of_a_set_can_be_moved(text, tmp_path):
    encode(LineSentence(text), tmp_path / "one")
    shutil.move(tmp_path / "one", tmp_path / "two")
    assert encode(LineSentence(text), tmp_path / "two").reused == 1


@pytest.mark.parametrize("cache", [None, False])
def test_tokens_that_were_not_utf8_are_counted(tmp_path, cache):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 ol\xe9 good\ncaf\xe9 \xff\xff")
    counted = {e: encode(LineSentence(tmp_path / "a.txt", errors=e), cache=cache) for e in HOW}
    assert {e: (shards.replaced, shards.tokens) for e, shards in counted.items()} == HOW
    assert [shard.replaced for shard in counted["replace"]] == [4]


HOW = {"replace": (4, 5), "ignore": (0, 4)}
