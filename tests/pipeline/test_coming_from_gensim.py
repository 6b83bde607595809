"""The page "Coming from gensim" against gensim and against the tables of old names.

`python tests/pipeline/test_coming_from_gensim.py` prints the tables of old names for the page.
"""

import inspect
import re
from pathlib import Path

import pytest

from corpora import old_names
from corpora.old_names import Instead
from pipeline import CallbackAny2Vec, Doc2Vec, FrozenPhrases, KeyedVectors, Phrases, Word2Vec
from pipeline.old_names import DOC2VEC, KEYED_VECTORS, MODEL, PIPELINE

PAGE = Path(__file__).parents[2] / "docs" / "gensim.md"
OURS = [Word2Vec, Doc2Vec, KeyedVectors, Phrases, FrozenPhrases, CallbackAny2Vec]
TABLES = {
    "Word2Vec and Doc2Vec": MODEL,
    "Doc2Vec": DOC2VEC,
    "KeyedVectors (`wv`, `dv`)": KEYED_VECTORS,
    "from pipeline import": PIPELINE,
    "LineSentence, PathLineSentences, TaggedLineDocument": old_names.LINES,
    "Text8": old_names.TEXT8,
    "Brown, TaggedBrown": old_names.BROWN,
    "from corpora import": old_names.CORPORA,
}


def told(now):
    """Return what stands in the page for what an old name is now."""
    if not isinstance(now, Instead):
        return f"`{now.partition(':')[2] or now}`"
    return now.now if now.does else f"an error: {now.now}"


def shown(old):
    """Return what stands in the page for an old name."""
    keyword = re.fullmatch(r"__init__\((\w+=)\)", old)
    return f"`{keyword[1]}` of the constructor" if keyword else f"`{old}`"


def tables():
    """Return the page's tables of old names."""
    parts = []
    for title, table in TABLES.items():
        rows = (f"| {shown(old)} | {told(now)} |" for old, now in table.items())
        parts.append("\n".join([f"| {title} | now |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def section(title):
    text = PAGE.read_text()
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def named(text):
    """Return every name that stands in code in a text."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return {name for code in re.findall(r"`([^`]+)`", text) for name in re.findall(r"\w+", code)}


def test_the_old_names_are_those_declared():
    assert tables() in section("Names of gensim 2 and 3")


def test_the_imports_work():
    for code in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        exec(code, {})


def gensims(kind):
    modules = {"Phrases": "phrases", "FrozenPhrases": "phrases", "CallbackAny2Vec": "callbacks"}
    name = f"gensim.models.{modules.get(kind.__name__, 'word2vec')}"
    if kind in (Doc2Vec, KeyedVectors):
        name = f"gensim.models.{kind.__name__.lower()}"
    return getattr(pytest.importorskip(name), kind.__name__)


def arguments(function):
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []
    return [name for name in names if name not in ("self", "args", "kwargs")]


@pytest.mark.parametrize("kind", OURS)
def test_every_public_name_is_here_or_said_not_to_be(kind):
    theirs = gensims(kind)
    absent = named(section("Not here"))
    for name in dir(theirs):
        if name.startswith("_"):
            continue
        try:
            ours = inspect.getattr_static(kind, name)
        except AttributeError:
            assert name in absent
            continue
        if isinstance(ours, old_names.OldMethod | old_names.OldAttribute):
            continue
        taken = {*arguments(getattr(kind, name)), *absent}
        assert not set(arguments(getattr(theirs, name))) - taken, name


@pytest.mark.parametrize("kind", OURS)
def test_every_argument_is_here_in_its_place(kind):
    theirs, ours = arguments(gensims(kind)), arguments(kind)
    assert ours[: len(theirs)] == theirs or (kind is Doc2Vec and theirs[0] == ours[0])
    assert not set(theirs) - set(ours)


@pytest.mark.parametrize("kind", OURS)
def test_the_page_names_all_of_it(kind):
    written = named(PAGE.read_text())
    theirs = gensims(kind)
    missing = {name for name in dir(theirs) if not name.startswith("_")} - written
    assert not missing
    assert not set(arguments(theirs)) - written


if __name__ == "__main__":
    print(tables())  # noqa: T201
