"""The command line that these benchmarks share, and what it says of how a mode is trained."""

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lines import Lines
from roofline import instruction_set

from pipeline.core.passes import Plan
from pipeline.core.settings import Settings


def parser_of(text: str | None, *, modes: str, known: list[str]) -> argparse.ArgumentParser:
    """Return a parser with the options of all; text: the docstring; modes: the usual ones."""
    parser = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument(
        "--modes",
        type=lambda names: _modes(names, known),
        default=modes.split(","),
        help=f"of {', '.join(known)}; usually {modes}",
    )
    parser.add_argument("--lines", type=int, help="take the corpus's first lines only")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--alpha", type=float, default=0.025)
    parser.add_argument("--sample", type=float, default=1e-3, help="where no tags are trained")
    parser.add_argument("--document-sample", type=float, default=0.0, help="where tags are")
    parser.add_argument("--own-noise", action="store_true", help="noise words for every pair")
    parser.add_argument("--no-hot-rows", action="store_true", help="no copies of busy rows")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser


def plan_of(settings: Settings, options: argparse.Namespace, epochs: int) -> Plan:
    """Return how settings are trained."""
    return Plan(
        epochs=epochs,
        alpha=options.alpha,
        sample=options.document_sample if settings.has_tags else options.sample,
        shared_noise=not options.own_noise,
        hot_rows=not options.no_hot_rows,
    )


def about(options: argparse.Namespace, corpus: Lines) -> dict[str, Any]:
    """Return what figures were measured with; nothing of where files lie."""
    return {
        "rows": corpus.shards.rows,
        "tokens": corpus.shards.tokens,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "instruction_set": instruction_set(),
        "gensim": version("gensim"),
        "options": {
            name: value
            for name, value in vars(options).items()
            if name not in ("corpus", "json", "pairs", "analogies")
        },
    }


def _modes(names: str, known: list[str]) -> list[str]:
    modes = names.split(",")
    if unknown := [mode for mode in modes if mode not in known]:
        raise argparse.ArgumentTypeError(f"no such mode: {', '.join(unknown)}")
    return modes
