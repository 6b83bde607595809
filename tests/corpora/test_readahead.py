"""Reading ahead: everything arrives, errors too, and it stops when it is told to."""

import threading
import time
import traceback

import pytest

from corpora.sources.readahead import Readahead


def alive():
    return [t for t in threading.enumerate() if t.name == "millrace-readahead"]


def settled():
    deadline = time.monotonic() + 5
    while alive() and time.monotonic() < deadline:
        time.sleep(0.001)
    return not alive()


def test_everything_in_order():
    with Readahead(lambda: range(10_000)) as ahead:
        assert list(ahead) == list(range(10_000))
    assert settled()


def test_no_further_ahead_than_asked():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i

    with Readahead(items, depth=3) as ahead:
        assert next(ahead) == 0
        time.sleep(0.05)
        assert len(made) <= 5  # one was taken, three wait, one is in the maker's hand
    assert settled()


def fails_deep_inside():
    raise KeyError("the cause")


def test_an_error_comes_with_its_own_traceback():
    def items():
        yield 1
        fails_deep_inside()

    ahead = Readahead(items)
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="the cause") as caught:
        next(ahead)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "fails_deep_inside"
    with pytest.raises(StopIteration):
        next(ahead)
    assert settled()


def test_an_error_before_the_first_item():
    with Readahead(fails_deep_inside) as ahead, pytest.raises(KeyError):
        next(ahead)
    assert settled()


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_closing_early_closes_the_source(taken):
    closed = threading.Event()

    def items():
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    with Readahead(items) as ahead:
        for _ in range(taken):
            next(ahead)
    assert closed.wait(5)
    assert settled()
    with pytest.raises(StopIteration):
        next(ahead)


def test_closing_does_not_wait_for_a_read_that_hangs(monkeypatch):
    monkeypatch.setattr("corpora.sources.readahead.PATIENCE", 0.05)
    go_on = threading.Event()

    def items():
        yield 1
        go_on.wait(30)

    start = time.monotonic()
    with Readahead(items) as ahead:
        next(ahead)
    assert time.monotonic() - start < 5
    go_on.set()
    assert settled()
