"""What the tests of corpora share: every instruction set there is, and quick hypothesis."""

import pytest
from hypothesis import settings

from corpora.tokens import isa

settings.register_profile("quick", max_examples=60, deadline=None)
settings.load_profile("quick")


@pytest.fixture(params=isa.available())
def any_isa(request, monkeypatch):
    """Run with each instruction set that this machine has."""
    monkeypatch.setenv("MILLRACE_ISA", request.param)
    return request.param
