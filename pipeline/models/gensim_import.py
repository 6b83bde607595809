"""Read a file that gensim saved, and write what is in it as a file of ours.

gensim saves pickles, and a pickle is a program: reading one runs whatever it says, with all rights
of whoever reads it. So this happens only where somebody says that the file is to be trusted, and in
a process of its own, which ends afterwards. Nothing else here reads pickles.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from corpora.errors import MillraceError
from pipeline.models import bundle
from pipeline.models.gensim_model import converted, converted_vectors
from pipeline.models.model_files import ModelError
from pipeline.vectors.files import local_path

WARNING = (
    "this file is a pickle: reading it runs whatever program is in it, with all your rights. "
    "Import it only if you know who made it"
)
# The new process imports what this one does.
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.models.gensim_import import child; child(*sys.argv[2:])"
)


@dataclass(frozen=True)
class Imported:
    """What was read: kind is "Word2Vec", "Doc2Vec" or "KeyedVectors", notes are for people."""

    kind: str
    keys: int
    documents: int
    vector_size: int
    notes: tuple[str, ...]


def import_gensim(
    path: str | os.PathLike[str], to: str | os.PathLike[str], *, trusted: bool = False
) -> Imported:
    """Write what gensim saved at `path` to `to`; say `trusted=True` to let its program run.

    A Word2Vec or Doc2Vec model becomes a model's one file, which trains on; KeyedVectors, and the
    words of FastText, become an Arrow file of vectors, which `KeyedVectors.load` reads. The .npy
    files that gensim put beside a large model have to lie there. Needs gensim. Raises ModelError,
    for a file that is not trusted, too; nothing is half-written.
    """
    source = Path(path)
    if not trusted:
        raise ModelError(f"{source}: {WARNING}, and say so with trusted=True")
    if not source.is_file():
        raise ModelError(f"{source}: there is no such file on this machine")
    target = local_path(os.fspath(to))
    if target is not None and target.exists() and target.samefile(source):
        raise ModelError(
            f"{source}: what is imported would take the place of the file that it is read from. To "
            "mend it: write it to another name"
        )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        told = _run([json.dumps(sys.path), str(source), os.fspath(to), str(report)])
        if not report.exists():
            raise ModelError(f"{source}: the process that read it ended early, {told}")
        said = json.loads(report.read_text())
    if "error" in said:
        raise ModelError(f"{source}: {said['error']}")
    return Imported(**{**said, "notes": tuple(said["notes"])})


def child(path: str, to: str, report: str) -> None:
    """Read and write, and tell how it went in `report`; this runs in a process of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that temporary files go
    Path(report).write_text(json.dumps(_told(path, to)))


def _told(path: str, to: str) -> dict[str, Any]:
    try:
        return asdict(_import(path, to))
    except MillraceError as error:
        said = str(error)
    except ImportError as error:
        said = f"{error}. To mend it: pip install gensim, or what else is missing"
    except Exception as error:  # noqa: BLE001  (a pickle may raise anything)
        said = f"gensim can't read it: {type(error).__name__}: {error}"
    return {"error": said}


def _run(arguments: list[str]) -> str:
    """Run the child to its end; returns with which code that was, and its last words."""
    command = [sys.executable, "-P", "-c", START, *arguments]
    with subprocess.Popen(  # noqa: S603  (this very Python)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            _, words = process.communicate()
        except BaseException:
            process.terminate()
            raise
    last = words.strip().splitlines()[-1:]
    return ": ".join([f"with code {process.returncode}", *last])


def _import(path: str, to: str) -> Imported:
    models = import_module("gensim.models")
    keyed = import_module("gensim.models.keyedvectors").KeyedVectors
    packed = path.endswith((".gz", ".bz2"))
    found = import_module("gensim.utils").SaveLoad.load(path, mmap=None if packed else "r")
    vectors = found.wv if isinstance(found, models.FastText) else found
    if isinstance(vectors, keyed):
        made, notes = converted_vectors(vectors)
        made.save(to)
        return Imported("KeyedVectors", len(made), 0, made.vector_size, tuple(notes))
    if not isinstance(found, models.Word2Vec):
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise ModelError(f"it holds a {kind}, and no Word2Vec, Doc2Vec or KeyedVectors")
    is_documents = isinstance(found, models.Doc2Vec)
    model, attributes, notes = converted(found, is_documents=is_documents)
    kind = "Doc2Vec" if is_documents else "Word2Vec"
    bundle.write(to, model, attributes)
    documents = 0 if model.tags is None else model.tags.size
    size = model.settings.vector_size
    return Imported(kind, model.vocabulary.size, documents, size, tuple(notes))
