"""Text corpora, wherever they lie, to batches of token ids.

>>> from corpora import Sentences, encode
>>> encode(Sentences([["hello", "world"]]).lowercase()).tokens
2
"""

from corpora.corpus import Corpus
from corpora.errors import CorpusError, MillraceError
from corpora.readers.line_sentence import LineSentence
from corpora.readers.python_docs import PythonDocs
from corpora.readers.sentences import Sentences
from corpora.shards import TokenShard, TokenShards, encode
from corpora.transform import RowTransform, StreamTransform, Transform

__all__ = [
    "Corpus",
    "CorpusError",
    "LineSentence",
    "MillraceError",
    "PythonDocs",
    "RowTransform",
    "Sentences",
    "StreamTransform",
    "TokenShard",
    "TokenShards",
    "Transform",
    "encode",
]
