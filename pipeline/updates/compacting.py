"""Compacting a model: words in the order of their counts again, rare ones without rows.

Ids never change otherwise, so after many updates frequent words stand behind rare ones, and rows of
words that have faded stay. Here words get other ids; the rows that stay keep every bit. A tree of
hierarchical softmax is pruned and not built anew: its inner nodes keep what they have learnt, and
words their paths but for the nodes that go.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.models.model_files import Files, Matrices, ModelError
from pipeline.updates.cut_out import pruned
from pipeline.vectors.attributes import picked
from pipeline.words.vocabulary import Vocabulary

Places = NDArray[np.int64]


def compacted(files: Files, min_count: int, remember: int) -> Files:
    """Return a model of the words with ids that have a count of `min_count`, most frequent first.

    Of the others, and of words that had no id, counts of at least `remember` are kept. Documents,
    their order and their vectors stay. Returns `files` itself where nothing changes. Raises
    ModelError if no word would be left.
    """
    held, matrices = files.vocabulary, files.matrices
    rows, others = _sorted(held, min_count, remember)
    if not len(rows):
        top = int(held.retained_counts.max()) if held.size else 0
        raise ModelError(
            f"no word has a count of {min_count}, and the model would be empty: the most frequent "
            f"has {top}. To mend it: lower min_count"
        )
    order = np.concatenate([rows, others])
    if len(rows) == held.size and np.array_equal(order, np.arange(len(held.words))):
        return files
    tree, nodes = files.tree, matrices.nodes
    if tree is not None:
        staying = np.zeros(held.size, bool)
        staying[rows] = True
        tree, left = pruned(tree, staying)
        tree = replace(tree, leaves=tree.leaves[(np.cumsum(staying) - 1)[rows]])
        nodes = nodes if nodes is None or left.all() else nodes[left]
    words = held.words.take(pa.array(order))
    return replace(
        files,
        vocabulary=Vocabulary(words, held.counts[order], len(rows)),
        matrices=Matrices(
            matrices.vectors[rows],
            None if matrices.output is None else matrices.output[rows],
            nodes,
            matrices.tag_vectors,
        ),
        tree=tree,
        word_rates=_rates(files.word_rates, rows, held.size),
        word_attributes=picked(files.word_attributes, rows),
    )


def _sorted(held: Vocabulary, min_count: int, remember: int) -> tuple[Places, Places]:
    """Return the places of the words that keep ids, and of those that are only remembered."""
    by_word: Any = pc.array_sort_indices(cast("Any", held.words))  # by UTF-8 bytes
    places = by_word.to_numpy().astype(np.int64)
    order = places[np.argsort(-held.counts[places], kind="stable")]
    counts = held.counts[order]
    keeps = (order < held.size) & (counts >= min_count)
    return order[keeps], order[~keeps & (counts >= remember)]


def _rates(rates: Any, rows: Places, size: int) -> Any:
    """Return the rates of rows in their new order; one for all stays as it is."""
    return rates if rates is None or len(rates) != size else rates[rows]
