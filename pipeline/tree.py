"""The binary tree of hierarchical softmax (Mikolov et al. 2013, section 2.1).

Words are leaves, frequent ones near the root (Huffman 1952); every inner node is a yes-or-no
question with weights of its own. A tree that grows keeps its nodes, and so what they have learnt:
the new words' tree and the old one become the two sides of a new root.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import kernels
from pipeline.kernels import ROOT


@dataclass(frozen=True)
class Tree:
    """leaves (words) and inner (words - 1), as parent * 2 + code each; ROOT has no parent.

    >>> tree = Tree.of(np.array([8, 4, 2, 1]))
    >>> at, path = tree.paths()
    >>> np.diff(at).tolist()
    [1, 2, 3, 3]
    >>> grown = tree.grow(np.array([1, 1]))
    >>> len(grown.leaves), bool((grown.leaves[:4] == tree.leaves).all())
    (6, True)
    """

    leaves: NDArray[np.uint32]
    inner: NDArray[np.uint32]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> "Tree":
        """Return the Huffman tree of words with these counts."""
        return cls(*kernels.huffman(counts))

    def grow(self, counts: NDArray[np.int64]) -> "Tree":
        """Return this tree with new words, of these counts, on the other side of a new root.

        Every node and every leaf keeps its number; all paths of old words get one step longer.
        """
        if len(counts) == 0:
            return self
        if len(self.leaves) == 0:
            return Tree.of(counts)
        new_leaves, new_inner = kernels.huffman(counts)
        shift = np.uint32(len(self.inner) * 2)
        root = (len(self.inner) + len(new_inner)) * 2
        old = [_hung(part, root) for part in (self.leaves, self.inner)]
        new = [
            np.where(part == ROOT, np.uint32(root + 1), part + shift)
            for part in (new_leaves, new_inner)
        ]
        return Tree(
            np.concatenate([old[0], new[0]]),
            np.concatenate([old[1], new[1], np.array([ROOT], np.uint32)]),
        )

    def paths(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return where each word's path begins (words + 1), and all paths: node * 2 + code.

        Raises ValueError where the nodes make no tree.
        """
        return kernels.paths(self.leaves, self.inner)


def _hung(part: NDArray[np.uint32], root: int) -> NDArray[np.uint32]:
    """Return the nodes with the root of before below the new one."""
    return np.where(part == ROOT, np.uint32(root), part)
