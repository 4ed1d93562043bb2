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
    now = time.monotonic_ns()
    assert now <= deadline(0) <= deadline(-5) + 1_000_000_000
    assert 4_000_000_000 < deadline(5) - now < 6_000_000_000


def test_remaining():
    assert remaining(WS_NEVER) == -1
    assert remaining(1) == 0
    assert 4 < remaining(deadline(5)) <= 5


def test_the_clock_is_the_library_s():
    before = time.monotonic_ns()
    between = lib.ws_now()
    assert before <= between <= time.monotonic_ns()
