"""Reading on after failures: at the byte reached, a bounded number of times, with pauses."""

import asyncio
import random
import threading
import time

import pytest
from fsspec.asyn import AsyncFileSystem

from corpora.sources import filesystems, ranges
from corpora.sources.retry import Changed, GaveUp, Patience, is_lasting, repeated, resumed

QUICK = Patience(tries=3, pause=0.0, renews=4)


class Flaky:
    """Bytes from the n-th on, in pieces of two; the read fails wherever it is told to, once."""

    def __init__(self, data, fails, error=OSError):
        self.data, self.fails, self.error, self.calls = data, list(fails), error, []

    def __call__(self, at):
        self.calls.append(at)
        while at < len(self.data):
            if self.fails and at >= self.fails[0]:
                self.fails.pop(0)
                raise self.error("cut")
            yield self.data[at : at + 2]
            at += 2


def test_it_goes_on_at_the_byte_reached():
    flaky = Flaky(b"0123456789abcdef", [4, 8, 12])
    assert b"".join(resumed(flaky, 0, QUICK)) == b"0123456789abcdef"
    assert flaky.calls == [0, 4, 8, 12]
    assert b"".join(resumed(Flaky(b"0123456789", [6]), 4, QUICK)) == b"456789"


@pytest.mark.parametrize("step", [0, 2])
def test_it_gives_up_where_there_is_little_progress(step):
    flaky = Flaky(b"0123456789abcdef", range(2, 200, step) if step else [2] * 9)
    got = []
    with pytest.raises(GaveUp) as caught:
        got.extend(resumed(flaky, 0, QUICK))
    assert caught.value.tries == 3
    assert caught.value.reached == 2 * len(got)
    assert isinstance(caught.value.last, OSError)


@pytest.mark.parametrize(
    "error",
    [Changed, FileNotFoundError, PermissionError, ImportError, TypeError, NotImplementedError],
)
def test_what_lasts_is_not_tried_again(error):
    flaky = Flaky(b"01", [0] * 9, error)
    with pytest.raises(GaveUp) as caught:
        list(resumed(flaky, 0, QUICK))
    assert caught.value.tries == 1
    with pytest.raises(GaveUp):
        repeated(lambda: list(flaky(0)), QUICK)
    assert flaky.calls == [0, 0]


def test_asking_again():
    answers = iter([IndexError("tuple index out of range"), KeyError("x"), "yes"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert repeated(ask, QUICK) == "yes"


@pytest.mark.parametrize(
    ("status", "lasts"), [(404, True), (403, True), (429, False), (408, False), (503, False)]
)
def test_statuses(status, lasts):
    for name in ("status", "status_code", "code"):
        error = OSError("no")
        setattr(error, name, status)
        assert is_lasting(error) is lasts


def test_pauses_double_up_to_a_bound_and_differ():
    patience = Patience(pause=0.5, longest_pause=4.0)
    random.seed(1)
    for failures, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (9, 4.0), (999, 4.0)):
        drawn = [patience.seconds(failures) for _ in range(50)]
        assert longest / 2 <= min(drawn) < max(drawn) <= longest


def test_closing_early_closes_the_stream():
    closed = threading.Event()

    def start(_at):
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    blocks = resumed(start, 0, QUICK)
    next(blocks)
    blocks.close()
    assert closed.is_set()


class _Slow(AsyncFileSystem):
    """A store that takes too long for large ranges."""

    def __init__(self, data, most):
        super().__init__(skip_instance_cache=True)
        self.data, self.most, self.asked = data, most, []

    async def _cat_file(self, path, start=None, end=None, **options):
        self.asked.append(end - start)
        if end - start > self.most:
            await asyncio.sleep(20)
        return self.data[start:end]


def test_a_range_shrinks_on_a_slow_line(monkeypatch):
    data = random.Random(0).randbytes(3 << 20)
    slow = _Slow(data, 600_000)  # three quarters of a mebibyte are too much, too
    patience = Patience(pause=0.0, silence=0.2)
    seen = ranges.Seen(range=1 << 22)
    start = time.monotonic()

    def read(at):
        return ranges.read(slow, "x", at, len(data), seen, patience)

    assert b"".join(resumed(read, 0, patience)) == data
    assert time.monotonic() - start < 5
    assert slow.asked[:3] == [3 << 20, 3 << 18, 1 << 18]


def test_time_outs_are_ours_only_where_the_user_has_none():
    defaults = filesystems.with_timeouts("s3", {"key": "k"}, Patience(silence=7))
    assert defaults["config_kwargs"]["read_timeout"] == 7
    assert defaults["use_listings_cache"] is False
    own = {"config_kwargs": {"read_timeout": 1, "signature_version": "s3v4"}}
    assert filesystems.with_timeouts("s3", dict(own), Patience())["config_kwargs"] == {
        "connect_timeout": 60.0,
        "read_timeout": 1,
        "retries": {"max_attempts": 1},
        "signature_version": "s3v4",
    }
    assert own == {"config_kwargs": {"read_timeout": 1, "signature_version": "s3v4"}}


def test_ranges_grow():
    data = random.Random(0).randbytes(20 << 20)
    store = _Slow(data, len(data))
    assert b"".join(ranges.read(store, "x", 0, len(data), ranges.Seen(), Patience())) == data
    assert [n >> 20 for n in store.asked] == [1, 2, 4, 8, 5]
