"""PythonDocs: a corpus that is on every machine that can run this, the prose of Python itself."""

import ast
import io
import json
import os
import re
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from corpora.errors import CorpusError
from corpora.part import Part
from corpora.reader import Reader

WORD = re.compile(r"_*[^\W\d_]\w*(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)?")
# Comments that speak to a program.
MARKER = re.compile(
    r"#!|#\s*(-\*-|(pylint|type|mypy|fmt|isort|pragma|flake8|ruff|vim?|coding)\s*[:=]|noqa\b)"
)
TESTS = {"test", "tests", "idle_test"}
FEWEST_WORDS = 36  # a document of fewer is a stub that says nothing
DOCUMENTS = 64  # in a batch, at most

ROWS = pa.schema([("text", pa.string()), ("tags", pa.list_(pa.string()))])


@dataclass(frozen=True)
class PythonDocs(Reader):
    """The docstrings and comments of the running interpreter's standard library.

    One document for each module, its tag the module's dotted name, in the order of the names. The
    text is the words in the order in which they stand in the source: punctuation is gone, names
    such as `get_ident` stay whole, upper case stays. Tests and what is installed beside the library
    are left out, and so are modules of fewer than 36 words. Raises CorpusError for a module that is
    not Python, or if this interpreter has no sources.

    >>> batch = next(PythonDocs().batches())
    >>> batch.schema.names, batch["tags"][0].as_py()
    (['text', 'tags'], ['__future__'])
    """

    version: ClassVar[int] = 2

    def parts(self) -> list[Part]:
        """Return one part that has all modules."""
        found = modules(Path(sysconfig.get_path("stdlib")))
        if not found:
            raise CorpusError(
                "this interpreter's standard library has no sources",
                url=sysconfig.get_path("stdlib"),
                remedy="use another corpus, or an interpreter that was installed with them",
            )
        stats = [(name, path.stat()) for name, path in found.items()]
        listing = json.dumps([[n, s.st_size, s.st_mtime_ns] for n, s in stats])
        fingerprint = f"{self.use()}/{self.version} {sys.version} {listing}"
        label = f"the documentation of Python {sys.version.split()[0]}"
        return [Part(label, fingerprint, partial(_documents, found))]


def modules(folder: Path) -> dict[str, Path]:
    """Return dotted name -> file for every module under a folder, tests left out, in order."""
    found: dict[str, Path] = {}
    for here, folders, files in os.walk(folder):
        # No identifier: site-packages, lib-dynload, the makefile's folder.
        folders[:] = [name for name in folders if name.isidentifier() and name not in TESTS]
        package = Path(here).relative_to(folder).parts
        for path in (Path(here, name) for name in files if name.endswith(".py")):
            parts = package if path.stem == "__init__" else (*package, path.stem)
            if path.stem.isidentifier() and parts:
                found[".".join(parts)] = path
    return dict(sorted(found.items()))


def prose(source: str) -> list[str]:
    r"""Return the words of a module's docstrings and comments, in the order of the source.

    >>> prose('#!python\n"A socket."\ndef f():\n    return 1  # get_ident() doesn\'t wait\n')
    ['A', 'socket', 'get_ident', "doesn't", 'wait']
    """
    pieces = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and not MARKER.match(token.string)
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                pieces.append((node.body[0].lineno, docstring))
    return [word for _, text in sorted(pieces) for word in WORD.findall(text)]


def _documents(found: dict[str, Path]) -> Iterator[pa.RecordBatch]:
    texts: list[str] = []
    tags: list[list[str]] = []
    for name, path in found.items():
        words = _words(path)
        if len(words) >= FEWEST_WORDS:
            texts.append(" ".join(words))
            tags.append([name])
        if len(texts) == DOCUMENTS:
            yield pa.record_batch([texts, tags], schema=ROWS)
            texts, tags = [], []
    if texts:
        yield pa.record_batch([texts, tags], schema=ROWS)


def _words(path: Path) -> list[str]:
    try:
        with tokenize.open(path) as file:
            return prose(file.read())
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError) as error:
        raise CorpusError(
            f"this module is not Python 3 ({error})",
            url=str(path),
            remedy="mend or remove the file: the standard library has been changed",
        ) from error
