"""connect(): a connection to a server."""

from __future__ import annotations

import socket
from ctypes import byref
from typing import Optional, Sequence

from .. import _ffi as ffi
from .._errors import check, fault, handshake_exception
from .._handles import ConnHandle, DialerHandle, DialHandle, add_headers, add_strings, c_string
from .._library import lib
from .._time import check_timeout, milliseconds
from ..datastructures import HeadersLike, Response
from ._data import read_limit
from ._interrupt import interruptibly
from .connection import Connection

__all__ = ["ClientConnection", "connect"]


class ClientConnection(Connection):
    """The client's end of a connection."""

    def __init__(self, handle: ConnHandle, response: Response, *, close_timeout: Optional[float]) -> None:
        super().__init__(handle, close_timeout=close_timeout)
        self.response = response
        """The server's answer to the opening handshake, its header fields included."""


def connect(
    uri: str,
    *,
    sock: Optional[socket.socket] = None,
    origin: Optional[str] = None,
    subprotocols: Optional[Sequence[str]] = None,
    additional_headers: Optional[HeadersLike] = None,
    open_timeout: Optional[float] = 10,
    close_timeout: Optional[float] = 10,
    max_size: Optional[int] = 2**20,
) -> ClientConnection:
    """Opens a connection to a ws:// URI. Use it as a context manager, or close() it.

    sock: a connected stream socket to use instead of connecting; it is taken over, and closed when this fails.
    origin: the Origin header field, for servers that want one.
    subprotocols: those we speak, the preferred one first.
    additional_headers: header fields for the request; Host replaces the default.
    open_timeout: seconds for everything up to the server's answer; None: for ever.
    close_timeout: seconds that close() waits for the peer; None: for ever.
    max_size: the largest message to receive, in bytes; a larger one closes with 1009. None: no limit.

    Raises InvalidURI; InvalidStatus when the server refuses, with its answer in .response; InvalidHandshake when its answer is
    not a handshake; TimeoutError; OSError when there is no such host or no connection; ValueError for a wrong argument.
    """
    try:
        check_timeout(close_timeout, "close_timeout")
        dialer = _dialer(origin, subprotocols, additional_headers, open_timeout, max_size)
        dial = _attempt(dialer, uri)
        if sock is not None:
            check(lib.ws_dial_use_fd(dial, sock.detach()), what="sock")
        handle = _run(dial, uri)
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    return ClientConnection(handle, dial.response(), close_timeout=close_timeout)


def _dialer(
    origin: Optional[str],
    subprotocols: Optional[Sequence[str]],
    additional_headers: Optional[HeadersLike],
    open_timeout: Optional[float],
    max_size: Optional[int],
) -> DialerHandle:
    dialer = DialerHandle()
    check(lib.ws_dialer_new(byref(dialer)))
    if origin is not None:
        add_headers(lib.ws_dialer_add_header, dialer, {"Origin": origin})
    add_strings(lib.ws_dialer_add_subprotocol, dialer, subprotocols, "subprotocol")
    add_headers(lib.ws_dialer_add_header, dialer, additional_headers)
    check(lib.ws_dialer_set_timeout(dialer, milliseconds(open_timeout, "open_timeout")))
    check(lib.ws_dialer_set_read_limit(dialer, read_limit(max_size)))
    return dialer


def _attempt(dialer: DialerHandle, uri: str) -> DialHandle:
    dial, failure = DialHandle(), ffi.ws_failure()
    result = lib.ws_dial_new(dialer, c_string(uri, "uri"), byref(dial), byref(failure))
    if result != ffi.WS_OK:
        raise handshake_exception(fault(result, failure, uri=uri))
    return dial


def _run(dial: DialHandle, uri: str) -> ConnHandle:
    handle, failure = ConnHandle(), ffi.ws_failure()
    result = interruptibly(
        lambda: lib.ws_dial_run(dial, 0, byref(handle), byref(failure)),
        lambda: lib.ws_dial_cancel(dial),
    )
    if result != ffi.WS_OK:
        raise handshake_exception(fault(result, failure, uri=uri, response=dial.response()))
    return handle
