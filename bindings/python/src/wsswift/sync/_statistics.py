"""The counters of a connection."""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass, fields
from typing import Any

from .. import _ffi as ffi
from .._errors import check


@dataclass(frozen=True)
class Statistics:
    """What a connection has done so far. Bytes are those of messages unless they are called otherwise."""

    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    compressed_received: int = 0
    """Bytes of messages that came compressed, as the application has them."""
    compressed_sent: int = 0
    deflated_received: int = 0
    """The same messages as they came."""
    deflated_sent: int = 0
    wire_received: int = 0
    """Every byte behind the opening handshake, those of TLS aside."""
    wire_sent: int = 0
    pings_received: int = 0
    pings_sent: int = 0
    pongs_received: int = 0
    pongs_sent: int = 0
    round_trip_ns: int = 0
    """The last round trip of a ping of ping_interval, in nanoseconds; 0 before the first."""
    round_trip_min_ns: int = 0
    """The shortest one."""


def read_statistics(handle: Any) -> Statistics:
    """Asks the library."""
    counters = ffi.ws_statistics()
    check(handle.calls.ws_conn_statistics(handle, byref(counters)))
    return Statistics(**{field.name: getattr(counters, field.name) for field in fields(Statistics)})
