"""`${NAME}` in a recipe: the value comes from the environment and is never told on.

What was put in is remembered only to keep it out of messages and manifests: `hide` turns it back
into the `${NAME}` that stands in the recipe. `$${` writes a plain `${`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VARIABLE = re.compile(r"\$(\$\{|\{([^}]*)\}?)")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WILDCARD = re.compile(r"[*?\[]")
SHORT = 6


@dataclass
class Variables:
    """The environment as a recipe sees it, and the values that the recipe has taken from it.

    >>> variables = Variables({"TOKEN": "s3cr3t-42"})
    >>> variables.fill({"url": "https://${TOKEN}@host/"}, key := []), key
    ({'url': 'https://s3cr3t-42@host/'}, [])
    >>> variables.hide("cannot read https://s3cr3t-42@host/a.txt")
    'cannot read https://${TOKEN}@host/a.txt'
    """

    environment: Mapping[str, str] = field(repr=False)
    taken: dict[str, str] = field(default_factory=dict, repr=False)

    def fill(self, value: Any, wrong: list[tuple[str, str]], key: str = "") -> Any:
        """Return `value` with its strings filled in; adds (key, mistake) pairs to `wrong`."""
        if isinstance(value, str):
            return VARIABLE.sub(lambda match: self._value(match, wrong, key), value)
        if isinstance(value, list):
            return [self.fill(item, wrong, f"{key}[{at}]") for at, item in enumerate(value)]
        if isinstance(value, dict):
            dot = f"{key}." if key else ""
            return {name: self.fill(item, wrong, dot + name) for name, item in value.items()}
        return value

    def hide(self, text: str) -> str:
        """Return `text` with each taken value, in the forms it may have got, as its `${NAME}`."""
        for value, name in sorted(self.taken.items(), key=lambda pair: -len(pair[0])):
            for form in _forms(value):
                text = re.sub(_pattern(form), f"${{{name}}}", text)
        return text

    def show(self, text: str) -> str:
        """Return a file's address with the values in it that `hide` has taken out.

        A value with a wildcard is in it up to that.
        """
        for value, name in self.taken.items():
            text = text.replace(f"${{{name}}}", WILDCARD.split(value)[0])
        return text

    def _value(self, match: re.Match[str], wrong: list[tuple[str, str]], key: str) -> str:
        if match[2] is None:
            return "${"
        name = match[2]
        if not match[0].endswith("}"):
            wrong.append((key, f'"{match[0]}" has no closing brace; write ${{NAME}}, or $${{'))
        elif not NAME.fullmatch(name):
            wrong.append((key, f'"{match[0]}" does not name a variable of the environment'))
        elif name not in self.environment:
            wrong.append(
                (key, f"the environment has no variable {name}; set it: export {name}=...")
            )
        else:
            value = self.environment[name]
            if value:
                self.taken[value] = name
            return value
        return match[0]


def _pattern(form: str) -> str:
    """Match `form`; a short one ("a", "80") is in honest words too, so it has to stand alone."""
    before = r"(?<!\w)" if len(form) < SHORT and form[0].isalnum() else ""
    after = r"(?!\w)" if len(form) < SHORT and form[-1].isalnum() else ""
    return before + re.escape(form) + after


def _forms(value: str) -> list[str]:
    """Return how `value` may show up in a message: as it is, quoted, as a path, before a glob."""
    path = value.partition("://")[2]
    fixed = WILDCARD.split(value)[0]
    quoted = (repr(value)[1:-1], json.dumps(value)[1:-1])
    forms = {value, *quoted, path, fixed if fixed != value else ""}
    return sorted((form for form in forms if len(form) > 1 or form == value), key=len, reverse=True)
