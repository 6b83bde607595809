"""Huffman trees against the textbook's, made with a heap."""

import heapq
from itertools import pairwise

import kernel_cases as cases
import numpy as np
import pytest

from pipeline.core.tree import ROOT, Tree


def counts_of(case):
    rng = np.random.default_rng(2)
    return {
        "two": [3, 1],
        "three": [1, 1, 1],
        "equal": [7] * 37,
        "doubling": [2**k for k in range(40)],
        "fibonacci": [1, 1, 2, 3, 5, 8, 13, 21, 34, 55],
        "zeros": [0, 0, 0, 5, 1],
        "frequencies": sorted(rng.zipf(1.3, 500).clip(max=10**6).tolist(), reverse=True),
        "in no order": rng.integers(1, 50, 333).tolist(),
    }[case]


CASES = ["two", "three", "equal", "doubling", "fibonacci", "zeros", "frequencies", "in no order"]


def paths_of(tree):
    at, path = tree.paths()
    return [path[a:b].astype(np.int64) for a, b in pairwise(at)]


def heap_total(counts):
    """The total weighted length of a Huffman code: the sum of all inner nodes' weights."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total


def check_is_a_tree(paths, n):
    """Every path begins at one root and goes from node to child; codes are free of prefixes."""
    children = {}
    for word, path in enumerate(paths):
        steps = [*path.tolist(), ("leaf", word)]
        for step, after in pairwise(steps):
            child = after if isinstance(after, tuple) else after // 2
            assert children.setdefault(step, child) == child, "a branch has one end"
    assert len({path[0] // 2 for path in paths}) == 1, "there is one root"
    nodes = {step // 2 for step in children}
    assert nodes == set(range(n - 1)), "all inner nodes are used"
    assert len(children) == 2 * (n - 1), "every inner node has two branches"
    assert len(set(children.values())) == 2 * (n - 1), "everything hangs in one place"
    assert sum(2.0 ** -len(path) for path in paths) == pytest.approx(1)
    codes = sorted("".join(str(step % 2) for step in path) for path in paths)
    assert not any(b.startswith(a) for a, b in pairwise(codes))


@pytest.mark.parametrize("case", CASES)
def test_total_length_is_the_heaps(case):
    counts = counts_of(case)
    paths = paths_of(Tree.of(np.array(counts, np.int64)))
    check_is_a_tree(paths, len(counts))
    assert sum(c * len(p) for c, p in zip(counts, paths, strict=True)) == heap_total(counts)
    rising = sorted(zip(counts, map(len, paths), strict=True))
    for (few, longer), (many, shorter) in pairwise(rising):
        assert longer >= shorter or few == many, "what is more frequent is never further down"


@pytest.mark.parametrize("case", CASES)
def test_the_root_is_first_and_later_nodes_are_never_heavier(case):
    counts = counts_of(case)
    paths = paths_of(Tree.of(np.array(counts, np.int64)))
    weights = np.zeros(len(counts) - 1)
    for count, path in zip(counts, paths, strict=True):
        assert path[0] // 2 == 0
        weights[path // 2] += count
    assert (np.diff(weights) <= 0).all()


def test_the_tests_own_tree_is_as_short():
    """That of kernel_cases, which the core's other tests train with."""
    counts = counts_of("frequencies")
    at, path = cases.heap_tree(counts)
    paths = [path[a:b].astype(np.int64) for a, b in pairwise(at)]
    check_is_a_tree(paths, len(counts))
    assert sum(c * len(p) for c, p in zip(counts, paths, strict=True)) == heap_total(counts)


def test_one_word_needs_no_question():
    tree = Tree.of(np.array([5]))
    at, path = tree.paths()
    assert (tree.leaves.tolist(), len(tree.inner)) == ([ROOT], 0)
    assert (at.tolist(), len(path)) == ([0, 0], 0)


def test_no_word_has_no_tree():
    with pytest.raises(ValueError, match="leaf"):
        Tree.of(np.array([], np.int64))


def test_the_tree_is_the_same_every_time():
    counts = np.array(counts_of("equal"))
    one, other = Tree.of(counts), Tree.of(counts.copy())
    assert one.leaves.tobytes() == other.leaves.tobytes()
    assert one.inner.tobytes() == other.inner.tobytes()


@pytest.mark.parametrize("more", [[4], [4, 9, 1], list(range(1, 60))])
@pytest.mark.parametrize("case", CASES)
def test_a_tree_that_grows_keeps_its_nodes(case, more):
    counts = counts_of(case)
    n = len(counts)
    tree = Tree.of(np.array(counts, np.int64))
    grown = tree.grow(np.array([*counts, *more], np.int64))
    check_is_a_tree(paths_of(grown), n + len(more))
    fork = len(grown.inner) - 1
    for old, new in zip(paths_of(tree), paths_of(grown), strict=False):
        same = [step for step in new.tolist() if step >> 1 != fork]
        assert same == old.tolist(), "the same questions, but for the one that is new"
    twice = grown.grow(np.array([*counts, *more, 1, 2], np.int64))
    check_is_a_tree(paths_of(twice), n + len(more) + 2)
    assert tree.grow(np.array(counts, np.int64)) is tree


def test_many_updates_leave_frequent_words_near_the_root():
    counts = [50, 20, 10, 5]
    tree = Tree.of(np.array(counts))
    for _ in range(1100):
        counts.append(1)
        tree = tree.grow(np.array(counts))
    lengths = np.diff(tree.paths()[0])
    assert lengths[:2].tolist() == [1, 2]
    assert lengths.max() < 20


@pytest.mark.parametrize("case", ["two", "frequencies"])
def test_a_tree_of_one_word_grows(case):
    tree = Tree.of(np.array([5])).grow(np.array([5, *counts_of(case)], np.int64))
    check_is_a_tree(paths_of(tree), len(counts_of(case)) + 1)


BROKEN = {
    "a leaf below no node": ([0, 1, 99], [ROOT, 0]),
    "a node below no node": ([0, 2, 3], [ROOT, 77]),
    "a circle": ([0, 2, 3], [2, 0]),
    "a node that is its own parent": ([0, 2, 3], [ROOT, 2]),
    "two roots": ([0, 1, 2], [ROOT, ROOT]),
    "a leaf that is a root beside others": ([ROOT, 1, 2], [ROOT, 1]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_trees_are_refused(case):
    leaves, inner = (np.array(part, np.uint32) for part in BROKEN[case])
    with pytest.raises(ValueError, match="tree"):
        Tree(leaves, inner).paths()
