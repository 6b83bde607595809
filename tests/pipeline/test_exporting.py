"""Vectors for other programs: the command, and what gensim and fastText make of its files."""

import json

import numpy as np
import pytest
from pyarrow import ipc, parquet
from vectors import matrix, words

from corpora import Documents, Sentences, TaggedDocument, encode
from corpora.errors import MillraceError
from pipeline import KeyedVectors, exporting
from pipeline.cli import commands as cli
from pipeline.cli import models as cli_models
from pipeline.core.settings import Settings
from pipeline.models import bundle
from pipeline.models.model import Model, tags_with
from pipeline.models.model_files import ModelError
from pipeline.store.errors import StoreError
from pipeline.store.versions import Store
from pipeline.words.vocabulary import Vocabulary

TEXTS = [["the", "mill", "turns"], ["a\xa0b", "\u00e9t\u00e9", "\x1c", "turns"]]
FORMATS = {
    "v.txt": "word2vec", "v.vec.gz": "word2vec", "v.bin": "word2vec-binary",
    "v.bin.zst": "word2vec-binary", "v.arrow": "arrow", "v.parquet": "parquet", "v.npy": "npy",
    "v.safetensors": "safetensors",
}  # fmt: skip


def model(method="dm"):
    settings = Settings(method, vector_size=8)
    tagged = [TaggedDocument(words, [k, k + 10]) for k, words in enumerate(TEXTS)]
    shards = encode(Documents(tagged) if settings.has_tags else Sentences(TEXTS))
    return Model.fresh(Vocabulary.build(shards, 1), settings, 1, tags_with(shards, settings))


def run(*arguments):
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as end:
        cli.main([*map(str, arguments)])
    return end.value.code or 0


def same(found, expected):
    """The same keys with the same bits, in any order."""
    assert sorted(map(str, found)) == sorted(map(str, expected))
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key])


def pairs(kv):
    return {key: kv[key] for key in kv.index_to_key}


def test_the_commands_formats_are_all_there():
    assert tuple(exporting.WRITERS) == cli_models.FORMATS
    assert {*exporting.ENDS.values()} == {*exporting.WRITERS} == {*FORMATS.values()}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("is_named", [False, True])
def test_formats(tmp_path, name, is_named):
    if name == "v.safetensors":
        pytest.importorskip("safetensors")
    made = model()
    bundle.write(tmp_path / "a.model", made, {})
    packed = name[name.index(".", 2) :] if name.count(".") > 1 else ""
    to = tmp_path / (f"plain{packed}" if is_named else name)
    more = ["--format", FORMATS[name]] if is_named else []
    assert run("export", tmp_path / "a.model", "--to", to, *more) == 0
    expected, format_ = pairs(made.keyed_vectors), FORMATS[name]
    if format_.startswith("word2vec"):
        found = KeyedVectors.load_word2vec_format(to, binary=format_.endswith("binary"))
        same(pairs(found), expected)
    elif format_ == "arrow":
        same(pairs(KeyedVectors.load(to)), expected)
        assert ipc.open_file(to).num_record_batches == 1
    elif format_ == "parquet":
        table = parquet.read_table(to)
        found = zip(table["key"].to_pylist(), table["vector"].to_pylist(), strict=True)
        same({key: np.array(vector, np.float32) for key, vector in found}, expected)
    elif format_ == "npy":
        keys = to.with_suffix(".keys.jsonl") if not is_named else tmp_path / "plain.keys.jsonl"
        listed = [json.loads(line) for line in keys.read_text().split("\n")[:-1]]
        same(dict(zip(listed, np.load(to), strict=True)), expected)


def test_words_and_documents_of_stores_and_files(tmp_path, capsys):
    store, made = Store.open(str(tmp_path / "store")), model()
    store.publish(made.save)
    made.weights.tags[:] *= 2
    store.publish(made.save)
    for place, factor in (("store", 2), ("store@1", 1), ("store@2", 2)):
        to = tmp_path / "d.txt"
        assert run("export", tmp_path / place, "--documents", "--to", to, "--json") == 0
        said = {"to": str(to), "keys": 4, "vector_size": 8}
        assert json.loads(capsys.readouterr().out) == said
        found = KeyedVectors.load_word2vec_format(to)
        assert sorted(found.index_to_key) == ["0", "1", "10", "11"]
        np.testing.assert_array_equal(found["10"], made.keyed_documents[10] * (factor / 2))
    made.keyed_vectors.save(tmp_path / "words.arrow")
    assert run("export", tmp_path / "words.arrow", "--to", tmp_path / "again.arrow") == 0
    assert "wrote 6 vectors of 8 numbers" in capsys.readouterr().out
    same(pairs(KeyedVectors.load(tmp_path / "again.arrow")), pairs(made.keyed_vectors))


def test_what_cant_be_exported(tmp_path):
    bundle.write(tmp_path / "words", model("cbow"), {})
    bundle.write(tmp_path / "documents", model("dbow"), {})
    (tmp_path / "pickle").write_bytes(b"\x80\x04.")
    (tmp_path / "empty").write_bytes(b"")
    Store.open(str(tmp_path / "store"))

    def refused(name, kind, says, to="v.txt", **more):
        with pytest.raises(kind, match=says):
            exporting.export_vectors(str(tmp_path / name), str(tmp_path / to), **more)
        assert not (tmp_path / to).exists()

    refused("words", ModelError, "vectors of words only", documents=True)
    refused("documents", ModelError, "vectors of documents only")
    refused("pickle", MillraceError, "import-gensim")
    refused("empty", MillraceError, "does not hold a model")
    refused("store", StoreError, "no version")
    refused("words", MillraceError, r"--format, or a name in \.txt, \.vec", to="v.xyz")
    assert run("export", tmp_path / "words", "--to", tmp_path / "v.xyz") == 2
    assert run("export", tmp_path / "words", "--to", tmp_path / "v", "--format", "csv") == 2


def test_gensim_reads_what_is_packed(tmp_path):
    peers = pytest.importorskip("gensim.models.keyedvectors", reason="no gensim to read with")
    ours = KeyedVectors.of(words(), matrix())
    for binary in (False, True):
        ours.save_word2vec_format(tmp_path / "v.gz", binary=binary)
        theirs = peers.KeyedVectors.load_word2vec_format(str(tmp_path / "v.gz"), binary=binary)
        same(pairs(theirs), pairs(ours))
        for word in words()[:20]:
            near, others = (kv.most_similar(word, topn=5) for kv in (ours, theirs))
            assert [key for key, _ in near] == [key for key, _ in others]


def test_fasttext_starts_from_our_vectors(tmp_path):
    """Its own reader of pretrained vectors; at learning rate 0 they stay as they were read."""
    fasttext = pytest.importorskip("fasttext", reason="no fastText to read with")
    ours = KeyedVectors.of(words(), matrix())
    ours.save_word2vec_format(tmp_path / "v.vec")
    (tmp_path / "text").write_text(" ".join(words()) + "\n")
    theirs = fasttext.train_unsupervised(
        str(tmp_path / "text"), dim=20, pretrainedVectors=str(tmp_path / "v.vec"), lr=0.0, epoch=1,
        minn=0, maxn=0, minCount=1, thread=1, verbose=0,
    )  # fmt: skip
    assert {*theirs.get_words()} == {*words(), "</s>"}
    same({word: theirs.get_word_vector(word) for word in words()}, pairs(ours))


def test_fasttexts_rules_hold(tmp_path):
    """Its reader splits at ASCII spaces, and takes the counts of the first line at their word."""
    KeyedVectors.of(words(), matrix()).save_word2vec_format(tmp_path / "v.vec")
    head, *lines = (tmp_path / "v.vec").read_bytes().split(b"\n")[:-1]
    assert head == b"200 20"
    assert len(lines) == 200
    for line, word, row in zip(lines, words(), matrix(), strict=True):
        key, *numbers = line.split()  # bytes are split at ASCII spaces only
        assert key.decode() == word
        np.testing.assert_array_equal(np.array(numbers, np.float32), row)
