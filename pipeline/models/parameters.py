"""What the constructors of Word2Vec and Doc2Vec take, kept as attributes, and what it stands for.

Every attribute may be changed at any time and holds from the next call on; the settings and the
plan of a run are made of them when they are needed. What gives an existing model's matrices another
shape can't be changed any more: `fitting` says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from operator import index
from os import PathLike
from typing import Any, Literal, TypedDict

import numpy as np

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings
from pipeline.core.training import Progress
from pipeline.models.model_files import ModelError
from pipeline.words.admission import Admission, TrimRule

Cache = str | PathLike[str] | Literal[False] | None
OnProgress = Callable[[Progress], None]

# What of Settings may change while the matrices stay: their shapes don't depend on it.
FREE = ("window", "negative", "ns_exponent", "shrink_windows", "join", "exact_gradient", "method")
# Attributes that files keep; functions are not among them.
SAVED = (
    "vector_size", "alpha", "window", "min_count", "max_vocab_size", "sample", "seed", "workers",
    "min_alpha", "sg", "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "null_word",
    "sorted_vocab", "batch_words", "compute_loss", "comment", "max_final_vocab", "shrink_windows",
    "exact_gradient", "shared_noise", "hot_rows",
)  # fmt: skip


def no_progress(_: Progress) -> None:
    """Tell nobody."""


def whole(name: str, given: Any) -> int:
    """Return a whole number that was given for an argument; raises TypeError that names it.

    >>> whole("window", 5.0)
    5
    """
    if isinstance(given, float) and given.is_integer():  # such as a grid of settings has
        return int(given)
    try:
        return index(given)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {given!r}") from None


class Common(TypedDict, total=False):
    """The arguments that Doc2Vec hands on to Word2Vec, where their meaning stands."""

    alpha: float
    min_count: int
    max_vocab_size: int | None
    sample: float | None
    seed: int
    workers: int
    min_alpha: float
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    hashfxn: Callable[..., int]
    null_word: int
    sorted_vocab: int
    batch_words: int
    compute_loss: bool
    max_final_vocab: int | None
    exact_gradient: bool
    shared_noise: bool
    hot_rows: bool
    cache: Cache
    on_progress: OnProgress


class Parameters(ABC):
    """The arguments as attributes. `settings` and `plan` are what training takes."""

    vector_size: int
    alpha: float
    window: int
    min_count: int
    max_vocab_size: int | None
    sample: float | None
    seed: int
    workers: int
    min_alpha: float
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    hashfxn: Callable[..., int]
    epochs: int
    null_word: int
    trim_rule: TrimRule | None
    sorted_vocab: int
    batch_words: int
    compute_loss: bool
    comment: str | None
    max_final_vocab: int | None
    shrink_windows: bool
    exact_gradient: bool
    shared_noise: bool
    hot_rows: bool
    cache: Cache
    on_progress: OnProgress

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """What the attributes make of a model; raises ValueError for what none can be."""

    @property
    def plan(self) -> Plan:
        """How the attributes train; raises ValueError for what makes no sense."""
        return self.plan_with()

    def plan_with(
        self, epochs: int | None = None, alpha: float | None = None, min_alpha: float | None = None
    ) -> Plan:
        """Return the plan with what is not None in place of the attributes.

        Where only alpha is given and is below min_alpha, the learning rate stays at alpha.
        """
        start = self.alpha if alpha is None else alpha
        end = self.min_alpha if alpha is None else min(self.min_alpha, start)
        return Plan(
            epochs=self.epochs if epochs is None else epochs,
            alpha=start,
            min_alpha=end if min_alpha is None else min_alpha,
            sample=self.sample or 0.0,
            seed=self.seed,
            shared_noise=self.shared_noise,
            hot_rows=self.hot_rows,
        )

    @property
    def layer1_size(self) -> int:
        """Numbers in what predicts a word: several vectors where they are joined end to end."""
        settings = self.settings
        return settings.blocks * settings.vector_size

    def _admission(self, min_count: int, trim_rule: TrimRule | None) -> Admission:
        return Admission(
            min_count=min_count,
            trim_rule=self.trim_rule if trim_rule is None else trim_rule,
            max_final_vocab=self.max_final_vocab,
            max_vocab_size=self.max_vocab_size,
            by_count=bool(self.sorted_vocab),
        )

    def _check(self) -> None:
        """Raise ValueError for what makes no sense, and for a hash function."""
        _ = self.settings, self.plan, self._admission(self.min_count, None)
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")
        if self.hashfxn is not hash:
            raise ValueError(
                "hashfxn has to be the builtin hash: vectors begin with numbers that depend on "
                "seed and row alone, so no function of the words can have an effect"
            )


def plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's, which JSON has a way to write."""
    return value.item() if isinstance(value, np.generic) else value


def fitting(held: Settings, asked: Settings) -> Settings:
    """Return the settings asked for; raises ModelError where the matrices don't fit them.

    >>> fitting(Settings(negative=5), Settings(negative=10)).negative
    10
    >>> fitting(Settings(vector_size=100), Settings(vector_size=50))
    Traceback (most recent call last):
    pipeline.models.model_files.ModelError: the model has its vectors already: vector_size is 100 \
there and can't become 50. To mend it: set it back, or make a new model
    """
    wrong = [
        f"{name} is {there} there and can't become {here}"
        for name, there, here in (
            (name, there, getattr(asked, name)) for name, there in asdict(held).items()
        )
        if there != here and (name not in FREE or _reshaped(held, asked, name))
    ]
    if wrong:
        raise ModelError(
            f"the model has its vectors already: {'; '.join(wrong)}. To mend it: set it back, or "
            "make a new model"
        )
    return asked


def _reshaped(held: Settings, asked: Settings, name: str) -> bool:
    """Tell whether a change that may do no harm does some here."""
    if name == "negative":
        return bool(held.negative) != bool(asked.negative)
    if name == "method":
        return held.has_tags != asked.has_tags
    return held.blocks != asked.blocks
