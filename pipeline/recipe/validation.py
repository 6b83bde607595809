"""One table of a recipe against the dataclass it declares: the value, or all that is wrong."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipeline.recipe.mistakes import nearest

T = TypeVar("T")
Path = tuple[str | int, ...]


def validated(
    declared: type[T], table: Mapping[str, Any], filled: Mapping[str, Any]
) -> T | list[tuple[str, str]]:
    """Return the `declared` value of a table, or a list of (key, mistake) pairs.

    `table` is what stands in the recipe, and is what mistakes quote; `filled` has the environment's
    values in it.

    >>> from pipeline.stages.build_vocab import BuildVocab
    >>> validated(BuildVocab, {"min_count": 3}, {"min_count": 3})
    BuildVocab(min_count=3, update=False, decay=0.0)
    >>> validated(BuildVocab, {"min_cuont": 3}, {"min_cuont": 3})
    [('min_cuont', 'there is no such key; did you mean "min_count"?')]
    """
    dates = [(key, "a date has no place here; put it in quotes") for key in _dates(table)]
    if dates:
        return dates
    try:
        # As JSON, because strict mode takes a JSON array for a tuple but no list for one.
        value: T = adapter(declared).validate_json(json.dumps(filled))
    except ValidationError as error:
        return _readable(declared, table, error.errors(include_url=False))
    return value


def adapter(declared: Any) -> TypeAdapter[Any]:
    """Return what checks values of the frozen dataclass `declared`."""
    return TypeAdapter(declared)


def _readable(
    declared: type[Any], table: Mapping[str, Any], errors: list[ErrorDetails]
) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], list[str]] = {}
    places = Counter(error["loc"][:1] for error in errors)
    for error in errors:
        if error["type"] == "path_type" and places[error["loc"][:1]] > 1:
            continue  # where a string would do too, "not a valid path" says nothing more
        path, kind = _path(table, error["loc"]), error["type"]
        what = error["msg"].removeprefix("Value error, ")
        tail = ""
        if kind == "missing":
            what = "is missing and has to be given"
            path = error["loc"]
        elif kind == "unexpected_keyword_argument":
            names = [field.name for field in dataclasses.fields(declared)]
            what = f"there is no such key; {nearest(str(error['loc'][-1]), names)}"
        elif what.startswith("Input "):
            what, tail = what.removeprefix("Input "), f", but is {_shown(_at(table, path))}"
        # A field of several types has an error for each: one line says them all.
        whats = found.setdefault((_written(path), tail), [])
        if what not in whats:
            whats.append(what if not whats else what.removeprefix("should be "))
    return [(key, " or ".join(whats) + tail) for (key, tail), whats in found.items()]


def _path(table: Mapping[str, Any], loc: Path) -> Path:
    """Return the part of pydantic's `loc` that leads through the table, without names of types."""
    path: Path = ()
    for step in loc:
        try:
            _at(table, (*path, step))
        except (KeyError, IndexError, TypeError):
            continue
        path = (*path, step)
    return path


def _at(table: Any, path: Path) -> Any:
    for step in path:
        if isinstance(table, str):
            raise TypeError(step)
        table = table[step]
    return table


def _written(path: Path) -> str:
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path
    ).removeprefix(".")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _dates(value: Any, path: Path = ()) -> list[str]:
    if isinstance(value, date | time):
        return [_written(path)]
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [key for step, item in inner for key in _dates(item, (*path, step))]
