"""Names to classes: our own modules, installed entry points, the nearest right name."""

import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from corpora import registry
from corpora.errors import MillraceError
from corpora.reader import READERS, Reader
from corpora.readers.line_sentence import LineSentence
from corpora.transform import TRANSFORMS


@dataclass(frozen=True)
class Stranger(Reader):
    """A reader that another package brings."""

    def parts(self):
        return []


def test_every_name_is_a_class_of_that_name():
    assert {"line_sentence", "python_docs", "sentences"} <= set(READERS.names())
    for known in (READERS, TRANSFORMS):
        for name in known.names():
            assert known[name].use() == name
            assert known[name].__doc__


def test_names_are_listed_without_importing(monkeypatch, tmp_path):
    (tmp_path / "surprise.py").write_text("raise RuntimeError")
    monkeypatch.setattr("corpora.readers.__path__", [str(tmp_path)])
    assert READERS.names() == ["surprise"]
    assert "corpora.readers.surprise" not in sys.modules


def test_the_nearest_right_name():
    with pytest.raises(
        MillraceError, match='no reader "line_sentnce"; did you mean "line_sentence"'
    ):
        READERS["line_sentnce"]
    with pytest.raises(MillraceError, match='no transform "xyz"; there are: filter, interleave'):
        TRANSFORMS["xyz"]


def test_entry_points(monkeypatch):
    def installed(*, group, name=None):
        points = [
            EntryPoint("stranger", f"{__name__}:Stranger", "millrace.readers"),
            EntryPoint("odd", "os:sep", "millrace.readers"),
        ]
        found = EntryPoints(points).select(group=group)
        return found if name is None else found.select(name=name)

    monkeypatch.setattr(registry, "entry_points", installed)
    assert "stranger" in READERS.names()
    assert READERS["stranger"].__name__ == "Stranger"
    assert READERS["line_sentence"] is LineSentence
    with pytest.raises(MillraceError, match='installed as the reader "odd" is not a Reader'):
        READERS["odd"]
