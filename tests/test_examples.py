"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import corpora
import pipeline

MODULES = [
    module.name
    for package in (corpora, pipeline)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith(("_tokens", "_train"))
]


@pytest.mark.parametrize("name", ["corpora", "pipeline", *MODULES])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
