"""Phrases: counted and judged as a slow twin does it, joined, added to, saved and loaded."""

import contextlib
import copy
import io
import json
import logging
import pickle
import tempfile
from collections import Counter
from math import inf

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.phrases.counts
from corpora import CorpusError, Documents, LineSentence, MillraceError, Sentences, encode
from corpora.phrases import PhraseTable
from pipeline import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phraser, Phrases
from pipeline.phrases import counting
from pipeline.phrases.scores import npmi_scorer, original_scorer
from pipeline.phrases.stored import PhraseFileError

TEXT = [
    "human interface computer",
    "survey user computer system response time",
    "eps user interface system",
    "system human system eps",
    "user response time",
    "trees",
    "graph trees",
    "graph minors trees",
    "graph minors survey",
    "graph minors survey human interface",
]
ROWS = [line.split() for line in TEXT]

WORDS = st.sampled_from(["a", "b", "c", "d", "", "a_b", "_", "ünïcode", "of", "the"])
SENTENCES = st.lists(st.lists(WORDS, max_size=15), max_size=10)


def twin(sentences, connectors):
    """Counts of words and of pairs as tuples, and how many words there were."""
    words, pairs, total = Counter(), Counter(), 0
    for sentence in sentences:
        first, between = None, ()
        for word in sentence:
            total += 1
            if word in connectors:
                between += (word,)
                continue
            words[word] += 1
            if first is not None:
                pairs[first, *between, word] += 1
            first, between = word, ()
    return words, pairs, total


def counted(phrases):
    grams, counts = phrases._counts.grams()
    return Counter(
        {tuple(gram): count for gram, count in zip(grams.to_pylist(), counts.tolist(), strict=True)}
    )


@settings(max_examples=60, deadline=None)
@given(SENTENCES, SENTENCES, st.sampled_from([(), ("of",), ("of", "the", "")]))
def test_counts_are_those_of_the_slow_way_and_add_up(first, second, connectors):
    phrases = Phrases(first, connector_words=connectors)
    phrases.add_vocab(second)
    words, pairs, total = twin([*first, *second], connectors)
    expected = Counter({(word,): count for word, count in words.items()}) + pairs
    assert counted(phrases) == expected
    assert len(phrases.vocab) == len(words) + len(pairs)
    assert phrases.corpus_word_count == total


@settings(max_examples=60, deadline=None)
@given(SENTENCES, st.sampled_from([(), ("of", "the")]), st.sampled_from(["default", "npmi"]))
def test_scores_are_those_of_the_slow_way(sentences, connectors, scoring):
    given = {"min_count": 1, "threshold": 0.2, "scoring": scoring, "connector_words": connectors}
    phrases = Phrases(sentences, delimiter=" ", **given)
    words, pairs, total = twin(sentences, connectors)
    score = {"default": original_scorer, "npmi": npmi_scorer}[scoring]
    size = len(words) + len(pairs)
    scores = {
        pair: score(words[pair[0]], words[pair[-1]], count, size, 1, total)
        for pair, count in pairs.items()
    }
    good = {pair: value for pair, value in scores.items() if value > 0.2}
    table = phrases.table
    found = zip(map(tuple, table.grams.to_pylist()), table.scores.tolist(), strict=True)
    assert dict(found) == good
    frozen = phrases.freeze()
    for pair, value in scores.items():
        told = (" ".join(pair), value) if pair in good else (None, None)
        assert phrases.score_candidate(pair[0], pair[-1], list(pair[1:-1])) == told
        assert frozen.score_candidate(pair[0], pair[-1], list(pair[1:-1])) == told


@settings(max_examples=60, deadline=None)
@given(SENTENCES, st.sampled_from([(), ("of", "the")]))
def test_all_ways_to_join_agree(sentences, connectors):
    phrases = Phrases(sentences, 1, 0.5, connector_words=connectors)
    expected = [[word for word, _ in phrases.analyze_sentence(row)] for row in sentences]
    frozen = phrases.freeze()
    assert [[word for word, _ in frozen.analyze_sentence(row)] for row in sentences] == expected
    assert [phrases[row] for row in sentences] == expected
    assert list(phrases[iter(sentences)]) == expected
    assert list(frozen[Sentences(sentences)]) == expected
    found = {
        word: score
        for row in sentences
        for word, score in phrases.analyze_sentence(row)
        if score is not None
    }
    assert phrases.find_phrases(sentences) == pytest.approx(found)


@settings(max_examples=30, deadline=None)
@given(SENTENCES, SENTENCES, st.integers(1, 4))
def test_what_goes_to_disk_is_counted_alike(first, second, shares):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.phrases.counts, "MEMORY", 1)
        patch.setattr(pipeline.phrases.counts, "MOST_SHARES", shares)
        patch.setattr(counting, "BLOCK", 2)
        spilled = Phrases(connector_words={"of"})
        for rows in (first, second):
            # Each piece is a batch of one sentence.
            for row in rows:
                spilled.add_vocab([row])
    words, pairs, _ = twin([*first, *second], {"of"})
    expected = Counter({(word,): count for word, count in words.items()}) + pairs
    assert counted(spilled) == expected


def test_many_runs_are_merged_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(pipeline.phrases.counts, "MEMORY", 60_000)
    rng = np.random.default_rng(1)
    rows = [[f"w{n}" for n in row] for row in rng.zipf(1.3, (600, 500)) % 5000]
    corpus = encode(Sentences(rows))
    seen = []
    monkeypatch.setattr(
        counting, "merged", lambda runs, *rest: seen.append(len(runs)) or inner(runs, *rest)
    )
    inner = pipeline.words.sorted_runs.merged
    phrases = Phrases(corpus)
    assert max(seen) > 3
    words, pairs, _ = twin(rows, ())
    assert counted(phrases) == Counter({(word,): n for word, n in words.items()}) + pairs
    assert [path for path in tmp_path.iterdir() if "pairs" in path.name] == []


@pytest.mark.parametrize("memory", [1, 1 << 29])
def test_the_most_frequent_are_kept_exactly(monkeypatch, memory):
    monkeypatch.setattr(pipeline.phrases.counts, "MEMORY", memory)
    rng = np.random.default_rng(3)
    rows = [[f"w{n}" for n in row] for row in rng.zipf(1.5, (200, 50)) % 300]
    whole = counted(Phrases(rows))
    for most in (1, 2, 10, 100, len(whole) - 1, len(whole), len(whole) + 1):
        phrases = Phrases(rows, max_vocab_size=most)
        found = counted(phrases)
        assert len(found) == len(phrases.vocab) == min(most, len(whole))
        assert all(whole[gram] == count for gram, count in found.items())
        least = min(found.values())
        assert all(gram in found for gram, count in whole.items() if count > least)
        assert all((word,) in found for gram in found for word in (gram[0], gram[-1]))


def test_shards_and_corpora_of_all_kinds(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(TEXT))
    expected = counted(Phrases(ROWS))
    corpus = LineSentence(tmp_path / "a.txt")
    assert counted(Phrases(corpus)) == expected
    for workers in (1, 3):
        assert counted(Phrases(corpus, workers=workers)) == expected
    assert counted(Phrases(encode(corpus))) == expected
    assert counted(Phrases(encode(corpus, cache=False))) == expected
    assert counted(Phrases(Documents([(row, [i]) for i, row in enumerate(ROWS)]))) == expected
    assert counted(Phrases(tuple(word for word in row) for row in ROWS)) == expected
    assert counted(Phrases(np.array(ROWS, dtype=object))) == expected
    again = Phrases()
    again.add_vocab(corpus.take(4))
    again.add_vocab(corpus.skip(4))
    assert counted(again) == expected


def test_an_error_while_reading_leaves_the_counts(monkeypatch):
    phrases = Phrases(ROWS)
    before = counted(phrases), str(phrases), phrases.corpus_word_count

    def failing():
        for n in range(10_000):
            yield ["human", f"interface{n}"]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        phrases.add_vocab(failing())
    with pytest.raises(CorpusError, match="sentence 1: the sentence has a token that is int"):
        phrases.add_vocab([["a"], ["a", 1]])
    with pytest.raises(CorpusError, match="one string"):
        phrases.add_vocab(["a b c"])
    with pytest.raises(CorpusError, match="surrogate"):
        phrases.add_vocab([["\ud800"]])
    assert (counted(phrases), str(phrases), phrases.corpus_word_count) == before
    assert phrases.vocab.get("human_interface1") is None
    assert "interface1" not in phrases.vocab
    phrases.add_vocab([["human", "interface1"]])
    assert phrases.vocab["human_interface1"] == 1


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.phrases.counts, "MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*args):
        raise MillraceError("no space")

    phrases = Phrases()
    monkeypatch.setattr(counting, "write_run", full)
    with pytest.raises(MillraceError, match="no space"):
        phrases.add_vocab(ROWS)
    assert len(phrases.vocab) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_vocabulary_as_a_mapping():
    rows = [["new_york", "city"], ["new", "york"], ["new", "york_city"], ["a", "of", "b"]]
    phrases = Phrases(rows, connector_words={"of"})
    vocab = phrases.vocab
    assert vocab["new_york"] == 2  # the word, and the pair
    assert vocab["new_york_city"] == 2  # two pairs
    assert vocab["a_of_b"] == 1
    assert "of" not in vocab
    assert "a_b" not in vocab
    assert vocab.get("b_a", 0) == 0
    assert Counter(name for name in vocab)["new_york_city"] == 2
    assert sum(count for _, count in vocab.items()) == 8 + 4
    assert sum(1 for _ in vocab) == len(vocab) == 11
    with pytest.raises(KeyError):
        vocab["of"]


@pytest.mark.parametrize("delimiter", ["", " ", "__", "ß"])
def test_other_delimiters(delimiter):
    phrases = Phrases(ROWS, 1, 1, delimiter=delimiter)
    assert phrases[["graph", "minors"]] == [f"graph{delimiter}minors"]
    assert phrases.vocab[f"graph{delimiter}minors"] == 3
    assert all(phrases.vocab[name] for name in phrases.export_phrases())


def test_trigrams_by_chaining():
    rows = [["new", "york", "city"], ["a", "b"], ["c", "d"]] * 10
    one = Phrases(rows, 1, 0.5)
    two = Phrases(one[rows], 1, 0.3)
    assert list(two[one[rows]])[:2] == [["new_york_city"], ["a_b"]]
    # Words that have the delimiter in them are found when frozen, too.
    assert two.freeze()[one.freeze()[["in", "new", "york", "city"]]] == ["in", "new_york_city"]
    corpus = Sentences(rows)
    assert list(corpus.phrases(one).phrases(two.freeze())) == list(two[one[rows]])


def test_what_was_given_can_be_gone_through_as_often():
    phrases = Phrases(ROWS, 1, 1)
    joined = phrases[ROWS]
    assert list(joined) == list(joined) != ROWS
    seen = []

    def live():
        for row in ROWS:
            seen.append(row)
            yield row

    first = next(iter(phrases[live()]))
    assert first == ["human_interface", "computer"]
    assert len(seen) == 1
    assert phrases[[]] == []
    assert phrases[iter(["graph", "minors"])] == ["graph_minors"]
    assert list(phrases[iter([[], []])]) == [[], []]


def test_settings_may_change_afterwards():
    phrases = Phrases(ROWS, 1, 1)
    assert set(phrases.export_phrases()) >= {"response_time", "graph_minors"}
    phrases.threshold = 7
    assert set(phrases.export_phrases()) == {"response_time"}
    assert phrases[["graph", "minors"]] == ["graph", "minors"]
    phrases.threshold, phrases.scoring = -1, npmi_scorer
    assert len(phrases.export_phrases()) == len(phrases._counts.pairs())
    frozen = phrases.freeze()
    frozen.threshold = 0.99
    assert frozen[["response", "time", "user"]] == ["response_time", "user"]
    assert frozen[["graph", "minors", "survey"]] == ["graph", "minors", "survey"]
    assert frozen.score_candidate("graph", "minors", []) == (None, None)
    phrases.connector_words = frozenset({"of"})
    with pytest.raises(ValueError, match="connector_words have changed"):
        phrases.add_vocab(ROWS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_count": 0},
        {"threshold": 0},
        {"threshold": 1.1, "scoring": "npmi"},
        {"max_vocab_size": 0},
        {"scoring": "best"},
        {"scoring": len},
        {"scoring": 3},
        {"scoring": lambda worda_count, wordb_count: 1},
    ],
)
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=next(reversed(wrong)) + "|scoring|threshold"):
        Phrases(ROWS, **wrong)


def test_wrong_kinds():
    with pytest.raises(TypeError, match="delimiter"):
        Phrases(ROWS, delimiter=b"_")
    with pytest.raises(TypeError, match="connector_words"):
        Phrases(ROWS, connector_words="of the")


def ones(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
    return 1 if bigram_count > 1 else -inf


def test_a_scorer_of_ones_own():
    phrases = Phrases(ROWS, 1, 0.5, scoring=ones)
    found = phrases.find_phrases(ROWS)
    assert found
    assert set(found.values()) == {1.0}
    assert set(phrases.export_phrases()) >= set(found)


def test_a_subclass_decides_by_itself():
    class Odd(Phrases):
        def score_candidate(self, word_a, word_b, in_between):
            return ("-".join([word_a, *in_between, word_b]), 1.0)

    odd = Odd(ROWS)
    assert odd[["a", "b", "c"]] == ["a-b", "c"]
    assert list(odd[Sentences([["a", "b", "c"]])]) == [["a-b", "c"]]
    assert odd.find_phrases([["a", "b"]]) == {"a-b": 1.0}


def test_names_and_words():
    assert Phraser is FrozenPhrases
    assert {"of", "the", "and"} <= ENGLISH_CONNECTOR_WORDS
    phrases = Phrases(ROWS, 1, 1)
    assert str(phrases) == ("Phrases<31 vocab, min_count=1, threshold=1, max_vocab_size=40000000>")
    assert str(phrases.freeze()) == "FrozenPhrases<4 phrases, min_count=1, threshold=1>"
    assert dict(FrozenPhrases(phrases).phrasegrams) == phrases.export_phrases()


def test_progress_is_logged(caplog):
    with caplog.at_level(logging.INFO, "pipeline"):
        Phrases(ROWS, progress_per=5)
    assert "10 sentences, 34 words" in caplog.text


# Files


@pytest.mark.parametrize("name", ["a.phrases", "a.phrases.gz"])
def test_saved_and_loaded(tmp_path, name):
    rows = [*ROWS, ["ä", "of", "the", "b"], ["", "a_b"], ["x" * 100_000, "y"]] * 2
    phrases = Phrases(rows, 1, 0.5, 1000, "~", 7, "npmi", {"of", "the"})
    phrases.save(tmp_path / name)
    again = Phrases.load(tmp_path / name)
    assert counted(again) == counted(phrases)
    assert str(again) == str(phrases)
    for key in ("delimiter", "progress_per", "scoring", "connector_words", "corpus_word_count"):
        assert getattr(again, key) == getattr(phrases, key)
    assert again.export_phrases() == phrases.export_phrases()
    for held in (phrases, again):
        held.add_vocab(ROWS)
    assert counted(again) == counted(phrases)
    frozen = phrases.freeze()
    frozen.save(tmp_path / "frozen")
    for load in (Phrases.load, FrozenPhrases.load):
        held = load(tmp_path / "frozen")
        assert isinstance(held, FrozenPhrases)
        assert dict(held.phrasegrams) == dict(frozen.phrasegrams)
        assert list(held[rows]) == list(frozen[rows])
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_saved_to_an_open_file(tmp_path):
    file = io.BytesIO()
    Phrases(ROWS, 1, 1).save(file)
    (tmp_path / "a").write_bytes(file.getvalue())
    assert counted(Phrases.load(tmp_path / "a")) == counted(Phrases(ROWS))


def test_a_file_runs_no_code(tmp_path):
    phrases = Phrases(ROWS, 1, 0.5, scoring=ones)
    phrases.save(tmp_path / "a")
    assert Phrases.load(tmp_path / "a").scoring is ones  # this module has been imported
    content = (tmp_path / "a").read_bytes()
    for name in (b"nowhere_there:onesx", b"os:system"):
        lost = f"{ones.__module__}:ones".encode()
        other = content.replace(lost, name[: len(lost)].ljust(len(lost), b"x"))
        (tmp_path / "b").write_bytes(other)
        loaded = Phrases.load(tmp_path / "b")
        with pytest.raises(ValueError, match="is not there"):
            loaded.export_phrases()
        mended = Phrases.load(tmp_path / "b", scoring=ones)
        assert mended.export_phrases() == phrases.export_phrases()
    phrases.freeze().save(tmp_path / "c")
    assert FrozenPhrases.load(tmp_path / "c", scoring=ones)[["graph", "minors"]] == ["graph_minors"]


def altered(path, change):
    with pa.ipc.open_file(pa.BufferReader(path.read_bytes())) as file:
        table = file.read_all()
    meta = json.loads(table.schema.metadata[b"millrace.phrases"])
    table = change(table, meta) or table
    schema = table.schema.with_metadata({b"millrace.phrases": json.dumps(meta).encode()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as out:
        out.write_table(table.cast(schema).combine_chunks())


def with_column(name, values):
    def change(table, meta):
        at = table.schema.get_field_index(name)
        return table.set_column(at, name, pa.array(values(table[name].to_pylist())))

    return change


HOSTILE = {
    "a count below 1": with_column("count", lambda n: [0, *n[1:]]),
    "a huge count": with_column("count", lambda n: [1 << 50, *n[1:]]),
    "a null count": with_column("count", lambda n: [None, *n[1:]]),
    "an empty gram": with_column("words", lambda w: [[], *w[1:]]),
    "three words": with_column("words", lambda w: [*w[:-1], ["a", "b", "c"]]),
    "a word twice": with_column("words", lambda w: [w[1], *w[1:]]),
    "a pair twice": with_column("words", lambda w: [*w[:-1], w[-2]]),
    "a null word": with_column("words", lambda w: [[None], *w[1:]]),
    "numbers for words": with_column("words", lambda w: [[1]] * len(w)),
    "other columns": lambda t, m: t.rename_columns(["words", "number"]),
    "a missing key": lambda t, m: m.pop("delimiter") and None,
    "a key of another kind": lambda t, m: m.update(min_count="5"),
    "a value out of range": lambda t, m: m.update(min_count=-5),
    "another version": lambda t, m: m.update(version=9),
    "connectors that are none": lambda t, m: m.update(connector_words=["graph"]),
    "connectors of another kind": lambda t, m: m.update(connector_words=[3]),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_files_that_are_not_whole(tmp_path, change):
    path = tmp_path / "a"
    Phrases(ROWS, 1, 1).save(path)
    altered(path, change)
    with pytest.raises(PhraseFileError, match="no file of phrases"):
        Phrases.load(path)


def test_files_cut_short_or_of_something_else(tmp_path):
    path = tmp_path / "a"
    Phrases(ROWS, 1, 1).freeze().save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(PhraseFileError, match="no file of phrases"):
            FrozenPhrases.load(path)
    rng = np.random.default_rng(1)
    for at in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        with contextlib.suppress(CorpusError):
            FrozenPhrases.load(path)[["graph", "minors"]]
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(PhraseFileError, match="run code"):
        Phrases.load(path)
    Phrases(ROWS).save(path)
    with pytest.raises(PhraseFileError, match="counts, not phrases"):
        FrozenPhrases.load(path)
    with pytest.raises(PhraseFileError, match="counts and not phrases"):
        PhraseTable.read(path)
    with pytest.raises(CorpusError, match="nothing"):
        Phrases.load(tmp_path / "nothing")


def test_copies_and_pickles(tmp_path):
    phrases = Phrases(ROWS, 1, 1, connector_words={"of"})
    for again in (copy.deepcopy(phrases), pickle.loads(pickle.dumps(phrases))):
        again.add_vocab([["graph", "minors"]])
        assert again.vocab["graph_minors"] == 4
    assert phrases.vocab["graph_minors"] == 3
    frozen = pickle.loads(pickle.dumps(phrases.freeze()))
    assert frozen[["graph", "minors"]] == ["graph_minors"]
    corpus = Sentences(ROWS).phrases(phrases)
    assert list(pickle.loads(pickle.dumps(corpus))) == list(corpus)


def test_the_fingerprint_of_joined_rows(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(TEXT))
    corpus = LineSentence(tmp_path / "a.txt")
    phrases = Phrases(corpus, 1, 1)
    prints = {
        corpus.parts()[0].fingerprint,
        corpus.phrases(phrases).parts()[0].fingerprint,
        corpus.phrases(Phrases(corpus, 1, 7)).parts()[0].fingerprint,
        corpus.phrases(Phrases(corpus, 1, 1, delimiter=" ")).parts()[0].fingerprint,
    }
    assert len(prints) == 4
    cache = tmp_path / "cache"
    assert encode(corpus.phrases(phrases), cache).reused == 0
    assert encode(corpus.phrases(phrases.freeze()), cache).reused == 1
