"""Training that would run away if too many slopes were taken from the same old weights."""

import numpy as np
import pytest

from corpora import Documents, encode
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.core.training import train
from pipeline.models.model import Model
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

OUTPUTS = {
    "ns": {"negative": 10},
    "hs": {"negative": 0, "hierarchical": True},
    "ns+hs": {"negative": 10, "hierarchical": True},
}
METHODS = {
    "skip-gram": {"method": "skip_gram", "window": 15},
    "cbow": {"method": "cbow", "window": 15},
    "cbow, exact": {"method": "cbow", "window": 15, "exact_gradient": True},
    "cbow, sum": {"method": "cbow", "window": 15, "join": "sum"},
    "dbow": {"method": "dbow"},
    "dbow and words": {"method": "dbow_words", "window": 15},
    "dm": {"method": "dm", "window": 15},
    "dm, exact": {"method": "dm", "window": 15, "exact_gradient": True},
    "dm, sum": {"method": "dm", "window": 15, "join": "sum"},
    "dm, concat": {"method": "dm", "join": "concat"},
}


@pytest.fixture(scope="module")
def shards():
    """Rows that say the same few words over and over, as tables and boilerplate do.

    Each has a tag of its own and one that it shares with all others.
    """
    rng = np.random.default_rng(3)
    words = [f"w{k}" for k in range(60)]
    return encode(
        Documents([([*rng.choice(words, 3)] * 40, [f"row {k}", "all"]) for k in range(200)])
    )


# Both outputs together change a row twice as much, and bear half the learning rate: at 0.1 CBOW
# runs away, which it doesn't where a text is walked in one place (`reference.PLACES`) and not two.
@pytest.mark.parametrize(
    ("outputs", "alpha"),
    [("ns", 0.025), ("ns", 0.1), ("hs", 0.025), ("hs", 0.1), ("ns+hs", 0.025), ("ns+hs", 0.05)],
)
@pytest.mark.parametrize("method", METHODS)
def test_vectors_stay_small(shards, method, outputs, alpha):
    vocabulary = Vocabulary.build(shards, 1)
    settings = Settings(vector_size=50, **METHODS[method], **OUTPUTS[outputs])
    tags = TagTable.empty().add(shards) if settings.has_tags else None
    model = Model.fresh(vocabulary, settings, 1, tags)
    plan = Plan(epochs=4, alpha=alpha, sample=0.0)
    receipt = train(
        model.weights, vocabulary, settings, shards, plan, tags=tags, tree=model.tree, workers=1
    )
    matrices = [model.weights.input] + ([model.weights.tags] if settings.has_tags else [])
    for matrix in matrices:
        assert np.linalg.norm(matrix, axis=1).max() < 30
    assert receipt.epochs[-1].loss < 0.6
