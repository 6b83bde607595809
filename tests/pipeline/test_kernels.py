"""The training core against its NumPy twin, and against arguments that must not be believed."""

from itertools import pairwise

import numpy as np
import pytest
from reference import Twin, initial, noise_word

from pipeline import kernels
from pipeline.kernels import Batch, Kernel

pytestmark = pytest.mark.parametrize("isa", kernels.available())


@pytest.fixture(autouse=True)
def _isa(isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)


def made(rows=60, dim=20, seed=3, output=True):
    """Weights with something in both matrices, so that every gradient is nonzero."""
    shape = (rows, kernels.stride_of(dim))
    pair = kernels.aligned(shape), kernels.aligned(shape)
    for k, matrix in enumerate(pair if output else pair[:1]):
        kernels.initial_rows(matrix, 0, dim, seed + k)
        np.multiply(matrix, 5, out=matrix)
    return pair


def corpus(rows, words, seed=0, longest=40):
    """Rows of local ids of many lengths (also 0, 1 and 2), frequent words first."""
    rng = np.random.default_rng(seed)
    lengths = np.concatenate([[0, 1, 2, longest], rng.integers(0, longest, rows - 4)])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    tokens = np.minimum(rng.zipf(1.3, offsets[-1]) - 1, words - 1).astype(np.int32)
    return tokens, offsets


def settings(pair, dim, tokens, **changed):
    rows = len(pair[0])
    weights = 1.0 / np.arange(1, rows + 1)
    return {
        "input": pair[0],
        "output": pair[1],
        "keep": np.linspace(0.3, 1, rows) * 0xFFFFFFFF,
        "noise": kernels.noise_table(weights),
        "dim": dim,
        "method": "skip_gram",
        "window": 5,
        "negative": 5,
        "shrink": True,
        "mean": True,
        "share": True,
        "alpha": 0.05,
        "min_alpha": 0.01,
        "tokens": tokens,
        "seed": 7,
    } | changed


def kernel_and_twin(rows=60, dim=20, tokens=1000, **changed):
    pair = made(rows, dim)
    said = settings(pair, dim, tokens, **changed)
    said["keep"] = said["keep"].astype(np.uint32)
    twin = Twin(
        pair[0][:, :dim].astype(np.float64),
        pair[1][:, :dim].astype(np.float64),
        said["keep"],
        said["noise"],
        cbow=said["method"] == "cbow",
        **{k: said[k] for k in ("window", "negative", "shrink", "mean", "share")},
        **{k: said[k] for k in ("alpha", "min_alpha")},
        tokens=tokens,
        seed=said["seed"],
    )
    return Kernel(**said), twin, pair


CASES = {
    "skip-gram": {},
    "cbow mean": {"method": "cbow"},
    "cbow sum": {"method": "cbow", "mean": False},
    "noise for each pair": {"share": False},
    "noise for each pair, many": {"share": False, "negative": 15},
    "fixed window": {"shrink": False, "window": 3},
    "cbow, fixed wide window": {"method": "cbow", "shrink": False, "window": 12},
    "one noise word": {"negative": 1},
    "more outputs than a block": {"negative": 15},
    "cbow, more outputs than a block": {"method": "cbow", "negative": 21},
    "more noise than words": {"negative": 40, "rows": 12},
    "dimension 1": {"dim": 1},
    "dimension 16": {"dim": 16},
    "dimension 100": {"dim": 100},
    "dimension 129": {"dim": 129, "method": "cbow"},
    "window 1": {"window": 1},
    "two words": {"rows": 2},
}


@pytest.mark.parametrize("case", CASES)
def test_batch_equals_the_twin(case):
    tokens, offsets = corpus(30, 80)
    kernel, twin, pair = kernel_and_twin(tokens=len(tokens) * 2, **CASES[case])
    dim = twin.input.shape[1]
    ids = np.arange(80, dtype=np.int32)
    ids[ids >= len(pair[0])] = -1  # some words are not in the vocabulary
    ids[5] = -1
    tally = kernel.train(Batch(tokens, offsets, ids, 11, len(tokens), 1))
    for r in range(len(offsets) - 1):
        row = ids[tokens[offsets[r] : offsets[r + 1]]].tolist()
        twin.sentence(row, 11 + r, 1, len(tokens) + int(offsets[r]))
    assert tally.terms == twin.terms
    assert tally.loss == pytest.approx(twin.loss, rel=1e-5)
    np.testing.assert_allclose(pair[0][:, :dim], twin.input, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(pair[1][:, :dim], twin.output, atol=1e-5, rtol=1e-5)
    assert not pair[0][:, dim:].any(), "the padding must stay zero"
    assert not pair[1][:, dim:].any(), "the padding must stay zero"
    assert tally.tokens == len(tokens)
    assert tally.unknown == (ids[tokens] < 0).sum()


def test_one_window_follows_the_gradient():
    """Against finite differences of the loss itself, so that the twin can't share a mistake."""
    dim, alpha = 6, 1e-3
    for method in ("skip_gram", "cbow"):
        for mean in (True, False):
            pair = made(8, dim)
            said = settings(pair, dim, 1, method=method, mean=mean, window=2, shrink=False)
            said |= {"alpha": alpha, "min_alpha": alpha}
            said["keep"] = np.full(8, 0xFFFFFFFF, np.uint32)
            before = [m.copy() for m in pair]
            ids = np.arange(8, dtype=np.int32)
            batch = Batch(np.array([3, 4], np.int32), np.array([0, 2], np.int32), ids, 0, 0, 0)

            # two words: the windows are (3 <- 4) and (4 <- 3), taken together
            def loss(x, w, said=said):
                total = 0.0
                for twin_ids in ([3, 4],):
                    twin = Twin(x, w, said["keep"], said["noise"], said["method"] == "cbow", 2, 5)
                    twin.seed, twin.shrink, twin.mean, twin.alpha = 7, False, said["mean"], 0.0
                    twin.min_alpha = 0.0
                    twin.sentence(twin_ids, 0, 0, 0)
                    total += twin.loss
                return total

            Kernel(**said).train(batch)
            for which in range(2):
                base = [m[:, :dim].astype(np.float64) for m in before]
                slope = np.zeros((8, dim))
                for at in np.ndindex(8, dim):
                    for sign in (1, -1):
                        moved = [b.copy() for b in base]
                        moved[which][at] += sign * 1e-5
                        slope[at] += sign * loss(*moved) / 2e-5
                step = (pair[which] - before[which])[:, :dim] / -alpha
                np.testing.assert_allclose(step, slope, atol=2e-3)


def test_cut_into_batches_makes_no_difference():
    tokens, offsets = corpus(50, 60, seed=5)
    ids = np.arange(60, dtype=np.int32)
    for method in ("skip_gram", "cbow"):
        results = []
        for cuts in ([0, 50], [0, 1, 7, 8, 30, 50]):
            kernel, _, pair = kernel_and_twin(dim=100, tokens=len(tokens), method=method)
            for a, b in pairwise(cuts):
                kernel.train(Batch(tokens, offsets[a : b + 1], ids, a, int(offsets[a]), 0))
            results.append([m.copy() for m in pair])
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


def test_first_values_are_the_twins():
    matrix = kernels.aligned((4, 32))
    kernels.initial_rows(matrix, 10, 20, 5)
    expected = np.stack([initial(10 + r, 20, 5) for r in range(4)])
    np.testing.assert_allclose(matrix[:, :20], expected, rtol=1e-6)
    assert not matrix[:, 20:].any()


def test_noise_follows_its_distribution():
    weights = np.array([5.0, 1.0, 0.0, 3.0, 1.0])
    table = kernels.noise_table(weights)
    share = np.zeros(5)
    for column, entry in enumerate(table.tolist()):
        own = (entry & 0xFFFFFFFF) / 2**32
        share[column] += own / 5
        share[entry >> 32] += (1 - own) / 5
    np.testing.assert_allclose(share, weights / weights.sum(), atol=1e-9)
    assert noise_word(0, table) in range(5)
    for wrong in ([0.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [float("inf")], []):
        with pytest.raises(ValueError, match="noise weights"):
            kernels.noise_table(np.array(wrong))


BAD = {
    "id beyond the dictionary": ({"tokens": [0, 99]}, "outside its shard"),
    "negative id": ({"tokens": [0, -2]}, "outside its shard"),
    "word beyond the weights": ({"map": [0, 1000]}, "outside the weights"),
    "word below -1": ({"map": [0, -5]}, "outside the weights"),
    "offsets that fall": ({"offsets": [0, 2, 1]}, "offsets"),
    "offsets beyond the tokens": ({"offsets": [0, 5]}, "offsets"),
    "negative offset": ({"offsets": [-1, 2]}, "offsets"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_batches_are_refused_before_anything_is_written(case):
    changed, message = BAD[case]
    parts = {"tokens": [0, 1], "offsets": [0, 2], "map": [0, 1]} | changed
    arrays = {name: np.array(value, np.int32) for name, value in parts.items()}
    kernel, _, pair = kernel_and_twin()
    before = [m.copy() for m in pair]
    with pytest.raises(ValueError, match=message):
        kernel.train(Batch(first_row=0, first_token=0, epoch=0, **arrays))
    for one, other in zip(before, pair, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("changed", [{"window": 0}, {"negative": 0}, {"dim": 0}, {"dim": 40}])
def test_impossible_settings_are_refused(changed):
    pair = made()
    said = settings(pair, 20, 100) | changed
    said["keep"] = said["keep"].astype(np.uint32)
    batch = Batch(*(np.array(a, np.int32) for a in ([0], [0, 1], [0])), 0, 0, 0)
    with pytest.raises(ValueError, match="settings"):
        Kernel(**said).train(batch)


def test_broken_weights_are_an_error():
    tokens, offsets = corpus(10, 60)
    for broken in (np.nan, np.inf):
        kernel, _, pair = kernel_and_twin()
        pair[0][0, 0] = broken
        with pytest.raises(kernels.TrainingError, match="finite"):
            kernel.train(Batch(tokens, offsets, np.arange(60, dtype=np.int32), 0, 0, 0))


def test_empty_batches_are_nothing():
    kernel, _, pair = kernel_and_twin()
    before = pair[0].copy()
    for offsets in ([0], [0, 0, 0]):
        none = np.zeros(0, np.int32)
        tally = kernel.train(Batch(none, np.array(offsets, np.int32), none, 0, 0, 0))
        assert (tally.tokens, tally.terms, tally.loss) == (0, 0, 0.0)
    np.testing.assert_array_equal(before, pair[0])


def test_an_instruction_set_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", "abacus")
    with pytest.raises(kernels.TrainingError, match="abacus"):
        kernels.chosen()
