"""A model as members: named pieces of data that lie in a folder, or in one file (bundle.py).

Words and tags with their counts are Arrow IPC files, matrices are .npy without padding, settings
are JSON. Reading looks at members where they lie and runs nothing.
"""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import MillraceError
from corpora.rows.tag_kinds import BOTH
from pipeline.core.settings import Settings
from pipeline.core.tree import Tree
from pipeline.core.weights import Floats
from pipeline.models.zip_members import Bytes, Fill
from pipeline.phrases.frozen import FrozenPhrases
from pipeline.vectors import arrow_plain, attributes
from pipeline.vectors.attributes import Attributes
from pipeline.words.tags import TagTable
from pipeline.words.vocabulary import Vocabulary

WORDS, TAGS, SETTINGS = "words.arrow", "tags.arrow", "settings.json"
MATRICES = ("vectors", "output", "nodes", "tag_vectors")
TREE = ("leaves", "inner")
RATES = ("word_rates", "tag_rates")
KNOWN = ("word_attributes", "tag_attributes")
PHRASES = tuple(f"phrases-{n}.arrow" for n in range(1, 5))  # those joined first, then theirs
NAMES = (
    *(WORDS, TAGS, SETTINGS, *PHRASES),
    *(f"{name}.npy" for name in (*MATRICES, *TREE, *RATES)),
    *(f"{name}.arrow" for name in KNOWN),
)
PIECE = 1 << 14  # rows written at a time
MOST_SAID = 1 << 26  # bytes of JSON: a receipt of 100,000 epochs has room
MAGIC = b"\x93NUMPY\1\0"
MOST_HEAD = 1 << 12  # bytes of a .npy before its numbers

# What a member's name stands for; raises KeyError or OSError where there is none.
Members = Callable[[str], Bytes]


class ModelError(MillraceError, RuntimeError):
    """A model's files don't fit together, or what is asked for doesn't fit the model."""


@dataclass(frozen=True)
class Matrices:
    """A model's matrices without padding, maybe mapped; what its settings don't need is None.

    vectors (words, dim); output (words, blocks * dim); nodes (words - 1, blocks * dim);
    tag_vectors (tags, dim); float32.
    """

    vectors: Floats
    output: Floats | None = None
    nodes: Floats | None = None
    tag_vectors: Floats | None = None

    @property
    def parts(self) -> tuple[Floats, Floats | None, Floats | None, Floats | None]:
        """All of them, in the order in which weights are made of them."""
        return self.vectors, self.output, self.nodes, self.tag_vectors


@dataclass(frozen=True)
class Files:
    """All that a model's files hold.

    word_rates, tag_rates: factors of the learning rate that users have set, (1) for all rows or one
    for each; None where all are 1. word_attributes, tag_attributes: what users have noted of each
    word with a vector, and of each tag. phrases: those joined in the text that it was trained on.
    """

    vocabulary: Vocabulary
    settings: Settings
    matrices: Matrices
    tags: TagTable | None
    tree: Tree | None
    word_rates: Floats | None = None
    tag_rates: Floats | None = None
    word_attributes: Attributes = field(default_factory=dict)
    tag_attributes: Attributes = field(default_factory=dict)
    phrases: tuple[FrozenPhrases, ...] = ()


def members(files: Files) -> Iterator[tuple[str, Fill]]:
    """Yield the name of each member, and what writes it into a file that is open.

    Raises TypeError before the first one for attributes that are neither numbers nor strings.
    """
    tree = files.tree
    for name, columns in _tables(files).items():
        yield name, partial(_write_table, columns)
    for name in MATRICES:
        matrix = getattr(files.matrices, name)
        if matrix is not None:
            yield f"{name}.npy", partial(_write_rows, matrix)
    if tree is not None:
        for name in TREE:
            yield f"{name}.npy", partial(_write_array, getattr(tree, name))
    for name in RATES:
        array = getattr(files, name)
        if array is not None:
            yield f"{name}.npy", partial(_write_array, array)
    for name, phrases in zip(PHRASES, files.phrases, strict=False):
        yield name, phrases.save
    text = json.dumps(_said(files), indent=1) + "\n"
    yield SETTINGS, lambda out: cast("None", out.write(text.encode()))


def write(folder: Path, files: Files) -> None:
    """Write a model's files into an empty folder."""
    for name, fill in members(files):
        with (folder / name).open("wb") as out:
            fill(out)


def read(folder: Path) -> Files:
    """Map the files in a folder; raises ModelError for files that don't fit together."""
    return assembled(lambda name: mapped(folder / name), str(folder))


def mapped(file: Path | BinaryIO) -> Bytes:
    """Return a file's bytes where they lie; raises OSError or ValueError where there are none."""
    if isinstance(file, Path) and not file.is_file():  # a pipe would keep us waiting
        raise FileNotFoundError(f"there is no file {file.name}")
    return np.memmap(file, np.uint8, "r").view(np.ndarray)


def assembled(member: Members, label: str) -> Files:
    """Return the model that members make; nothing of them is copied but words' bookkeeping.

    label: where they lie, for errors. Raises ModelError for members that don't fit together.
    """
    try:
        said = said_in(member(SETTINGS))
        settings, size = Settings(**said["settings"]), int(said["words"])
        words, counts = _read_table(member(WORDS), WORDS, "word", pa.string())
        _check_size(size, len(words))
        tags = None
        if settings.has_tags:
            tags = TagTable(*_read_table(member(TAGS), TAGS, "tag", pa.string(), pa.int64(), BOTH))
        wanted = _shapes(settings, size, 0 if tags is None else tags.size)
        wanted |= _rate_shapes(said.get("rates", {}), wanted)
        found = {
            name: _read_array(member(f"{name}.npy"), f"{name}.npy", *shape, size)
            for name, shape in wanted.items()
        }
        noted: dict[str, Any] = {
            name: _read_attributes(member(f"{name}.arrow"), f"{name}.arrow", rows)
            for name, rows in zip(KNOWN, (size, 0 if tags is None else tags.size), strict=True)
            if name in said.get("attributes", ())
        }
        joined = PHRASES[: int(said.get("phrases", 0))]
        phrases = tuple(FrozenPhrases.parsed(member(name), name) for name in joined)
        tree = Tree(found["leaves"], found["inner"]) if settings.hierarchical else None
        if tree is not None:
            tree.check()
    except (OSError, ValueError, KeyError, TypeError, OverflowError, pa.ArrowException) as problem:
        missing = isinstance(problem, KeyError)
        raise ModelError(
            f"{label} does not hold a model: {f'it lacks {problem}' if missing else problem}. "
            "To mend it: save the model again, or take another copy of it"
        ) from problem
    matrices = Matrices(**{name: found[name] for name in MATRICES if name in found})
    rates: dict[str, Any] = {name: found.get(name) for name in RATES}
    held = Vocabulary(words, counts, size)
    return Files(held, settings, matrices, tags, tree, **rates, **noted, phrases=phrases)


def _check_size(size: int, words: int) -> None:
    if not 0 <= size <= words:
        raise ValueError(f"{WORDS} has {words} words, not {size}")


def said_in(member: Bytes) -> dict[str, Any]:
    """Return the object that a member holds as JSON; raises ValueError for anything else."""
    if len(member) > MOST_SAID:
        raise ValueError(f"{len(member)} bytes of JSON, where {MOST_SAID} are the most")
    try:
        said = json.loads(member.tobytes())
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    if not isinstance(said, dict):
        raise TypeError(f"a JSON object is wanted, not {type(said).__name__}")
    return said


Shapes = dict[str, tuple[tuple[int, ...], type[np.generic]]]


def _shapes(settings: Settings, words: int, tags: int) -> Shapes:
    """Return the shape and type of every array that a model with such settings has."""
    dim, inner = settings.vector_size, max(words - 1, 0)
    wide = settings.blocks * dim
    shapes: Shapes = {"vectors": ((words, dim), np.float32)}
    if settings.negative:
        shapes["output"] = ((words, wide), np.float32)
    if settings.hierarchical:
        shapes["nodes"] = ((inner, wide), np.float32)
        shapes["leaves"] = ((words,), np.uint32)
        shapes["inner"] = ((inner,), np.uint32)
    if settings.has_tags:
        shapes["tag_vectors"] = ((tags, dim), np.float32)
    return shapes


def _rate_shapes(said: Any, shapes: Shapes) -> Shapes:
    """Return shape and type of the rates that there are, by their numbers: 1 or one for a row."""
    found: Shapes = {}
    for name, matrix in zip(RATES, ("vectors", "tag_vectors"), strict=True):
        if name in said:
            rows = shapes[matrix][0][0]
            if said[name] not in (1, rows):
                raise ValueError(f"{said[name]} {name} for {rows} rows")
            found[name] = ((said[name],), np.float32)
    return found


def _write_table(columns: Mapping[str, Any], out: BinaryIO) -> None:
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    with pa.ipc.new_file(pa.PythonFile(cast("Any", out), mode="w"), table.schema) as file:
        file.write_table(table)


def _read_table(member: Bytes, name: str, key: str, *kinds: Any) -> tuple[Any, NDArray[np.int64]]:
    schema, batches = arrow_plain.read(pa.BufferReader(cast("Any", member)))
    table = pa.Table.from_batches(batches, schema)
    keys, counts = table[key].combine_chunks(), table["count"]
    if isinstance(keys, pa.ChunkedArray):
        raise TypeError(f"{name} has no rows that belong together")
    if keys.type not in kinds or counts.type != pa.int64():
        raise TypeError(f"{name} has columns of {keys.type} and {counts.type}")
    if keys.null_count or counts.null_count:
        raise ValueError(f"{name} lacks a value")
    return keys, np.asarray(counts.to_numpy(), np.int64)


def _said(files: Files) -> dict[str, Any]:
    """Return the settings, and which of the members are there that a model may lack."""
    rates = {name: getattr(files, name) for name in RATES}
    more = {
        "rates": {name: len(array) for name, array in rates.items() if array is not None},
        "attributes": [name for name in KNOWN if getattr(files, name)],
        "phrases": len(files.phrases),
    }
    said = {"words": files.vocabulary.size, "settings": asdict(files.settings)}
    return said | {name: value for name, value in more.items() if value}


def _tables(files: Files) -> dict[str, dict[str, Any]]:
    """Return the columns of all members that have words or tags, by the member's name."""
    words, tags = files.vocabulary, files.tags
    made = {WORDS: {"word": words.words, "count": words.counts}}
    if tags is not None:
        made[TAGS] = {"tag": tags.keys, "count": tags.counts}
    noted = {name: getattr(files, name) for name in KNOWN}
    return made | {f"{name}.arrow": _columns(held) for name, held in noted.items() if held}


def _columns(held: Attributes) -> dict[str, Any]:
    made = {name: attributes.column(name, values) for name, values in held.items()}
    for name, column in made.items():
        if not _is_plain(column.type):
            raise TypeError(
                f"the attribute {name!r} holds {column.type}, and can't be saved. To mend it: make "
                f"it numbers or strings, or del expandos[{name!r}]"
            )
    return made


def _read_attributes(member: Bytes, name: str, rows: int) -> Attributes:
    """Return attributes by name, numbers where they lie; each has to have as many rows."""
    schema, batches = arrow_plain.read(pa.BufferReader(cast("Any", member)))
    if len(set(schema.names)) < len(schema.names) or not all(map(_is_plain, schema.types)):
        raise ValueError(f"{name} has columns that attributes can't be")
    table: Any = pa.Table.from_batches(batches, schema)
    if table.num_rows != rows:
        raise ValueError(f"{name} has {table.num_rows} rows, where {rows} belong")
    return {key: attributes.of_column(key, table[key].combine_chunks()) for key in schema.names}


def _is_plain(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
    return any(test(kind) for test in tests) or bool(pa.types.is_binary(kind))


def _write_rows(matrix: NDArray[np.float32], out: BinaryIO) -> None:
    """Write (rows, dim) or (rows, blocks, dim) as (rows, columns), some at a time."""
    rows, columns = len(matrix), int(np.prod(matrix.shape[1:]))
    head = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)}
    np.lib.format.write_array_header_1_0(out, head)
    out.writelines(
        np.ascontiguousarray(matrix[at : at + PIECE], "<f4").tobytes()
        for at in range(0, rows, PIECE)
    )


def _write_array(array: NDArray[Any], out: BinaryIO) -> None:
    np.lib.format.write_array(out, array, allow_pickle=False)


def _read_array(
    member: Bytes, name: str, shape: tuple[int, ...], kind: type[np.generic], words: int
) -> NDArray[Any]:
    """Return the numbers of a .npy where they lie; its shape and type have to be these."""
    shown, at = _head(member[:MOST_HEAD].tobytes(), name)
    wanted = (shape, np.dtype(kind).newbyteorder("<").str)
    if shown != wanted:
        raise ValueError(
            f"{name} has shape {shown[0]} of {shown[1]}, "
            f"but {wanted[0]} of {wanted[1]} belong to its {words} words"
        )
    numbers = member[at:]
    if len(numbers) != int(np.prod(shape, dtype=object)) * np.dtype(kind).itemsize:
        raise ValueError(f"{name} has {len(numbers)} bytes of numbers, which are not {shape}")
    return numbers.view(kind).reshape(shape)


def _head(data: bytes, name: str) -> tuple[tuple[Any, Any], int]:
    """Return the shape and type that a .npy says it has, and where its numbers begin."""
    begin = len(MAGIC) + 2
    end = begin + int.from_bytes(data[len(MAGIC) : begin], "little")
    try:
        said = ast.literal_eval(data[begin:end].decode("latin-1"))
        shape, kind, turned = said["shape"], said["descr"], said["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        shape = None
    if not data.startswith(MAGIC) or shape is None or (turned and len(shape) > 1):
        raise ValueError(f"{name} is no .npy of version 1.0 with rows in order")
    return (shape, kind), end
