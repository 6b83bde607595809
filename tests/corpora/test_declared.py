"""What recipes name: fields with bounds, checked here and by pydantic from one definition."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pydantic
import pytest
from annotated_types import Gt, Interval, Le, MinLen

from corpora import LineSentence, PythonDocs, Sentences
from corpora.declared import Declared
from corpora.transforms.take import Take


@dataclass(frozen=True, kw_only=True)
class TrainDoc2Vec(Declared):
    size: Annotated[int, Interval(ge=1, lt=100)] = 1
    rate: Annotated[float, Gt(0), Le(1)] | None = None
    kind: Literal["a", "b"] = "a"
    flag: bool = True
    url: str | os.PathLike[str] | Sequence[str] = "x"
    names: Annotated[tuple[str, ...], MinLen(1)] = ("x",)
    secret: int = field(default=1, repr=False)


def test_names():
    assert TrainDoc2Vec.use() == "train_doc2vec"
    assert (LineSentence.use(), PythonDocs.use(), Take.use()) == (
        "line_sentence",
        "python_docs",
        "take",
    )


@pytest.mark.parametrize(
    "good",
    [{}, {"size": 99}, {"rate": 1}, {"rate": 0.5}, {"kind": "b"}, {"url": ["a"]}, {"flag": False}],
)
def test_what_fits(good):
    TrainDoc2Vec(**good)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"size": 100}, "size must be less than 100, not 100"),
        ({"size": True}, "size must be a whole number, not True"),
        ({"size": 1.0}, "size must be a whole number, not 1.0"),
        ({"rate": 0}, "rate must be more than 0 or None, not 0"),
        ({"rate": "x"}, "rate must be a number or None, not 'x'"),
        ({"kind": "c"}, "kind must be one of 'a', 'b', not 'c'"),
        ({"flag": 1}, "flag must be true or false, not 1"),
        ({"url": 5}, "url must be a string or a PathLike or a Sequence, not 5"),
        ({"names": "x"}, "names must be a tuple, not 'x'"),
        ({"names": ()}, "names must be of length at least 1, not ()"),
        ({"secret": "hush"}, "secret must be a whole number"),
    ],
)
def test_what_does_not(bad, message):
    with pytest.raises(ValueError, match="TrainDoc2Vec") as caught:
        TrainDoc2Vec(**bad)
    assert str(caught.value) == f"TrainDoc2Vec: {message}"


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ValueError, match=r"size must be .*; rate must be .*; flag must be"):
        TrainDoc2Vec(size=0, rate=7, flag=None)


def test_pydantic_makes_the_same_values_from_a_recipe():
    adapter = pydantic.TypeAdapter(LineSentence)

    def validate(keys):
        return adapter.validate_json(json.dumps(keys))  # as JSON: strict mode takes its arrays

    assert validate({"url": "a.txt"}) == LineSentence("a.txt")
    made = validate({"url": ["a", "b"], "limit": 3, "storage_options": {"k": 1}})
    assert made == LineSentence(["a", "b"], limit=3, storage_options={"k": 1})
    for wrong in ({}, {"url": 1}, {"url": "a", "limt": 3}, {"url": "a", "limit": "3"}):
        with pytest.raises(pydantic.ValidationError):
            validate(wrong)
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 1"):
        validate({"url": "a", "max_sentence_length": 0})
    assert "hush" not in repr(LineSentence("a", storage_options={"key": "hush"}))
    keys = adapter.json_schema()["properties"].keys()
    shared = {"url", "storage_options", "new_only", "changed", "vanished"}
    assert keys == {*shared, "max_sentence_length", "limit", "errors"}


def test_sentences_in_a_recipe():
    made = pydantic.TypeAdapter(Sentences).validate_json('{"iterable": [["a"], ["b"]]}')
    assert list(made) == [["a"], ["b"]]
