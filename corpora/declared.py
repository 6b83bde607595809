"""What a recipe can name: a frozen dataclass whose fields are the recipe's keys.

Readers, transforms, stages and engines are declared, not wired: the fields and their annotated
bounds give repr, equality, pickling, the recipe's keys and their validation. Whoever reads a recipe
validates it from the same annotations; here they are checked once more, so that a value made
directly in Python is as sound as one from a recipe.
"""

import re
import types
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types


class Declared:
    """Base of everything that a recipe can name. Subclasses are frozen dataclasses.

    >>> from dataclasses import dataclass
    >>> from typing import Annotated
    >>> from annotated_types import Ge
    >>> @dataclass(frozen=True)
    ... class TakeSome(Declared):
    ...     rows: Annotated[int, Ge(1)]
    >>> TakeSome.use()
    'take_some'
    >>> TakeSome(0)
    Traceback (most recent call last):
    ValueError: TakeSome: rows must be at least 1, not 0
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    @classmethod
    @cache
    def use(cls) -> str:
        """Return the name by which a recipe uses this class: its own name in snake case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def __post_init__(self) -> None:
        """Check every field; raises one ValueError that names all that are wrong.

        A list becomes a tuple where a tuple is wanted, so that the value can't change.
        """
        for name, hint in _hints(type(self)).items():  # type: ignore[arg-type]
            value = getattr(self, name, None)
            if isinstance(value, list) and _takes_tuple(hint):
                object.__setattr__(self, name, tuple(value))
        wrong = list(self.faults())
        if wrong:
            raise ValueError(f"{type(self).__name__}: {'; '.join(wrong)}")

    def faults(self) -> Iterator[str]:
        """Yield one clause for each thing wrong. Subclasses add what bounds can't say."""
        hints = _hints(type(self))  # type: ignore[arg-type]  # a class can be hashed
        for field in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            reason = _misfit(getattr(self, field.name), hints[field.name])
            if reason:
                # A field without a repr may hold a secret: its value is never shown.
                shown = f", not {getattr(self, field.name)!r}" if field.repr else ""
                yield f"{field.name} must be {reason}{shown}"


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _takes_tuple(hint: Any) -> bool:
    if get_origin(hint) in (Annotated, Union, types.UnionType):
        return any(map(_takes_tuple, get_args(hint)))
    return get_origin(hint) is tuple


_BOUNDS: dict[type, tuple[str, Any]] = {
    annotated_types.Ge: ("at least", lambda value, bound: value >= bound.ge),
    annotated_types.Gt: ("more than", lambda value, bound: value > bound.gt),
    annotated_types.Le: ("at most", lambda value, bound: value <= bound.le),
    annotated_types.Lt: ("less than", lambda value, bound: value < bound.lt),
    annotated_types.MinLen: ("of length at least", lambda v, bound: len(v) >= bound.min_length),
    annotated_types.MaxLen: ("of length at most", lambda v, bound: len(v) <= bound.max_length),
}


def _misfit(value: Any, hint: Any) -> str | None:
    """Return what the value should have been, or None where it fits or is not cheap to tell."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        return _misfit(value, inner) or _out_of_bounds(value, marks)
    if origin is Union or origin is types.UnionType:
        reasons = [_misfit(value, choice) for choice in get_args(hint)]
        return None if None in reasons else " or ".join(dict.fromkeys(map(str, reasons)))
    if origin is Literal:
        choices = get_args(hint)
        return None if value in choices else "one of " + ", ".join(map(repr, choices))
    kind = origin or hint
    if kind is None or kind is types.NoneType:
        return None if value is None else "None"
    if not isinstance(kind, type) or kind is Any:  # to Python 3.11, Any is a class
        return None
    # True is an int to isinstance, and a whole number is a float to everybody else.
    fits = isinstance(value, (int, float) if kind is float else kind)
    if isinstance(value, bool) and kind in (int, float):
        fits = False
    if isinstance(value, str) and origin is not None:
        fits = False  # a str where a sequence of something is wanted is a mistake
    return None if fits else _called(kind)


def _out_of_bounds(value: Any, marks: list[Any]) -> str | None:
    for mark in marks:
        # Interval and Len stand for several single bounds.
        single: list[Any] = (
            list(mark) if isinstance(mark, annotated_types.GroupedMetadata) else [mark]
        )
        for bound in single:
            if type(bound) in _BOUNDS:
                words, holds = _BOUNDS[type(bound)]
                if not holds(value, bound):
                    return f"{words} {getattr(bound, fields(bound)[0].name)}"
    return None


def _called(kind: type) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
    return names.get(kind, f"a {kind.__name__}")
