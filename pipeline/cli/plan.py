"""The commands that look ahead and ask: what a run would do, what vectors new documents have."""
# ruff: noqa: D301  (click takes a backspace in a docstring for "leave these lines as they are")

from dataclasses import asdict

import click

from pipeline.cli.edge import EXIT_CODES, Edge, as_json


@click.command(epilog=EXIT_CODES)
@click.argument("recipe")
@click.option("--store", metavar="URL", help="Use this store instead of the recipe's own.")
@as_json
@click.pass_obj
def plan(edge: Edge, recipe: str, store: str | None, json_: bool) -> None:
    """Tell what a run of RECIPE would do: new files, words, passes, memory, rates, time.

    Files are listed and not opened, and nothing is changed. How many words they hold is reckoned
    from their bytes.

    \b
    Examples:
      millrace plan recipes/quickstart.toml
      millrace plan daily.toml --json
    """
    from pipeline.planning.plan import planned  # noqa: PLC0415
    from pipeline.planning.told import told  # noqa: PLC0415
    from pipeline.recipe.recipe import read  # noqa: PLC0415

    ready = read(recipe, store=store)
    edge.hide = ready.variables.hide
    outlook = planned(ready)
    if json_:
        edge.show_json(asdict(outlook))
    else:
        click.echo(edge.hide(told(outlook)))


@click.command(epilog=EXIT_CODES)
@click.argument("store", metavar="STORE[@N]")
@click.argument("url", metavar="INPUT")
@click.option("--to", required=True, metavar="PATH", help="The Parquet file or URL to write.")
@click.option(
    "--recipe", metavar="RECIPE",
    help="Read INPUT as the first reader of this recipe does, instead of the version's own.",
)  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="In how many passes a document's vector is found.")  # fmt: skip
@click.option("--alpha", type=click.FloatRange(0, min_open=True), default=0.025, show_default=True,
              metavar="RATE", help="The learning rate at the start.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), metavar="N",
              help="Use N threads; the vectors are the same for any number.")  # fmt: skip
@as_json
@click.pass_obj
def infer(
    edge: Edge, store: str, url: str, to: str, recipe: str | None, epochs: int, alpha: float,
    workers: int | None, json_: bool,
) -> None:  # fmt: skip
    """Write vectors of the documents in INPUT, which the model does not get to know.

    INPUT is a file, a glob such as "new/*.txt.gz", or a URL, in the format that the model's own
    text has: it is read, and its words are changed, as the version's recipe says. The columns of
    the Parquet file are row, tags (where documents have some), vector and known.

    \b
    Examples:
      millrace infer models/reviews today.txt.zst --to vectors.parquet
      millrace infer models/reviews@3 "s3://reviews/new/*" --to vectors.parquet --recipe daily.toml
    """
    from pipeline.cli.progress import reporting  # noqa: PLC0415
    from pipeline.core.passes import Plan  # noqa: PLC0415
    from pipeline.engines.local import processors  # noqa: PLC0415
    from pipeline.infer_files import infer_files, recipe_for  # noqa: PLC0415
    from pipeline.store.versions import Store  # noqa: PLC0415

    version = Store.at(store)
    ready = recipe_for(version, recipe)
    edge.hide = ready.variables.hide
    how = Plan(epochs, alpha, min(alpha, 0.0001))
    with reporting(edge.hide, results=False) as report:
        rows = infer_files(
            version, ready, url, to, how, workers=workers or processors(), report=report.counted
        )
    if json_:
        edge.show_json({"to": to, "rows": rows})
    else:
        click.echo(f"wrote the vectors of {rows:,} documents to {to}")


COMMANDS = (plan, infer)
