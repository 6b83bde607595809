"""A model as one file: a zip of the members that a model's folder holds, none of them packed.

Every member can be used where it lies in the file. What a folder has no place for, as the arguments
that a class was made with, is "face.json".
"""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from corpora.errors import CorpusError
from corpora.sources.address import shown
from corpora.sources.stored import listed
from pipeline.models import model_files, zip_members
from pipeline.models.model import Model
from pipeline.models.model_files import ModelError
from pipeline.models.zip_members import ALIGNED, Bytes, Member
from pipeline.vectors.arrow_file import MAGIC, PICKLED
from pipeline.vectors.files import demand_binary, local_path, writing

ATTRIBUTES = "face.json"
NAMES = frozenset({*model_files.NAMES, ATTRIBUTES})
STEP = 1 << 22  # bytes copied at a time

Target = str | os.PathLike[str] | BinaryIO


def write(target: Target, model: Model, attributes: Mapping[str, Any]) -> None:
    """Write a model, and what JSON can hold beside it, as one file.

    target: a path, a URL, or a file open for writing in binary, which stays open. At a path or URL
    the file has its name only when it is complete and on the disk. Raises ModelError for what can't
    be written, TypeError for attributes that have no way to be written, and for a file that is open
    as text.
    """
    text = (json.dumps(dict(attributes), indent=1, default=_plain) + "\n").encode()

    def say(out: BinaryIO) -> None:
        out.write(text)

    members = chain(model_files.members(model.files()), [(ATTRIBUTES, say)])
    if not isinstance(target, str | os.PathLike):
        demand_binary(target, "wb")
        zip_members.append(target, members)
        return
    try:
        with writing(target, plain=True) as out:
            # A device or a pipe has no places to come back to.
            is_file = stat.S_ISREG(os.fstat(out.fileno()).st_mode)
            (zip_members.write if is_file else zip_members.append)(out, members)
    except CorpusError as error:
        raise ModelError(str(error)) from None


def read(
    source: Target, mmap: str | None = None, *, in_place: bool = False
) -> tuple[Model, dict[str, Any]]:
    """Return a model and what was written beside it, from one file or a folder of a store's.

    source: a path, a URL, a folder, or a file open for reading in binary, of which all that is left
    is read. With mmap None all is read into memory and compared with its checksums; with "r" a
    local file or folder is mapped: it is ready at once, stays read-only until it is trained, and
    must not be written to meanwhile (replacing it is fine). in_place: matrices are checked, but not
    read into memory yet, for `Model.map_documents`. Raises ModelError, with the file and what to
    do, for anything that is no whole model, TypeError for a file that is open as text.

    >>> import io, numpy as np, pyarrow as pa
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> words = Vocabulary.empty().add(pa.array(["a", "b"]), np.array([3, 2]), min_count=1)
    >>> file = io.BytesIO()
    >>> write(file, Model.fresh(words, Settings(vector_size=4), seed=1), {"comment": "small"})
    >>> _ = file.seek(0)
    >>> model, attributes = read(file)
    >>> model.vectors.shape, attributes
    ((2, 4), {'comment': 'small'})
    """
    if mmap not in (None, "r"):
        raise ValueError(f"mmap is None or 'r', not {mmap!r}")
    with ExitStack() as held:
        folder, file, label = _opened(source, held, mmap)
        if folder is not None:
            found = _folder(folder)
        else:
            try:
                data = model_files.mapped(cast("BinaryIO", file))
                _check_kind(data, label)
                found = zip_members.read(data, NAMES)
            except (OSError, ValueError) as problem:
                raise _no_model(label, problem) from None
    model, said = _model(found, label, mmap)
    if mmap is None and not in_place:
        _ = model.weights
    return model, said


def _plain(value: Any) -> Any:
    """Return numbers of NumPy's as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(
        f"{value!r} can't be saved: the arguments and events of a model are what JSON can hold"
    )


def _model(
    found: Mapping[str, Member],
    label: str,
    mmap: str | None,
) -> tuple[Model, dict[str, Any]]:
    if mmap is None:
        for name, held in found.items():
            if not held.whole():
                raise _no_model(label, f"{name} has other bytes than were written")

    def member(name: str) -> Bytes:
        data = found[name].data
        where = data.ctypes.data % ALIGNED
        matrix = name.removesuffix(".npy") in model_files.MATRICES
        # Of a matrix that is read, `weights` below makes the copy.
        return data.copy() if where or (mmap is None and not matrix) else data

    files = model_files.assembled(member, label)
    try:
        said = model_files.said_in(found[ATTRIBUTES].data) if ATTRIBUTES in found else {}
    except (ValueError, TypeError) as problem:
        raise _no_model(label, f"{ATTRIBUTES}: {problem}") from None
    return Model.of(files), said


def _opened(
    source: Target, held: ExitStack, mmap: str | None
) -> tuple[Path | None, BinaryIO | None, str]:
    """Return a folder, or a file of this machine that has a number; and its name for errors."""
    if isinstance(source, str | os.PathLike):
        url = os.fspath(source)
        path, label = local_path(url), shown(url)
        if path is not None and path.is_dir():
            return path, None, label
        if path is not None and path.is_file():
            return None, held.enter_context(path.open("rb")), label
        if path is not None:
            raise ModelError(f"{label}: there is no such file. To mend it: check the path")
    else:
        demand_binary(source, "rb")
        path, label = None, str(getattr(source, "name", "the open file"))
    if mmap is not None:
        raise ModelError(
            f"{label}: only a file of this machine can be mapped. To mend it: fetch it first, or "
            "read it with mmap=None"
        )
    copy: Any = held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    try:
        if isinstance(source, str | os.PathLike):
            for stored in listed(os.fspath(source), None)[:1]:
                with closing(stored.read()) as blocks:
                    copy.writelines(blocks)
        else:
            shutil.copyfileobj(source, copy, STEP)
        copy.flush()
    except CorpusError as error:
        raise ModelError(str(error)) from None
    except OSError as error:
        raise ModelError(
            f"{label}: it can't be copied to this machine ({error}). To mend it: make room for it "
            f"in {tempfile.gettempdir()}, or set TMPDIR to a folder that has some"
        ) from None
    return None, copy, label


def _folder(folder: Path) -> dict[str, Member]:
    there = [folder / name for name in sorted(NAMES) if (folder / name).is_file()]
    try:
        return {path.name: Member(model_files.mapped(path), None) for path in there}
    except (OSError, ValueError) as problem:
        raise _no_model(str(folder), problem) from None


def _check_kind(data: Bytes, label: str) -> None:
    """Raise ModelError for files that are told by how they begin."""
    if data[:1].tobytes() == b"\x80":
        raise ModelError("{}: {}. To mend it: {}".format(label, *PICKLED))
    if data[: len(MAGIC)].tobytes() == MAGIC:
        raise ModelError(f"{label} holds vectors, not a model. To mend it: KeyedVectors.load(...)")


def _no_model(label: str, problem: object) -> ModelError:
    return ModelError(
        f"{label} does not hold a model: {problem}. To mend it: save the model again, or take "
        "another copy of it"
    )
