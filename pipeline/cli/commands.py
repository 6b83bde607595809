"""The command `millrace`. Only click is imported here: each command imports what it needs."""
# ruff: noqa: D301  (click takes a backspace in a docstring for "leave these lines as they are")

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

import click

from pipeline.cli import models as cli_models
from pipeline.cli import plan as cli_plan
from pipeline.cli import store as cli_store
from pipeline.cli.edge import EXIT_CODES, USAGE, Edge, as_json, on_terminate, run_command

F = TypeVar("F", bound=Callable[..., object])


class Commands(click.Group):
    """The commands, in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return them as they were added."""
        return list(self.commands)


def show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print Millrace's version."""
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            number = version("millrace")
        except PackageNotFoundError:
            number = "from its source tree, not installed"
        click.echo(f"millrace {number}")
        ctx.exit()


@click.group(
    cls=Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version,
    help="Show the version and exit.",
)  # fmt: skip
def commands() -> None:
    """Turn growing text corpora into word vectors, and keep them up to date.

    A recipe says what to do, and every run of it publishes a new version to a store:

    \b
      millrace run recipes/quickstart.toml
      millrace similar models/quickstart thread
    """


def with_store(command: F) -> F:
    """Give a command the option --store."""
    return click.option(
        "--store", metavar="URL", help="Use this store instead of the recipe's own."
    )(command)


@commands.command(epilog=EXIT_CODES)
@click.argument("recipe")
@with_store
@click.option(
    "--workers", type=click.IntRange(1), metavar="N",
    help="Train with N threads instead of what the recipe says; 1 makes runs repeatable.",
)  # fmt: skip
@as_json
@click.pass_obj
def run(edge: Edge, recipe: str, store: str | None, workers: int | None, json_: bool) -> None:
    """Run RECIPE, a TOML file, from its first stage to its last.

    All mistakes in the recipe are told before anything runs. Progress goes to stderr: a bar on a
    terminal, plain lines elsewhere. Results go to stdout.

    \b
    Examples:
      millrace run recipes/quickstart.toml
      CORPUS=reviews.txt.zst millrace run recipes/reviews.toml --workers 2
      millrace run daily.toml --store /models/test --json
    """
    from time import monotonic  # noqa: PLC0415

    from pipeline import job  # noqa: PLC0415
    from pipeline.cli.progress import reporting  # noqa: PLC0415
    from pipeline.cli.results import farewell, summary  # noqa: PLC0415
    from pipeline.recipe.recipe import read  # noqa: PLC0415

    ready = read(recipe, store=store, workers=workers)
    edge.hide = ready.variables.hide
    begun = monotonic()
    with reporting(edge.hide, results=not json_) as report:
        state = job.run(ready, report)
    seconds = monotonic() - begun
    if json_:
        edge.show_json({**summary(ready, state, seconds), "tables": report.tables})
    else:
        click.echo(edge.hide(farewell(ready, state, seconds, report.tables)), err=True)


@commands.command(epilog=EXIT_CODES)
@click.argument("recipe")
@with_store
@as_json
@click.pass_obj
def check(edge: Edge, recipe: str, store: str | None, json_: bool) -> None:
    """Check RECIPE and tell every mistake in it; runs nothing.

    \b
    Examples:
      millrace check recipes/quickstart.toml
      millrace check daily.toml --json
    """
    from pipeline.recipe.mistakes import RecipeError  # noqa: PLC0415
    from pipeline.recipe.recipe import read  # noqa: PLC0415

    try:
        ready = read(recipe, store=store)
    except RecipeError as error:
        if json_:
            edge.show_json({"ok": False, "mistakes": [asdict(one) for one in error.mistakes]})
            raise click.exceptions.Exit(USAGE) from error
        raise
    names = [type(stage).use() for stage in ready.stages]
    if json_:
        edge.hide = ready.variables.hide
        edge.show_json({"ok": True, "stages": names, "store": ready.store})
    else:
        click.echo(f"{recipe} is right: " + ", ".join(names))


@commands.command(epilog=EXIT_CODES)
@click.pass_obj
def schema(edge: Edge) -> None:
    """Print the JSON Schema of recipes, for an editor that completes and checks them.

    \b
    Example:
      millrace schema > recipe.schema.json
    """
    from pipeline.recipe import schema as recipe_schema  # noqa: PLC0415

    edge.show_json(recipe_schema.schema())


@commands.command(epilog=EXIT_CODES)
@click.argument("store", metavar="STORE[@N]")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--minus", multiple=True, metavar="WORD", help="Away from this word; repeatable.")
@click.option(
    "--documents", is_flag=True, help="The WORDs are documents' tags: show the nearest documents."
)
@click.option("--topn", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@as_json
@click.pass_obj
def similar(
    edge: Edge,
    store: str,
    words: tuple[str, ...],
    minus: tuple[str, ...],
    documents: bool,
    topn: int,
    json_: bool,
) -> None:
    """Show the words, or documents, nearest to the mean of the WORDs, by cosine.

    STORE@N asks version N, STORE the newest.

    \b
    Examples:
      millrace similar models/quickstart thread
      millrace similar models/reviews@3 king woman --minus man --topn 5
      millrace similar models/quickstart json.decoder --documents
    """
    from pipeline.cli.results import asked  # noqa: PLC0415

    version, near = asked(store, words, minus, topn, documents=documents)
    if json_:
        edge.show_json({"version": version.number, "similar": dict(near)})
    else:
        click.echo("\n".join(f"{cosine:.3f}  {word}" for word, cosine in near))


for command in (
    *cli_plan.COMMANDS,
    *cli_store.COMMANDS,
    cli_models.export,
    cli_models.import_gensim,
):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    if "_MILLRACE_COMPLETE" in os.environ:  # a shell asks click how a line goes on
        commands.main(prog_name="millrace")
    on_terminate()
    sys.exit(run_command(commands, sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    main()
