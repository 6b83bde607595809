"""Every mode against the slope of its own loss, by finite differences.

The loss is taken from the twin, and, since the twin could share a mistake, from the core itself;
and the twin's loss is written out once more by hand.
"""

from functools import cache

import kernel_cases as cases
import numpy as np
import pytest

from pipeline.core import kernels
from pipeline.core.kernels import Kernel

WORDS, TAGS, DIM, ALPHA = 7, 3, 3, 3e-4
MODES = cases.modes()

# Three words, of which each sees the two others and both tags: what every mode divides by is the
# same for all.
CORPUS = cases.of_rows([[3, 4, 1]], WORDS, [[2, 0]], TAGS)


def model(mode, alpha=0.0):
    said = cases.model(
        rows=WORDS,
        dim=DIM,
        tag_rows=TAGS,
        **{"window": 2, "shrink": False, "negative": 3, "alpha": alpha, "min_alpha": alpha}
        | {k: v for k, v in MODES[mode].items() if k != "window"},
        keep=np.full(WORDS, 0xFFFFFFFF, np.uint32),
        seed=7,
    )
    for matrix in cases.matrices(said).values():
        np.multiply(
            matrix, 0.5, out=matrix
        )  # so that a step's slopes hardly differ from those of the step before
    return said


def differences(loss, said, by):
    """d loss / d matrix, for every number in every matrix."""
    slopes = {}
    for name, matrix in cases.matrices(said).items():
        inside = matrix.reshape(len(matrix), -1, kernels.stride_of(DIM))[:, :, :DIM]
        slopes[name] = np.zeros(inside.shape)
        for at in np.ndindex(inside.shape):
            kept = inside[at]
            above, below = np.float32(kept + by), np.float32(kept - by)
            inside[at] = above
            high = loss()
            inside[at] = below
            slopes[name][at] = (high - loss()) / (float(above) - float(below))
            inside[at] = kept
        slopes[name] = slopes[name].reshape(len(matrix), -1)
    return slopes


@cache
def slopes_of_the_twin(mode):
    said = model(mode)
    return differences(lambda: cases.trained_twin(said, CORPUS).loss, said, 1e-3)


def factors(said):
    """How the change of a row of X stands to the slope: the peers divide where others do not."""
    n = 2 + 2 * (said["method"] == "dm")
    factor = 1.0
    if said["method"] in ("cbow", "dm") and said["join"] != "concat" and not said["exact"]:
        factor = n if said["join"] == "mean" else 1 / n
    return {"input": factor, "tags": factor, "output": 1.0, "nodes": 1.0}


@pytest.mark.parametrize("mode", MODES)
def test_the_twin_goes_down_the_slope_of_its_loss(mode):
    said = model(mode, ALPHA)
    twin = cases.trained_twin(said, CORPUS)
    assert twin.terms > 0
    for name, slope in slopes_of_the_twin(mode).items():
        step = (getattr(twin, name) - cases.unpadded(said[name], DIM)) / -ALPHA
        np.testing.assert_allclose(step, slope * factors(said)[name], atol=5e-3, err_msg=name)


@pytest.mark.parametrize("isa", kernels.available())
@pytest.mark.parametrize("mode", MODES)
def test_the_core_goes_down_the_slope_of_the_twins_loss(mode, isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)
    said = model(mode, ALPHA)
    before = {name: matrix.copy() for name, matrix in cases.matrices(said).items()}
    cases.trained(said, CORPUS)
    for name, slope in slopes_of_the_twin(mode).items():
        step = cases.unpadded(said[name] - before[name], DIM) / -ALPHA
        np.testing.assert_allclose(step, slope * factors(said)[name], atol=5e-3, err_msg=name)


@pytest.mark.parametrize("isa", kernels.available())
@pytest.mark.parametrize("mode", MODES)
def test_the_core_goes_down_the_slope_of_its_own_loss(mode, isa, monkeypatch):
    """With a learning rate of 0 nothing changes and the core returns the loss."""
    monkeypatch.setenv("MILLRACE_ISA", isa)
    said = model(mode)
    kernel = Kernel(**said)
    batch = CORPUS.batch(cases.has_tags(said["method"]))
    slopes = differences(lambda: kernel.train(batch).loss, said, 0.02)
    before = {name: matrix.copy() for name, matrix in cases.matrices(said).items()}
    moved = said | {"alpha": ALPHA, "min_alpha": ALPHA}
    cases.trained(moved, CORPUS)
    for name, slope in slopes.items():
        step = cases.unpadded(moved[name] - before[name], DIM) / -ALPHA
        np.testing.assert_allclose(step, slope * factors(said)[name], atol=5e-3, err_msg=name)


def sigma(f):
    return 1 / (1 + np.exp(-f))


def test_the_loss_by_hand():
    """Skip-gram over one pair of words, with the noise word and the path read off by eye."""
    rng = np.random.default_rng(1)
    x, w, nodes = rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), rng.normal(size=(2, 2))
    said = cases.model(rows=3, dim=2, window=1, negative=1, hierarchical=True, alpha=0, min_alpha=0)
    always_two = np.full(3, 2 << 32, np.uint64)  # every draw goes to the alias
    keep = np.full(3, 0xFFFFFFFF, np.uint32)
    # Leaf 0 is the root's child by code 1; leaves 1 and 2 lie below node 1.
    at, path = np.array([0, 1, 3, 5]), np.array([0 * 2 + 1, 0 * 2 + 0, 1 * 2 + 0, 0, 1 * 2 + 1])
    twin = cases.twin_of(said | {"noise": always_two, "keep": keep, "path_at": at, "path": path})
    twin.input, twin.output, twin.nodes = x, w, nodes
    twin.train([0, 1])
    expected = -np.log(sigma(x[1] @ w[0])) - np.log(sigma(-x[1] @ w[2]))  # 1 predicts 0
    expected -= np.log(sigma(-x[1] @ nodes[0]))
    expected -= np.log(sigma(x[0] @ w[1])) + np.log(sigma(-x[0] @ w[2]))  # 0 predicts 1
    expected -= np.log(sigma(x[0] @ nodes[0])) + np.log(sigma(x[0] @ nodes[1]))
    assert twin.loss == pytest.approx(expected)
    assert twin.terms == 7
