"""The training loop: every row once an epoch, the same result every time, errors at once."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from corpora import Documents, Sentences, TaggedDocument, encode
from pipeline.core import training
from pipeline.core.batch import Tally
from pipeline.core.kernels import TrainingError
from pipeline.core.passes import Pass, Plan
from pipeline.core.settings import Settings
from pipeline.core.training import train
from pipeline.models.model import Model, tags_with
from pipeline.words.vocabulary import Vocabulary


def sentences(n=400, seed=0):
    """Two topics whose words never meet."""
    rng = np.random.default_rng(seed)
    topics = [[f"{topic}{k}" for k in range(20)] for topic in "ab"]
    return [list(rng.choice(topics[k % 2], rng.integers(1, 30))) for k in range(n)]


@pytest.fixture(scope="module")
def shards():
    return encode(Sentences(sentences()))


def trained(shards, workers=1, settings=None, **plan):
    settings = settings or Settings(vector_size=16)
    words = Vocabulary.build(shards, 1)
    model = Model.fresh(words, settings, 1)
    receipt = train(model.weights, words, settings, shards, Plan(**plan), workers=workers)
    return model, receipt


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("sg", [0, 1])
def test_every_row_once_an_epoch(shards, workers, sg):
    settings = Settings(vector_size=16, method="skip_gram" if sg else "cbow")
    _, receipt = trained(shards, workers, settings, epochs=3)
    assert len(receipt.epochs) == 3
    for epoch in receipt.epochs:
        assert epoch.rows == receipt.rows == 400
        assert epoch.tokens == receipt.tokens == sum(len(s) for s in sentences())
        assert epoch.trained + epoch.unknown + epoch.dropped == epoch.tokens


def test_topics_part_and_loss_falls(shards):
    model, receipt = trained(shards, epochs=20, sample=0.0, alpha=0.05)
    losses = [epoch.loss for epoch in receipt.epochs]
    assert losses[-1] < losses[0] * 0.9
    wv = model.keyed_vectors
    assert all(key.startswith("a") for key, _ in wv.most_similar("a3", topn=10))
    assert all(key.startswith("b") for key, _ in wv.most_similar("b3", topn=10))


def test_one_worker_is_the_same_to_the_last_bit_whatever_the_hash_seed(shards):
    script = (
        "import sys; sys.path.insert(0, 'tests'); sys.path.insert(0, 'tests/pipeline');"
        "from test_training import *;"
        "m, r = trained(encode(Sentences(sentences())));"
        "import hashlib; print(hashlib.sha256(m.weights.input.tobytes()"
        " + m.weights.output.tobytes()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
            cwd=training.__file__ and __file__.rsplit("/tests/", 1)[0],
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(seen) == 1


def test_random_draws_do_not_depend_on_who_trains(shards):
    """Two workers race on the weights, but take the same windows and the same noise."""
    one, two = (trained(shards, workers)[1] for workers in (1, 3))
    for a, b in zip(one.epochs, two.epochs, strict=True):
        assert (a.trained, a.dropped, a.terms) == (b.trained, b.dropped, b.terms)


class Broken:
    """Shards whose reading fails in the second epoch."""

    def __init__(self, shards):
        self._shards = list(shards)
        self.rows, self.tokens, self.split = shards.rows, shards.tokens, shards.split
        self.epoch = 0

    def __iter__(self):
        return iter([self])

    @property
    def words(self):
        return self._shards[0].words

    def batches(self):
        self.epoch += 1
        if self.epoch == 2:
            raise OSError("the disk is gone")
        return self._shards[0].batches()


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_in_a_thread_ends_the_run_as_itself(shards, workers):
    words = Vocabulary.build(shards, 1)
    settings = Settings(vector_size=16)
    model = Model.fresh(words, settings, 1)
    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone") as caught:
        train(model.weights, words, settings, Broken(shards), Plan(), workers=workers)
    assert any(entry.name == "batches" for entry in caught.traceback)
    assert threading.active_count() == before


def test_an_error_while_telling_ends_the_run(shards):
    words = Vocabulary.build(shards, 1)
    settings = Settings(vector_size=16)
    model = Model.fresh(words, settings, 1)
    before = threading.active_count()

    def tell(_):
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train(model.weights, words, settings, shards, Plan(epochs=500), workers=2, on_progress=tell)
    assert time.monotonic() - begun < 10
    assert threading.active_count() == before


def test_shards_that_are_short_are_noticed(shards):
    short = Broken(shards)
    short.rows += 1
    with pytest.raises(TrainingError, match="changed on the way"):
        train(
            Model.fresh(Vocabulary.build(shards, 1), Settings(vector_size=16), 1).weights,
            Vocabulary.build(shards, 1),
            Settings(vector_size=16),
            short,
            Plan(epochs=1),
        )


def test_progress_reaches_the_end(shards):
    seen = []
    words = Vocabulary.build(shards, 1)
    settings = Settings(vector_size=16)
    train(
        Model.fresh(words, settings, 1).weights,
        words,
        settings,
        shards,
        Plan(epochs=2),
        on_progress=seen.append,
    )
    assert seen[-1].tokens == seen[-1].total == 2 * shards.tokens
    assert seen[-1].epoch == 2
    assert 0 < seen[-1].loss < 5
    assert seen[-1].alpha == pytest.approx(0.0001)


def test_an_interrupt_ends_every_thread_before_it_is_raised():
    """Not only asks them to end: nobody may write weights after the caller has them back."""

    def slow(_: int) -> Tally:
        started.append(1)
        time.sleep(0.3)
        finished.append(1)
        return Tally()

    started: list[int] = []
    finished: list[int] = []
    interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        Pass(slow, iter(range(1000))).run(2)
    assert len(started) == len(finished) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_rates_freeze_rows_and_slow_others(workers):
    documents = [TaggedDocument(words, [n]) for n, words in enumerate(sentences(200))]
    corpus = encode(Documents(documents))
    settings = Settings("dm", vector_size=16)
    vocabulary = Vocabulary.build(corpus, 1)

    def trained(word_rates=None, tag_rates=None):
        model = Model.fresh(vocabulary, settings, 1, tags_with(corpus, settings, None))
        before = model.vectors.copy(), model.weights.tag_vectors.copy()
        plan = Plan(epochs=2, sample=0)
        model.train(corpus, plan, word_rates=word_rates, tag_rates=tag_rates, workers=workers)
        after = model.vectors, model.weights.tag_vectors
        return [np.abs(b - a).sum(1) for b, a in zip(before, after, strict=True)]

    words = np.ones(vocabulary.size, np.float32)
    words[:5] = 0
    tags = np.full(200, 1e-3, np.float32)
    tags[::2] = 0
    free, held = trained(), trained(words, tags)
    assert (held[0][:5] == 0).all()
    assert (held[0][5:] > 0).all()
    assert (held[1][::2] == 0).all()
    assert (held[1][1::2] > 0).all()
    assert held[1][1::2].sum() < free[1][1::2].sum() / 100
