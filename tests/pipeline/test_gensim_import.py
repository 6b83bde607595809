"""Files that gensim saved: what is read out of them is what gensim has, and trains on."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corpora import Documents, Sentences, encode
from pipeline import Doc2Vec, KeyedVectors, Word2Vec
from pipeline.core.passes import Plan
from pipeline.models import bundle, gensim_import
from pipeline.models.gensim_import import import_gensim
from pipeline.models.gensim_model import converted, converted_vectors
from pipeline.models.model import tags_with
from pipeline.models.model_files import ModelError
from pipeline.words.vocabulary import Vocabulary

models = pytest.importorskip("gensim.models", reason="gensim, whose files are read, is missing")
from gensim.models.doc2vec import TaggedDocument  # noqa: E402

ODD = ["\u00e9t\u00e9", "a\xa0b", "\u3042", "\x85", "'", "nul\x00"]


def sentences(n=300):
    """Two topics whose words never meet, and words too rare to be kept."""
    rng = np.random.default_rng(0)
    topics = [
        [*(f"{topic}{k}" for k in range(12)), odd] for topic, odd in zip("ab", ODD, strict=False)
    ]
    found = [list(rng.choice(topics[k % 2], 9)) for k in range(n)]
    return [*found, ["rare", *ODD[2:]], ["rare", *ODD[2:]]]


def documents():
    return [
        TaggedDocument(words, [k] if k < 100 else [f"t{k}", f"of {'ab'[k % 2]}"])
        for k, words in enumerate(sentences())
    ]


WORDS = {
    "cbow": {},
    "sum": {"cbow_mean": 0, "ns_exponent": 0.5, "shrink_windows": False},
    "skip-gram": {"sg": 1, "window": 3, "sample": 1e-2},
    "tree": {"sg": 1, "hs": 1, "negative": 0},
    "both": {"hs": 1, "negative": 3},
}
DOCUMENTS = {
    "dm": {},
    "dbow": {"dm": 0},
    "dbow words tree": {"dm": 0, "dbow_words": 1, "hs": 1, "negative": 0},
    "dm sum": {"dm": 1, "cbow_mean": 0},
    "dm concat": {"dm": 1, "dm_concat": 1, "dm_tag_count": 1, "window": 2},
}
SMALL = {"vector_size": 20, "workers": 1, "epochs": 10, "alpha": 0.1, "sample": 0}


def word2vec(**more):
    return models.Word2Vec(sentences(), min_count=3, **{**SMALL, **more})


def doc2vec(**more):
    return models.Doc2Vec(documents(), min_count=3, **{**SMALL, **more})


@pytest.mark.parametrize("name", WORDS)
def test_word2vec_carries_over_and_trains_on(name):
    theirs = word2vec(**WORDS[name])
    model, said, _ = converted(theirs, is_documents=False)
    vocabulary = model.vocabulary
    assert vocabulary.retained.to_pylist() == theirs.wv.index_to_key
    assert vocabulary.retained_counts.tolist() == theirs.wv.expandos["count"].tolist()
    np.testing.assert_array_equal(model.vectors, theirs.wv.vectors)
    for word in ("a3", "b3"):
        ours, others = (kv.most_similar(word, topn=20) for kv in (model.keyed_vectors, theirs.wv))
        assert [key for key, _ in ours] == [key for key, _ in others]
    wanted = {**SMALL, **WORDS[name], "min_count": 3}
    assert {key: said[key] for key in wanted} == wanted
    _demand_learnt(model, Sentences(sentences()))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_doc2vec_carries_over_and_trains_on(name):
    more = DOCUMENTS[name]
    theirs = doc2vec(**more)
    if more.get("dm_concat"):  # which passes over documents with another number of tags
        theirs = models.Doc2Vec(one_tag_each(), min_count=3, **{**SMALL, **more})
    model, said, _ = converted(theirs, is_documents=True)
    assert model.tags.keys.to_pylist() == theirs.dv.index_to_key
    np.testing.assert_array_equal(model.tag_vectors, theirs.dv.vectors)
    tag = theirs.dv.index_to_key[3]
    near = model.keyed_documents.most_similar(tag, topn=30)
    assert [key for key, _ in near] == [key for key, _ in theirs.dv.most_similar(tag, topn=30)]
    assert said["sg"] == 1 - more.get("dm", 1)
    assert said["cbow_mean"] == more.get("cbow_mean", 1)
    _demand_learnt(model, Documents(one_tag_each() if more.get("dm_concat") else documents()))


def one_tag_each():
    return [TaggedDocument(document.words, document.tags[:1]) for document in documents()]


def _demand_learnt(model, corpus):
    """The outputs and the tree fit the words: what gensim learnt tells words better than chance."""
    shards = encode(corpus)
    still = Plan(epochs=1, alpha=0.0, min_alpha=0.0, sample=0)
    fresh = type(model).fresh(
        Vocabulary.build(shards, 3), model.settings, 1, tags_with(shards, model.settings)
    )
    learnt, chance = (one.train(shards, still).epochs[0].loss for one in (model, fresh))
    assert chance == pytest.approx(np.log(2))
    assert learnt < 0.95 * chance
    after = model.train(shards, Plan(epochs=10, sample=0)).epochs[-1].loss
    assert after < learnt


def test_the_rare_words_come_along_if_they_were_kept():
    theirs = models.Word2Vec(min_count=3, **SMALL)
    theirs.build_vocab(sentences(), keep_raw_vocab=True)
    model, _, notes = converted(theirs, is_documents=False)
    assert not notes
    left = dict(
        zip(model.vocabulary.words.to_pylist(), model.vocabulary.counts.tolist(), strict=True)
    )
    assert left["rare"] == 2
    assert model.vocabulary.lookup(model.vocabulary.words[-1:]).tolist() == [-1]
    assert model.vocabulary.words.to_pylist()[-5:] == sorted(["rare", *ODD[2:]])
    _, _, notes = converted(word2vec(), is_documents=False)
    assert "only the words with vectors bring their counts along" in notes[0]


@pytest.mark.parametrize("limit", [None, 100])
def test_models_as_files(tmp_path, limit):
    """A process reads the pickle, with the files beside it, and writes ours."""
    theirs = doc2vec(hs=1)
    path, to = tmp_path / "d.model", tmp_path / "ours.model"
    theirs.save(str(path), sep_limit=limit or 1 << 30)
    assert (len(list(tmp_path.iterdir())) > 1) == bool(limit)
    found = import_gensim(path, to, trusted=True)
    assert (found.kind, found.keys, found.documents) == ("Doc2Vec", 26, 304)
    model, said = bundle.read(to)
    np.testing.assert_array_equal(model.tag_vectors, theirs.dv.vectors)
    np.testing.assert_array_equal(model.weights.output[:, :20], theirs.syn1neg)
    np.testing.assert_array_equal(model.weights.nodes[:, :20], theirs.syn1[-2::-1])
    assert said["epochs"] == 10
    assert model.keyed_documents.most_similar(7)[0][0] == theirs.dv.most_similar(7)[0][0]


@pytest.mark.parametrize("ending", ["kv", "kv.gz"])
def test_vectors_as_files(tmp_path, ending):
    theirs = word2vec().wv
    theirs.vectors_lockf = np.linspace(0, 1, len(theirs), dtype=np.float32)
    theirs.save(str(tmp_path / f"words.{ending}"))
    found = import_gensim(tmp_path / f"words.{ending}", tmp_path / "ours", trusted=True)
    assert (found.kind, found.keys) == ("KeyedVectors", len(theirs))
    ours = KeyedVectors.load(tmp_path / "ours")
    assert list(ours.index_to_key) == theirs.index_to_key
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours.vectors_lockf, theirs.vectors_lockf)
    assert ours.get_vecattr("a3", "count") == theirs.get_vecattr("a3", "count")


def test_words_of_fasttext_come_without_their_subwords(tmp_path):
    theirs = models.FastText(sentences(), min_count=3, bucket=50, **SMALL)
    theirs.save(str(tmp_path / "fast.model"))
    found = import_gensim(tmp_path / "fast.model", tmp_path / "ours", trusted=True)
    assert "subwords" in found.notes[0]
    np.testing.assert_array_equal(KeyedVectors.load(tmp_path / "ours")["a3"], theirs.wv["a3"])


def test_documents_vectors_alone():
    ours, _ = converted_vectors(doc2vec().dv)
    assert ours.index_to_key[0] == 0
    assert "of a" in ours


class Runs:
    """A pickle that leaves a trace where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_runs_before_somebody_says_so(tmp_path):
    (tmp_path / "m").write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    with pytest.raises(ModelError, match="runs whatever program is in it"):
        import_gensim(tmp_path / "m", tmp_path / "ours")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(ModelError, match=r"m: gensim can't read it|m: it holds a"):
        import_gensim(tmp_path / "m", tmp_path / "ours", trusted=True)
    assert (tmp_path / "ran").exists()  # that is why
    assert not (tmp_path / "ours").exists()


class Dies:
    def __reduce__(self):
        return os._exit, (7,)


def test_what_is_no_model_of_gensims(tmp_path):
    made = {
        "garbage": (b"\x80garbage", "gensim can't read it"),
        "empty": (b"", "gensim can't read it: EOFError"),
        "dict": (pickle.dumps({}), r"it holds a builtins\.dict|can't read it"),
        "words": (pickle.dumps(models.Phrases([["a"]])), "can't read it|holds a gensim"),
    }
    for name, (data, says) in made.items():
        (tmp_path / name).write_bytes(data)
        said = gensim_import._told(str(tmp_path / name), str(tmp_path / "ours"))
        assert re.search(says, said["error"])
    (tmp_path / "dies").write_bytes(pickle.dumps(Dies()))
    with pytest.raises(ModelError, match="dies: the process that read it ended early, with code 7"):
        import_gensim(tmp_path / "dies", tmp_path / "ours", trusted=True)
    with pytest.raises(ModelError, match="no such file on this machine"):
        import_gensim(tmp_path / "nowhere", tmp_path / "ours", trusted=True)
    (tmp_path / "link").symlink_to(tmp_path / "dict")
    for other in ("dict", "link", f"file://{tmp_path}/dict"):
        to = other if "://" in other else tmp_path / other
        with pytest.raises(ModelError, match="write it to another name"):
            import_gensim(tmp_path / "dict", to, trusted=True)
    assert (tmp_path / "dict").read_bytes() == pickle.dumps({})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*made, "dies", "link"])


def test_models_whose_parts_dont_fit():
    def told(theirs, is_documents=False):
        with pytest.raises(ModelError) as caught:
            converted(theirs, is_documents=is_documents)
        return str(caught.value)

    theirs = word2vec()
    theirs.wv.index_to_key[3] = theirs.wv.index_to_key[4]
    assert "a word stands twice" in told(theirs)
    theirs = word2vec()
    theirs.wv.index_to_key[3] = 7
    assert "one is 7" in told(theirs)
    theirs.wv.index_to_key[3] = "\ud800"
    assert "no Unicode text" in told(theirs)
    theirs = word2vec()
    theirs.syn1neg = theirs.syn1neg[:5]
    assert "syn1neg has shape (5, 20), and (26, 20) belongs here" in told(theirs)
    del theirs.syn1neg
    assert "syn1neg has shape ()" in told(theirs)
    theirs = word2vec(hs=1)
    theirs.wv.expandos["point"][3] = theirs.wv.expandos["point"][3] + 90
    assert "make no tree" in told(theirs)
    del theirs.wv.expandos["point"]
    assert "no paths" in told(theirs)
    assert "no words with counts" in told(models.Word2Vec(**SMALL))
    theirs = doc2vec()
    theirs.dv.index_to_key[3] = ("a", 1)
    assert "one is ('a', 1)" in told(theirs, is_documents=True)
    theirs = doc2vec()
    theirs.dv.index_to_key.append("one more")
    assert "documents were added to it" in told(theirs, is_documents=True)


def test_the_command_asks_at_a_terminal(tmp_path):
    """Whoever says no has run nothing, whether gensim is there or not."""
    (tmp_path / "m").write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    ours, its = os.openpty()
    os.write(ours, b"n\n")
    arguments = ["import-gensim", str(tmp_path / "m"), "--to", str(tmp_path / "o")]
    done = subprocess.run(
        [sys.executable, "-c", f"from pipeline.cli.commands import main; main({arguments!r})"],
        stdin=its, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    os.close(ours)
    os.close(its)
    assert done.returncode == 2
    assert "Read it? [y/N]" in done.stderr
    assert "nothing was read" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_the_command(tmp_path):
    theirs = word2vec()
    theirs.save(str(tmp_path / "w.model"))

    def command(*more):
        arguments = ["import-gensim", str(tmp_path / "w.model"), "--to", str(tmp_path / "o"), *more]
        code = f"from pipeline.cli.commands import main; main({arguments!r})"
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip

    done = command()
    assert (done.returncode, done.stdout) == (2, "")
    assert "runs whatever program is in it" in done.stderr
    assert "--yes" in done.stderr
    done = command("--yes")
    assert done.returncode == 0, done.stderr
    assert "26 words" in done.stdout
    assert "bring their counts along" in done.stderr
    assert bundle.read(tmp_path / "o")[0].vocabulary.size == 26


def told(call, path, to):
    said = call(str(path), str(to))
    assert "error" not in said, said
    return said


def test_a_model_of_gensims_goes_on_under_the_same_names(tmp_path):
    theirs = doc2vec(dm=0, dbow_words=1, hs=1)
    theirs.comment = "from afar"  # as an argument, gensim loses it
    theirs.save(str(tmp_path / "theirs"))
    told(gensim_import._told, tmp_path / "theirs", tmp_path / "ours")
    model = Doc2Vec.load(tmp_path / "ours")
    assert (model.comment, model.epochs, model.dbow_words, model.dm) == ("from afar", 10, 1, False)
    assert (model.train_count, model.corpus_count) == (1, 302)
    np.testing.assert_array_equal(model.syn1neg, theirs.syn1neg)
    words = sentences()[0]
    ours, others = model.infer_vector(words, epochs=30), theirs.infer_vector(words, epochs=30)
    cosine = ours @ others / np.linalg.norm(ours) / np.linalg.norm(others)
    assert cosine > 0.6  # gensim draws anew each time
    before = model.dv[5].copy()
    more = [TaggedDocument([*words, "novel"], ["new"]) for words in sentences(20)]
    model.build_vocab(more, update=True)
    np.testing.assert_array_equal(model.dv[5], before)
    model.train(more, epochs=2)
    assert "novel" in model.wv
    assert "new" in model.dv


def test_a_word2vec_model_goes_on_under_the_same_names(tmp_path):
    theirs = word2vec(sg=1)
    theirs.save(str(tmp_path / "theirs"))
    told(gensim_import._told, tmp_path / "theirs", tmp_path / "ours")
    for mmap in (None, "r"):
        model = Word2Vec.load(tmp_path / "ours", mmap=mmap)
        near = model.wv.most_similar("a3", topn=26)
        assert [word for word, _ in near] == [
            word for word, _ in theirs.wv.most_similar("a3", topn=26)
        ]
        assert (
            model.predict_output_word(["a3", "a4"])[0][0]
            == theirs.predict_output_word(["a3", "a4"])[0][0]
        )
        model.train(sentences(), epochs=1)
        assert model.receipt.rows == 302
