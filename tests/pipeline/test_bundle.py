"""A model in one file: comes back whole, mapped or read; anything else is one clear error."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pytest
from models import KINDS, made

from corpora import Documents, encode
from pipeline.core.passes import Plan
from pipeline.models import bundle, model_files, zip_members
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.model import Model, ModelError
from pipeline.vectors.errors import VectorFileError

SAID = {"alpha": 0.5, "comment": "é", "none": None}


def same(one, other):
    assert one.settings == other.settings
    assert one.vocabulary.words.equals(other.vocabulary.words)
    assert one.vocabulary.counts.tolist() == other.vocabulary.counts.tolist()
    assert one.vocabulary.size == other.vocabulary.size
    for name in ("vectors", "output", "nodes", "tag_vectors"):
        a, b = (getattr(model.files().matrices, name) for model in (one, other))
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.reshape(len(a), -1), b.reshape(len(b), -1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mmap", [None, "r"])
def test_round_trip(kind, mmap, tmp_path):
    model = made(KINDS[kind])
    path = tmp_path / "it.model"
    bundle.write(path, model, SAID)
    again, said = bundle.read(path, mmap)
    assert said == SAID
    same(again, model)
    assert [p.name for p in tmp_path.iterdir()] == ["it.model"]
    second = tmp_path / "second"
    bundle.write(str(second), again, said)
    assert second.read_bytes() == path.read_bytes()


def test_members_are_a_folders_and_lie_aligned(tmp_path):
    model = made(KINDS["dbow"])
    folder, path = tmp_path / "folder", tmp_path / "it.zip"
    folder.mkdir()
    model.save(folder)
    bundle.write(path, model, SAID)
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        names = file.namelist()
        for name in names:
            if name != bundle.ATTRIBUTES:
                assert file.read(name) == (folder / name).read_bytes()
    assert sorted(names) == sorted([*(path.name for path in folder.iterdir()), bundle.ATTRIBUTES])
    found = zip_members.read(model_files.mapped(path), bundle.NAMES)
    assert all(member.data.ctypes.data % 64 == 0 for member in found.values())
    assert all(member.data.base is not None for member in found.values())
    same(bundle.read(folder)[0], model)
    assert bundle.read(str(folder), "r")[1] == {}


def test_handles_and_addresses(tmp_path):
    model = made(KINDS["skip-gram"])
    with (tmp_path / "h").open("w+b") as file:
        file.write(b"before")
        bundle.write(file, model, SAID)
        file.seek(6)
        again, said = bundle.read(file)
    same(again, model)
    assert said == SAID

    class Slow(io.RawIOBase):  # takes a little at a time, and can't be sought in
        def __init__(self):
            self.taken = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.taken += bytes(data[:1000])
            return len(data[:1000])

    slow = Slow()
    bundle.write(slow, model, SAID)
    same(bundle.read(io.BytesIO(slow.taken))[0], model)
    url = "memory://bundles/some.zip"
    bundle.write(url, model, SAID)
    same(bundle.read(url)[0], model)
    with pytest.raises(ModelError, match=r"memory://bundles/some\.zip.*mmap=None"):
        bundle.read(url, "r")
    with pytest.raises(ModelError, match="mmap=None"):
        bundle.read(io.BytesIO(b""), "r")
    with pytest.raises(ModelError, match="memory://bundles/other"):
        bundle.read("memory://bundles/other")
    fsspec.filesystem("memory").rm("/bundles", recursive=True)


def test_mapped_is_read_only_and_read_is_not(tmp_path):
    path = tmp_path / "m"
    bundle.write(path, made(KINDS["concat"]), {})
    mapped, _ = bundle.read(path, "r")
    with pytest.raises(ValueError, match="read-only"):
        mapped.files().matrices.vectors[0, 0] = 1
    read, _ = bundle.read(path)
    path.unlink()
    assert read.files().matrices.vectors.flags.writeable


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "m"
    bundle.write(path, made(KINDS["tree"]), {})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        bundle.write(path, made(KINDS["tree"]), {"plan": object()})
    broken = made(KINDS["tree"])
    broken.tree = "no tree"
    with pytest.raises(AttributeError):
        bundle.write(path, broken, {})
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ModelError, match=r"nowhere.*To mend it"):
        bundle.write(tmp_path / "nowhere" / "m", made(KINDS["tree"]), {})


def test_continued_is_never_saved(tmp_path):
    shards = encode(Documents([(["a", "b", "a", "c"] * 9, ["x"]), (["c", "a"] * 9, ["y"])]))
    plan = Plan(epochs=3, sample=0.0)
    for kind in ("dbow", "tree", "skip-gram"):
        one = made(KINDS[kind], [(["a", "b", "c", "c"], ["x"]), (["a"], ["y"])])
        one.train(shards, plan)
        bundle.write(tmp_path / kind, one, {})
        one.train(shards, plan)
        for mmap in (None, "r"):
            again, _ = bundle.read(tmp_path / kind, mmap)
            again.train(shards, plan)
            same(again, one)


@pytest.mark.parametrize("kind", ["tree", "dbow"])
def test_cut_at_any_byte(kind):
    file = io.BytesIO()
    bundle.write(file, made(KINDS[kind]), SAID)
    whole = file.getvalue()
    for end in [*range(0, len(whole) - 1, 37), *range(len(whole) - 300, len(whole))]:
        with pytest.raises(ModelError, match=r"does not hold a model.*To mend it"):
            bundle.read(io.BytesIO(whole[:end]))


def test_any_byte_turned_over(tmp_path):
    """What is read is right or refused, and nothing else is raised; mapped, it may be wrong."""
    file = io.BytesIO()
    model = made(KINDS["tree"])
    bundle.write(file, model, {})
    whole = file.getvalue()
    path = tmp_path / "m"
    rng = np.random.default_rng(1)
    for at in rng.choice(len(whole), 300, replace=False):
        wrong = bytearray(whole)
        wrong[at] ^= int(rng.integers(1, 256))
        with suppress(ModelError):
            same(bundle.read(io.BytesIO(wrong))[0], model)
        path.write_bytes(wrong)
        with suppress(ModelError):
            bundle.read(path, "r")


def packed(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as out:
        for name, data in members:
            out.writestr(name, data)
    return file


def parts(kind="dbow"):
    file = io.BytesIO()
    bundle.write(file, made(KINDS[kind]), SAID)
    with zipfile.ZipFile(file) as held:
        return {name: held.read(name) for name in held.namelist()}


def refused(file, what):
    file.seek(0)
    with pytest.raises(ModelError, match=what):
        bundle.read(file)


def test_other_zips(tmp_path):
    good = parts()
    same(bundle.read(io.BytesIO(packed(good.items()).getvalue()))[0], made(KINDS["dbow"]))
    unaligned = tmp_path / "unaligned"
    unaligned.write_bytes(packed(good.items()).getvalue())
    same(bundle.read(unaligned, "r")[0], made(KINDS["dbow"]))
    refused(packed(good.items(), zipfile.ZIP_DEFLATED), "is packed or locked")
    refused(packed([("vectors.npy", bytes(1 << 24))], zipfile.ZIP_DEFLATED), "packed")  # a bomb
    refused(packed([*list(good.items())[:3], ("../words.arrow", b"")]), "for '../words.arrow'")
    refused(packed([("/etc/x", b"")]), "no place")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = packed([*good.items(), ("words.arrow", b"")])
    refused(twice, "no place in it for 'words.arrow'")
    some = [(name, data) for name, data in good.items() if name not in ("words.arrow", "face.json")]
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = packed([*some, some[0]])
    refused(twice, "no place in it for 'tags.arrow'")
    refused(packed([(f"{n}", b"") for n in range(100_000)]), "not a model|can't be a model")
    refused(packed([]), "lacks 'settings.json'")
    for name in good:
        if name != bundle.ATTRIBUTES:
            left = [(other, data) for other, data in good.items() if other != name]
            refused(packed(left), f"lacks '{name}'")
    for text in (b"[]", b"{", b"[" * 200_000, b" " * (1 << 21)):
        refused(packed({**good, "settings.json": text}.items()), "does not hold a model")
        refused(packed({**good, "face.json": text}.items()), "does not hold a model")
    refused(io.BytesIO(b"\x80\x04pickle" * 99), "pickle of gensim's.*import-gensim")
    refused(io.BytesIO(b"something else" * 99), "may be cut off")


def test_numbers_that_promise_too_much():
    good = parts()
    said = json.loads(good["settings.json"])
    rows = 10**12
    head = io.BytesIO()
    said["words"] = rows
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (rows, 16)}
    )
    changed = {**good, "settings.json": json.dumps(said).encode(), "vectors.npy": head.getvalue()}
    refused(packed(changed.items()), "words.arrow has 3 words")
    refused(packed({**good, "vectors.npy": head.getvalue()}.items()), "vectors.npy has shape")
    for kind, version in (("|O", 1), ("<f4", 2)):
        head = io.BytesIO()
        write = getattr(np.lib.format, f"write_array_header_{version}_0")
        write(head, {"descr": kind, "fortran_order": False, "shape": (3, 16)})
        refused(packed({**good, "vectors.npy": head.getvalue() + bytes(192)}.items()), "vectors")
    short = good["vectors.npy"][:-4]
    refused(packed({**good, "vectors.npy": short}.items()), "bytes of numbers")


def patched(whole, form, sign, field, value, nth=0):
    at = -1
    for _ in range(nth + 1):
        at = whole.index(sign, at + 1)
    made = list(struct.unpack_from(form, whole, at))
    made[field] = value
    changed = bytearray(whole)
    struct.pack_into(form, changed, at, *made)
    return io.BytesIO(changed)


def test_directories_that_lie():
    file = io.BytesIO()
    bundle.write(file, made(KINDS["dbow"]), SAID)
    whole = file.getvalue()
    entry, end = (zip_members.ENTRY, b"PK\1\2"), (zip_members.END, b"PK\5\6")
    for field, value, what in [
        (8, 10**9, "packed"), (9, 10**9, "packed"), (16, 10**9, "ends too early"),
        (16, 1, "not where its directory says"), (3, 1, "packed or locked"),
    ]:  # fmt: skip
        refused(patched(whole, *entry, field, value), what)
    one = patched(whole, *entry, 8, 10**12 & 0xFFFFFFF0).getvalue()
    refused(patched(one, *entry, 9, 10**12 & 0xFFFFFFF0), "overlap or lead out")
    starts = [struct.unpack_from(zip_members.ENTRY, whole, i)[16] for i in range(len(whole) - 46)
              if whole[i : i + 4] == b"PK\1\2"]  # fmt: skip
    refused(patched(whole, *entry, 16, starts[1]), "not where|overlap")
    for field, value in [(4, 60_000), (5, 10**9), (6, 10**9), (6, 0xFFFFFFFF), (7, 5)]:
        refused(patched(whole, *end, field, value), "does not hold a model")
    wrong = bytearray(whole)
    wrong[whole.index(b"\x93NUMPY") + 200] ^= 1
    refused(io.BytesIO(wrong), "has other bytes than were written")


def test_large_members_are_of_64_bits():
    """As a zip of more than 4 GB is written, without the 4 GB."""
    with io.BytesIO() as file:
        zip_members.write(file, [("a", lambda out: out.write(b"mill"))])
        whole = file.getvalue()
    at = whole.index(b"PK\1\2")
    fields = list(struct.unpack_from(zip_members.ENTRY, whole, at))
    name_extra = whole[at + 46 : at + 46 + 1 + fields[11]]
    wide = struct.pack("<2H3Q", 1, 24, 4, 4, 0)
    fields[8] = fields[9] = fields[16] = 0xFFFFFFFF
    fields[11] += len(wide)
    entry = struct.pack(zip_members.ENTRY, *fields) + name_extra[:1] + wide + name_extra[1:]
    record = struct.pack(zip_members.END64, b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    locator = struct.pack(zip_members.LOCATOR, b"PK\6\7", 0, at + len(entry), 1)
    end = struct.pack(zip_members.END, b"PK\5\6", 0, 0, 1, 1, len(entry), 0xFFFFFFFF, 0)
    made = whole[:at] + entry + record + locator + end
    with zipfile.ZipFile(io.BytesIO(made)) as theirs:
        assert theirs.read("a") == b"mill"
    found = zip_members.read(np.frombuffer(made, np.uint8), {"a"})
    assert found["a"].data.tobytes() == b"mill"
    assert found["a"].whole()


def test_a_pipe_or_nothing_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nothing"):
        with pytest.raises(ModelError, match=rf"{name}.*To mend it"):
            bundle.read(tmp_path / name)
    (tmp_path / "empty").touch()
    with pytest.raises(ModelError, match=r"empty.*To mend it"):
        bundle.read(tmp_path / "empty")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match="lacks 'settings"):
        bundle.read(tmp_path / "folder")
    with pytest.raises(ValueError, match="mmap"):
        bundle.read(tmp_path / "empty", "r+")


def test_a_damaged_tree_is_refused():
    model = made(KINDS["tree"])
    inner, leaves = model.tree.inner, model.tree.leaves
    for part, at, value in [(leaves, 0, leaves[1]), (leaves, 0, 99), (inner, 1, 3), (inner, 0, 0)]:
        before = part[at]
        part[at] = value
        file = io.BytesIO()
        bundle.write(file, model, {})
        part[at] = before
        refused(file, "tree")
    good = parts("tree")
    same(bundle.read(io.BytesIO(packed(good.items()).getvalue()))[0], model)


PEAK = """
import resource, sys
from contextlib import suppress
from pathlib import Path
from pipeline.models import bundle
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    bundle.read(Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_hostile_files_take_little_memory(tmp_path):
    many = tmp_path / "many"
    with many.open("wb") as out:
        out.write(packed([(f"{n}", b"") for n in range(60_000)]).getvalue())
    hole = tmp_path / "hole"  # 100 GB that aren't there
    with hole.open("wb") as out:
        out.truncate(10**11)
    for path in (many, hole):
        said = subprocess.run(
            [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True
        ).stdout.split()
        assert said[0] == "ModelError"
        assert int(said[1]) < (40 if sys.platform == "linux" else 40 << 10)


def test_a_folder_is_opened_as_before(tmp_path):
    model = made(KINDS["concat"])
    model.save(tmp_path)
    same(Model.open(Path(tmp_path)), model)


@pytest.mark.parametrize("packing", ["lz4", "zstd"])
def test_columns_that_are_packed_are_refused(packing, tmp_path):
    good = parts()
    rows = 5_000_000
    words = pa.table({
        "word": pa.array([""]).take(pa.array(np.zeros(rows, np.int32))),
        "count": np.zeros(rows, np.int64),
    })  # fmt: skip
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(
        sink, words.schema, options=pa.ipc.IpcWriteOptions(compression=packing)
    ) as out:
        out.write_table(words)
    bomb = sink.getvalue().to_pybytes()
    assert len(bomb) < 1 << 20
    before = pa.total_allocated_bytes()
    del words
    refused(packed({**good, "words.arrow": bomb}.items()), "packed")
    assert pa.total_allocated_bytes() <= before
    path = tmp_path / "v.kv"
    path.write_bytes(bomb)
    with pytest.raises(VectorFileError, match="packed"):
        KeyedVectors.load(path)


def test_vectors_and_models_are_told_apart(tmp_path):
    model = made(KINDS["dbow"])
    bundle.write(tmp_path / "m", model, {})
    model.keyed_vectors.save(tmp_path / "v")
    with pytest.raises(VectorFileError, match=r"m: this is a model.*Word2Vec\.load"):
        KeyedVectors.load(tmp_path / "m")
    with pytest.raises(ModelError, match=r"v holds vectors.*KeyedVectors\.load"):
        bundle.read(tmp_path / "v")


@pytest.mark.parametrize("key", ["words", "phrases", "hierarchical", "shrink_windows", "window"])
@pytest.mark.parametrize("value", [None, float("inf"), float("nan"), 2.5, "x", [], {}])
def test_settings_that_make_no_sense(key, value):
    good = parts()
    said = json.loads(good["settings.json"])
    if key in said["settings"]:
        said["settings"][key] = value
    else:
        said[key] = value
    if (key, value) not in (("words", 2.5), ("phrases", 2.5)):
        refused(packed({**good, "settings.json": json.dumps(said).encode()}.items()), "To mend it")


def test_numbers_of_numpys_are_saved():
    file = io.BytesIO()
    said = {"min_count": np.int32(3), "events": [{"loss": np.float32(0.5), "rows": np.arange(2)}]}
    bundle.write(file, made(KINDS["tree"]), said)
    file.seek(0)
    assert bundle.read(file)[1] == {"min_count": 3, "events": [{"loss": 0.5, "rows": [0, 1]}]}
    with pytest.raises(TypeError, match=r"\{1\} can't be saved.*JSON"):
        bundle.write(io.BytesIO(), made(KINDS["tree"]), {"comment": {1}})


def test_pipes_and_devices(tmp_path):
    model, pipe = made(KINDS["dbow"]), tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [
        sys.executable,
        "-c",
        "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())",
    ]
    with subprocess.Popen([*command, pipe], stdout=subprocess.PIPE) as reader:
        bundle.write(pipe, model, SAID)
        same(bundle.read(io.BytesIO(reader.communicate()[0]))[0], model)
    bundle.write(os.devnull, model, SAID)


def test_a_long_name(tmp_path):
    path = tmp_path / ("水" * 80)  # 240 bytes, of 255
    bundle.write(path, made(KINDS["dbow"]), SAID)
    model = bundle.read(path, in_place=True)[0]
    model.map_documents(tmp_path / ("車" * 80))
    same(model, made(KINDS["dbow"]))
