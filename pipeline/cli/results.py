"""What the commands say at their end: the summary of a run, the versions of a store, near words."""

import dataclasses
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from corpora.errors import MillraceError
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model
from pipeline.store.versions import Store, Version
from pipeline.words.tags import TagTable

if TYPE_CHECKING:
    from pipeline.recipe.recipe import Recipe
    from pipeline.stage import State


NUMBER = re.compile(r"-?\d{1,19}")
COMMON = 100  # words that say little of a text, the most frequent
MOST_COMPARED = 1_000_000  # keys that a misspelt one is compared with: some seconds


def summary(recipe: "Recipe", state: "State", seconds: float) -> dict[str, Any]:
    """Return what a run has done, for programs."""
    return {
        "version": state.version.number if state.version else None,
        "nothing_new": state.unread == 0,
        "store": recipe.store,
        "seconds": round(seconds, 3),
        "words": state.vocabulary.size if state.vocabulary else None,
        "documents": state.model.tags.size if state.model and state.model.tags else None,
        "metrics": dict(state.metrics),
        "receipt": dataclasses.asdict(state.receipt) if state.receipt else None,
    }


def farewell(
    recipe: "Recipe", state: "State", seconds: float, tables: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return what a run has done, for people, and what to try next.

    tables: what the run has shown, by the name of the table and the word or document asked for.
    """
    tags = state.model.tags if state.model else None
    made = f"{state.vocabulary.size:,} words" if state.vocabulary else "nothing"
    made += f" and {tags.size:,} documents" if tags else ""
    if state.version is None:
        why = "nothing new" if state.unread == 0 else "not published"
        return f"done in {seconds:.1f} s: {made}, {why}"
    store = _argument(recipe.variables.hide(recipe.store or ""))
    lines = [f"done in {seconds:.1f} s: version {state.version.number} with {made}. Try next:"]
    if state.model is None or state.model.settings.trains_words:
        word = next(_shown(tables.get("neighbours", {})), None) or _example(state)
        lines += _asking(recipe, f"  millrace similar {store}", word)
    if tags:
        tag = next(_shown(tables.get("documents", {})), None) or str(tags.keys[0].as_py())
        lines += _asking(recipe, f"  millrace similar {store} --documents", tag)
    return "\n".join([*lines, f"  millrace versions {store}"])


def _shown(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield what had neighbours and is no option to a command."""
    return (key for key, near in table.items() if near and not key.startswith("-"))


def _asking(recipe: "Recipe", command: str, key: str) -> list[str]:
    """Return the command that asks for a key, unless that has a value in it which is not shown."""
    return [f"{command} {_argument(key)}"] if recipe.variables.hide(key) == key else []


def _argument(text: str) -> str:
    """Return `text` as a shell's argument, in which a ${NAME} is filled in."""
    if "${" not in text:
        return shlex.quote(text)
    return '"' + re.sub(r'(["\\`]|\$(?!\{))', r"\\\1", text) + '"'


def _example(state: "State") -> str:
    """Return a word to ask for: a frequent one, but none of those that are as common as "the"."""
    assert state.vocabulary is not None
    words, counts = state.vocabulary.retained, state.vocabulary.retained_counts
    falling = np.argsort(-counts, kind="stable")  # after an update ids are in another order
    some = falling[min(COMMON, len(falling) // 2) :][:COMMON]
    found = [str(words[int(at)].as_py()) for at in some]
    return next((word for word in found if word.isalpha()), found[0])


def listed(version: Version) -> dict[str, Any]:
    """Return a version as programs like it."""
    manifest = version.manifest
    return {
        "version": version.number,
        "parent": manifest.parent,
        "created": manifest.created,
        "bytes": version.size,
        "sources": manifest.ledger.sources,
        "forgot": manifest.forgot,
        "rolled_back_to": manifest.rolled_back_to,
        "metrics": dict(manifest.metrics),
    }


def tabled(versions: Sequence[Version]) -> str:
    """Return a line for each version, under a heading."""
    lines = [f"{'version':>7}  {'parent':>6}  {'created':<20}  {'MB':>9}  metrics"]
    for row in map(listed, versions):
        metrics = "  ".join(f"{name} {value:.4g}" for name, value in row["metrics"].items())
        if row["rolled_back_to"]:
            metrics = f"rolled back to {row['rolled_back_to']}  {metrics}"
        if row["forgot"]:
            metrics = f"forgot {row['forgot']:,}  {metrics}"
        lines.append(
            f"{row['version']:>7}  {row['parent'] or '-':>6}  {row['created']:<20}  "
            f"{row['bytes'] / 1e6:>9.1f}  {metrics}".rstrip()
        )
    return "\n".join(lines)


def asked(
    place: str, words: Sequence[str], minus: Sequence[str], topn: int, *, documents: bool = False
) -> tuple[Version, list[tuple[str, float]]]:
    """Return the words nearest to `words`, and the version asked; `place` is STORE or STORE@N.

    documents: these are tags, and the nearest tags are wanted; "7" is the tag 7 if there is no "7".
    """
    version = Store.at(place)
    model = Model.open(version.folder())
    if not documents:
        model.demand_trained_words()
    vectors = model.keyed_documents if documents else model.keyed_vectors
    kind, tags = ("document", None) if documents else ("word", model.tags)
    for_, against = (
        [_key(one, vectors, kind, place, tags) for one in some] for some in (words, minus)
    )
    near = vectors.most_similar(for_, against, topn)
    return version, [(str(key), cosine) for key, cosine in near]


def _key(
    word: str, vectors: KeyedVectors, kind: str, place: str, tags: TagTable | None
) -> str | int:
    """Return the key that is meant by a word of the command line; raises MillraceError."""
    if word in vectors:
        return word
    if kind == "document" and NUMBER.fullmatch(word) and int(word) in vectors:
        return int(word)
    hint = ""
    if len(vectors) <= MOST_COMPARED:
        close = get_close_matches(word, map(str, vectors), n=3)
        hint = f"; near to it in spelling: {', '.join(close)}" if close else ""
    if tags is not None and tags.find([word])[0] >= 0:
        hint = "; it is a document: ask with --documents"
    raise MillraceError(f'the {kind} "{word}" has no vector in {place}{hint}')
