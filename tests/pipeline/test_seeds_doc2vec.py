"""The code of two documents: Doc2Vec's page of gensim 2, and a post on training a model again.

The calls are theirs, down to the spelling; the imports are ours, the text is made here.
"""

import bz2
import gzip
from itertools import chain

import numpy as np
import pytest
from old_spellings import old_spellings
from small_language import sentences

from corpora import TaggedDocument, TaggedLineDocument
from pipeline import Doc2Vec, KeyedVectors


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.fixture(scope="module")
def documents():
    """Ten sentences about one thing each, and neighbours about the same."""
    rows = sorted(sentences(4_000), key=lambda row: next(w for w in row if not w[-1].isdigit()))
    parts = [list(chain.from_iterable(rows[i : i + 10])) for i in range(0, 4_000, 10)]
    return [TaggedDocument(part, [f"SENT_{i}"]) for i, part in enumerate(parts)]


def test_the_page_of_doc2vec(documents, tmp_path):
    fname = tmp_path / "model"
    with old_spellings(__file__) as used:
        model = Doc2Vec(documents, size=100, window=8, min_count=5, workers=4)

        model.save(fname)
        model = Doc2Vec.load(fname)  # you can continue training with the loaded model!
        model.train(documents, total_examples=model.corpus_count, epochs=model.iter)

        docvec = model.docvecs[99]
        assert np.array_equal(docvec, model.docvecs["SENT_99"])
        assert docvec.shape == (100,)
        sims = model.docvecs.most_similar(99)
        assert sims == model.docvecs.most_similar("SENT_99")
        assert "SENT_99" not in dict(sims)
        sims = model.docvecs.most_similar(docvec)
        assert sims[0][0] == "SENT_99"
        clipped = model.docvecs.most_similar(99, clip_start=0, clip_end=50)
        assert all(int(tag[5:]) < 50 for tag, _ in clipped)
        assert model.docvecs.similarity("SENT_99", 98) <= 1
        assert -1 <= model.docvecs.n_similarity([99, 98], ["SENT_1"]) <= 1
        assert model.docvecs.doesnt_match([99, 98, 97]) in (99, 98, 97)

        inferred = model.infer_vector(documents[99].words, alpha=0.1, min_alpha=0.0001, steps=5)
        assert inferred.shape == (100,)
        alike = model.docvecs.similarity_unseen_docs(
            model, documents[99].words, documents[99].words, steps=5
        )
        assert alike == pytest.approx(1)

        model.delete_temporary_training_data(keep_doctags_vectors=True, keep_inference=True)
        assert np.array_equal(docvec, model.docvecs[99])
    assert used == [
        "Doc2Vec(size=)",
        "Doc2Vec.iter",
        "Doc2Vec.docvecs",
        "Doc2Vec.infer_vector(steps=)",
        "KeyedVectors.similarity_unseen_docs()",
        "Doc2Vec.delete_temporary_training_data()",
    ]


def test_the_steps_of_the_page(documents):
    """scan_vocab, scale_vocab, finalize_vocab, in the place of build_vocab."""
    with old_spellings(__file__) as used:
        model = Doc2Vec(dm=0, dbow_words=1, size=20, workers=1)
        total, count = model.scan_vocab(documents)
        assert (total, count) == (sum(len(words) for words, _ in documents), 400)
        report = model.scale_vocab(dry_run=True)
        assert report["num_retained_words"] == 103
        assert report["memory"]["total"] > 103 * 20 * 4
        model.scale_vocab()
        model.finalize_vocab()
        model.train(documents)
        assert model.docvecs.count == 400
        assert model.docvecs.index_to_doctag(3) == "SENT_3"
        assert model.docvecs.doctags["SENT_3"].offset == 3
        assert model.docvecs.max_rawint == -1
    assert used == [
        "Doc2Vec(size=)",
        "Doc2Vec.scale_vocab()",
        "Doc2Vec.finalize_vocab()",
        "Doc2Vec.docvecs",
        "KeyedVectors.count",
        "KeyedVectors.index_to_doctag()",
        "KeyedVectors.doctags",
        "KeyedVectors.max_rawint",
    ]


def test_vectors_in_a_file(documents, tmp_path):
    """docvecs_mapfile: the documents' vectors lie in a file, in training too."""
    with old_spellings(__file__) as used:
        model = Doc2Vec(documents, size=12, docvecs_mapfile=str(tmp_path / "dv"), workers=1)
    assert used == ["Doc2Vec(size=)", "Doc2Vec(docvecs_mapfile=)"]
    with old_spellings(__file__):
        other = Doc2Vec(documents, size=12, workers=1)
    assert np.array_equal(model.dv.vectors, other.dv.vectors)
    assert any(path.stat().st_size >= 400 * 12 * 4 for path in tmp_path.iterdir())


def test_tagged_line_document(tmp_path):
    data = b"the mill turns\n\nthe race runs\n"
    (tmp_path / "myfile.txt").write_bytes(data)
    (tmp_path / "compressed_text.txt.bz2").write_bytes(bz2.compress(data))
    (tmp_path / "compressed_text.txt.gz").write_bytes(gzip.compress(data))
    for path in sorted(tmp_path.iterdir()):
        made = [document.words for document in TaggedLineDocument(str(path))]
        assert made == [["the", "mill", "turns"], [], ["the", "race", "runs"]]
        model = Doc2Vec(TaggedLineDocument(str(path)), vector_size=4, min_count=1, epochs=1)
        assert np.array_equal(model.dv[2], model.dv[f"{path.name}:3"])


def test_the_brown_corpus(tmp_path):
    (tmp_path / "ca01").write_text("\tThe/at jury/nn said/vbd ./.\n\n\tIt/pps did/dod ./.\n")
    with old_spellings(__file__) as used:
        from corpora import BrownCorpus, LabeledSentence, TaggedBrownCorpus

        assert list(BrownCorpus(str(tmp_path))) == [
            ["the/at", "jury/nn", "said/vb"],
            ["it/pp", "did/do"],
        ]
        documents = list(TaggedBrownCorpus(str(tmp_path)))
        assert documents[1] == LabeledSentence(["it/pp", "did/do"], ["ca01_SENT_2"])
    assert used == ["corpora.BrownCorpus", "corpora.LabeledSentence", "corpora.TaggedBrownCorpus"]


# The post on training again: a model of an encyclopedia gets documents of one's own.

DATA = ["jav python ruby xxyfg"] * 9 + ["fotball keeper"]


class DocIterator:
    def __init__(self, prefix):
        self.num = 0
        self.prefix = prefix

    def __iter__(self):
        return self

    def __next__(self):
        num = self.num
        prefix = self.prefix
        if self.num < len(DATA):
            self.num += 1
            return TaggedDocument(words=DATA[num].lower().split(), tags=[prefix + str(num)])
        self.num = 0
        raise StopIteration


@pytest.fixture
def encyclopedia(tmp_path):
    about = [["jav", "python", "ruby", "kode"], ["fotball", "keeper", "mal", "kamp"]]
    documents = [TaggedDocument(about[i % 2] * 5, [f"W{i}"]) for i in range(40)]
    Doc2Vec(documents, epochs=20, workers=1).save(tmp_path / "wiki.model")
    return tmp_path / "wiki.model"


def test_training_again_as_the_post_has_it(encyclopedia, tmp_path):
    model2 = Doc2Vec.load(encyclopedia)
    tagged_data = DocIterator("E")
    model_new = Doc2Vec()
    model_new.build_vocab(tagged_data)
    model2.build_vocab(tagged_data, update=True, keep_raw_vocab=True)
    model2.index_to_key = model_new.dv.index_to_key
    model2.key_to_index = model_new.dv.key_to_index
    # gensim gave the new documents no vectors: here they have some, beside all the others'.
    with pytest.raises(ValueError, match=r"shape \(50, 100\), not \(10, 100\)"):
        model2.dv.vectors = model_new.dv.vectors
    model2.train(tagged_data, total_examples=model2.corpus_count, epochs=250)
    deleteDocs = []
    for docName in model2.dv.key_to_index:
        if docName not in model2.dv.index_to_key:
            deleteDocs.append(docName)  # noqa: PERF401
    assert deleteDocs == []
    model2.save(tmp_path / "model2")
    model3 = Doc2Vec.load(tmp_path / "model2")
    checked(model2, model3)


def test_training_again_as_it_is_here(encyclopedia, tmp_path):
    model2 = Doc2Vec.load(encyclopedia)
    before = model2.dv.vectors.copy()
    model2.build_vocab(DocIterator("E"), update=True)
    model2.train(DocIterator("E"), epochs=250)
    assert np.array_equal(before, model2.dv.vectors[:40])  # nobody else's document has moved
    model2.save(tmp_path / "model2")
    checked(model2, Doc2Vec.load(tmp_path / "model2"))


def checked(model2, model3):
    """What the post prints: the new word and the new documents lie where they should."""
    e0 = model2.dv["E0"]
    near = dict(model3.wv.most_similar([e0], topn=10))
    assert {"jav", "python", "ruby", "xxyfg"} & set(list(near)[:3])
    temp_doc_vector = model3.infer_vector(["jav", "python", "ruby", "xxyfg"], epochs=150)
    near = [word for word, _ in model3.wv.most_similar([temp_doc_vector], topn=10)]
    assert set(near[:3]) <= {"jav", "python", "ruby", "xxyfg", "kode"}
    near = model3.wv.most_similar([model3.wv["xxyfg"]], topn=10)
    assert near[0] == ("xxyfg", pytest.approx(1))
    assert {word for word, _ in near[1:4]} <= {"jav", "python", "ruby", "kode"}
    assert cosine(e0, model2.dv["E1"]) > cosine(e0, model2.dv["E9"])
    assert model2.dv.index_to_key == [f"W{i}" for i in range(40)] + [f"E{i}" for i in range(10)]
    assert dict(model2.dv.key_to_index)["E9"] == 49
    assert np.array_equal(model2.dv.vectors, model3.dv.vectors)
    assert isinstance(model3.dv, KeyedVectors)
