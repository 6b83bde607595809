"""Callbacks: who is called when, how a training ends early, and what is then said and kept."""

import math
import threading
from pathlib import Path

import numpy as np
import pytest

from corpora import Sentences, TaggedDocument, encode
from pipeline import Doc2Vec, Word2Vec, job
from pipeline.cli.progress import Lines
from pipeline.core.callbacks import (
    CallbackAny2Vec,
    EarlyStop,
    EpochCheckpoint,
    Patience,
    StopTraining,
    train_with,
)
from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.models.model import Model
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.words.vocabulary import Vocabulary


class Trained:
    """The least that a model with callbacks has."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.shards = encode(Sentences([list(rng.choice(list("abcdefgh"), 9)) for _ in range(80)]))
        words = Vocabulary.build(self.shards, 1)
        self.model = Model.fresh(words, Settings(vector_size=8), 1)
        self.receipt = None
        self.saved = []

    def train(self, callbacks=(), epochs=4, **more):
        return train_with(
            self,
            callbacks,
            epochs,
            lambda on_epoch: self.model.train(
                self.shards, Plan(epochs=epochs, sample=0), on_epoch=on_epoch, **more
            ),
        )

    def save(self, path):
        Path(path).write_text(str(len(self.receipt.epochs)))


class Log(CallbackAny2Vec):
    def __init__(self):
        self.heard = []

    def _hear(self, what, model):
        done = None if model.receipt is None else len(model.receipt.epochs)
        self.heard.append((what, done, threading.current_thread() is threading.main_thread()))

    def on_train_begin(self, model):
        self._hear("train", model)

    def on_epoch_begin(self, model):
        self._hear("epoch", model)

    def on_epoch_end(self, model):
        self._hear("epoch end", model)

    def on_train_end(self, model):
        self._hear("train end", model)


def test_who_is_called_when():
    model, log = Trained(), Log()
    receipt = model.train([log], epochs=2, workers=2)
    assert log.heard == [
        ("train", None, True), ("epoch", None, True), ("epoch end", 1, True),
        ("epoch", 1, True), ("epoch end", 2, True), ("train end", 2, True),
    ]  # fmt: skip
    assert model.receipt is receipt
    assert not receipt.stopped


def test_callbacks_change_no_byte_of_what_is_trained():
    plain, called = Trained(), Trained()
    assert plain.train() == called.train([Log(), EarlyStop(patience=9)])
    np.testing.assert_array_equal(plain.model.vectors, called.model.vectors)


def test_without_callbacks_the_receipt_grows_too():
    model, seen = Trained(), []

    def interrupted(progress):
        seen.append(len(model.receipt.epochs) if model.receipt else 0)
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.train(on_progress=interrupted)
    assert (seen[0], seen[-1], len(model.receipt.epochs)) == (0, 2, 2)


def test_an_object_with_one_of_the_methods_will_do():
    class Ends:
        count = 0

        def on_epoch_end(self, model):
            self.count += 1
            return True  # which counts for nothing

    ends = Ends()
    assert len(Trained().train(iter([ends]), epochs=3).epochs) == ends.count == 3


def test_what_no_callback_is_refused_before_anything_is_called():
    log = Log()
    with pytest.raises(TypeError, match=r"on_epoch_end.*has none of them"):
        Trained().train([log, print])
    assert log.heard == []


class Stops(CallbackAny2Vec):
    def __init__(self, after):
        self.left = after

    def on_epoch_end(self, model):
        self.left -= 1
        if self.left == 0:
            raise StopTraining


def test_stopping_leaves_a_whole_receipt_and_the_others_hear_of_it():
    model, log = Trained(), Log()
    receipt = model.train([Stops(2), log], epochs=5)
    assert receipt.stopped
    assert [epoch.rows for epoch in receipt.epochs] == [80, 80]
    assert [what for what, _, _ in log.heard][-2:] == ["epoch end", "train end"]
    # It has trained as two of five epochs do, and not as two of two.
    again = Trained()
    with pytest.raises(RuntimeError):
        again.train([Fails(2)], epochs=5)
    np.testing.assert_array_equal(model.model.vectors, again.model.vectors)


def test_stopping_after_the_last_epoch_is_no_stop():
    receipt = Trained().train([Stops(3)], epochs=3)
    assert not receipt.stopped
    assert len(receipt.epochs) == 3


class Fails(CallbackAny2Vec):
    def __init__(self, after):
        self.left = after

    def on_epoch_end(self, model):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("mine")


@pytest.mark.parametrize("name", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
def test_an_exception_ends_training_as_itself(name):
    log, error = Log(), KeyError("mine")

    class One:
        pass

    def fail(model):
        raise error

    one = One()
    setattr(one, name, fail)
    before = threading.active_count()
    with pytest.raises(KeyError) as caught:
        Trained().train([log, one], workers=2)
    assert caught.value is error
    assert threading.active_count() == before
    assert "train end" not in [what for what, _, _ in log.heard]


def test_stopping_anywhere_else_is_no_stop():
    one = CallbackAny2Vec()
    one.on_epoch_begin = Fails.on_epoch_end  # its argument is missing: any error
    with pytest.raises(TypeError):
        Trained().train([one])
    one.on_epoch_begin = Stops(1).on_epoch_end
    with pytest.raises(StopTraining):
        Trained().train([one])


def test_a_callback_may_change_the_weights():
    class Zeroes(CallbackAny2Vec):
        def on_epoch_end(self, model):
            model.model.weights.input[:] = 0

    model = Trained()
    model.train([Zeroes()], epochs=1)
    assert not model.model.vectors.any()


@pytest.mark.parametrize(
    ("scores", "patience", "min_delta", "epochs"),
    [
        ([1, 2, 3, 4, 5, 6], 1, 0, 6),
        ([1, 1, 1, 1, 1, 1], 1, 0, 2),
        ([1, 1, 2, 2, 2, 2], 2, 0, 5),
        ([1, 2, 3, 4, 5, 6], 2, 1, 6),
        ([1, 2, 2.5, 3, 4, 5], 3, 2, 4),
        ([1, 3, 2, 5, 4, 4], 2, 1, 6),
        ([math.nan] * 6, 3, 0, 3),
        ([-5, -4, -4.5, -3, -9, -9], 2, 0, 6),
    ],
)
def test_early_stop_on_a_score(scores, patience, min_delta, epochs):
    left = iter(scores)
    stop = EarlyStop(patience, min_delta, score=lambda model: next(left))
    assert len(Trained().train([stop], epochs=6).epochs) == epochs
    np.testing.assert_array_equal(stop.scores, scores[:epochs])


def test_early_stop_on_the_loss_and_again():
    model, stop = Trained(), EarlyStop(patience=1, min_delta=1.0)
    for _ in range(2):  # a loss is never lower than the last one by so much
        receipt = model.train([stop], epochs=6)
        assert len(receipt.epochs) == 2
        assert stop.scores == [-epoch.loss for epoch in receipt.epochs]


@pytest.mark.parametrize("wrong", [(0,), (-1,), (2, -0.1), (2, math.nan)])
def test_patience_that_is_none(wrong):
    with pytest.raises(ValueError, match="must be"):
        Patience(*wrong)
    with pytest.raises(ValueError, match="must be"):
        EarlyStop(*wrong)


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        (EarlyStop(), r"callbacks are a list, not <.*EarlyStop.*: write callbacks=\[...\]"),
        (EarlyStop, r"write callbacks=\[EarlyStop\(\)\]"),
        ([EarlyStop], r"EarlyStop is a class. To mend it: EarlyStop\(\)"),
        (None, "callbacks are a list, not None"),
        ("ab", "'a' has none of them"),
    ],
)
def test_what_is_no_list_of_callbacks(callbacks, said):
    with pytest.raises(TypeError, match=said):
        train_with(Trained(), callbacks, 1, lambda _: pytest.fail("it was trained"))
    read = (pytest.fail("it was read") for _ in range(1))
    with pytest.raises(TypeError, match=said):
        Word2Vec(read, callbacks=callbacks)
    model = Word2Vec(min_count=1)
    model.build_vocab([["a", "b"]])
    with pytest.raises(TypeError, match=said):
        model.train(read, callbacks=callbacks)


def test_scores_and_patience_of_the_wrong_kind():
    for wrong in (1.5, "2", None):
        with pytest.raises(TypeError, match="patience is a whole number of epochs"):
            EarlyStop(patience=wrong)
    with pytest.raises(TypeError, match="score is a function of the model, not 3"):
        EarlyStop(score=3)
    with pytest.raises(TypeError, match=r"score has to return a number, .* not None"):
        Trained().train([EarlyStop(score=lambda _: None)])
    stop = EarlyStop(patience=np.int64(2), score=lambda _: np.float32(1))
    assert len(Trained().train([stop]).epochs) == 3


def test_checkpoints(tmp_path):
    model = Trained()
    model.train([EpochCheckpoint(tmp_path / "all-{epoch:02}")], epochs=3)
    (tmp_path / "kept-1").write_text("of mine")
    model.train([EpochCheckpoint(str(tmp_path / "kept-{epoch}"), keep=2), Stops(4)], epochs=9)
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"all-01": "1", "all-02": "2", "all-03": "3", "kept-3": "3", "kept-4": "4"}


def test_checkpoints_of_an_earlier_training_stay(tmp_path):
    save = EpochCheckpoint(str(tmp_path / "{epoch}"), keep=1)
    Trained().train([save], epochs=3)
    Trained().train([save], epochs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


def test_a_checkpoint_that_somebody_took_away_is_no_error(tmp_path):
    class Takes(CallbackAny2Vec):
        def on_epoch_end(self, model):
            (tmp_path / str(len(model.receipt.epochs))).unlink()

    Trained().train([EpochCheckpoint(str(tmp_path / "{epoch}"), keep=1), Takes()], epochs=3)


def test_a_save_that_fails_keeps_the_older_ones(tmp_path):
    class Full(Trained):
        def save(self, path):
            if len(self.receipt.epochs) == 3:
                raise OSError("full")
            super().save(path)

    with pytest.raises(OSError, match="full"):
        Full().train([EpochCheckpoint(str(tmp_path / "{epoch}"), keep=1)])
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


@pytest.mark.parametrize("path", ["model", "{epcoh}", "{}", "{epoch", "{epoch:z}"])
def test_paths_that_name_no_epoch(path):
    with pytest.raises(ValueError, match="epoch"):
        EpochCheckpoint(path)
    with pytest.raises(ValueError, match="keep"):
        EpochCheckpoint("{epoch}", keep=0)


def test_gensims_own_callbacks():
    peers = pytest.importorskip("gensim.models.callbacks")

    class Counts(peers.CallbackAny2Vec):
        count = 0

        def on_epoch_end(self, model):
            self.count += 1

    counts = Counts()
    Trained().train([counts], epochs=3)
    assert counts.count == 3


RECIPE = """
[[stage]]
use = "line_sentence"
url = "{0}"
[[stage]]
use = "build_vocab"
min_count = 1
[[stage]]
use = "train_word2vec"
vector_size = 8
epochs = 6
{1}
[[stage]]
use = "neighbours"
words = ["mill"]
"""


@pytest.mark.parametrize(
    ("keys", "epochs"),
    [("", 6), ("patience = 2\nmin_delta = 1.0", 3), ("patience = 9", 6)],
)
def test_a_recipe_has_patience(tmp_path, capsys, keys, epochs):
    (tmp_path / "a.txt").write_text("the mill turns the race runs\n" * 50)
    state = job.run(parse(RECIPE.format(tmp_path / "a.txt", keys)), Lines(str))
    assert len(state.receipt.epochs) == epochs
    assert state.receipt.stopped == (epochs < 6)
    told = capsys.readouterr().err
    assert ("stopped after epoch 3" in told) == (epochs < 6)
    assert f"trained {6 * 50 * epochs:,} words" in told


def test_a_recipe_with_min_delta_alone_is_refused():
    with pytest.raises(RecipeError, match=r"min_delta must be 0 where patience is 0, not 0.1"):
        parse(RECIPE.format("a.txt", "min_delta = 0.1"))


def test_faces_tell_callbacks_the_loss_and_save_themselves(tmp_path):
    class Losses(CallbackAny2Vec):
        def __init__(self):
            self.sums = []

        def on_epoch_begin(self, model):
            self.sums.append(model.get_latest_training_loss())

        def on_epoch_end(self, model):
            mean, terms = model.receipt.epochs[-1].loss, model.receipt.epochs[-1].terms
            assert model.get_latest_training_loss() == pytest.approx(self.sums[-1] + mean * terms)

        def on_train_end(self, model):
            self.sums.append(model.get_latest_training_loss())

    rng = np.random.default_rng(1)
    sentences = [list(rng.choice(list("abcdefgh"), 9)) for _ in range(80)]
    losses, save = Losses(), EpochCheckpoint(tmp_path / "{epoch}.model")
    model = Word2Vec(
        sentences, vector_size=8, workers=1, epochs=3, compute_loss=True, callbacks=[losses, save]
    )
    assert losses.sums[0] == 0
    assert losses.sums == sorted(set(losses.sums))
    assert len(losses.sums) == 4
    for epoch in (1, 2, 3):
        again = Word2Vec.load(tmp_path / f"{epoch}.model")
        assert len(again.receipt.epochs) == epoch
        assert (again.wv.vectors == model.wv.vectors).all() == (epoch == 3)
    model.train(sentences, epochs=9, callbacks=[EarlyStop(1, 9.0)])
    assert (len(model.receipt.epochs), model.receipt.stopped) == (2, True)
    assert model.min_alpha_yet_reached == pytest.approx(0.025 - (0.025 - 0.0001) * 2 / 9)


def test_what_a_callback_writes_into_a_face_is_what_training_goes_on_from():
    class Unit(CallbackAny2Vec):
        def on_epoch_end(self, model):
            model.dv.vectors /= np.linalg.norm(model.dv.vectors, axis=1, keepdims=True)

    documents = [TaggedDocument(list("abcab"), [k]) for k in range(20)]
    model = Doc2Vec(documents, dm=0, vector_size=8, workers=1, epochs=2, callbacks=[Unit()])
    np.testing.assert_allclose(np.linalg.norm(model.dv.vectors, axis=1), 1, rtol=1e-6)
