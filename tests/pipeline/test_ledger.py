"""The ledger: what stands in it, what it costs, and what is refused."""

import time

import pyarrow as pa
import pytest

from corpora import LineSentence, Sentences, encode
from pipeline.store.errors import DamagedError
from pipeline.store.ledger import Consumed, Ledger, consumed
from pipeline.store.versions import Store


def test_a_file_comes_back(tmp_path):
    read = [Consumed("a", "print a", 1, 10), Consumed("b", None, 2, 20, counted=False)]
    ledger = Ledger.empty().add(read, 3, "2026-01-02T00:00:00Z")
    ledger.write(tmp_path / "ledger.arrow")
    again = Ledger.read(tmp_path / "ledger.arrow")
    assert again.table == ledger.table
    assert (len(again), again.rows, again.tokens) == (2, 3, 30)
    assert again.table["fingerprint"].to_pylist()[1] is None
    assert again.of(["b"]).table["counted"].to_pylist() == [False]
    assert b"print a" not in (tmp_path / "ledger.arrow").read_bytes()


@pytest.mark.parametrize("what", ["cut", "other", "none"])
def test_what_is_no_ledger(tmp_path, what):
    path = tmp_path / "ledger.arrow"
    Ledger.empty().write(path)
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif what == "other":
        table = pa.table({"source": ["a"]})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
    else:
        path.unlink()
    with pytest.raises(DamagedError, match="is not a ledger"):
        Ledger.read(path)


def test_how_sources_stand(tmp_path):
    ledger = Ledger.empty()
    ledger = ledger.add([Consumed("a", "1", 1, 1), Consumed("b", None, 1, 1)], 1, "")
    ledger = ledger.add([Consumed("a", "2", 1, 1)], 2, "")
    standing = [ledger.standing("a", print_) for print_ in ("1", "2", "3", None)]
    assert standing == ["known", "known", "changed", "changed"]
    assert ledger.standing("b", None) == "changed"  # nothing says that it is the same
    assert ledger.standing("c", "1") == "new"
    assert ledger.vanished(["a", "c"]) == ["b"]


def test_what_a_corpus_says(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("to be or\n" if name != "b" else "")
    corpus = LineSentence(str(tmp_path / "*.txt"))
    for cache in (tmp_path / "cache", None, False):
        one = list(consumed(encode(corpus.lowercase(), cache), counted=True))
        assert [(c.rows, c.tokens) for c in one] == [(1, 3), (0, 0), (1, 3)]
        assert [c.fingerprint for c in one] == [p.origins[0].fingerprint for p in corpus.parts()]
        assert (one[0].made is None) == (cache is False)
        # Read as one, the first has the rows of all.
        one = list(consumed(encode(corpus.shuffle(), cache), counted=True))
        assert [(c.rows, c.tokens) for c in one] == [(2, 6), (0, 0), (0, 0)]
        assert [c.fingerprint for c in one] == [p.origins[0].fingerprint for p in corpus.parts()]
    (one,) = consumed(encode(Sentences([["a"]])), counted=False)
    assert (one.fingerprint, one.counted) == (None, False)


def test_a_hundred_thousand_sources_cost_little(tmp_path):
    store = Store.open(str(tmp_path / "models"))
    many = [Consumed(f"s3://reviews/part-{i:08}.zst", f"print {i}", 9, 9) for i in range(100_000)]
    store.publish(lambda folder: None, consumed=many)
    begun = time.monotonic()
    version = store.latest()
    assert version.folder()
    ledger = version.ledger
    new = [Consumed("one more", "1", 1, 1)]
    made = store.publish(lambda folder: None, parent=1, ledger=ledger, consumed=new)
    took = time.monotonic() - begun
    assert made.manifest.ledger.sources == 100_001
    assert made.size < 4_000_000
    assert took < 2  # 0.3 s on a quiet machine
    begun = time.monotonic()
    known = sum(ledger.standing(one.source, one.fingerprint) == "known" for one in many)
    assert (known, time.monotonic() - begun < 3) == (100_000, True)
