"""The names that a recipe may use, found and never listed: a new stage is one new module.

A stage is a reader or a transform of `corpora`, or a module of `pipeline.stages`; an engine is a
module of `pipeline.engines`. Installed packages add theirs as entry points: see the registries.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from corpora.declared import Declared
from corpora.reader import READERS
from corpora.registry import Registry
from corpora.transform import TRANSFORMS
from pipeline.engine import Engine
from pipeline.stage import Stage


class Names(Mapping[str, type[Declared]]):
    """The names of several registries together; what a name stands for is imported on demand."""

    def __init__(self, *registries: Registry[Any]) -> None:
        self._registries = registries

    @cached_property
    def _homes(self) -> dict[str, Registry[Any]]:
        return {name: registry for registry in self._registries for name in registry.names()}

    def __getitem__(self, name: str) -> type[Declared]:
        """Import and return the class; raises KeyError."""
        found: type[Declared] = self._homes[name][name]
        return found

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in order."""
        return iter(sorted(self._homes))

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._homes)


STAGES = Names(READERS, TRANSFORMS, Registry("stage", Stage, "pipeline.stages", "millrace.stages"))
ENGINES = Names(Registry("engine", Engine, "pipeline.engines", "millrace.engines"))
