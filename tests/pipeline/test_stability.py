"""Training that would run away if a window's slopes were all taken from the same old weights."""

import numpy as np
import pytest

from corpora import Sentences, encode
from pipeline.models.model import Model
from pipeline.training import Plan, WordSettings, train
from pipeline.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def shards():
    """Rows that say the same few words over and over, as tables and boilerplate do."""
    rng = np.random.default_rng(3)
    words = [f"w{k}" for k in range(60)]
    rows = [[*rng.choice(words, 3)] * 40 for _ in range(300)]
    return encode(Sentences(rows))


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("alpha", [0.025, 0.1])
def test_vectors_stay_small(shards, sg, alpha):
    vocabulary = Vocabulary.build(shards, 1)
    settings = WordSettings(vector_size=50, sg=sg, window=15, negative=10)
    model = Model.fresh(vocabulary, settings, 1)
    receipt = train(
        model.weights, vocabulary, settings, shards, Plan(epochs=10, alpha=alpha, sample=0.0)
    )
    assert np.linalg.norm(model.vectors, axis=1).max() < 30
    assert max(epoch.loss for epoch in receipt.epochs) < 0.5
