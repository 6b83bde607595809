"""What the commands that look after a store say: a version described, what was collected."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pipeline.store.collect import Collected
from pipeline.store.diff import Diff, KeysDiff
from pipeline.store.versions import Version


def described(version: Version) -> dict[str, Any]:
    """Return all that is known of a version, for programs; its matrices are not read."""
    manifest = version.manifest
    said = dataclasses.asdict(manifest)
    return {
        **said,
        "store": version.store.url,
        "bytes": version.size,
        "settings": settings_of(version),
        "ledger": {**said["ledger"], "sets": len(version.ledger.sets)},
    }


def pictured(version: Version) -> str:
    """Return the same for people."""
    return "\n".join(
        f"{name:<12}{value}" if name else str(value) for name, value in _lines(version)
    )


def _lines(version: Version) -> Iterator[tuple[str, Any]]:
    manifest, held = version.manifest, settings_of(version)
    yield "version", version.number
    yield "parent", "none" if manifest.parent is None else manifest.parent
    if manifest.rolled_back_to:
        yield "files", f"those of version {manifest.rolled_back_to}, by rollback"
    yield "created", manifest.created
    if manifest.forgot:
        yield "forgot", f"{manifest.forgot:,} documents"
    totals = manifest.ledger
    yield (
        "learnt from",
        f"{totals.sources:,} sources, {totals.rows:,} rows, {totals.tokens:,} words",
    )
    kept = len(version.ledger.sets)
    yield "text kept", f"{kept:,} sets of shards" if kept else "none"
    if held:
        yield "words", f"{held['words']:,}"
        yield "settings", " ".join(f"{name}={value}" for name, value in held["settings"].items())
    if manifest.metrics:
        yield "metrics", " ".join(f"{name} {value:.4g}" for name, value in manifest.metrics.items())
    if manifest.receipt:
        receipt = manifest.receipt
        said = [f"{receipt[name]:,} {name}" for name in ("rows", "tokens") if name in receipt]
        epochs = receipt.get("epochs")
        said += [f"{len(epochs)} epochs"] if isinstance(epochs, list | tuple) else []
        yield "trained", ", ".join(said)
    yield "size", f"{version.size / 1e6:,.1f} MB in {len(manifest.files)} files"
    for file in manifest.files:
        yield "", f"  {file.size:>14,}  {file.name}"
    if manifest.recipe.strip():
        yield "recipe", ""
        yield "", "\n".join("  " + line for line in manifest.recipe.strip().splitlines())


def sources_of(version: Version) -> list[dict[str, Any]]:
    """Return every source that a version has learnt from, for programs."""
    return version.ledger.table.to_pylist()


def sources_told(version: Version) -> str:
    """Return the same for people, a line for each."""
    lines = [f"{'version':>7}  {'rows':>12}  {'words':>14}  source"]
    lines += [
        f"{row['version']:>7}  {row['rows']:>12,}  {row['tokens']:>14,}  {row['source']}"
        for row in sources_of(version)
    ]
    return "\n".join(lines)


def settings_of(version: Version) -> dict[str, Any]:
    """Return what the version's model says of itself, or nothing where it has no settings."""
    text = version.text("settings.json")
    return {} if text is None else dict(json.loads(text))


def collected_told(done: Collected, *, dry_run: bool) -> str:
    """Return what was collected, for people.

    >>> print(collected_told(Collected([1, 2], data=2, bytes=3_000_000), dry_run=True))
    would remove 2 versions (1, 2), 2 folders of data: 3.0 MB
    """
    kinds = {
        "data": "folder of data", "sets": "set of shards", "candidates": "candidate",
        "runs": "checkpoint of a killed run", "unfinished": "thing that a killed run had left",
    }  # fmt: skip
    said = [_many(len(done.versions), f"version ({_numbers(done.versions)})")] * bool(done.versions)
    said += [_many(n, what) for kind, what in kinds.items() if (n := getattr(done, kind))]
    verb = "would remove" if dry_run else "removed"
    text = f"{verb} {', '.join(said) or 'nothing'}: {done.bytes / 1e6:.1f} MB"
    if done.waiting:
        text += f"; {_many(done.waiting, 'folder')} more until the grace period has passed"
    return text


def _many(n: int, what: str) -> str:
    """Return a number of things: "2 sets of shards"."""
    head, space, rest = what.partition(" ")
    return f"{n:,} {head}{'' if n == 1 else 's'}{space}{rest}"


def _numbers(numbers: list[int]) -> str:
    if len(numbers) > 10:
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def diff_told(found: Diff) -> str:
    """Return two versions compared, for people."""
    sources = f"{found.sources_added:,} sources more, {found.sources_removed:,} fewer"
    lines = [f"version {found.a} -> {found.b}: {sources}"]
    lines += [f"{name}: {was} -> {now}" for name, (was, now) in found.settings.items()]
    for kind, keys in (("words", found.words), ("documents", found.documents)):
        if keys is not None:
            lines += [f"{kind}: " + line if i == 0 else "  " + line
                      for i, line in enumerate(_keys_told(keys))]  # fmt: skip
    return "\n".join(lines)


def _keys_told(keys: KeysDiff) -> Iterator[str]:
    yield f"{keys.added:,} added, {keys.removed:,} removed, {keys.common:,} in both"
    for verb in ("added", "removed"):
        some: list[str] = getattr(keys, f"examples_{verb}")
        if some:
            yield f"{verb}: " + ", ".join(some)
    if keys.cosine is not None:
        yield f"mean cosine with before {keys.cosine:.3f}; {keys.same:,} have the same bits"
    if keys.overlap is not None:
        yield f"neighbours kept: {keys.overlap:.1%} of the nearest 10 of {keys.sampled:,}"
    if keys.moved:
        yield "moved most: " + ", ".join(f"{key} {cosine:.3f}" for key, cosine in keys.moved)
