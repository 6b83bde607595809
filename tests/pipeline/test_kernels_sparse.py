"""Rows whose numbers lie beyond 2^32 floats are trained where they are.

The matrices take address space and not memory: only rows that are used get pages.
"""

import mmap
import sys
from pathlib import Path

import kernel_cases as cases
import numpy as np
import pytest
from reference import Twin, initial

from pipeline.core import kernels
from pipeline.core.batch import Batch
from pipeline.core.kernels import Kernel

FAR, DIM, STRIDE = 50_000_000, 100, 112
WORDS = [FAR, 3, FAR - 1, 0, 7]  # what the shard's five words are
NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0x40)


def reserved(dtype, *shape):
    """Zeros of which only what is touched takes memory."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    try:
        room = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    except OSError as error:
        pytest.skip(f"no address space here: {error}")
    return np.frombuffer(room, dtype).reshape(shape)


def matrix(rows, seed):
    """A matrix and the twin's, the same in the given rows and zero elsewhere."""
    mine, twins = reserved(np.float32, FAR + 1, STRIDE), reserved(np.float64, FAR + 1, DIM)
    for k in rows:
        mine[k, :DIM] = np.random.default_rng([seed, k]).uniform(-0.5, 0.5, DIM)
        twins[k] = mine[k, :DIM]
    return mine, twins


def resident():
    """Bytes of memory that this process holds, as far as the system tells."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * mmap.PAGESIZE if status.exists() else 0


@pytest.mark.parametrize("isa", kernels.available())
@pytest.mark.parametrize("method", ["skip_gram", "cbow", "dbow", "dbow_words", "dm"])
def test_far_rows_are_trained(method, isa, monkeypatch):
    monkeypatch.setenv("MILLRACE_ISA", isa)
    before = resident()
    keep = reserved(np.uint32, FAR + 1)
    keep[WORDS] = 0xFFFFFFFF
    # Threshold 0 and alias 0: every noise word is word 0.
    said = {"keep": keep, "noise": reserved(np.uint64, FAR + 1), "method": method, "negative": 2}
    said |= {"window": 2, "alpha": 0.05, "min_alpha": 0.01, "tokens": 100, "seed": 3}
    pairs = {"input": matrix(WORDS, 1), "output": matrix(WORDS, 2)}
    if cases.has_tags(method):
        pairs["tags"] = matrix([FAR, 2], 3)
    twin = Twin(**said, **{name: pair[1] for name, pair in pairs.items()})
    kernel = Kernel(**said, dim=DIM, **{name: pair[0] for name, pair in pairs.items()})
    tokens = np.array([0, 1, 2, 3, 0, 4, 2, 1], np.int32)
    tags = np.array([1, 0], np.int32)
    batch = Batch(
        tokens,
        np.array([0, len(tokens)], np.int32),
        np.array(WORDS, np.int32),
        tags=tags,
        tag_offsets=np.array([0, 2], np.int32),
        tag_map=np.array([FAR, 2], np.int32),
    )
    start = {name: pair[0][FAR].copy() for name, pair in pairs.items()}
    tally = kernel.train(batch)
    twin.train([WORDS[t] for t in tokens], [2, FAR] if cases.has_tags(method) else [])
    assert tally.terms == twin.terms > 0
    assert tally.loss == pytest.approx(twin.loss, rel=1e-5)
    for name, (mine, twins) in pairs.items():
        for k in [FAR, 2] if name == "tags" else WORDS:
            np.testing.assert_allclose(mine[k, :DIM], twins[k], atol=1e-5, err_msg=name)
        assert (mine[FAR] != start[name]).any() or (method, name) == ("dbow", "input")
        for bits in (31, 32):
            short = (FAR * STRIDE) % 2**bits  # where a number of fewer bits would lead
            assert not mine.reshape(-1)[short : short + STRIDE].any()
    assert resident() - before < 500e6, "address space, not memory"


@pytest.mark.parametrize("isa", kernels.available())
def test_far_nodes_of_the_tree_are_trained(isa, monkeypatch):
    """Only the last word has a path: from the root to the last of all nodes."""
    monkeypatch.setenv("MILLRACE_ISA", isa)
    keep = reserved(np.uint32, FAR + 1)
    keep[WORDS] = 0xFFFFFFFF
    path_at = reserved(np.int64, FAR + 2)
    path_at[FAR + 1] = 2
    path = np.array([0 * 2 + 1, (FAR - 1) * 2], np.uint32)
    said = {"method": "skip_gram", "negative": 0, "hierarchical": True}
    said |= {"keep": keep, "path_at": path_at, "path": path}
    said |= {"window": 2, "shrink": False, "alpha": 0.05, "min_alpha": 0.01, "tokens": 100}
    words, twins_words = matrix(WORDS, 1)
    nodes, twins_nodes = matrix([0, FAR - 1], 2)
    nodes, twins_nodes = nodes[:FAR], twins_nodes[:FAR]
    twin = Twin(**said, input=twins_words, nodes=twins_nodes)
    kernel = Kernel(**said, dim=DIM, input=words, nodes=nodes)
    tokens = np.array([0, 1, 2, 3, 0], np.int32)
    ids, offsets = np.array(WORDS, np.int32), np.array([0, 5], np.int32)
    start = nodes[FAR - 1].copy()
    tally = kernel.train(Batch(tokens, offsets, ids))
    twin.train([WORDS[t] for t in tokens])
    assert tally.terms == twin.terms == 8
    np.testing.assert_allclose(words[WORDS, :DIM], twins_words[WORDS], atol=1e-5)
    np.testing.assert_allclose(nodes[[0, FAR - 1], :DIM], twins_nodes[[0, FAR - 1]], atol=1e-5)
    assert (nodes[FAR - 1] != start).any()


@pytest.mark.parametrize("number", [FAR, 2**31 - 2, 5_000_000_000])
def test_far_rows_have_first_values_of_their_own(number):
    rows = kernels.aligned((2, STRIDE))
    kernels.initial_rows(rows, number, DIM, 7)
    for k in range(2):
        np.testing.assert_allclose(rows[k, :DIM], initial(number + k, DIM, 7), rtol=1e-6)
