"""What serve() tells the library: an upgrader with its settings, and the listening socket."""

from __future__ import annotations

import socket
from ctypes import byref, c_int32, c_uint16
from typing import Optional, Sequence

from .. import _ffi as ffi
from .._errors import check
from .._handles import UpgraderHandle, add_headers, add_strings, c_string
from .._library import lib
from .._time import milliseconds
from ..datastructures import HeadersLike
from ._data import read_limit
from ._hooks import Origins, origin_rule


def make_upgrader(
    origins: Origins,
    hosts: Optional[Sequence[str]],
    subprotocols: Optional[Sequence[str]],
    additional_headers: Optional[HeadersLike],
    open_timeout: Optional[float],
    max_size: Optional[int],
) -> UpgraderHandle:
    upgrader = UpgraderHandle()
    check(lib.ws_upgrader_new(byref(upgrader)))
    _set_origins(upgrader, origins)
    add_strings(lib.ws_upgrader_add_host, upgrader, hosts, "host")
    add_strings(lib.ws_upgrader_add_subprotocol, upgrader, subprotocols, "subprotocol")
    add_headers(lib.ws_upgrader_add_header, upgrader, additional_headers)
    check(lib.ws_upgrader_set_timeout(upgrader, milliseconds(open_timeout, "open_timeout")))
    check(lib.ws_upgrader_set_read_limit(upgrader, read_limit(max_size)))
    return upgrader


def _set_origins(upgrader: UpgraderHandle, origins: Origins) -> None:
    if origins is None:
        return
    if callable(origins) or origin_rule(origins) is not None:
        named = ["*"]  # the rule decides
    else:
        named = [origin for origin in origins if isinstance(origin, str)]
    add_strings(lib.ws_upgrader_add_origin, upgrader, named, "origin")
    check(lib.ws_upgrader_set_origin_required(upgrader, int(not callable(origins) and None not in origins)))


def listen(host: Optional[str], port: Optional[int]) -> socket.socket:
    port = port or 0
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port must be 0 to 65535, not {port}")
    name = None if host is None else c_string(host or "*", "host")
    fd, bound, failure = c_int32(-1), c_uint16(), ffi.ws_failure()
    check(lib.ws_listen(name, port, byref(fd), byref(bound), byref(failure)), failure)
    return socket.socket(fileno=fd.value)
