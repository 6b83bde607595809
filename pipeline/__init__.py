"""Millrace's pipeline: token batches to vectors to versions.

>>> from pipeline import Doc2Vec, KeyedVectors, Word2Vec
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.core.callbacks import CallbackAny2Vec as CallbackAny2Vec
    from pipeline.core.callbacks import EarlyStop as EarlyStop
    from pipeline.core.callbacks import EpochCheckpoint as EpochCheckpoint
    from pipeline.core.callbacks import StopTraining as StopTraining
    from pipeline.models.doc2vec import Doc2Vec as Doc2Vec
    from pipeline.models.gensim_import import import_gensim as import_gensim
    from pipeline.models.keyed_vectors import KeyedVectors as KeyedVectors
    from pipeline.models.word2vec import Word2Vec as Word2Vec
    from pipeline.phrases.frozen import FrozenPhrases as FrozenPhrases
    from pipeline.phrases.frozen import Phraser as Phraser
    from pipeline.phrases.model import Phrases as Phrases
    from pipeline.phrases.scores import ENGLISH_CONNECTOR_WORDS as ENGLISH_CONNECTOR_WORDS
    from pipeline.words.admission import RULE_DEFAULT as RULE_DEFAULT
    from pipeline.words.admission import RULE_DISCARD as RULE_DISCARD
    from pipeline.words.admission import RULE_KEEP as RULE_KEEP

_HOMES = {
    "CallbackAny2Vec": "pipeline.core.callbacks",
    "Doc2Vec": "pipeline.models.doc2vec",
    "ENGLISH_CONNECTOR_WORDS": "pipeline.phrases.scores",
    "EarlyStop": "pipeline.core.callbacks",
    "EpochCheckpoint": "pipeline.core.callbacks",
    "FrozenPhrases": "pipeline.phrases.frozen",
    "KeyedVectors": "pipeline.models.keyed_vectors",
    "Phraser": "pipeline.phrases.frozen",
    "Phrases": "pipeline.phrases.model",
    "RULE_DEFAULT": "pipeline.words.admission",
    "RULE_DISCARD": "pipeline.words.admission",
    "RULE_KEEP": "pipeline.words.admission",
    "StopTraining": "pipeline.core.callbacks",
    "Word2Vec": "pipeline.models.word2vec",
    "import_gensim": "pipeline.models.gensim_import",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the command line starts fast."""
    from importlib import import_module, util  # noqa: PLC0415

    if name not in _HOMES:
        if util.find_spec(f"{__name__}.{name}"):  # a module, which is imported when this has failed
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        table = import_module("pipeline.old_names").PIPELINE
        return import_module("corpora.old_names").imported(__name__, name, table)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
