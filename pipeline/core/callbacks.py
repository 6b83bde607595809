"""Callbacks: what is called before and after a training and its epochs, with the model.

A callback is any object with some of the methods of `CallbackAny2Vec`; gensim's own work as they
are. They are called on the thread that called `train`, while no other thread writes the weights.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from os import PathLike, fspath
from typing import Any, Protocol

import numpy as np

from corpora.sources.filesystems import connected
from corpora.sources.retry import PATIENCE
from pipeline.core.training import Receipt

METHODS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
OnEpoch = Callable[[Receipt], bool]


class StopTraining(Exception):  # noqa: N818  (no error: a callback's word, as StopIteration is)
    """Raised by a callback's `on_epoch_end`, it ends the training after this epoch.

    The other callbacks still hear of the epoch, and of the training's end; `model.receipt` says
    `stopped`. What a callback returns counts for nothing.
    """


class CallbackAny2Vec:
    """A callback whose methods do nothing, to take after; an object with one of them will do.

    `model.receipt` tells, from the end of the first epoch on, what the epochs so far came to.

    >>> from pipeline import Word2Vec
    >>> class Losses(CallbackAny2Vec):
    ...     def on_train_begin(self, model):
    ...         self.seen = []
    ...     def on_epoch_end(self, model):
    ...         self.seen.append(model.receipt.epochs[-1].loss)
    >>> losses = Losses()
    >>> model = Word2Vec(vector_size=8, min_count=1, workers=1)
    >>> sentences = [["the", "mill", "turns"]] * 50
    >>> model.build_vocab(sentences)
    >>> _ = model.train(sentences, epochs=3, callbacks=[losses])
    >>> len(losses.seen)
    3
    """

    def on_train_begin(self, model: Any) -> None:
        """Hear that training begins."""

    def on_epoch_begin(self, model: Any) -> None:
        """Hear that an epoch begins."""

    def on_epoch_end(self, model: Any) -> None:
        """Hear that an epoch has ended; may raise StopTraining."""

    def on_train_end(self, model: Any) -> None:
        """Hear that training has ended, early or not; not called where it failed."""


class Trainable(Protocol):
    """A model that holds the receipt of its last training, or of the one that runs."""

    receipt: Receipt | None


def listed(callbacks: Iterable[object]) -> list[object]:
    """Return callbacks as a list; raises TypeError for what is none, or can be no callback.

    >>> listed(EarlyStop)
    Traceback (most recent call last):
    TypeError: callbacks are a list, not <class 'pipeline.core.callbacks.EarlyStop'>: write \
callbacks=[EarlyStop()]
    """
    if isinstance(callbacks, type) or not isinstance(callbacks, Iterable):
        shown = f"{callbacks.__name__}()" if isinstance(callbacks, type) else "..."
        raise TypeError(f"callbacks are a list, not {callbacks!r}: write callbacks=[{shown}]")
    calls = list(callbacks)
    for call in calls:
        if isinstance(call, type):
            raise TypeError(
                f"a callback is an object, and {call.__name__} is a class. To mend it: "
                f"{call.__name__}()"
            )
        if not any(hasattr(call, name) for name in METHODS):
            raise TypeError(
                f"a callback has one of {', '.join(METHODS)}; {call!r} has none of them"
            )
    return calls


def train_with(
    model: Trainable,
    callbacks: Iterable[object],
    epochs: int,
    train: Callable[[OnEpoch], Receipt],
) -> Receipt:
    """Call `train` with a function for its `on_epoch`, and the callbacks around it.

    model.receipt is the run's own from its beginning on: None, after each epoch the receipt so far,
    the whole one at its end. An exception in a callback ends the training, as itself. Raises
    TypeError, before anything is called, for what can be no callback.
    """
    calls = listed(callbacks)

    def tell(name: str) -> bool:
        """Call everybody's method; returns whether one of them wants training to stop."""
        stop = False
        for call in calls:
            try:
                getattr(call, name, _nothing)(model)
            except StopTraining:
                if name != "on_epoch_end":
                    raise
                stop = True
        return stop

    def on_epoch(receipt: Receipt) -> bool:
        model.receipt = receipt
        stop = tell("on_epoch_end")
        if not stop and len(receipt.epochs) < epochs:
            tell("on_epoch_begin")
        return stop

    model.receipt = None
    tell("on_train_begin")
    tell("on_epoch_begin")
    receipt = model.receipt = train(on_epoch)
    tell("on_train_end")
    return receipt


class Patience:
    """Whether a score, of which more is better, has stopped getting better.

    It has after `patience` scores in a row none of which beats the best one by more than
    `min_delta`. NaN beats nothing. Raises ValueError for what can be neither, TypeError for a
    patience that is no whole number.

    >>> patience = Patience(2, min_delta=0.1)
    >>> [patience.is_over(score) for score in (1.0, 2.0, 2.1, 1.9)]
    [False, False, False, True]
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        if not isinstance(patience, int | np.integer):
            raise TypeError(f"patience is a whole number of epochs, not {patience!r}")
        if patience < 1:
            raise ValueError(f"patience must be at least 1, not {patience}")
        if not min_delta >= 0:
            raise ValueError(f"min_delta must be a number from 0 on, not {min_delta}")
        self.patience = patience
        self.min_delta = min_delta
        self.best = -float("inf")
        self._waited = 0

    def is_over(self, score: float) -> bool:
        """Take the next score, and say whether to stop."""
        if score > self.best + self.min_delta:
            self.best, self._waited = score, 0
        else:
            self._waited += 1
        return self._waited >= self.patience


class EarlyStop(CallbackAny2Vec):
    """Stop training when the mean loss of an epoch, or a score of one's own, gets no better.

    It stops after `patience` epochs in a row that didn't beat the best one by more than
    `min_delta`: nats for each term of the loss, or units of `score`, a function of the model of
    which more is better. The learning rate is then above min_alpha. scores: one for each epoch; a
    loss stands there with a minus. Raises what `Patience` does, and TypeError for a `score` that
    can't be called or returns no number.

    >>> from pipeline import Word2Vec
    >>> sentences = [["the", "mill", "turns"], ["the", "race", "runs"]] * 20
    >>> model = Word2Vec(vector_size=8, min_count=1, workers=1, epochs=50)
    >>> model.build_vocab(sentences)
    >>> stop = EarlyStop(patience=2, score=lambda model: 0.0)
    >>> _ = model.train(sentences, callbacks=[stop])
    >>> len(model.receipt.epochs), model.receipt.stopped
    (3, True)
    """

    def __init__(
        self,
        patience: int = 2,
        min_delta: float = 0.0,
        score: Callable[[Any], float] | None = None,
    ) -> None:
        if score is not None and not callable(score):
            raise TypeError(f"score is a function of the model, not {score!r}")
        self._patience = Patience(patience, min_delta)
        self._score = score
        self.scores: list[float] = []

    def on_train_begin(self, model: Any) -> None:  # noqa: ARG002
        """Begin anew."""
        self._patience = Patience(self._patience.patience, self._patience.min_delta)
        self.scores = []

    def on_epoch_end(self, model: Any) -> None:
        """Take the epoch's score; raises StopTraining where it is time to."""
        score = -model.receipt.epochs[-1].loss if self._score is None else self._score(model)
        if not isinstance(score, int | float | np.number):
            raise TypeError(f"score has to return a number, of which more is better, not {score!r}")
        score = float(score)
        self.scores.append(score)
        if self._patience.is_over(score):
            raise StopTraining


class EpochCheckpoint(CallbackAny2Vec):
    """Save the model after each epoch, and keep the newest `keep` files, or all.

    path: a name or URL with {epoch}, which is counted from 1 in each training; {epoch:03} writes
    it with three digits. Files are removed only when a newer one is whole, and only those that
    this training wrote. Raises ValueError for a path without {epoch}, and what `model.save` raises.

    >>> import tempfile, os
    >>> from pipeline import Word2Vec
    >>> sentences = [["the", "mill", "turns"]] * 20
    >>> model = Word2Vec(vector_size=8, min_count=1, workers=1, epochs=4)
    >>> model.build_vocab(sentences)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = EpochCheckpoint(os.path.join(folder, "mill-{epoch}.model"), keep=2)
    ...     _ = model.train(sentences, callbacks=[save])
    ...     sorted(os.listdir(folder))
    ['mill-3.model', 'mill-4.model']
    """

    def __init__(self, path: str | PathLike[str], keep: int | None = None) -> None:
        self._path = fspath(path)
        self._keep = keep
        self._written: list[str] = []
        if keep is not None and keep < 1:
            raise ValueError(f"keep must be at least 1, or None for all, not {keep}")
        if self._named(1) == self._named(2):
            raise ValueError(f"the path needs {{epoch}} in it: {self._path}")

    def on_train_begin(self, model: Any) -> None:  # noqa: ARG002
        """Forget the files of an earlier training: they stay."""
        self._written = []

    def on_epoch_end(self, model: Any) -> None:
        """Save the model, and then remove the files that are too many."""
        path = self._named(len(model.receipt.epochs))
        model.save(path)
        self._written.append(path)
        while self._keep is not None and len(self._written) > self._keep:
            _remove(self._written.pop(0))

    def _named(self, epoch: int) -> str:
        try:
            return self._path.format(epoch=epoch)
        except (LookupError, ValueError) as error:
            raise ValueError(f"in the path {self._path} only {{epoch}} can be filled in") from error


def _nothing(_model: object) -> None:
    """Stand for a method that a callback does not have."""


def _remove(path: str) -> None:
    with suppress(FileNotFoundError), connected(path, None, PATIENCE) as (files, name):
        files.rm_file(name)
