"""What an engine is: it takes a run through its stages, on the machines it has."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from corpora.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.stage import State


class Engine(Declared):
    """Where a run's work is done: a frozen dataclass whose fields are the keys of `[engine]`."""

    workers: int
    checkpoint: float

    @abstractmethod
    def run(self, stages: Sequence[Declared], state: State) -> State:
        """Take `state` through `stages` in their order and return the last one."""

    def with_workers(self, workers: int) -> Self:
        """Return this engine with another number of workers."""
        return replace(self, workers=workers)  # type: ignore[type-var]  # subclasses are dataclasses
