"""The JSON Schema of recipes, from the dataclasses that check them, for editors that complete."""

import dataclasses
import inspect
import re
from typing import Any

from pipeline.recipe.names import ENGINES, STAGES
from pipeline.recipe.recipe import Top
from pipeline.recipe.validation import adapter


def schema() -> dict[str, Any]:
    """Return the schema of a whole recipe, in JSON Schema's draft 7, which TOML editors know.

    >>> stage = schema()["definitions"]["build_vocab"]
    >>> stage["properties"]["use"]["const"], stage["properties"]["min_count"]["minimum"]
    ('build_vocab', 1)
    """
    definitions: dict[str, Any] = {}
    top = _table(Top, None, definitions)
    kinds = {"stage": STAGES, "engine": ENGINES}
    for kind, known in kinds.items():
        for name, declared in known.items():
            key = name if kind == "stage" else f"engine_{name}"
            definitions[key] = _table(declared, name, definitions)
    top["properties"]["engine"] = {
        "description": "Where the work runs.",
        "oneOf": [{"$ref": f"#/definitions/engine_{name}"} for name in ENGINES],
    }
    top["properties"]["stage"] = {
        "type": "array",
        "minItems": 1,
        "description": "What is done, from the first stage to the last.",
        "items": {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in STAGES]},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **top,
        "title": "A Millrace recipe",
        "description": "Which stages make which vectors.",
        "required": ["stage"],
        "definitions": dict(sorted(definitions.items())),
    }


def _table(declared: type[Any], name: str | None, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one table; what it refers to goes to `definitions`."""
    table = adapter(declared).json_schema(ref_template="#/definitions/{model}")
    definitions.update(table.pop("$defs", {}))
    told = inspect.getdoc(declared) or ""
    table["description"] = described(told)
    names = [field.name for field in dataclasses.fields(declared)]
    for base in reversed(declared.__mro__):  # what a class says itself comes last and counts
        for field, text in arguments(base.__doc__ or "", names).items():
            table["properties"].setdefault(field, {})["description"] = text
    for one in table["properties"].values():
        one.pop("title", None)
    if name is not None:
        use = {"const": name, "description": described(told)}
        table["properties"] = {"use": use, **table["properties"]}
        table["required"] = ["use", *table.get("required", [])]
    return table


def described(told: str) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return " ".join(told.split("\n\n", 1)[0].split())


def arguments(told: str, names: list[str]) -> dict[str, str]:
    """Return what a docstring says of each of `names`, as in "name: text; other: text".

    >>> arguments("Read. url: what, or a list; limit: how many. Raises E.", ["url", "limit"])
    {'url': 'what, or a list', 'limit': 'how many'}
    """
    flat = " ".join(told.partition(">>>")[0].split())
    starts = re.compile(rf"(?:^|(?<=[.;] ))({'|'.join(names)}): ")
    _, *pieces = starts.split(flat) if names else [flat]
    return {
        name: re.split(r"[.;] Raises ", text)[0].strip().rstrip(".;")
        for name, text in zip(pieces[::2], pieces[1::2], strict=True)
    }
