"""Seconds to milliseconds and deadlines."""

import math
import time

import pytest

from wsswift._ffi import WS_NEVER
from wsswift._library import lib
from wsswift._time import deadline, milliseconds, remaining


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, 0), (math.inf, 0), (10, 10000), (0.5, 500), (0.0001, 1), (1.0001, 1001), (1e20, 0)]
)
def test_milliseconds(seconds, expected):
    assert milliseconds(seconds, "timeout") == expected


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_timeouts_that_make_no_sense(seconds):
    with pytest.raises(ValueError, match="open_timeout must be "):
        milliseconds(seconds, "open_timeout")


def test_deadline():
    assert deadline(None) == deadline(math.inf) == deadline(1e300) == WS_NEVER
    for seconds in (0, -5, 5):
        before = time.monotonic_ns()
        until = deadline(seconds)
        added = max(seconds, 0) * 1_000_000_000
        assert before + added <= until <= time.monotonic_ns() + added


def test_remaining():
    assert remaining(WS_NEVER) == -1
    assert remaining(1) == 0
    assert 590 < remaining(deadline(600)) <= 600


def test_the_clock_is_the_library_s():
    before = time.monotonic_ns()
    between = lib.ws_now()
    assert before <= between <= time.monotonic_ns()
