"""The binary tree of hierarchical softmax (Mikolov et al. 2013, section 2.1).

Words are leaves, frequent ones near the root (Huffman 1952); every inner node is a yes-or-no
question with weights of its own. A tree that grows keeps its nodes, and so what they have learnt:
the new words' tree hangs from one new node, where it makes paths least longer. (Below a new root
every path would get longer with every update, and all threads would write the new root's row, which
is not among the first and so has no copies.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core import kernels
from pipeline.core.kernels import ROOT


@dataclass(frozen=True)
class Tree:
    """leaves (words) and inner (words - 1), as parent * 2 + code each; ROOT has no parent.

    >>> tree = Tree.of(np.array([8, 4, 2, 1]))
    >>> at, path = tree.paths()
    >>> np.diff(at).tolist()
    [1, 2, 3, 3]
    >>> grown = tree.grow(np.array([8, 4, 2, 1, 1, 1]))
    >>> np.diff(grown.paths()[0]).tolist()
    [1, 2, 3, 4, 5, 5]
    """

    leaves: NDArray[np.uint32]
    inner: NDArray[np.uint32]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> "Tree":
        """Return the Huffman tree of words with these counts."""
        return cls(*kernels.huffman(counts))

    def grow(self, counts: NDArray[np.int64]) -> "Tree":
        """Return this tree with the words that `counts` (all words) has more of.

        Every node and every leaf keeps its number. The new words' tree hangs from a new node, put
        into the edge where all words' paths together get least longer.
        """
        held = len(self.leaves)
        if len(counts) == held:
            return self
        if held == 0:
            return Tree.of(counts)
        new = Tree.of(counts[held:])
        fork = (len(self.inner) + len(new.inner)) * 2
        leaves, inner = self.leaves.copy(), self.inner.copy()
        kind, at = self._edge(counts[:held], counts[held:].sum())
        side = (leaves, inner)[kind]
        above, side[at] = side[at], fork
        shift = np.uint32(len(inner) * 2)
        hung = [
            np.where(part == ROOT, np.uint32(fork + 1), part + shift)
            for part in (new.leaves, new.inner)
        ]
        return Tree(
            np.concatenate([leaves, hung[0]]),
            np.concatenate([inner, hung[1], np.array([above], np.uint32)]),
        )

    def check(self) -> None:
        """Raise ValueError where leaves and inner nodes don't make one tree."""
        nodes = len(self.inner)
        entries = np.concatenate([self.leaves, self.inner])
        below = entries[entries != ROOT]
        # One root, and each of the others in a place of its own: both sides of every node.
        if len(entries) and (
            len(below) != len(entries) - 1
            or len(below) != 2 * nodes
            or (np.bincount(below[below < 2 * nodes], minlength=2 * nodes) != 1).any()
        ):
            raise ValueError("its tree of hierarchical softmax is damaged")
        kernels.depths(self.leaves, self.inner)  # what goes in circles has places, too

    def _edge(self, counts: NDArray[np.int64], weight: np.int64) -> tuple[int, int]:
        """Return above which leaf (0, word) or node (1, node) new words of this weight cost least.

        What is below gets a step longer, and the new words are a step deeper than it was.
        """
        at, path = self.paths()
        steps = np.diff(at)
        nodes = path >> 1
        depth = np.zeros(len(self.inner), np.int64)
        depth[nodes] = np.arange(len(path)) - np.repeat(at[:-1], steps)
        below = np.bincount(nodes, np.repeat(counts, steps), len(self.inner))
        costs = np.concatenate([counts + weight * steps, below + weight * depth])
        best = int(costs.argmin())
        return (0, best) if best < len(counts) else (1, best - len(counts))

    def paths(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return where each word's path begins (words + 1), and all paths: node * 2 + code.

        Raises ValueError where the nodes make no tree.
        """
        return kernels.paths(self.leaves, self.inner)
