"""A model of gensim's as one of ours: its objects in, ours out, and notes of what can't come along.

Nothing of gensim is imported here, and no number is copied that need not be.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.kernels import ROOT
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.models.doc2vec import document_settings
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model
from pipeline.models.model_files import Matrices, ModelError
from pipeline.models.parameters import SAVED
from pipeline.models.saved import STATE
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

# What our models keep under gensim's names; its padding is none of the words that we'd add.
NAMES = [name for name in (*SAVED, *STATE) if name != "null_word"]
DOC2VEC = ("dbow_words", "dm_concat", "dm_tag_count")

COUNTS = (
    "the words that min_count left out are not in the file, unless it was trained with "
    "keep_raw_vocab: only the words with vectors bring their counts along"
)
PADDING = (
    "gensim's padding of dm_concat is a word of its own; it stays a word here, and padding is zeros"
)
UNCOUNTED = (
    "the file doesn't say how many documents had a whole number as their tag: 0 stands there"
)
LOCKED = "vectors_lockf is not kept"
SUBWORDS = "the vectors of subwords are left behind: words without a vector of their own have none"


def converted(theirs: Any, *, is_documents: bool) -> tuple[Model, dict[str, Any], list[str]]:
    """Return a Word2Vec or Doc2Vec model, its constructor's arguments, and notes for people.

    The model reads the matrices where they lie, maybe in a mapped file. Raises ModelError for one
    whose parts don't fit together, and ValueError for settings that no model can have.
    """
    names = [*NAMES, *(DOC2VEC if is_documents else ())]
    said = {name: _plain(getattr(theirs, name)) for name in names if hasattr(theirs, name)}
    settings = _settings(said, is_documents=is_documents)
    words = _words(theirs.wv.index_to_key)
    size, notes = len(words), []
    counts = theirs.wv.expandos.get("count")
    if not size or counts is None:
        raise ModelError(
            "the model has no words with counts, so it can't go on training. To mend it: build its "
            "vocabulary, or save its wv with gensim and import that"
        )
    left = _left_out(theirs)
    notes += [] if left else [COUNTS]
    vocabulary = Vocabulary(
        pa.array([*words.to_pylist(), *left], pa.string()),
        np.concatenate([np.array(counts[:size], np.int64), np.fromiter(left.values(), np.int64)]),
        size,
    )
    tree, tags, vectors = None, None, None
    if settings.hierarchical:
        tree = _tree(theirs.wv.expandos, size)
    if settings.has_tags:
        tags = _tags(theirs.dv)
        vectors = _matrix("the documents' vectors", theirs.dv.vectors, tags.size, said)
        if not tags.counts.all():
            notes.append(UNCOUNTED)
    wide = settings.blocks
    matrices = Matrices(
        _matrix("the words' vectors", theirs.wv.vectors, size, said),
        _matrix("syn1neg", getattr(theirs, "syn1neg", None), size, said, wide)
        if settings.negative
        else None,
        # gensim's root is its last node; ours is the first, as the busiest rows are wanted there.
        _matrix("syn1", getattr(theirs, "syn1", None), size - 1, said, wide)[::-1]
        if settings.hierarchical
        else None,
        vectors,
    )
    if settings.join == "concat":
        notes.append(PADDING)
    if any(_locks(kv) for kv in (theirs.wv, getattr(theirs, "dv", None))):
        notes.append(LOCKED)
    return Model(vocabulary, settings, matrices, tags, tree), said, notes


def converted_vectors(theirs: Any) -> tuple[KeyedVectors, list[str]]:
    """Return gensim's KeyedVectors as ours, and notes; attributes that are no data are left out."""
    keys = _tags(theirs).keys
    vectors = _matrix(
        "vectors", theirs.vectors, len(keys), {"vector_size": int(theirs.vector_size)}
    )
    attributes = {
        name: np.asarray(values)[: len(keys)]
        for name, values in theirs.expandos.items()
        if np.asarray(values).dtype.kind in "biuf" and name != "sample_int"
    }
    made = KeyedVectors.of(TagTable(keys, np.zeros(len(keys), np.int64)), vectors, **attributes)
    if _locks(theirs):
        made.vectors_lockf = np.array(theirs.vectors_lockf, np.float32)
    return made, [SUBWORDS] if hasattr(theirs, "vectors_ngrams") else []


def _settings(said: Mapping[str, Any], *, is_documents: bool) -> Settings:
    common: dict[str, Any] = {
        "vector_size": said["vector_size"],
        "window": said["window"],
        "negative": said["negative"],
        "hierarchical": bool(said["hs"]),
        "ns_exponent": said["ns_exponent"],
        "shrink_windows": bool(said.get("shrink_windows", True)),
    }
    if is_documents:
        common |= {name: said[name] for name in DOC2VEC}
        return document_settings(
            dm=1 - said["sg"], dm_mean=said["cbow_mean"], exact_gradient=False, **common
        )
    return Settings(
        method="skip_gram" if said["sg"] else "cbow",
        join="mean" if said["sg"] or said["cbow_mean"] else "sum",
        **common,
    )


def _words(keys: list[Any]) -> pa.StringArray:
    if len(set(keys)) != len(keys):
        raise ModelError("a word stands twice in the model: its parts don't fit together")
    wrong = next((key for key in keys if not isinstance(key, str)), None)
    if wrong is not None:
        raise ModelError(f"words are strings here, and one is {wrong!r}")
    try:
        return pa.array(keys, pa.string())
    except (pa.ArrowException, UnicodeError) as error:
        raise ModelError(f"a word is no Unicode text: {error}") from error


def _left_out(theirs: Any) -> dict[str, int]:
    """Return words without vectors and their counts, most frequent first."""
    known = theirs.wv.key_to_index
    raw = getattr(theirs, "raw_vocab", None) or {}
    left = ((word, int(raw[word])) for word in raw if word not in known)
    return dict(sorted(left, key=lambda pair: (-pair[1], pair[0].encode())))


def _tags(theirs: Any) -> TagTable:
    """Return keys, strings and whole numbers, in their order, with how many documents had them."""
    keys = [key if isinstance(key, str) else _number(key) for key in theirs.index_to_key]
    counts = theirs.expandos.get("doc_count")
    counts = np.zeros(len(keys), np.int64) if counts is None else counts[: len(keys)]
    table = TagTable.empty().add(_Run(*run) for run in _runs(keys))
    if table.size != len(keys) or len(counts) != len(keys):
        raise ModelError(
            "keys and their numbers don't fit together: a key stands twice, or lacks a row. gensim "
            "leaves a model so when documents were added to it with update=True"
        )
    return TagTable(table.keys, np.array(counts, np.int64))


class _Run:
    """Keys of one kind in a row, as TagTable takes them."""

    def __init__(self, keys: list[Any], kind: Any) -> None:
        try:
            self.tags: Any = pa.array(keys, kind)
        except (pa.ArrowException, UnicodeError, OverflowError) as error:
            raise ModelError(
                f"a key is no Unicode text or no number of 64 bits: {error}"
            ) from error
        self.tag_counts: NDArray[np.int64] | None = np.zeros(len(keys), np.int64)


def _runs(keys: list[Any]) -> Iterator[tuple[list[Any], Any]]:
    begin = 0
    for at in range(1, len(keys) + 1):
        if at == len(keys) or isinstance(keys[at], str) != isinstance(keys[begin], str):
            yield keys[begin:at], pa.string() if isinstance(keys[begin], str) else pa.int64()
            begin = at


def _number(key: Any) -> int:
    if isinstance(key, int | np.integer):
        return int(key)
    raise ModelError(f"keys are strings or whole numbers here, and one is {key!r}")


def _matrix(
    name: str, found: Any, rows: int, said: Mapping[str, Any], blocks: int = 1
) -> NDArray[np.float32]:
    """Return the first rows of a matrix; raises ModelError where it has another shape."""
    wanted = (rows, said["vector_size"] * blocks)
    shape = np.shape(found)
    if len(shape) != 2 or shape[1] != wanted[1] or shape[0] < rows:
        raise ModelError(
            f"{name} has shape {shape}, and {wanted} belongs here. To mend it: copy the .npy files "
            "that lie beside the model along with it, or train it anew"
        )
    return np.asarray(found[:rows], np.float32)


def _tree(attributes: Mapping[str, Any], size: int) -> Tree:
    """Return the tree of words' paths; `converted` says why nodes are numbered from behind."""
    if "point" not in attributes or "code" not in attributes:
        raise ModelError("the model has hs=1 and no paths of words: it was never prepared to train")
    if size == 1:
        return Tree.of(np.ones(1, np.int64))
    leaves = np.full(size, ROOT, np.uint32)
    inner = np.full(size - 1, ROOT, np.uint32)
    steps = np.array([len(points) for points in attributes["point"][:size]], np.int64)
    try:
        points = np.concatenate([np.asarray(p, np.int64) for p in attributes["point"][:size]])
        codes = np.concatenate([np.asarray(c, np.int64) for c in attributes["code"][:size]])
        entries = ((size - 2 - points) * 2 + codes).astype(np.uint32)
        ends = np.cumsum(steps)
        leaves[:] = entries[ends - 1]
        follows = np.ones(len(points), bool)
        follows[ends - steps] = False
        inner[size - 2 - points[follows]] = entries[np.flatnonzero(follows) - 1]
        tree = Tree(leaves, inner)
        tree.check()
    except (ValueError, IndexError) as error:
        raise ModelError(f"the paths of its words make no tree: {error}") from error
    return tree


def _locks(vectors: Any) -> bool:
    locks = np.asarray(getattr(vectors, "vectors_lockf", 1.0))
    return bool((locks != 1).any())


def _plain(value: Any) -> Any:
    """Return what JSON has a way to write."""
    if isinstance(value, np.generic):
        return value.item()
    return json.loads(json.dumps(value, default=str))
