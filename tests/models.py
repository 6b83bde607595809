"""Small models of every kind, with something in their outputs."""

import numpy as np

from corpora import Documents, encode
from pipeline.core.settings import Settings
from pipeline.core.weights import unpadded
from pipeline.models.model import Model
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

KINDS = {
    "skip-gram": Settings(vector_size=5),
    "tree": Settings("cbow", vector_size=5, negative=0, hierarchical=True),
    "dbow": Settings("dbow", vector_size=16, hierarchical=True),
    "concat": Settings("dm", vector_size=17, join="concat", tag_count=2, window=3),
}
DOCUMENTS = [(["a", "b"], ["x", "y"]), (["a", "c"], ["y"]), (["a"], [7, 8])]


def made(settings, documents=DOCUMENTS):
    shards = encode(Documents(documents))
    vocabulary = Vocabulary.build(shards, 1)
    tags = TagTable.empty().add(shards) if settings.has_tags else None
    model = Model.fresh(vocabulary, settings, 3, tags)
    rng = np.random.default_rng(1)
    for matrix in (model.weights.output, model.weights.nodes):
        if matrix is not None:
            rows = unpadded(matrix, settings.vector_size)
            rows[...] = rng.normal(size=rows.shape)
    return model
