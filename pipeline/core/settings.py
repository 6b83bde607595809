"""What shapes a model, from its first version to its last."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Method = Literal["skip_gram", "cbow", "dbow", "dbow_words", "dm"]
Join = Literal["mean", "sum", "concat"]

WITH_TAGS: tuple[Method, ...] = ("dbow", "dbow_words", "dm")
# What the core takes; numbers of rows and places in a matrix are 64-bit and have no such bounds.
LONGEST_ROW = (2**31 - 1) // 64 - 16
BOUNDS = {
    "vector_size": (1, LONGEST_ROW),
    "window": (1, 10_000),
    "negative": (0, 1_000),
    "tag_count": (1, 1_000),
}
FLAGS = ("hierarchical", "shrink_windows", "exact_gradient")


@dataclass(frozen=True)
class Settings:
    """How a model predicts words, and of what size its rows are.

    method: what predicts a word. skip_gram and cbow: the words around it, one by one or joined.
    dbow: its document's tags, one by one; dbow_words: these, and the words as in skip_gram. dm:
    tags and words joined. join: how rows become one hidden vector, for cbow and dm; concat is for
    dm alone, with room for `tag_count` tags. exact_gradient: for cbow and dm, give every row of a
    mean its share of the gradient (Irsoy, Benton and Stratos 2021), and of a sum all of it; False
    is the other way round, as in the peers.

    Raises ValueError, for all that is wrong at once.

    >>> Settings("dm", join="concat", tag_count=2, window=3).blocks
    8
    >>> Settings("skip_gram").has_tags
    False
    >>> Settings("cbow", vector_size=0, join="concat")
    Traceback (most recent call last):
    ValueError: vector_size must be from 1 to 33554415, not 0; join "concat" needs method "dm"
    """

    method: Method = "skip_gram"
    vector_size: int = 100
    window: int = 5
    negative: int = 5
    hierarchical: bool = False
    ns_exponent: float = 0.75
    shrink_windows: bool = True
    join: Join = "mean"
    exact_gradient: bool = False
    tag_count: int = 1

    def __post_init__(self) -> None:
        """Check the fields."""
        if found := "; ".join(self._faults()):
            raise ValueError(found)

    @property
    def has_tags(self) -> bool:
        """Whether documents' tags have vectors."""
        return self.method in WITH_TAGS

    @property
    def trains_words(self) -> bool:
        """Whether the words' vectors are trained; without it they only stand for their outputs."""
        return self.method != "dbow"

    @property
    def blocks(self) -> int:
        """How many vectors' lengths a row of the outputs has."""
        return self.tag_count + 2 * self.window if self.join == "concat" else 1

    def _faults(self) -> Iterator[str]:
        choices = {"method": get_args(Method), "join": get_args(Join)}
        for name, known in (choices | dict.fromkeys(FLAGS, (True, False))).items():
            if getattr(self, name) not in known:
                one = ", ".join(map(str, known))
                yield f"{name} must be one of {one}, not {getattr(self, name)!r}"
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most or value != int(value):
                yield f"{name} must be from {least} to {most}, not {value}"
        if self.negative == 0 and not self.hierarchical:
            yield "nothing to learn from: negative is 0 and hierarchical softmax (hs) is off"
        if not -10 <= self.ns_exponent <= 10:  # beyond, counts to this power overflow
            yield f"ns_exponent must be from -10 to 10, not {self.ns_exponent}"
        if self.join == "concat" and self.method != "dm":
            yield 'join "concat" needs method "dm"'
        elif self.blocks * (self.vector_size + 15) > LONGEST_ROW:
            yield (
                f"an output row of tag_count + 2 * window = {self.blocks} vectors of "
                f"{self.vector_size} is too long"
            )
