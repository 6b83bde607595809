"""What coverage-guided fuzzing of the C core has found worth trying, once more through Python."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import CorpusError
from corpora.tokens import isa
from corpora.tokens.interner import Interner
from corpora.tokens.lines import split_lines

NAMES = ("portable", "base", "avx2", "avx512")
INPUTS = Path(__file__).parent / "fuzz" / "inputs.zip"


def inputs():
    with zipfile.ZipFile(INPUTS) as file:
        return {name: file.read(name) for name in file.namelist()}


def reference(text, max_words, max_lines, *, keep):
    """Rows and whether each continues the one before."""
    lines = text.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    found = []
    for line in lines[:max_lines]:
        words = line.split()
        if not words and keep:
            found.append(([], False))
        found += [
            (words[i : i + max_words], i > 0) for i in range(0, len(words), max_words or 1 << 30)
        ]
    return found


def check(data):
    settings, text = data[:4], data[4:]
    max_words = settings[1] % 16 or 1 << 20
    max_lines = None if settings[2] < 128 else settings[2] % 8
    keep = bool(settings[2] >> 4 & 1)
    size = 1 + settings[3]
    blocks = [text[i : i + size] for i in range(0, len(text), size)]
    options = {"max_words": max_words, "max_lines": max_lines, "keep_blank": keep}
    try:
        whole = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        sound = text.decode(errors="surrogateescape")
        wrong = next(i for i, c in enumerate(sound) if "\udc80" <= c <= "\udcff")
        if max_lines is not None and sound[:wrong].count("\n") >= max_lines:
            list(split_lines(blocks, **options))
        else:
            position = (
                f"byte {len(sound[:wrong].encode())}, line {sound[:wrong].count(chr(10)) + 1}"
            )
            with pytest.raises(CorpusError, match=position):
                list(split_lines(blocks, **options))
        for errors in ("replace", "ignore"):
            whole = text.removeprefix(b"\xef\xbb\xbf").decode(errors=errors)
            if not whole.startswith("\ufeff"):
                compare(blocks, whole, {**options, "errors": errors})
        return
    compare(blocks, whole, options)


def compare(blocks, whole, options):
    interner = Interner()
    found = []
    for batch in split_lines(blocks, **options):
        ids = interner.split(batch["text"]).to_pylist()
        words = np.array(interner.words.to_pylist(), dtype=object)
        rows = [list(words[row]) for row in ids]
        found += zip(rows, batch["continued"].to_pylist(), strict=True)
    keep = options["keep_blank"]
    assert found == reference(whole, options["max_words"], options["max_lines"], keep=keep)
    distinct = list(dict.fromkeys(word for row, _ in found for word in row))
    assert interner.words.to_pylist() == distinct


@pytest.mark.parametrize("name", NAMES)
def test_the_inputs_of_the_fuzzer(name, monkeypatch):
    if name not in isa.available():
        pytest.skip(f"this machine has no {name}")
    monkeypatch.setenv("MILLRACE_ISA", name)
    found = inputs()
    assert len(found) > 100
    for data in found.values():
        if len(data) >= 4 and NAMES[data[0] % 4] == name:
            check(data)
