"""A recipe's mistakes: all of them in one error, each with its place and the nearest right name."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from corpora.errors import MillraceError


@dataclass(frozen=True)
class Mistake:
    """One mistake. `stage` counts from 1 and is None outside the stages; `key` may be empty."""

    what: str
    stage: int | None = None
    name: str = ""
    key: str = ""

    def __str__(self) -> str:
        """Return place and mistake on one line.

        >>> print(Mistake("should be at least 1, but is 0", 3, "build_vocab", "min_count"))
        stage 3 (build_vocab), min_count: should be at least 1, but is 0
        """
        stage = "" if self.stage is None else f"stage {self.stage}"
        if self.name:
            stage = f"{stage} ({self.name})" if stage else self.name
        place = ", ".join(part for part in (stage, self.key) if part)
        return f"{place}: {self.what}" if place else self.what


class RecipeError(MillraceError):
    """A recipe that can't be run; `mistakes` has every reason, in the order of the file.

    >>> print(RecipeError("daily.toml", [Mistake("there is no stage")]))
    daily.toml has a mistake:
      there is no stage
    """

    def __init__(self, place: str, mistakes: Iterable[Mistake]) -> None:
        self.place = place
        self.mistakes = tuple(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__("\n  ".join([f"{place} has {count}:", *map(str, self.mistakes)]))

    def __reduce__(self) -> tuple[type["RecipeError"], tuple[str, tuple[Mistake, ...]]]:
        """Pickle by what it was made from."""
        return RecipeError, (self.place, self.mistakes)


def nearest(name: str, right: Iterable[str]) -> str:
    """Return what to say after "there is no such name": the nearest one, or all of them.

    >>> nearest("windw", ["window", "sample"])
    'did you mean "window"?'
    >>> nearest("xyz", ["window", "sample"])
    'there are: sample, window'
    """
    right = sorted(right)
    close = get_close_matches(name, right, n=1)
    return f'did you mean "{close[0]}"?' if close else "there are: " + ", ".join(right)
