"""What connect() tells the library: a dialer with its settings, and the attempt that it carries out."""

from __future__ import annotations

import socket
from ctypes import byref
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Tuple, Union

from .. import _ffi as ffi
from .._callbacks import asked_for_text, take_cause
from .._errors import check, fault, handshake_exception
from .._handles import ConnHandle, DialerHandle, DialHandle, add_headers, add_strings, c_string
from .._library import lib
from .._time import milliseconds
from ..datastructures import HeadersLike, Response
from ..exceptions import InvalidProxy
from ..tls import TLS, configure_dialer, is_context, set_server_name
from ._data import read_limit
from ._interrupt import interruptibly
from ._options import Settings

if TYPE_CHECKING:
    from ssl import SSLContext

    ClientTLS = Union[TLS, SSLContext, bool, None]

Proxy = Union[str, bool, Callable[[str], Optional[str]], None]


def make_dialer(
    subprotocols: Optional[Sequence[str]],
    fields: HeadersLike,
    open_timeout: Optional[float],
    max_size: Optional[int],
) -> DialerHandle:
    dialer = DialerHandle()
    check(lib.ws_dialer_new(byref(dialer)))
    add_strings(lib.ws_dialer_add_subprotocol, dialer, subprotocols, "subprotocol")
    add_headers(lib.ws_dialer_add_header, dialer, fields)
    # 0, which would be for ever, is answered by connect().
    check(lib.ws_dialer_set_timeout(dialer, milliseconds(open_timeout or None, "open_timeout")))
    check(lib.ws_dialer_set_read_limit(dialer, read_limit(max_size)))
    return dialer


def open_connection(
    dialer: DialerHandle,
    uri: str,
    ssl: ClientTLS,
    server_hostname: Optional[str],
    sock: Optional[socket.socket],
    open_timeout: Optional[float],
    settings: Settings,
) -> Tuple[Any, Response]:
    """The handle of an open connection, and the server's answer."""
    if is_context(ssl):
        from ._engine_opening import open_client  # imports ssl, which takes longer than this package

        return open_client(dialer, uri, ssl, server_hostname, sock, open_timeout, settings.max_queue)
    dial = _attempt(dialer, uri)
    if sock is not None:
        check(lib.ws_dial_use_fd(dial, sock.detach()), what="sock")
    handle = _run(dialer, dial, uri)
    return handle, dial.response()


def secure(dialer: DialerHandle, uri: str, ssl: ClientTLS, server_hostname: Optional[str], proxy: Proxy) -> None:
    """What the arguments say about TLS. To a ws:// URI it may be that of an https proxy."""
    is_wss = isinstance(uri, str) and uri[:6].lower() == "wss://"
    if not is_wss and (server_hostname is not None or ssl and proxy is None):
        raise ValueError("ssl and server_hostname are for wss:// URIs")
    if is_wss and ssl is False:
        raise ValueError("a wss:// URI needs ssl")
    if isinstance(ssl, TLS):
        configure_dialer(dialer, ssl)
    elif ssl is not None and not isinstance(ssl, bool) and not is_context(ssl):
        raise TypeError(f"ssl must be a TLS, an SSLContext, True or None, not {type(ssl).__name__}")
    if server_hostname is not None:
        set_server_name(dialer, server_hostname)


def set_proxy(dialer: DialerHandle, proxy: Proxy, ssl: ClientTLS) -> None:
    """What the arguments say about proxies."""
    if proxy is None or proxy is False:
        return
    if is_context(ssl):
        raise NotImplementedError("proxy must be None with an ssl.SSLContext; with a wsswift.TLS there may be one")
    if proxy is True:
        check(lib.ws_dialer_set_proxy_from_environment(dialer, 1))
    elif callable(proxy):
        asked = asked_for_text(ffi.ws_proxy_fn, proxy, 0)
        dialer.keep.append(asked)
        check(lib.ws_dialer_set_proxy_callback(dialer, asked.callback, None, ffi.ws_free_fn()))
    else:
        result = lib.ws_dialer_set_proxy(dialer, c_string(proxy, "proxy"))
        if result in (ffi.WS_ERR_PROXY, ffi.WS_ERR_INVALID):
            raise InvalidProxy(proxy, "it is http, https, socks5 or socks5h, then ://, user:password@ where there are, host and port")
        check(result, what="proxy")


def _attempt(dialer: DialerHandle, uri: str) -> DialHandle:
    dial, failure = DialHandle(), ffi.ws_failure()
    result = lib.ws_dial_new(dialer, c_string(uri, "uri"), byref(dial), byref(failure))
    if result != ffi.WS_OK:
        raise handshake_exception(fault(result, failure, "uri" if result == ffi.WS_ERR_INVALID else "", uri=uri))
    return dial


def _run(dialer: DialerHandle, dial: DialHandle, uri: str) -> ConnHandle:
    handle, failure = ConnHandle(), ffi.ws_failure()
    result = interruptibly(
        lambda: lib.ws_dial_run(dial, 0, byref(handle), byref(failure)),
        lambda: lib.ws_dial_cancel(dial),
    )
    try:
        cause = take_cause(dialer.keep)
        if result != ffi.WS_OK:
            raise handshake_exception(fault(result, failure, uri=uri, response=dial.response())) from cause
        if cause is not None:
            raise cause  # a function that is only told: the library goes on
    except BaseException:
        lib.ws_conn_abort(handle)  # the exception may keep it for long
        raise
    return handle
