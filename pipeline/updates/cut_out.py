"""Cutting words and documents out of a model: the others' rows stay as they are, to the bit.

Rows close up, so what is left has other ids; in a tree of hierarchical softmax the sibling of a
leaf that goes takes their parent's place, and inner nodes are renumbered in their order.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpora.phrases import PhraseTable
from corpora.rows.tag_kinds import filtered
from corpora.tokens.buffers import list_offsets
from pipeline.core.kernels import ROOT
from pipeline.core.tree import Tree
from pipeline.models.model_files import Files, Matrices
from pipeline.phrases.frozen import FrozenPhrases
from pipeline.vectors.attributes import picked
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

Kept = NDArray[np.bool_]


def without(
    files: Files, words: Kept, tags: Kept | None, lost: pa.StringArray | None = None
) -> Files:
    """Return a model of the words and tags that stay.

    words (all words, those without ids too), tags (tags): which stay. lost: words that the
    vocabulary doesn't have, and nobody else any more. What loses no row is shared.
    """
    held, matrices = files.vocabulary, files.matrices
    vocabulary, rows = vocabulary_of(held, words), words[: held.size]
    tree, nodes = files.tree, np.ones(0, bool)
    if tree is not None:
        tree, nodes = pruned(tree, rows)
    table = files.tags
    if table is not None and tags is not None:
        table = table_of(table, tags)
    made = Matrices(
        _rows(matrices.vectors, rows),
        _rows(matrices.output, rows),
        _rows(matrices.nodes, nodes),
        matrices.tag_vectors if tags is None else _rows(matrices.tag_vectors, tags),
    )
    gone: Any = held.words.filter(pa.array(~words))
    if lost is not None:
        gone = pa.concat_arrays([gone, lost])
    return replace(
        files,
        vocabulary=vocabulary,
        matrices=made,
        tags=table,
        tree=tree,
        word_rates=_rates(files.word_rates, rows),
        tag_rates=files.tag_rates if tags is None else _rates(files.tag_rates, tags),
        word_attributes=picked(files.word_attributes, rows),
        tag_attributes=files.tag_attributes if tags is None else picked(files.tag_attributes, tags),
        phrases=phrases_of(files.phrases, gone, vocabulary.words),
    )


def without_unused(files: Files) -> Files:
    """Return a model without the words and tags that nobody has: those with a count of 0."""
    words = files.vocabulary.counts > 0
    tags = None if files.tags is None else files.tags.counts > 0
    if not words[: files.vocabulary.size].any() or (words.all() and (tags is None or tags.all())):
        return files
    return without(files, words, tags)


def vocabulary_of(held: Vocabulary, words: Kept) -> Vocabulary:
    """Return the vocabulary of the words that stay.

    >>> held = Vocabulary(pa.array(["a", "b", "c"]), np.array([3, 2, 1]), 2)
    >>> left = vocabulary_of(held, np.array([False, True, True]))
    >>> left.words.to_pylist(), left.counts.tolist(), left.size
    (['b', 'c'], [2, 1], 1)
    """
    if words.all():
        return held
    kept: Any = held.words.filter(pa.array(words))
    return replace(held, words=kept, counts=held.counts[words], size=int(words[: held.size].sum()))


def table_of(held: TagTable, tags: Kept) -> TagTable:
    """Return the table of the tags that stay.

    >>> held = TagTable(pa.array(["x", "y"]), np.array([1, 2]))
    >>> table_of(held, np.array([False, True])).keys.to_pylist()
    ['y']
    """
    if tags.all():
        return held
    return TagTable(filtered(held.keys, tags), held.counts[tags])


def pruned(tree: Tree, words: Kept) -> tuple[Tree, Kept]:
    """Return the tree without some leaves, and which of its inner nodes stay.

    words (leaves): which stay, one at least.

    >>> tree = Tree.of(np.array([8, 4, 2, 1]))
    >>> left, nodes = pruned(tree, np.array([True, False, True, True]))
    >>> np.diff(left.paths()[0]).tolist(), nodes.tolist()
    ([1, 2, 2], [True, False, True])
    """
    leaves, inner = tree.leaves.copy(), tree.inner.copy()
    nodes = np.ones(len(inner), bool)
    # Whose place a side of a node is: leaf i as i, inner node i as its number beyond the leaves.
    ends = np.concatenate([leaves, inner])
    below = np.full(2 * len(inner), -1, np.int64)
    hung = np.flatnonzero(ends != ROOT)
    below[ends[hung]] = hung
    for leaf in np.flatnonzero(~words).tolist():
        entry = int(ends[leaf])
        parent = entry >> 1
        sibling = int(below[entry ^ 1])
        above = int(ends[len(leaves) + parent])
        ends[sibling] = above
        if above != ROOT:
            below[above] = sibling
        nodes[parent] = False
    new = np.cumsum(nodes) - 1
    kept = np.concatenate([words, nodes])
    left = ends[kept].astype(np.int64)
    roots = left == int(ROOT)
    left = np.where(roots, 0, 2 * new[np.where(roots, 0, left >> 1)] + (left & 1))
    made = np.where(roots, int(ROOT), left).astype(np.uint32)
    staying = int(words.sum())
    return Tree(made[:staying], made[staying:]), nodes


def phrases_of(
    passes: tuple[FrozenPhrases, ...], gone: pa.StringArray, words: pa.StringArray
) -> tuple[FrozenPhrases, ...]:
    """Return the phrases that were joined, pass after pass, without those that only others had.

    gone: words that left, words: those that stayed. What only words that left were joined of is in
    no phrase any more.

    >>> table = PhraseTable([["new", "york"], ["my", "secret"]], np.array([2.0, 2.0]))
    >>> frozen = FrozenPhrases.of(table, threshold=1)
    >>> (left,) = phrases_of((frozen,), pa.array(["my_secret"]), pa.array(["new_york"]))
    >>> left.table.names.to_pylist()
    ['new_york']
    """
    lost: Any = gone
    kept: Any = words
    for table in (frozen.table for frozen in reversed(passes)):  # what was joined last comes apart
        lost, kept = (
            pa.concat_arrays([own, table.grams.filter(pc.is_in(table.names, own)).flatten()])
            for own in (lost, kept)
        )
    lost = lost.filter(pc.invert(pc.is_in(lost, kept)))
    return tuple(_phrases(frozen, lost) for frozen in passes)


def _phrases(frozen: FrozenPhrases, lost: Any) -> FrozenPhrases:
    """Return phrases without those that are, or have in them, one of the words `lost`."""
    table = frozen.table
    inside: Any = pc.is_in(table.grams.flatten(), lost)
    found = np.concatenate([[0], np.cumsum(np.asarray(inside))])
    ends = list_offsets(table.grams)
    hit = np.asarray(found[ends[1:] - ends[0]] > found[ends[:-1] - ends[0]])
    staying = ~(hit | np.asarray(pc.is_in(table.names, lost)))
    if staying.all():
        return frozen
    left = PhraseTable(
        table.grams.filter(pa.array(staying)), table.scores[staying],
        delimiter=table.delimiter, connectors=table.connectors,
    )  # fmt: skip
    return FrozenPhrases.of(
        left, threshold=frozen.threshold, min_count=frozen.min_count, scoring=frozen.scoring
    )


def _rates(rates: Any, rows: Kept) -> Any:
    """Return the rates of the rows that stay; one for all stays as it is."""
    return rates if rates is None or len(rates) != len(rows) or len(rates) == 1 else rates[rows]


def _rows(matrix: Any, rows: Kept) -> Any:
    return matrix if matrix is None or rows.all() else matrix[rows]
