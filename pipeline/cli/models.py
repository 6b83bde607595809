"""Commands that bring models in from elsewhere, and vectors out to other programs."""
# ruff: noqa: D301  (click takes a backspace in a docstring for "leave these lines as they are")

import sys

import click

from pipeline.cli.edge import EXIT_CODES, Edge, as_json

FORMATS = ("word2vec", "word2vec-binary", "arrow", "parquet", "npy", "safetensors")


@click.command(epilog=EXIT_CODES)
@click.argument("place", metavar="STORE[@N]|FILE")
@click.option("--to", required=True, metavar="PATH", help="The file or URL to write.")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS),
    help="The format, where PATH doesn't end in .txt, .vec, .bin or one of these names.",
)  # fmt: skip
@click.option("--documents", is_flag=True, help="The documents' vectors, and not the words'.")
@as_json
@click.pass_obj
def export(
    edge: Edge, place: str, to: str, format_: str | None, documents: bool, json_: bool
) -> None:
    """Write vectors for another program: gensim, fastText, NumPy, pandas, torch.

    STORE@N gives those of version N, STORE of the newest; FILE is what save() wrote. word2vec's
    formats are packed where PATH ends in .gz or .zst. Beside a .npy, PATH.keys.jsonl has the words.

    \b
    Examples:
      millrace export models/quickstart --to words.vec.gz
      millrace export models/quickstart@3 --documents --to documents.parquet
      millrace export film.model --format word2vec-binary --to film.bin
    """
    from pipeline.exporting import export_vectors  # noqa: PLC0415

    vectors = export_vectors(place, to, format_, documents=documents)
    if json_:
        edge.show_json({"to": to, "keys": len(vectors), "vector_size": vectors.vector_size})
    else:
        click.echo(f"wrote {len(vectors):,} vectors of {vectors.vector_size} numbers to {to}")


@click.command("import-gensim", epilog=EXIT_CODES)
@click.argument("file")
@click.option("--to", required=True, metavar="PATH", help="The file to write.")
@click.option("--yes", is_flag=True, help="FILE is to be trusted: don't ask.")
@as_json
@click.pass_obj
def import_gensim(edge: Edge, file: str, to: str, yes: bool, json_: bool) -> None:
    """Make a file of Millrace's from FILE, which gensim saved.

    A Word2Vec or Doc2Vec model becomes a model that trains on; KeyedVectors become an Arrow file
    of vectors. gensim has to be installed, and the .npy files that it put beside FILE have to be
    there. FILE is a pickle, a program that runs when it is read.

    \b
    Examples:
      millrace import-gensim film.model --to film.millrace
      millrace import-gensim words.kv --to words.arrow --yes
    """
    from pipeline.models import gensim_import  # noqa: PLC0415

    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{gensim_import.WARNING}, and say so with --yes")
        if not click.confirm(f"{file}: {gensim_import.WARNING}. Read it?", err=True):
            raise click.UsageError("nothing was read")
    found = gensim_import.import_gensim(file, to, trusted=True)
    for note in found.notes:
        click.echo(f"millrace: {note}", err=True)
    if json_:
        edge.show_json({"to": to, **vars(found)})
    else:
        documents = f" and {found.documents:,} documents" if found.documents else ""
        click.echo(
            f"wrote {found.kind} with {found.keys:,} words{documents}, in {found.vector_size} "
            f"dimensions, to {to}"
        )
