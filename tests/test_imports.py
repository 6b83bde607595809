"""What is loaded when: starting costs no library that isn't used yet. Nothing here is timed."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each takes from 10 ms to seconds to load.
HEAVY = {
    "_cffi_backend", "aiohttp", "cffi", "fsspec", "gensim", "keras", "numpy", "ot", "pandas",
    "pyarrow", "pydantic", "rich", "scipy", "sklearn", "tensorflow", "threadpoolctl", "torch",
    "usearch", "zstandard",
}  # fmt: skip
# What the models can't do without.
MODELS = {"_cffi_backend", "fsspec", "numpy", "pyarrow", "threadpoolctl", "zstandard"}


def loaded(code):
    """Return what a new Python has loaded after some code, tests' own things left out."""
    tail = "\nimport json, sys\nprint(json.dumps([*sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_packages_shop_window():
    assert not loaded("import pipeline") & {*HEAVY, "click"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["export", "--help"], ["import-gensim", "--help"]],
)
def test_help(arguments):
    code = (
        "from pipeline.cli.commands import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert not loaded(code) & HEAVY


@pytest.mark.parametrize("name", ["Word2Vec", "Doc2Vec", "KeyedVectors"])
def test_models(name):
    assert loaded(f"from pipeline import {name}") & HEAVY <= MODELS


def test_every_public_name_is_there_for_programs_and_type_checkers():
    import pipeline

    tree = ast.parse(Path(pipeline.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    declared = {
        alias.asname
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == {*pipeline.__all__} <= {*dir(pipeline)}
    assert all(getattr(pipeline, name) is not None for name in pipeline.__all__)
