"""The matrices: which there are, what they begin as, and that growing changes no row."""

import numpy as np
import pytest

from pipeline.core.settings import Settings
from pipeline.core.weights import Weights, unpadded

KINDS = [
    Settings(vector_size=5),
    Settings("cbow", vector_size=16, negative=0, hierarchical=True),
    Settings("dbow", vector_size=1, hierarchical=True),
    Settings("dm", vector_size=17, join="concat", tag_count=2, window=3, hierarchical=True),
]


def padding(matrix, dim):
    if matrix is None:
        return 0.0
    stride = -(-dim // 16) * 16
    return np.abs(matrix.reshape(len(matrix), -1, stride)[:, :, dim:]).sum()


@pytest.mark.parametrize("settings", KINDS)
def test_growing_is_as_having_been_so_from_the_start(settings):
    small = Weights.fresh(3, 2, settings, seed=7)
    small.input[0, 0] = 9
    if small.nodes is not None:
        small.nodes[1, 0] = 5
    if small.output is not None:
        small.output[2, 0] = 4
    grown, whole = small.grow(6, 4, seed=7), Weights.fresh(6, 4, settings, seed=7)
    assert grown.input[0, 0] == 9
    grown.input[0, 0] = whole.input[0, 0]
    np.testing.assert_array_equal(grown.input, whole.input)
    dim = settings.vector_size
    assert (np.abs(grown.vectors) <= 1 / dim).all()
    assert grown.vectors.any(axis=1).all()
    assert padding(grown.input, dim) == 0
    assert (grown.output is None) == (settings.negative == 0)
    assert (grown.nodes is None) != settings.hierarchical
    assert (grown.tags is None) != settings.has_tags
    width = settings.blocks * grown.input.shape[1]
    if grown.output is not None:
        assert grown.output.shape == (6, width)
        assert (grown.output[2, 0], np.abs(grown.output).sum()) == (4, 4)
    if grown.nodes is not None:
        assert grown.nodes.shape == (5, width)
        assert (grown.nodes[1, 0], np.abs(grown.nodes).sum()) == (5, 5)
    if grown.tags is not None:
        np.testing.assert_array_equal(grown.tags, whole.tags)
        assert grown.tag_vectors.shape == (4, dim)
        assert not (grown.tag_vectors == grown.vectors[:4]).all()


@pytest.mark.parametrize("settings", KINDS)
def test_copies_of_matrices_without_padding(settings):
    rng = np.random.default_rng(1)
    dim, wide = settings.vector_size, settings.blocks * settings.vector_size

    def some(rows, columns, wanted):
        return rng.normal(size=(rows, columns)).astype(np.float32) if wanted else None

    given = (
        some(4, dim, True),
        some(4, wide, settings.negative),
        some(3, wide, settings.hierarchical),
        some(2, dim, settings.has_tags),
    )
    made = Weights.of(*given)
    for matrix, plain in zip((made.input, made.output, made.nodes, made.tags), given, strict=True):
        assert (matrix is None) == (plain is None)
        if plain is not None:
            assert matrix.ctypes.data % 64 == 0
            assert padding(matrix, dim) == 0
            again = unpadded(matrix, dim)
            assert again.shape == (len(plain), plain.shape[1] // dim, dim)
            np.testing.assert_array_equal(again.reshape(plain.shape), plain)


def test_what_has_not_grown_is_shared():
    weights = Weights.fresh(3, 2, KINDS[2], seed=1)
    grown = weights.grow(3, 5, seed=1)
    assert grown.input is weights.input
    assert grown.tags is not weights.tags
    assert Weights.fresh(0, 0, KINDS[1], seed=1).nodes.shape == (0, 16)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "glove"}, "method must be one of"),
        ({"join": "max"}, "join must be one of"),
        ({"vector_size": 0, "window": 0}, "vector_size must be.*; window must be"),
        ({"negative": -1, "hierarchical": True}, "negative must be from 0"),
        ({"negative": 0}, "nothing to learn from"),
        ({"join": "concat"}, "needs method"),
        ({"method": "dm", "join": "concat", "window": 10**4, "vector_size": 2000}, "too long"),
        ({"window": 10**8}, "window must be from 1 to 10000"),
        ({"ns_exponent": float("nan")}, "ns_exponent must be from -10 to 10"),
    ],
)
def test_settings_that_no_model_can_have(wrong, said):
    with pytest.raises(ValueError, match=said):
        Settings(**wrong)
