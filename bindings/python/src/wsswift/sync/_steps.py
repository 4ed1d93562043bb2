"""What connect() may be told about the steps of an attempt: cookies, redirects, who connects, who is told."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Optional

from .. import _ffi as ffi
from .._callbacks import Callback, asked_for_text
from .._errors import check
from .._handles import DialerHandle
from .._library import lib
from .._time import remaining
from ..cookies import CookieJar, Cookies

__all__ = ["Step", "Steps"]

Connector = Callable[[str, int, Optional[float]], socket.socket]
_MOST_REDIRECTS = 2**31 - 1


class Step(Enum):
    """What an attempt does; the detail of it is told beside."""

    RESOLVING = ffi.WS_TRACE_RESOLVING
    """A name is looked up: host:port."""
    CONNECTING = ffi.WS_TRACE_CONNECTING
    """Its addresses are tried: host:port."""
    CONNECTED = ffi.WS_TRACE_CONNECTED
    """One of them took the connection: its address and port."""
    PROXY = ffi.WS_TRACE_PROXY
    """A proxy is asked for the way: host:port of the server."""
    TLS = ffi.WS_TRACE_TLS
    """TLS begins: the host at its other end."""
    TLS_DONE = ffi.WS_TRACE_TLS_DONE
    """TLS is there: its version."""
    REQUEST_SENT = ffi.WS_TRACE_REQUEST_SENT
    FIRST_BYTE = ffi.WS_TRACE_FIRST_BYTE
    """The response begins."""
    INTERIM = ffi.WS_TRACE_INTERIM
    """An interim response (1xx) came: its status."""
    REDIRECT = ffi.WS_TRACE_REDIRECT
    """A redirect is followed: host:port."""
    DONE = ffi.WS_TRACE_DONE
    """The attempt has ended: nothing, or why it failed."""


@dataclass(frozen=True)
class Steps:
    """The arguments of connect()."""

    cookies: Optional[Cookies]
    max_redirects: int
    process_redirect: Optional[Callable[[str], object]]
    connector: Optional[Connector]
    trace: Optional[Callable[[Step, str], object]]

    @property
    def are_default(self) -> bool:
        return self == Steps(None, 0, None, None, None)

    def tell(self, dialer: DialerHandle) -> None:
        """Gives them to a dialer. Raises ValueError."""
        if not 0 <= self.max_redirects <= _MOST_REDIRECTS:
            raise ValueError(f"max_redirects must be 0 or more, not {self.max_redirects}")
        if self.cookies is not None:
            self._tell_cookies(dialer, self.cookies)
        if self.max_redirects:
            check(lib.ws_dialer_set_redirects(dialer, self.max_redirects, self._redirect(dialer), None, ffi.ws_free_fn()))
        if self.connector is not None:
            function = _keep(dialer, Callback(ffi.ws_connect_fn, _connecting(self.connector), -errno.ECONNABORTED))
            check(lib.ws_dialer_set_connect_callback(dialer, function, None, ffi.ws_free_fn()))
        if self.trace is not None:
            function = _keep(dialer, Callback(ffi.ws_trace_fn, _telling(self.trace)))
            check(lib.ws_dialer_set_trace_callback(dialer, function, None, ffi.ws_free_fn()))

    def _tell_cookies(self, dialer: DialerHandle, cookies: Cookies) -> None:
        if isinstance(cookies, CookieJar):
            check(lib.ws_dialer_set_cookie_jar(dialer, cookies._handle))
            return
        get = _keep(dialer, asked_for_text(ffi.ws_cookie_get_fn, lambda uri: cookies.get(uri) or None, 0))

        def put(uri: bytes, set_cookie: bytes) -> None:
            cookies.set(_text(uri), _text(set_cookie))

        kept = _keep(dialer, Callback(ffi.ws_cookie_set_fn, put))
        check(lib.ws_dialer_set_cookie_callbacks(dialer, get, kept, None, ffi.ws_free_fn()))

    def _redirect(self, dialer: DialerHandle) -> Any:
        process = self.process_redirect
        if process is None:
            return ffi.ws_redirect_fn()
        return _keep(dialer, Callback(ffi.ws_redirect_fn, lambda uri: int(process(_text(uri)) is False), 1))


def _connecting(connector: Connector) -> Callable[[bytes, int, int], int]:
    def connect(host: bytes, port: int, until: int) -> int:
        rest = remaining(until)
        return connector(_text(host), port, None if rest < 0 else rest).detach()

    return connect


def _telling(trace: Callable[[Step, str], object]) -> Callable[[int, bytes], None]:
    def tell(step: int, detail: bytes) -> None:
        trace(Step(step), _text(detail))

    return tell


def _keep(dialer: DialerHandle, callback: Callback) -> Any:
    dialer.keep.append(callback)
    return callback.callback


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

