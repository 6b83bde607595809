"""The guide to corpora: its examples run, and its table has every reader, option and default."""

import dataclasses
import gzip
import importlib.util
import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from corpora.reader import READERS
from corpora.transform import TRANSFORMS

GUIDE = (Path(__file__).parents[2] / "docs" / "corpora.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def stand_in():
    """What the example needs of PyTorch, where that is not installed: it still has to run."""
    torch, utils, data = (types.ModuleType(f"torch{end}") for end in ("", ".utils", ".utils.data"))
    torch.int64 = np.int64
    torch.tensor = np.array
    data.IterableDataset = object
    data.get_worker_info = lambda: None
    return {"torch": torch, "torch.utils": utils, "torch.utils.data": data}


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "reviews").mkdir()
    for name in "ab":
        text = "".join(f"This film {i} was {name} Good one\n\nso it was\n" for i in range(50))
        (tmp_path / "reviews" / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode()))
    lines = [{"body": f"news of day {i}", "lang": "en" if i % 2 else "de"} for i in range(20)]
    (tmp_path / "news.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_run(example, here, monkeypatch):
    for package in ("duckdb", "polars"):
        if f"import {package}" in example:
            pytest.importorskip(package)
    if "import torch" in example and importlib.util.find_spec("torch") is None:
        for name, module in stand_in().items():
            monkeypatch.setitem(sys.modules, name, module)
    exec(compile(example, "docs/corpora.md", "exec"), {"__name__": "example"})


def test_what_the_examples_say(here, capsys):
    exec(EXAMPLES[0], {})
    assert capsys.readouterr().out == "200 rows, 1000 tokens\n"
    exec(EXAMPLES[1], {})
    assert "news" not in GUIDE.partition("```")[0]
    assert capsys.readouterr().out.count("[") == 3


def test_the_table_is_whole():
    wanted = set()
    for use in READERS.names():
        reader = READERS[use]
        assert f"| `{reader.__name__}` |" in GUIDE
        for field in dataclasses.fields(reader):
            if field.name in {"url", "storage_options", "new_only", "changed", "vanished"}:
                continue
            none = field.default is dataclasses.MISSING
            default = "" if none else f"`{field.default!r}`".replace("'", '"')
            default = default.replace('`"""`', "`'\"'`")
            wanted.add((reader.__name__, field.name, default))
    table = GUIDE.partition("### Options")[2].partition("### Other")[0]
    found = set()
    reader = ""
    for line in table.splitlines():
        cells = [cell.strip().strip("`") for cell in line.split("|")[1:3]]
        if line.startswith("| ") and cells[1] not in {"Option", ""}:
            reader = cells[0] or reader
            found.add((reader, cells[1], line.split("|")[3].strip()))
    assert found == wanted


def test_every_transform_is_there():
    for name in TRANSFORMS.names():
        assert re.search(rf"`{name}\(", GUIDE), name
