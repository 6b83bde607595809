"""What the commands say at their end: the summary of a run, the versions of a store, near words."""

import dataclasses
import re
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from corpora.errors import MillraceError
from pipeline.models.model import Model
from pipeline.store import Store, StoreError, Version

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.stage import State


def summary(recipe: "Recipe", state: "State", seconds: float) -> dict[str, Any]:
    """Return what a run has done, for programs."""
    return {
        "version": state.version.number if state.version else None,
        "store": recipe.store,
        "seconds": round(seconds, 3),
        "words": state.vocabulary.size if state.vocabulary else None,
        "metrics": dict(state.metrics),
        "receipt": dataclasses.asdict(state.receipt) if state.receipt else None,
    }


def farewell(
    recipe: "Recipe", state: "State", seconds: float, asked_for: Iterable[str] = ()
) -> str:
    """Return what a run has done, for people, and what to try next.

    `asked_for` are words that the run has shown the neighbours of.
    """
    words = f"{state.vocabulary.size:,} words" if state.vocabulary else "nothing"
    if state.version is None:
        return f"done in {seconds:.1f} s: {words}, not published"
    word = next((word for word in asked_for if not word.startswith("-")), _example(state))
    store = _argument(recipe.variables.hide(recipe.store or ""))
    return "\n".join(
        [
            f"done in {seconds:.1f} s: version {state.version.number} with {words}. Try next:",
            f"  millrace similar {store} {_argument(word)}",
            f"  millrace versions {store}",
        ]
    )


def _argument(text: str) -> str:
    """Return `text` as a shell's argument, in which a ${NAME} is filled in."""
    if "${" not in text:
        return shlex.quote(text)
    return '"' + re.sub(r'(["\\`]|\$(?!\{))', r"\\\1", text) + '"'


def _example(state: "State") -> str:
    """Return a word to ask for: one of middling frequency says more than "the"."""
    assert state.vocabulary is not None
    middle = min(200, state.vocabulary.size // 2)
    words = state.vocabulary.retained.slice(middle, 100).to_pylist()
    return next((word for word in map(str, words) if word.isalpha()), str(words[0]))


def listed(version: Version) -> dict[str, Any]:
    """Return a version as programs like it."""
    manifest = version.manifest
    return {
        "version": version.number,
        "parent": manifest.parent,
        "created": manifest.created,
        "bytes": sum(file.size for file in manifest.files),
        "sources": len(manifest.ledger),
        "metrics": dict(manifest.metrics),
    }


def tabled(versions: Sequence[Version]) -> str:
    """Return a line for each version, under a heading."""
    lines = [f"{'version':>7}  {'parent':>6}  {'created':<20}  {'MB':>9}  metrics"]
    for row in map(listed, versions):
        metrics = "  ".join(f"{name} {value:.4g}" for name, value in row["metrics"].items())
        lines.append(
            f"{row['version']:>7}  {row['parent'] or '-':>6}  {row['created']:<20}  "
            f"{row['bytes'] / 1e6:>9.1f}  {metrics}".rstrip()
        )
    return "\n".join(lines)


def asked(
    place: str, words: Sequence[str], minus: Sequence[str], topn: int
) -> tuple[Version, list[tuple[str, float]]]:
    """Return the words nearest to `words`, and the version asked; `place` is STORE or STORE@N."""
    url, at, number = place.rpartition("@")
    if at and number.isdecimal():
        version = Store.open(url).version(int(number))
    else:
        newest = Store.open(place).latest()
        if newest is None:
            raise StoreError(f"the store {place} has no version; publish one with millrace run")
        version = newest
    vectors = Model.open(version.folder()).keyed_vectors
    for word in (*words, *minus):
        if word not in vectors.key_to_index:
            close = get_close_matches(word, vectors.index_to_key, n=3)
            hint = f"; near to it in spelling: {', '.join(close)}" if close else ""
            raise MillraceError(f'the word "{word}" has no vector in {place}{hint}')
    return version, vectors.most_similar(list(words), list(minus), topn)
