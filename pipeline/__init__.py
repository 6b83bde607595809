"""Millrace's pipeline: token batches to vectors to versions.

>>> from pipeline import Doc2Vec, KeyedVectors, Word2Vec
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.models.doc2vec import Doc2Vec as Doc2Vec
    from pipeline.models.keyed_vectors import KeyedVectors as KeyedVectors
    from pipeline.models.word2vec import Word2Vec as Word2Vec

__all__ = ["Doc2Vec", "KeyedVectors", "Word2Vec"]

_HOMES = {
    "Doc2Vec": "pipeline.models.doc2vec",
    "KeyedVectors": "pipeline.models.keyed_vectors",
    "Word2Vec": "pipeline.models.word2vec",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the command line starts fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
