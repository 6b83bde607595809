"""Word mover's distance: what it costs to carry one text's words to another's (Kusner et al. 2015).

The flow of least cost is found by POT, which is an extra.
"""

import math
from collections import Counter
from collections.abc import Sequence
from importlib import import_module

import numpy as np

from corpora.errors import MillraceError
from pipeline.vectors.keyed import Keyed
from pipeline.vectors.keys import Key
from pipeline.vectors.rows import direction


def distance(
    vectors: Keyed, document1: Sequence[Key], document2: Sequence[Key], *, norm: bool
) -> float:
    """Return the distance of two lists of words, infinity where one has no known word.

    norm: take words' vectors with length 1. Raises MillraceError where POT is missing.
    """
    try:
        emd2 = import_module("ot").emd2  # an extra
    except ImportError as error:
        raise MillraceError(
            "word mover's distance needs the package POT. To mend it: pip install 'millrace[wmd]'"
        ) from error
    bags = [Counter(word for word in text if word in vectors) for text in (document1, document2)]
    if not all(bags):
        return math.inf
    if bags[0].keys() == bags[1].keys() and len(bags[0]) == 1:
        return 0.0
    places = [
        np.stack([
            direction(vectors.get_vector(word)) if norm
            else vectors.get_vector(word).astype(np.float64)
            for word in bag
        ])
        for bag in bags
    ]  # fmt: skip
    weights = [np.fromiter(bag.values(), np.float64) / bag.total() for bag in bags]
    costs = np.linalg.norm(places[0][:, None] - places[1][None], axis=2)
    return float(emd2(*weights, costs))
