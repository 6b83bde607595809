"""Models of phrases as files: one Arrow file, whole or not at all, and nothing in it is code."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from corpora import phrase_files
from corpora.phrase_files import PhraseFileError
from corpora.sources.address import shown
from pipeline.vectors.files import demand_binary, writing

Address = str | os.PathLike[str]

__all__ = ["Address", "Held", "PhraseFileError", "read", "write"]


@dataclass(frozen=True)
class Held:
    """What a file holds. column: "count" or "score", what the numbers of the grams are.

    sides: delimiter and connectors; total: words read; settings: the others.
    """

    label: str
    grams: Any
    column: str
    numbers: NDArray[Any]
    sides: dict[str, Any]
    total: int
    settings: dict[str, Any]


def write(
    address: Address | BinaryIO, grams: Any, column: str, numbers: Any, said: dict[str, Any]
) -> None:
    """Write a file, or to one that is open."""
    if not isinstance(address, str | os.PathLike):
        demand_binary(address, "wb")
        made = io.BytesIO()  # Arrow wants to know where it is
        phrase_files.write(made, grams, column, numbers, said)
        address.write(made.getvalue())
        return
    with writing(address) as out:
        phrase_files.write(out, grams, column, numbers, said)


def read(address: Address) -> Held:
    """Read a file; PhraseFileError where it is no file of phrases."""
    return _held(phrase_files.read(address), shown(os.fspath(address)))


def parsed(content: Any, label: str) -> Held:
    """Return what a file's bytes hold; label: its name, for errors."""
    return _held(phrase_files.parsed(content, label), label)


def _held(found: phrase_files.Found, label: str) -> Held:
    grams, column, numbers, said = found
    try:
        sides = {
            "delimiter": _of(str, said.pop("delimiter")),
            "connectors": frozenset(_of(str, word) for word in said.pop("connector_words")),
        }
        wanted: dict[str, Any] = {"threshold": float, "min_count": int, "scoring": str}
        total = 0
        if column == "count":
            total = _of(int, said.pop("corpus_word_count"))
            wanted |= {"max_vocab_size": int, "progress_per": int}
        settings = {name: _of(kind, said.pop(name)) for name, kind in wanted.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise _wrong(label, error) from None
    return Held(label, grams, column, np.asarray(numbers), sides, total, settings)


@contextmanager
def blamed(held: Held) -> Iterator[None]:
    """Turn a ValueError of what a file holds into one that names the file."""
    try:
        yield
    except ValueError as error:
        raise _wrong(held.label, error) from None


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _wrong(label: str, error: Exception) -> PhraseFileError:
    return PhraseFileError(
        f"this is no file of phrases ({error})",
        url=label,
        remedy="give one that save() wrote",
    )
