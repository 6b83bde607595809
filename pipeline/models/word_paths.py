"""Words' paths in the tree of hierarchical softmax, as attributes that the peers' vectors have."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.tree import Tree
from pipeline.vectors.attributes import Attributes

NAMES = ("code", "point")


class WithPaths(Attributes):
    """Attributes by name, of which "code" and "point" are made when one is first asked for.

    Two arrays for each word take memory that nobody may want: training has paths of its own.

    >>> attributes = WithPaths({}, Tree.of(np.array([3, 2, 1])))
    >>> [code.tolist() for code in attributes["code"]], "point" in attributes
    ([[1], [0, 0], [0, 1]], True)
    """

    def __init__(self, held: Attributes, tree: Tree) -> None:
        super().__init__({name: values for name, values in held.items() if name not in NAMES})
        self._tree = tree

    def __missing__(self, name: str) -> NDArray[Any]:
        """Make the paths; raises KeyError for another name."""
        if name not in NAMES:
            raise KeyError(name)
        self.update(paths(*self._tree.paths()))
        return self[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle what there is: paths are made anew, where they are asked for."""
        return WithPaths, (dict(self), self._tree)


def paths(at: NDArray[np.int64], path: NDArray[np.uint32]) -> dict[str, NDArray[np.object_]]:
    """Return the turns ("code") and nodes ("point") of every word, arrays of a length of their own.

    at (n + 1), path: as `Tree.paths` has them.

    >>> paths(np.array([0, 1]), np.array([5], np.uint32))["point"][0].tolist()
    [2]
    """
    parts = {"code": (path & 1).astype(np.uint8), "point": path >> 1}
    made = {name: np.empty(len(at) - 1, object) for name in parts}
    for name, part in parts.items():
        for word, (begin, end) in enumerate(pairwise(at.tolist())):
            made[name][word] = part[begin:end]
    return made
