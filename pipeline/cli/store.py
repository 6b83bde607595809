"""The commands that look after a store: its versions, what they hold, and what may go."""
# ruff: noqa: D301  (click takes a backspace in a docstring for "leave these lines as they are")

import re
from dataclasses import asdict
from typing import Literal, TextIO

import click

from pipeline.cli.edge import EXIT_CODES, Edge, as_json

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    """Return the seconds of a duration: 90s, 30m, 12h, 7d."""
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", value)
    if not found:
        raise click.BadParameter(f"{value!r} is no duration: write 90s, 30m, 12h or 7d")
    return float(int(found[1]) * UNITS[found[2] or "s"])


@click.command(epilog=EXIT_CODES)
@click.argument("store")
@as_json
@click.pass_obj
def versions(edge: Edge, store: str, json_: bool) -> None:
    """List the versions in STORE, newest first.

    \b
    Examples:
      millrace versions models/quickstart
      millrace versions models/quickstart --json
    """
    from pipeline.cli.results import listed, tabled  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    opened = Store.open(store)
    found, damaged = opened.history()
    if json_:
        edge.show_json([listed(version) for version in found])
    elif found:
        click.echo(tabled(found))
    else:
        click.echo(opened.without_versions(), err=True)
    for number in damaged:
        click.echo(f"millrace: version {number} is damaged and is passed over", err=True)


@click.command(epilog=EXIT_CODES)
@click.argument("store", metavar="STORE[@N]")
@click.option("--sources", is_flag=True, help="List every source that it has learnt from.")
@as_json
@click.pass_obj
def show(edge: Edge, store: str, sources: bool, json_: bool) -> None:
    """Show all that is known of a version: what it holds and what it was made from.

    STORE@N shows version N, STORE the newest. With --json, every field of its manifest.

    \b
    Examples:
      millrace show models/quickstart
      millrace show models/quickstart@1 --json
      millrace show models/quickstart --sources
    """
    from pipeline.cli.shown import described, pictured, sources_of, sources_told  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    version = Store.at(store)
    if json_:
        listed = {"sources": sources_of(version)} if sources else {}
        edge.show_json({**described(version), **listed})
    else:
        click.echo(sources_told(version) if sources else pictured(version))


@click.command(epilog=EXIT_CODES)
@click.argument("store")
@click.argument("a", type=click.IntRange(1))
@click.argument("b", type=click.IntRange(1))
@click.option(
    "--topn", type=click.IntRange(0), default=10, show_default=True, help="How many keys to name."
)
@click.option(
    "--sample", type=click.IntRange(1), default=1000, show_default=True,
    help="Of how many words and documents to compare the neighbours.",
)  # fmt: skip
@as_json
@click.pass_obj
def diff(edge: Edge, store: str, a: int, b: int, topn: int, sample: int, json_: bool) -> None:
    """Compare versions A and B of STORE: what came, what went, what moved.

    Words and documents that were added and removed, those whose vectors moved most (by cosine), and
    which share of nearest neighbours is the same. Vectors can be compared so where B went on from
    A; neighbours can be in any case.

    \b
    Examples:
      millrace diff models/reviews 41 42
      millrace diff models/reviews 1 42 --topn 50 --json
    """
    from pipeline.cli.shown import diff_told  # noqa: PLC0415
    from pipeline.store.diff import diff as compared  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    opened = Store.open(store)
    found = compared(opened.version(a), opened.version(b), topn=topn, sample=sample)
    if json_:
        edge.show_json(asdict(found))
    else:
        click.echo(diff_told(found))


@click.command(epilog=EXIT_CODES)
@click.argument("store")
@click.argument("number", metavar="N", type=click.IntRange(1))
@as_json
@click.pass_obj
def rollback(edge: Edge, store: str, number: int, json_: bool) -> None:
    """Make version N of STORE the newest again: publish a new version with its files.

    Nothing is copied and nothing is lost; the versions between stay. A version from before
    something was forgotten can't come back.

    \b
    Example:
      millrace rollback models/reviews 41
    """
    from pipeline.store.versions import Store  # noqa: PLC0415

    made = Store.open(store).rollback(number)
    if json_:
        edge.show_json({"version": made.number, "rolled_back_to": number})
    else:
        click.echo(f"version {made.number} has the files of version {number}")


@click.command(epilog=EXIT_CODES)
@click.argument("store")
@click.option(
    "--keep", type=click.IntRange(1), metavar="N",
    help="Remove all versions but the newest N. Without it none goes, but for those from before "
    "the newest forgetting, which always go.",
)  # fmt: skip
@click.option(
    "--grace", callback=seconds, default="7d", show_default=True, metavar="TIME",
    help="Leave files that nobody has needed for less than this: 90s, 30m, 12h, 7d.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@as_json
@click.pass_obj
def gc(edge: Edge, store: str, keep: int | None, grace: float, dry_run: bool, json_: bool) -> None:
    """Remove from STORE old versions, and files and text that no version and no run needs.

    The newest version always stays. What a version had needed that goes now stays for the grace
    period, because somebody may have begun to read it: a later gc removes it. After a forgetting,
    gc with --grace 0 removes the last byte at once. A run that was killed can go on from its
    checkpoint for the grace period, unless it began before a forgetting.

    \b
    Examples:
      millrace gc models/reviews --keep 30 --dry-run
      millrace gc models/reviews --keep 30
    """
    from pipeline.cli.shown import collected_told  # noqa: PLC0415
    from pipeline.store.collect import collect  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    done = collect(Store.open(store), keep, grace, dry_run=dry_run)
    if json_:
        edge.show_json({**asdict(done), "dry_run": dry_run})
    else:
        click.echo(collected_told(done, dry_run=dry_run))


@click.command(epilog=EXIT_CODES)
@click.argument("store")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A document's tag; repeatable.")
@click.option(
    "--source", "sources", multiple=True, metavar="SOURCE",
    help="A source, as show --sources lists it; * stands for anything. Repeatable.",
)  # fmt: skip
@click.option(
    "--from", "files", multiple=True, type=click.File("r", encoding="utf-8"), metavar="FILE",
    help="Tags from a file, one on each line; - for stdin.",
)  # fmt: skip
@click.option(
    "--cache", metavar="FOLDER", help="Remove the text from this cache of shards, too."
)  # fmt: skip
@click.option(
    "--missing", type=click.Choice(["error", "skip"]), default="error", show_default=True,
    help="What to do where there is no such tag or source.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@as_json
@click.pass_obj
def forget(
    edge: Edge,
    store: str,
    tags: tuple[str, ...],
    sources: tuple[str, ...],
    files: tuple[TextIO, ...],
    cache: str | None,
    missing: Literal["error", "skip"],
    dry_run: bool,
    json_: bool,
) -> None:
    """Let documents leave STORE: publish a version without them.

    Their vectors, their words' counts, their text and what only they had are gone from it; the
    other vectors stay as they are, to the bit. Older versions still have the documents: gc removes
    these versions, with --grace 0 at once. A file from which everything has gone would be read
    again where it still lies, and so would a file that changes, with all that is in it: take the
    documents out of the files first.

    \b
    Examples:
      millrace forget models/reviews --tag user-1042 --tag user-77
      millrace forget models/reviews --source 's3://reviews/2024-*' --cache ~/.cache/millrace
      millrace gc models/reviews --grace 0
    """
    from pipeline.store.forgetting import forget_in  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    named = [*tags, *(line for file in files for line in file.read().splitlines() if line)]
    if not named and not sources:
        raise click.UsageError("name what to forget: --tag, --source or --from")
    opened = Store.open(store)
    made, found = forget_in(opened, named, sources, missing, cache, dry_run=dry_run)
    if json_:
        said = None if found is None else found.figures()
        edge.show_json({"version": made.number if made else None, "forgot": said})
    elif found is None:
        click.echo("there is nothing to forget")
    elif made is None:
        click.echo(found.told("would forget"))
    else:
        again = " Files that still lie there are read again: remove them." if sources else ""
        caches = "" if cache else "; so may runs' caches: --missing skip --cache FOLDER"
        click.echo(
            f"version {made.number}: {found.told()}.{again} Older versions still have them; "
            f"when nobody reads these any more: millrace gc {store} --grace 0{caches}"
        )


COMMANDS = (versions, show, diff, rollback, gc, forget)
