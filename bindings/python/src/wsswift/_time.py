"""Seconds, as Python counts time, to what the library takes: milliseconds and nanoseconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import math
import time
from typing import Optional

from ._ffi import WS_NEVER

# The longest time that is told apart from for ever: some 100 years.
_LONGEST = 100 * 366 * 86400.0


def milliseconds(seconds: Optional[float], what: str) -> int:
    """A configured timeout: 0, for ever, when None. Rounded up, so that a short one does not become none."""
    check_timeout(seconds, what)
    if seconds == 0:
        raise ValueError(f"{what} must be positive or None, not {seconds!r}")
    if seconds is None or seconds > _LONGEST:
        return 0
    return math.ceil(seconds * 1000)


def check_timeout(seconds: Optional[float], what: str) -> None:
    """Raises for a timeout that makes no sense: TypeError or ValueError. what names it."""
    check_seconds(seconds, what)
    if seconds is not None and seconds < 0:
        raise ValueError(f"{what} must be positive or None, not {seconds!r}")


def check_seconds(seconds: Optional[float], what: str) -> None:
    """Raises for what is no number of seconds: TypeError or ValueError."""
    if seconds is None:
        return
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} must be a number of seconds or None, not {type(seconds).__name__}")
    if seconds != seconds:
        raise ValueError(f"{what} must be a number of seconds or None, not {seconds!r}")


def deadline(seconds: Optional[float]) -> int:
    """The moment so many seconds from now, at least 1; WS_NEVER when None. Zero and less: now."""
    if seconds is None or seconds > _LONGEST:
        return WS_NEVER
    # time.monotonic_ns() is the library's clock.
    return time.monotonic_ns() + max(0, int(seconds * 1_000_000_000))


def remaining(until: int) -> float:
    """Seconds from now to a deadline, never negative; -1 for WS_NEVER, as lock.acquire() has it."""
    if until == WS_NEVER:
        return -1
    return max(0, until - time.monotonic_ns()) / 1_000_000_000
