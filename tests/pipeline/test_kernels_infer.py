"""Vectors for new documents: as the twin finds them, and a function of the text alone."""

from concurrent.futures import ThreadPoolExecutor

import kernel_cases as cases
import numpy as np
import pytest
from reference import WEIGHTS, initial, mix

from pipeline.core import kernels
from pipeline.core.kernels import Kernel

pytestmark = pytest.mark.parametrize("isa", kernels.available())

MODES = {name: mode for name, mode in cases.modes().items() if cases.has_tags(mode["method"])}
EPOCHS = 4


@pytest.fixture(autouse=True)
def _isa(isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)


def inferred(said, corpus, epochs=EPOCHS, **batch):
    """Each row's vector (rows, stride) and the tally."""
    given = corpus.batch(tagged=False, **batch)
    vectors = kernels.aligned((len(given.offsets) - 1, said["input"].shape[1]))
    vectors[:] = np.nan  # whatever was there before counts for nothing
    tally = Kernel(**said).infer(given, vectors, epochs)
    return vectors, tally


@pytest.mark.parametrize("dim", [1, 7, 16, 100, 130])
@pytest.mark.parametrize("mode", MODES)
def test_vectors_equal_the_twins(mode, dim):
    said = cases.model(dim=dim, **MODES[mode])
    corpus = cases.corpus(rows=8, seed=4)
    twin = cases.twin_of(said)
    before = {name: matrix.copy() for name, matrix in cases.matrices(said).items()}
    vectors, tally = inferred(said, corpus)
    expected, loss, terms = [], 0.0, 0
    for ids, _ in corpus.rows():
        twin.loss, twin.terms = 0.0, 0
        expected.append(twin.infer(ids, EPOCHS))
        loss, terms = loss + twin.loss, terms + twin.terms
    np.testing.assert_allclose(vectors[:, :dim], expected, atol=1e-5, rtol=1e-5)
    assert not vectors[:, dim:].any(), "the padding must be zero"
    assert tally.terms == terms
    assert tally.loss == pytest.approx(loss, rel=1e-5)
    for name, matrix in cases.matrices(said).items():
        assert matrix.tobytes() == before[name].tobytes(), f"{name} must not change"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hot", [0, 8])
def test_a_vector_depends_on_its_text_alone(mode, hot):
    """Not on the texts beside it, their order, the row's number, the epoch or the thread's past."""
    said = cases.model(dim=36, hot=hot, **MODES[mode])
    rows = [row[:25] for row, _ in cases.corpus(rows=10, seed=9).rows()]
    rows = [[word for word in row if word >= 0] for row in rows]
    whole, _ = inferred(said, cases.of_rows(rows, 60))
    order = np.random.default_rng(1).permutation(len(rows))
    mixed, _ = inferred(said, cases.of_rows([rows[k] for k in order], 60), first_row=500, epoch=3)
    assert mixed.tobytes() == whole[order].tobytes()
    for k in (1, 3, 7):
        alone, _ = inferred(said, cases.of_rows([rows[k]], 60), first_row=k)
        assert alone.tobytes() == whole[k : k + 1].tobytes()
    other, _ = inferred(said | {"seed": 8}, cases.of_rows(rows, 60))
    assert (other[3] != whole[3]).any()


def test_threads_share_a_kernel():
    """Batches that several threads take, of many sizes, come out as from one."""
    said = cases.model(method="dm", hierarchical=True, dim=36, hot=8)
    corpus = cases.corpus(rows=60, seed=9, longest=60)
    whole, _ = inferred(said, corpus)
    kernel, vectors = Kernel(**said), kernels.aligned(whole.shape)
    cuts = [0, 1, 2, 20, 21, 25, 40, 41, 60]

    def find(begin, end):
        batch = corpus.batch(tagged=False, begin=begin, end=end)
        return kernel.infer(batch, vectors[begin:end], EPOCHS).terms

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(find, cuts, cuts[1:])) > 0
    assert vectors.tobytes() == whole.tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_unknown_words_make_no_difference(mode):
    said = cases.model(dim=36, **MODES[mode])
    known = [3, 8, 1, 4, 9, 20, 3, 30, 2, 5, 0, 7, 12]
    corpus = cases.of_rows([known, [60, *known[:4], 61, 60, *known[4:], 62]], 63)
    corpus.map[60:] = -1
    vectors, tally = inferred(said, corpus)
    assert vectors[0].tobytes() == vectors[1].tobytes()
    # Unknown words are looked at once, the others in every pass.
    assert (tally.tokens, tally.unknown) == (2 * len(known) * EPOCHS + 4, 4)


@pytest.mark.parametrize("mode", MODES)
def test_a_text_of_unknown_words_has_the_zero_vector(mode):
    said = cases.model(**MODES[mode])
    corpus = cases.of_rows([[60, 61], [], [3, 4, 5], [60]], 62)
    corpus.map[60:] = -1
    vectors, _ = inferred(said, corpus)
    assert vectors.any(1).tolist() == [False, False, True, False]


def test_no_pass_gives_the_first_values():
    said = cases.model(method="dm")
    vectors, tally = inferred(said, cases.of_rows([[3, 4, 5]], 60), epochs=0)
    number = mix(mix(mix(3 + 1) + 4 + 1) + 5 + 1)
    expected = initial(number, 20, said["seed"], WEIGHTS)
    np.testing.assert_allclose(vectors[0, :20], expected, rtol=1e-6)
    assert tally.terms == 0


def test_a_frozen_model_infers_all_the_same():
    """Rates are of a model's rows; the vector that is sought is none of them."""
    corpus = cases.corpus(seed=4)
    for method in ("dbow", "dm"):
        said = cases.model(method=method)
        free, _ = inferred(said, corpus)
        frozen = {"input_rates": np.zeros(60, np.float32), "tag_rates": np.zeros(9, np.float32)}
        vectors, _ = inferred(said | frozen, corpus)
        np.testing.assert_allclose(vectors, free, atol=1e-6)


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_words_alone_have_no_documents(method):
    said = cases.model(method=method)
    with pytest.raises(ValueError, match="settings"):
        inferred(said, cases.of_rows([[3, 4]], 60))


def test_vectors_of_the_wrong_shape_are_refused():
    said = cases.model(method="dbow")
    batch = cases.of_rows([[3, 4], [5]], 60).batch(tagged=False)
    for shape in ((1, 32), (3, 32), (2, 16), (2, 48)):
        with pytest.raises(ValueError, match="vectors"):
            Kernel(**said).infer(batch, kernels.aligned(shape), 1)
