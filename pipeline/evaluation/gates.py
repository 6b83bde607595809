"""Gates: what a model has to come up to before it is published."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any
from uuid import uuid4

from corpora.errors import MillraceError
from pipeline.models.model import Model
from pipeline.store.versions import Store


class GateError(MillraceError):
    """A model does not come up to a recipe's limits; it was not published."""


@dataclass(frozen=True)
class Limit:
    """A bound on a measure: `key` is the recipe's, and says "min_..." or "max_...".

    >>> limit = Limit("min_overlap", "documents_overlap", 0.5)
    >>> print(limit), limit.holds(0.4), limit.holds(0.6), limit.holds(float("nan"))
    documents_overlap at least 0.5 (min_overlap)
    (None, False, True, False)
    """

    key: str
    measure: str
    bound: float

    def holds(self, value: float) -> bool:
        """Return whether a value is within the limit; one that is no number is not."""
        return value >= self.bound if self.key.startswith("min_") else value <= self.bound

    def __str__(self) -> str:
        """Return the limit for people."""
        return f"{self.measure} {self.side}"

    @property
    def side(self) -> str:
        """The limit without what it is on."""
        side = "at least" if self.key.startswith("min_") else "at most"
        return f"{side} {self.bound:g} ({self.key})"


def demand(
    limits: list[Limit], metrics: Mapping[str, float], model: Model, store: Store | None
) -> None:
    """Raise GateError, and keep the model for inspection, unless all limits hold.

    A measure that was not taken breaks no limit. With a store, the model's files and
    `metrics.json` go to a folder of their own below its `candidates/`, until they are collected.
    """
    broken = [
        one for one in limits if one.measure in metrics and not one.holds(metrics[one.measure])
    ]
    if not broken:
        return
    told = "; ".join(
        f"{one.measure} is {metrics[one.measure]:.4g}, and not {one.side}" for one in broken
    )
    kept = ""
    if store is not None:
        kept = f" The model lies in {store.url.rstrip('/')}/{keep(store, model, metrics)}."
    raise GateError(
        f"nothing was published: {told}.{kept} To mend it: look into what was read, train "
        "otherwise, or set other limits in the stage evaluate"
    )


def keep(store: Store, model: Model, metrics: Mapping[str, float]) -> str:
    """Keep a model that is not published, whole or not at all; returns its place in the store."""
    place = f"candidates/{uuid4().hex}"

    def write(folder: Any) -> None:
        model.save(folder)
        finite = {name: value for name, value in metrics.items() if isfinite(value)}
        (folder / "metrics.json").write_text(json.dumps(finite, indent=1) + "\n")

    with store.storage.writing():
        store.storage.fill(place, write)
    return place
