"""The code of a tutorial from the days of gensim 2, TensorFlow 1 and Keras 1: words to embeddings.

The calls to gensim are its own, down to the spelling. What it did with TensorFlow 1 is done with
NumPy and with today's torch; what it did with Keras 1, with today's Keras; neither is needed.
"""

import logging
import os
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
from old_spellings import old_spellings
from small_language import running_text

from pipeline import Word2Vec

VECTOR_DIM = 300


@pytest.fixture(scope="module")
def root_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "text8").write_text(running_text(8_000))
    with zipfile.ZipFile(folder / "text8.zip", "w") as file:
        file.write(folder / "text8", "text8")
    return folder


@pytest.fixture(scope="module")
def model(root_path):
    logging.basicConfig(
        format="%(asctime)s : %(levelname)s : %(message)s", level=logging.WARNING
    )  # fmt: skip
    with old_spellings(__file__) as used:
        from corpora import Text8Corpus

        sentences = Text8Corpus(root_path / "text8")
        model = Word2Vec(sentences, iter=10, min_count=10, size=VECTOR_DIM, workers=4)
    assert sorted(used) == ["Word2Vec(iter=)", "Word2Vec(size=)", "corpora.Text8Corpus"]
    assert model.epochs == 10
    return model


@pytest.fixture(scope="module")
def embedding_matrix(model):
    with old_spellings(__file__) as used:
        embedding_matrix = np.zeros((len(model.wv.vocab), VECTOR_DIM))
        for i in range(len(model.wv.vocab)):
            embedding_vector = model.wv[model.wv.index2word[i]]
            if embedding_vector is not None:
                embedding_matrix[i] = embedding_vector
    assert used == ["KeyedVectors.vocab", "KeyedVectors.index2word"]
    return embedding_matrix


class MySentences:
    def __init__(self, dirname):
        self.dirname = dirname

    def __iter__(self):
        for fname in os.listdir(self.dirname):  # noqa: PTH208
            with open(os.path.join(self.dirname, fname)) as lines:  # noqa: PTH118, PTH123
                for line in lines:
                    yield line.split()


def test_sentences_of_ones_own(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f"file {name}\nthe mill turns\n" * 5)
    model = Word2Vec(MySentences(tmp_path), min_count=10, workers=1)
    assert sorted(model.wv.index_to_key) == ["file", "mill", "the", "turns"]
    assert model.corpus_count == 20


def test_it_reads_the_archive_too(root_path):
    from corpora import Text8

    zipped, plain = Text8(root_path / "text8.zip"), Text8(root_path / "text8")
    assert list(zipped) == list(plain)


def test_what_the_model_knows(model):
    with old_spellings(__file__) as used:
        assert model.wv["the"].shape == (VECTOR_DIM,)
        common = (model.wv.index2word[0], model.wv.index2word[1], model.wv.index2word[2])
        assert common == ("the", "of", "and")
        vocab_size = len(model.wv.vocab)
        rare = [model.wv.index2word[vocab_size - 1 - i] for i in range(3)]
        counts = [model.wv.vocab[word].count for word in rare]
        assert counts == sorted(counts)
        assert min(entry.count for entry in model.wv.vocab.values()) == counts[0] >= 10
        text = 'Index of "of" is: {}'.format(model.wv.vocab["of"].index)
        assert text == 'Index of "of" is: 1'
        assert model.wv.similarity("woman", "man") > model.wv.similarity("man", "elephant")
        assert model.wv.doesnt_match("green blue red zebra".split()) == "zebra"  # noqa: SIM905
    assert used == ["KeyedVectors.index2word", "KeyedVectors.vocab"]


def read_data(filename):
    with zipfile.ZipFile(filename) as f:
        return f.read(f.namelist()[0]).decode().split()


def convert_data_to_index(string_data, wv):
    index_data = []
    for word in string_data:
        if word in wv:
            index_data.append(wv.vocab[word].index)  # noqa: PERF401
    return index_data


def test_text_as_numbers(root_path, model):
    str_data = read_data(root_path / "text8.zip")[:2_000]
    str_data[5] = "a-word-that-is-not-there"
    with old_spellings(__file__):
        index_data = convert_data_to_index(str_data, model.wv)
    assert len(index_data) == 1_999
    assert [model.wv.index_to_key[i] for i in index_data] == str_data[:5] + str_data[6:]
    # As it is done today: the words' own index.
    today = [model.wv.get_index(word) for word in str_data if word in model.wv]
    assert today == index_data


def test_save_and_load(root_path, model):
    model.save(root_path / "mymodel")
    again = Word2Vec.load(root_path / "mymodel")
    assert np.array_equal(again.wv.vectors, model.wv.vectors)
    assert again.wv.index_to_key == model.wv.index_to_key


def test_the_matrix(model, embedding_matrix):
    assert np.array_equal(embedding_matrix, model.wv.vectors)
    # In one call, as it is done today.
    matrix, index = model.wv.embedding_matrix()
    assert np.array_equal(embedding_matrix, matrix)
    assert index["of"] == 1


def nearest(similarities, wv, own):
    """Return the eight nearest words by a row of cosines, as the tutorial prints them."""
    order = (-similarities).argsort()
    return [wv.index_to_key[i] for i in order if i != own][:8]


def test_the_nearest_by_numpy(model, embedding_matrix):
    valid_examples = np.random.default_rng(1).choice(100, 16, replace=False)
    norm = np.sqrt(np.sum(np.square(embedding_matrix), 1, keepdims=True))
    normalized = embedding_matrix / norm
    similarity = normalized[valid_examples] @ normalized.T
    for row, i in zip(similarity, valid_examples, strict=True):
        found = nearest(row, model.wv, i)
        assert found == [word for word, _ in model.wv.most_similar(int(i), topn=8)]
    two = model.wv.get_index("two")
    found = nearest(normalized[two] @ normalized.T, model.wv, two)
    assert {"one", "three"} <= set(found)


def test_the_nearest_by_torch(model, embedding_matrix):
    torch = pytest.importorskip("torch", reason="the tutorial's TensorFlow part needs torch here")
    embedding = torch.nn.Embedding.from_pretrained(torch.tensor(embedding_matrix), freeze=True)
    assert not embedding.weight.requires_grad
    normalized = torch.nn.functional.normalize(embedding.weight, dim=1)
    i = model.wv.get_index("two")
    similarity = (normalized[i] @ normalized.T).numpy()
    expected = [word for word, _ in model.wv.most_similar("two", topn=8)]
    assert nearest(similarity, model.wv, i) == expected
    layer, index = model.wv.torch_embedding(reserved=0)
    assert torch.equal(layer(torch.tensor(index["two"])).double(), embedding.weight[i])


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")  # Keras' own, of NumPy
def test_the_nearest_by_keras(model, embedding_matrix, monkeypatch):
    backends = [name for name in ("tensorflow", "torch", "jax") if find_spec(name)]
    if backends:
        monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", backends[0]))
    keras = pytest.importorskip("keras", reason="the tutorial's Keras part needs keras")
    embeddings = keras.layers.Embedding(*embedding_matrix.shape, trainable=False)
    valid_word = keras.Input((1,), dtype="int32")
    other_word = keras.Input((1,), dtype="int32")
    embedded = [embeddings(valid_word), embeddings(other_word)]
    similarity = keras.layers.Dot(axes=2, normalize=True)(embedded)
    embeddings.set_weights([embedding_matrix])
    k_model = keras.Model([valid_word, other_word], similarity)

    size, i = len(embedding_matrix), model.wv.get_index("two")
    pairs = [np.full((size, 1), i, np.int32), np.arange(size, dtype=np.int32)[:, None]]
    sim = np.asarray(k_model.predict_on_batch(pairs)).reshape(size)
    expected = [word for word, _ in model.wv.most_similar("two", topn=8)]
    assert nearest(sim, model.wv, i) == expected
    layer, _ = model.wv.keras_embedding(reserved=0)
    assert np.array_equal(layer.get_weights()[0], embedding_matrix.astype(np.float32))
