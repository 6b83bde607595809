"""Every example in the docstrings of corpora runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import corpora

MODULES = ["corpora"] + [
    module.name
    for module in pkgutil.walk_packages(corpora.__path__, "corpora.")
    if not module.name.endswith("_tokens")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
