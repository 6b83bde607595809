"""Names in a recipe to classes: the modules of one package, and entry points of installed ones.

A recipe names a class, never code to import: what is installed decides what a name stands for.
"""

import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Generic, TypeVar

from corpora.declared import Declared
from corpora.errors import MillraceError

D = TypeVar("D", bound=Declared)


@cache
def entry_points(*, group: str) -> metadata.EntryPoints:
    """Return the entry points of a group; all that is installed is looked at, so only once."""
    return metadata.entry_points(group=group)


@dataclass(frozen=True)
class Registry(Generic[D]):
    """The classes of one kind by their recipe names.

    kind: what to call them in a message; base: the class they all derive from; package: where our
    own lie, one module for each, called by its recipe name; group: the entry points of others.

    >>> from corpora.transform import TRANSFORMS
    >>> TRANSFORMS.names()  # doctest: +NORMALIZE_WHITESPACE
    ['filter', 'interleave', 'join_phrases', 'lowercase', 'normalize', 'sample', 'shard',
     'shuffle', 'simple_preprocess', 'skip', 'take', 'tokenize']
    >>> TRANSFORMS["lowercase"]
    <class 'corpora.transforms.lowercase.Lowercase'>
    >>> TRANSFORMS["lowercas"]
    Traceback (most recent call last):
    corpora.errors.MillraceError: there is no transform "lowercas"; did you mean "lowercase"?
    """

    kind: str
    base: type[D]
    package: str
    group: str

    def names(self) -> list[str]:
        """Return every name, in order, without importing what it stands for."""
        folder = importlib.import_module(self.package).__path__
        own = {module.name for module in pkgutil.iter_modules(folder) if module.name[0] != "_"}
        return sorted(own | {entry.name for entry in entry_points(group=self.group)})

    def __getitem__(self, name: str) -> type[D]:
        """Import and return the class; raises MillraceError with the nearest right name."""
        names = self.names()
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
            hint = hint.replace("'", '"')
            raise MillraceError(f'there is no {self.kind} "{name}"; {hint}')
        for entry in entry_points(group=self.group).select(name=name):
            return self._checked(name, entry.load())
        module = importlib.import_module(f"{self.package}.{name}")
        found = [value for value in vars(module).values() if self._is_named(name, value)]
        return self._checked(name, found[0] if found else None)

    def _is_named(self, name: str, value: object) -> bool:
        return isinstance(value, type) and issubclass(value, self.base) and value.use() == name

    def _checked(self, name: str, value: object) -> type[D]:
        if isinstance(value, type) and issubclass(value, self.base):
            return value
        problem = f'what is installed as the {self.kind} "{name}" is not a {self.base.__name__}'
        raise MillraceError(problem)
