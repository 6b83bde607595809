"""A recipe: a TOML file that says which stages make which model, checked before anything runs."""

import dataclasses
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from corpora.declared import Declared
from pipeline.engine import Engine
from pipeline.recipe.mistakes import Mistake, RecipeError, nearest
from pipeline.recipe.names import ENGINES, STAGES, Names
from pipeline.recipe.order import Placed, misplaced
from pipeline.recipe.validation import validated
from pipeline.recipe.variables import Variables

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Top:
    """The keys at the top of a recipe.

    store: Where versions are published: a folder, relative to where millrace is started.
    cache: Where token shards are kept, so that a text is read only once; with false nothing is
        written, and it is read again in each epoch. By default $MILLRACE_CACHE, or else a folder
        among this user's caches.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}
    store: str | None = None
    cache: str | Literal[False] | None = None


@dataclass(frozen=True)
class Recipe:
    """A recipe without mistakes. `text` is as it was written, with `${NAME}` for secret values."""

    place: str
    text: str
    stages: tuple[Declared, ...] = field(repr=False)  # they hold values of the environment
    engine: Engine
    store: str | None = None
    cache: str | None = None
    variables: Variables = field(default_factory=lambda: Variables({}), repr=False)


def read(path: str, *, store: str | None = None, workers: int | None = None) -> Recipe:
    """Return the recipe in the file `path`; `store` and `workers` go before the recipe's own.

    Raises RecipeError with every mistake, each with its stage, key and nearest right name.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise RecipeError(path, [Mistake("there is no such file")]) from error
    except OSError as error:
        raise RecipeError(path, [Mistake(f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text at byte {error.start}: save it as UTF-8"
        raise RecipeError(path, [Mistake(what)]) from error
    recipe = parse(text, place=path, store=store)
    if workers is None:
        return recipe
    return replace(recipe, engine=recipe.engine.with_workers(workers))


def parse(
    text: str,
    *,
    place: str = "the recipe",
    store: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Recipe:
    """Return the recipe that `text` writes in TOML.

    >>> recipe = parse('''
    ... store = "models"
    ... [[stage]]
    ... use = "load_latest"
    ... [[stage]]
    ... use = "neighbours"
    ... words = ["river"]
    ... ''')
    >>> [type(stage).use() for stage in recipe.stages]
    ['load_latest', 'neighbours']
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(place, [Mistake(f"is not TOML: {error}")]) from error
    variables = Variables(os.environ if environment is None else environment)
    mistakes: list[Mistake] = []
    check = _Check(variables, mistakes)
    top = check.top({key: table[key] for key in table if key not in {"stage", "engine"}}) or Top()
    store = top.store if store is None else store
    engine = check.engine(table.get("engine", {}))
    found = check.stages(table.get("stage", []), store=store is not None)
    if mistakes or engine is None:
        raise RecipeError(place, mistakes)
    return Recipe(place, text, found, engine, store, _cache(top.cache), variables)


@dataclass(frozen=True)
class _Check:
    """Checks the parts of a recipe and gathers their mistakes."""

    variables: Variables
    mistakes: list[Mistake]

    def top(self, table: Mapping[str, Any]) -> Top | None:
        """Return the keys at the top."""
        names = [field.name for field in dataclasses.fields(Top)] + ["engine", "stage"]
        for key in table.keys() - names:
            self.mistakes.append(Mistake(f"there is no such key; {nearest(key, names)}", key=key))
        return self._value(Top, {key: table[key] for key in table if key in names})

    def engine(self, table: Any) -> Engine | None:
        """Return the engine, by default the local one."""
        if not isinstance(table, dict):
            self.mistakes.append(Mistake("should be a table: write [engine]", key="engine"))
            return None
        name = table.get("use", "local")
        declared = self._named(name, ENGINES, "engine", Mistake("", name="engine"))
        keys = {key: table[key] for key in table if key != "use"}
        engine = self._value(declared, keys, name="engine") if declared else None
        return engine if isinstance(engine, Engine) else None

    def stages(self, tables: Any, *, store: bool) -> tuple[Declared, ...]:
        """Return the stages, whose order is checked too."""
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.mistakes.append(Mistake("write each stage as [[stage]], in double brackets"))
            return ()
        if not tables:
            self.mistakes.append(Mistake('there is no stage: write [[stage]] and use = "..."'))
        placed: list[Placed] = []
        for number, table in enumerate(tables, start=1):
            name = table.get("use")
            declared = self._named(name, STAGES, "stage", Mistake("", number))
            if declared is None:
                # For the check of the order it counts as the stage that was most likely meant.
                close = get_close_matches(str(name), STAGES, n=1)
                if close:
                    placed.append(Placed(number, STAGES[close[0]], None))
                continue
            keys = {key: table[key] for key in table if key != "use"}
            stage = self._value(declared, keys, number, name)
            placed.append(Placed(number, declared, stage))
        if len(placed) == len(tables):
            self.mistakes.extend(misplaced(placed, store=store))
        self.mistakes.sort(key=lambda mistake: mistake.stage or 0)
        return tuple(at.stage for at in placed if at.stage is not None)

    def _named(self, name: Any, known: Names, kind: str, at: Mistake) -> type[Declared] | None:
        """Return the class that `name` names."""
        if isinstance(name, str) and name in known:
            return known[name]
        if name is None:
            what = f'does not say which {kind} it is: write use = "..."'
        elif not isinstance(name, str):
            what = "use should be a name in quotes"
        else:
            what = f'there is no {kind} "{name}"; {nearest(name, known)}'
        self.mistakes.append(replace(at, what=what))
        return None

    def _value(
        self,
        declared: type[T],
        table: Mapping[str, Any],
        number: int | None = None,
        name: str = "",
    ) -> T | None:
        """Return the value that a table declares."""
        wrong: list[tuple[str, str]] = []
        filled = self.variables.fill(table, wrong)
        value = validated(declared, table, filled)
        if isinstance(value, list):
            missing = {key for key, _ in wrong}
            wrong += [(key, what) for key, what in value if key not in missing]
        self.mistakes.extend(
            Mistake(self.variables.hide(what), number, name, key) for key, what in wrong
        )
        return None if isinstance(value, list) or wrong else value


def _cache(cache: str | Literal[False] | None) -> str | None:
    """Return the folder for token shards, or None where there is to be none."""
    if cache is not None:
        return str(Path(cache).expanduser()) if cache else None
    if chosen := os.environ.get("MILLRACE_CACHE"):
        return chosen
    if sys.platform == "darwin":
        return str(Path.home() / "Library" / "Caches" / "millrace")
    return str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millrace")
