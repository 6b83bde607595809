"""The code of two documents from the days of gensim 2: Word2Vec's page, and the post that began it.

The calls are theirs, down to the spelling; the imports are ours, the text is made here.
"""

import bz2
import gzip
import logging

import numpy as np
import pytest
from old_spellings import old_spellings
from small_language import running_text, sentences

from corpora import LineSentence
from pipeline import KeyedVectors, Word2Vec


@pytest.fixture(scope="module")
def text8(tmp_path_factory):
    path = tmp_path_factory.mktemp("seeds") / "text8"
    path.write_text(running_text(8_000))
    return path


def test_the_page_of_word2vec(tmp_path):
    rows, fname = sentences(), tmp_path / "model"
    with old_spellings(__file__) as used:
        model = Word2Vec(rows, size=100, window=5, min_count=5, workers=4)

        model.save(fname)
        model = Word2Vec.load(fname)  # you can continue training with the loaded model!
        before = model["computer"].copy()
        model.train(rows, total_words=model.corpus_total_words, epochs=model.iter)
        assert not np.array_equal(before, model["computer"])

        ((first, cosine), *_) = model.most_similar(positive=["woman", "king"], negative=["man"])
        assert (first, 0.5 < cosine <= 1) == ("queen", True)
        assert model.doesnt_match(["breakfast", "cereal", "dinner", "lunch"]) == "cereal"
        assert model.similarity("woman", "man") > model.similarity("woman", "elephant")
        assert model["computer"].shape == (100,)
        assert model["computer"].dtype == np.float32

        model.init_sims(replace=True)
        assert np.allclose(np.linalg.norm(model["computer"]), 1)
    assert used == [
        "Word2Vec(size=)",
        "Word2Vec.__getitem__()",
        "Word2Vec.iter",
        "Word2Vec.most_similar()",
        "Word2Vec.doesnt_match()",
        "Word2Vec.similarity()",
        "Word2Vec.init_sims()",
    ]


@pytest.mark.parametrize("binary", [False, True])
def test_the_c_formats(tmp_path, binary):
    with old_spellings(__file__) as used:
        model = Word2Vec(sentences(500), size=8, min_count=1, workers=1)
        model.save_word2vec_format(tmp_path / "vectors", binary=binary)
        loaded = Word2Vec.load_word2vec_format(tmp_path / "vectors", binary=binary)
    assert used[1:] == ["Word2Vec.save_word2vec_format()", "Word2Vec.load_word2vec_format()"]
    assert loaded.most_similar("king") == model.wv.most_similar("king")
    assert np.array_equal(loaded["computer"], model.wv["computer"])


def test_phrases_before_word2vec():
    from pipeline import Phrases

    rows = [["new", "york", *row] if i % 40 == 0 else row for i, row in enumerate(sentences())]
    bigram_transformer = Phrases(rows)
    with old_spellings(__file__) as used:
        model = Word2Vec(bigram_transformer[rows], size=100)
    assert used == ["Word2Vec(size=)"]
    assert "new_york" in model.wv
    assert "york" not in model.wv


def test_line_sentence(tmp_path):
    rows = [["the", "mill"], ["turns"], ["and", "turns"]]
    data = "".join(" ".join(row) + "\n" for row in rows).encode()
    (tmp_path / "myfile.txt").write_bytes(data)
    (tmp_path / "compressed_text.txt.bz2").write_bytes(bz2.compress(data))
    (tmp_path / "compressed_text.txt.gz").write_bytes(gzip.compress(data))
    for name in ("myfile.txt", "compressed_text.txt.bz2", "compressed_text.txt.gz"):
        read = LineSentence(str(tmp_path / name))
        assert [sentence for sentence in read] == rows  # noqa: C416  (a loop over sentences)
        assert list(LineSentence(str(tmp_path / name), 1, 1)) == [["the"], ["mill"]]
    with (tmp_path / "myfile.txt").open() as file:
        assert list(LineSentence(file)) == rows


def test_a_model_from_frequencies():
    model = Word2Vec()
    model.build_vocab_from_freq({"Word1": 15, "Word2": 20})
    assert model.wv.index_to_key == ["Word2", "Word1"]
    assert model.wv.get_vecattr("Word1", "count") == 15


def test_the_post(text8, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with old_spellings(__file__) as used:
        from corpora import Text8Corpus

        read = Text8Corpus(text8)
        model = Word2Vec(read, size=200)
        assert [record for record in caplog.records if record.levelno == logging.INFO]
        ((found, _),) = model.most_similar(positive=["woman", "king"], negative=["man"], topn=1)
        assert found == "queen"

        model.save(tmp_path / "text8.model")
        model.save_word2vec_format(tmp_path / "text8.model.bin", binary=True)
        model = Word2Vec.load_word2vec_format(tmp_path / "text8.model.bin", binary=True)
        assert isinstance(model, KeyedVectors)

        assert model.most_similar(["girl", "father"], ["boy"], topn=3)[0][0] == "mother"
        more_examples = ["he his she", "big bigger bad", "going went being"]
        said = []
        for example in more_examples:
            a, b, x = example.split()
            predicted = model.most_similar([x, b], [a])[0][0]
            said.append(f"'{a}' is to '{b}' as '{x}' is to '{predicted}'")
        assert said == [
            "'he' is to 'his' as 'she' is to 'her'",
            "'big' is to 'bigger' as 'bad' is to 'worse'",
            "'going' is to 'went' as 'being' is to 'was'",
        ]
        assert model.doesnt_match(["breakfast", "cereal", "dinner", "lunch"]) == "cereal"
    assert used == [
        "corpora.Text8Corpus",
        "Word2Vec(size=)",
        "Word2Vec.most_similar()",
        "Word2Vec.save_word2vec_format()",
        "Word2Vec.load_word2vec_format()",
    ]


def test_what_its_readers_asked(text8, tmp_path):
    """Training goes on after a load; words by index, indexes by word, vectors by word."""
    with old_spellings(__file__) as used:
        my_model = Word2Vec(sentences(), size=50)
        my_model.save(tmp_path / "model")
        my_model = Word2Vec.load(tmp_path / "model")
        trained, raw = my_model.train(sentences(seed=2), total_examples=4_000, epochs=1)
        assert 0 < trained < raw
        assert my_model.index2word[0] == "the"
        assert [my_model.vocab[word].index for word in list(my_model.vocab.keys())[0:9]] == list(
            range(9)
        )
        assert my_model["king"].shape == (50,)
        assert my_model.most_similar(positive=["king", "queen"], negative=["man"])
        assert len(my_model.most_similar("king", topn=10)) == 10
        assert len(my_model.predict_output_word(["male0", "royal1"], topn=5)) == 5
    assert used[1:] == [
        "Word2Vec.index2word",
        "Word2Vec.vocab",
        "Word2Vec.__getitem__()",
        "Word2Vec.most_similar()",
    ]
