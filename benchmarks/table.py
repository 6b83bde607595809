"""Figures as a table on paper, and as they go into JSON."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]


class Column(NamedTuple):
    """title: its head; key: which of a row's figures; shape: how it is written; unit: divided by.

    A figure that a row doesn't have stays blank.
    """

    title: str
    key: str
    shape: str
    unit: float = 1

    @property
    def width(self) -> int:
        """How many characters wide."""
        digits = self.shape.lstrip("<+").split(".")[0]
        return max(int("".join(filter(str.isdigit, digits))), len(self.title))

    def cell(self, row: Row) -> str:
        """Return a row's figure."""
        value = row.get(self.key, "")
        if isinstance(value, str):
            return f"{value:<{self.width}}"
        return f"{format(value / self.unit if self.unit != 1 else value, self.shape):>{self.width}}"


def show(rows: list[Row], columns: list[Column]) -> None:
    """Print a table."""
    heads = [f"{c.title:{'<' if c.shape.startswith('<') else '>'}{c.width}}" for c in columns]
    print(" ".join(heads).rstrip())
    for row in rows:
        print(" ".join(column.cell(row) for column in columns).rstrip())


def keep(path: Path | None, about: Row, rows: list[Row]) -> None:
    """Write the figures, if somebody wants them."""
    if path is not None:
        path.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


def note(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
