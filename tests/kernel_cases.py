"""Models and corpora for the tests of the training core, and its twin over the same arrays."""

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from reference import Twin

from pipeline.core import kernels
from pipeline.core.batch import Batch
from pipeline.core.kernels import Kernel

MATRICES = ("input", "tags", "output", "nodes")
TWINS = {
    *("method", "join", "exact", "window", "negative", "hierarchical", "shrink", "share"),
    *("tag_slots", "keep", "noise", "path_at", "path"),
    *("input_rates", "tag_rates", "output_rates", "node_rates"),
    *("alpha", "min_alpha", "tokens", "seed"),
}


def filled(rows, dim, seed, blocks=1):
    """A padded matrix of which every row has something, so that logits are about 1."""
    matrix = kernels.aligned((rows, blocks * kernels.stride_of(dim)))
    inside = matrix.reshape(rows, blocks, kernels.stride_of(dim))[:, :, :dim]
    scale = (9 / (dim * blocks)) ** 0.25
    inside[:] = np.random.default_rng(seed).uniform(-scale, scale, inside.shape)
    return matrix


def unpadded(matrix, dim):
    """(rows, blocks * dim) float64"""
    inside = _blocks(matrix, dim)[:, :, :dim]
    return inside.reshape(len(matrix), inside.shape[1] * dim).astype(np.float64)


def padding(matrix, dim):
    return _blocks(matrix, dim)[:, :, dim:]


def _blocks(matrix, dim):
    stride = kernels.stride_of(dim)
    return matrix.reshape(len(matrix), matrix.shape[1] // stride, stride)


def heap_tree(weights):
    """Huffman's tree by the textbook, with heapq: (path_at, path) as in train.h; root is node 0."""
    n = len(weights)
    heap = [(weight, k, None) for k, weight in enumerate(weights)]
    heapq.heapify(heap)
    number = n
    while len(heap) > 1:
        low, high = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (low[0] + high[0], number, (low, high)))
        number += 1
    paths = [[] for _ in range(n)]
    waiting = [(heap[0], [])]
    while waiting:
        (_, k, children), path = waiting.pop()
        if children is None:
            paths[k] = path
            continue
        node = number - 1 - k  # the root was made last
        for code, child in enumerate(children):
            waiting.append((child, [*path, node * 2 + code]))
    at = np.concatenate([[0], np.cumsum([len(path) for path in paths])]).astype(np.int64)
    return at, np.array([step for path in paths for step in path], np.uint32)


def has_tags(method):
    return method in ("dbow", "dbow_words", "dm")


def model(rows=60, dim=20, tag_rows=9, seed=3, **changed):
    """What a Kernel is made of, with the matrices that the mode needs."""
    said = {
        "method": "skip_gram",
        "join": "mean",
        "exact": False,
        "dim": dim,
        "window": 5,
        "negative": 5,
        "hierarchical": False,
        "shrink": True,
        "share": True,
        "tag_slots": 1,
        "hot": 0,
        "fold": 16,
        "alpha": 0.05,
        "min_alpha": 0.01,
        "tokens": 1000,
        "seed": 7,
        "keep": (np.linspace(0.3, 1, rows) * 0xFFFFFFFF).astype(np.uint32),
    } | changed
    blocks = said["tag_slots"] + 2 * said["window"] if said["join"] == "concat" else 1
    counts = 1.0 / np.arange(1, rows + 1)
    said.setdefault("input", filled(rows, dim, seed))
    if said["negative"]:
        said.setdefault("output", filled(rows, dim, seed + 1, blocks))
        said.setdefault("noise", kernels.noise_table(counts))
    if said["hierarchical"]:
        said.setdefault("nodes", filled(rows - 1, dim, seed + 2, blocks))
        said["path_at"], said["path"] = heap_tree(counts.tolist())
    if has_tags(said["method"]):
        said.setdefault("tags", filled(tag_rows, dim, seed + 3))
    return said


def rates(rows, seed):
    """Factors of the learning rate: frozen, slow, usual and fast rows."""
    choice = np.random.default_rng(seed).choice([0, 0.25, 1, 2], rows)
    return choice.astype(np.float32)


def twin_of(said):
    """The twin over copies of the same arrays."""
    matrices = {k: unpadded(said[k], said["dim"]) for k in MATRICES if said.get(k) is not None}
    return Twin(**matrices, **{k: said[k] for k in TWINS if k in said})


def matrices(said):
    return {k: said[k] for k in MATRICES if said.get(k) is not None}


def copied(said):
    """The same model with matrices of its own."""
    copies = {}
    for name, matrix in matrices(said).items():
        copies[name] = kernels.aligned(matrix.shape)
        copies[name][:] = matrix
    return said | copies


@dataclass
class Corpus:
    """Rows of local ids of many lengths (also 0, 1 and 2) with 0 to 3 tags each."""

    tokens: np.ndarray
    offsets: np.ndarray
    map: np.ndarray
    tags: np.ndarray
    tag_offsets: np.ndarray
    tag_map: np.ndarray

    def __len__(self):
        return len(self.offsets) - 1

    def batch(self, tagged=True, begin=0, end=None, first_row=11, epoch=1, before=0):
        """Rows begin .. end of the corpus, whose first row has the number first_row."""
        end = len(self) if end is None else end
        tags = (self.tags, self.tag_offsets[begin : end + 1], self.tag_map) if tagged else ()
        return Batch(
            self.tokens,
            self.offsets[begin : end + 1],
            self.map,
            first_row + begin,
            before + int(self.offsets[begin]),
            epoch,
            *tags,
        )

    def rows(self):
        """Each row's word ids and tag ids, -1 where there is none."""
        for (a, b), (c, d) in zip(pairwise(self.offsets), pairwise(self.tag_offsets), strict=True):
            yield (
                self.map[self.tokens[a:b]].tolist(),
                self.tag_map[self.tags[c:d]].tolist(),
            )


def corpus(rows=12, words=60, tags=9, seed=0, longest=28):
    rng = np.random.default_rng(seed)
    lengths = np.concatenate([[0, 1, 2, longest], rng.integers(0, longest, rows - 4)])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    local = words + 20  # of the shard's words some are not in the vocabulary
    tokens = np.minimum(rng.zipf(1.3, offsets[-1]) - 1, local - 1).astype(np.int32)
    ids = np.arange(local, dtype=np.int32)
    ids[words:] = -1
    ids[5:6] = -1
    counts = np.concatenate([[1, 1, 0, 3], rng.integers(0, 4, rows - 4)])
    tag_offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    # Few tags for many rows: they are shared, and a row may have one twice.
    tag_map = rng.permutation(tags + 2).astype(np.int32)
    tag_map[tag_map >= tags] = -1
    tag_ids = rng.integers(0, len(tag_map), tag_offsets[-1]).astype(np.int32)
    return Corpus(tokens, offsets, ids, tag_ids, tag_offsets, tag_map)


def of_rows(rows, words, tags=None, tag_rows=0):
    """A corpus of the given rows of ids, and of tags."""
    tags = [[] for _ in rows] if tags is None else tags

    def laid(lists):
        ends = np.cumsum([0, *map(len, lists)]).astype(np.int32)
        return np.array([k for one in lists for k in one], np.int32), ends

    return Corpus(
        *laid(rows),
        np.arange(words, dtype=np.int32),
        *laid(tags),
        np.arange(max(tag_rows, 1), dtype=np.int32)[:tag_rows],
    )


def trained_twin(said, of, first_row=11, epoch=1, before=0):
    twin = twin_of(said)
    for r, (ids, tags) in enumerate(of.rows()):
        twin.train(
            ids,
            tags,
            row=first_row + r,
            epoch=epoch,
            first_token=before + int(of.offsets[r]),
        )
    return twin


def trained(said, of, **batch):
    """Train in place; returns the tally."""
    return Kernel(**said).train(of.batch(has_tags(said["method"]), **batch))


def modes(**only):
    """Every mode that can be told from another by what it computes: name -> settings."""
    outputs = {
        "ns": {},
        "hs": {"negative": 0, "hierarchical": True},
        "ns+hs": {"hierarchical": True},
    }
    found = {}
    for method in ("skip_gram", "dbow", "dbow_words"):
        for name, how in outputs.items():
            for share in (True, False):
                case = {"method": method, "share": share} | how
                found[f"{method} {name}{'' if share else ' own noise'}"] = case
    for method in ("cbow", "dm"):
        for name, how in outputs.items():
            for join in ("mean", "sum"):
                for exact in (False, True):
                    case = {"method": method, "join": join, "exact": exact} | how
                    found[f"{method} {join}{' exact' if exact else ''} {name}"] = case
            found[f"{method} {name} own noise"] = {"method": method, "share": False} | how
    for name, how in outputs.items():
        for slots in (1, 2):
            case = {"method": "dm", "join": "concat", "tag_slots": slots, "window": 3} | how
            found[f"dm concat {slots} {name}"] = case
    return {
        name: case
        for name, case in found.items()
        if all(case.get(key) == value for key, value in only.items())
    }
