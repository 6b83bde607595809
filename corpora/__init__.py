"""Text corpora, wherever they lie, to batches of token ids.

>>> from corpora import Sentences, encode
>>> encode(Sentences([["hello", "world"]]).lowercase()).tokens
2
"""

from typing import TYPE_CHECKING, Any

from corpora import old_names
from corpora.corpus import Corpus
from corpora.errors import CorpusError, MillraceError
from corpora.readers.brown import Brown
from corpora.readers.csv import Csv
from corpora.readers.documents import Documents
from corpora.readers.json_lines import JsonLines
from corpora.readers.line_sentence import LineSentence
from corpora.readers.parquet import Parquet
from corpora.readers.path_line_sentences import PathLineSentences
from corpora.readers.python_docs import PythonDocs
from corpora.readers.sentences import Sentences
from corpora.readers.tagged_brown import TaggedBrown
from corpora.readers.tagged_line_document import TaggedLineDocument
from corpora.readers.text8 import Text8
from corpora.rows.tagged_document import TaggedDocument
from corpora.shards import TokenShard, TokenShards, encode
from corpora.tokens.token_batches import TokenBatch
from corpora.transform import PartTransform, RowTransform, StreamTransform, Transform
from corpora.transforms.simple_preprocess import simple_preprocess

__all__ = [
    "Brown",
    "Corpus",
    "CorpusError",
    "Csv",
    "Documents",
    "JsonLines",
    "LineSentence",
    "MillraceError",
    "Parquet",
    "PartTransform",
    "PathLineSentences",
    "PythonDocs",
    "RowTransform",
    "Sentences",
    "StreamTransform",
    "TaggedBrown",
    "TaggedDocument",
    "TaggedLineDocument",
    "Text8",
    "TokenBatch",
    "TokenShard",
    "TokenShards",
    "Transform",
    "encode",
    "simple_preprocess",
]

if not TYPE_CHECKING:  # or every name would be there for a type checker

    def __getattr__(name: str) -> Any:
        """Return what an old name is today."""
        return old_names.imported(__name__, name, old_names.CORPORA)
