"""Opening handshakes over TLS by Python's ssl: what ws_dial and ws_upgrade do for the library's own connections."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from ctypes import byref, c_int32, c_void_p
from typing import Optional, Tuple
from urllib.parse import urlsplit

from .. import _ffi as ffi
from .._errors import check, exception, fault, handshake_exception
from .._handles import DialerHandle, UpgraderHandle, c_string, copy_request, copy_response
from .._library import lib
from .._time import deadline, remaining
from ..datastructures import Request, Response
from ..tls import TLSInfo, read_info
from ._engine import Engine, EngineHandle
from ._engine_calls import EngineCalls, EngineConn
from ._opening import Answering
from ._tls_stream import TLSStream


def open_client(
    dialer: DialerHandle,
    uri: str,
    context: ssl.SSLContext,
    server_hostname: Optional[str],
    sock: Optional[socket.socket],
    open_timeout: Optional[float],
    room: Optional[int],
) -> Tuple[EngineConn, Response]:
    """Connects, unless there is a socket, which it takes; then TLS and the opening handshake. room: for messages read ahead."""
    until = deadline(open_timeout)
    handle, failure = EngineHandle(), ffi.ws_failure()
    result = lib.ws_engine_new_client(dialer, c_string(uri, "uri"), ffi.ws_random_fn(), None, byref(handle), byref(failure))
    if result != ffi.WS_OK:
        raise handshake_exception(fault(result, failure, uri=uri))
    parts = urlsplit(uri)
    host = (parts.hostname or "").rstrip(".")
    mine = _connected(host, parts.port or 443, until) if sock is None else socket.socket(fileno=sock.detach())
    with _Owned(mine) as owned:
        stream = TLSStream(mine, context, server_hostname or host)
        stream.handshake(until)
        engine = Engine(handle, stream, room)
        engine.advance(until, lambda: engine.is_open)
        response = _response(engine)
        if not engine.is_open:
            raise handshake_exception(fault(engine.result or 0, engine.failure, uri=uri, response=response))
        owned.release()
    return EngineConn(EngineCalls(engine)), response


def _connected(host: str, port: int, until: int) -> socket.socket:
    rest = remaining(until)
    return socket.create_connection((host, port), None if rest < 0 else max(rest, 0.001))


def _response(engine: Engine) -> Response:
    """The server's answer; what an engine has not is its body."""
    status, headers = c_int32(), c_void_p()
    lib.ws_engine_head(engine.handle, None, byref(status), byref(headers))
    return copy_response(status.value, headers, ffi.ws_bytes())


class EngineOpening(Answering):
    """One opening handshake on a server's descriptor, which it takes. As Opening in _opening.py."""

    def __init__(self, upgrader: UpgraderHandle, fd: int, context: ssl.SSLContext, open_timeout: Optional[float], room: Optional[int]) -> None:
        self._sock = socket.socket(fileno=fd)
        self._until = deadline(open_timeout)
        handle = EngineHandle()
        with _Owned(self._sock) as owned:
            stream = TLSStream(self._sock, context)
            flags = ffi.WS_ENGINE_SECURE | (ffi.WS_ENGINE_LOOPBACK if _is_loopback(stream.local_name) else 0)
            check(lib.ws_engine_new_server(upgrader, flags, byref(handle)))
            owned.release()
        self._engine = Engine(handle, stream, room)

    def request(self) -> Request:
        """TLS's handshake, then the request. Raises when it is not one that may be accepted; then the client was answered."""
        engine = self._engine
        with _Owned(self._sock) as owned:
            engine.stream.handshake(self._until)
            engine.advance(self._until, lambda: engine.has_request)
            if not engine.has_request:
                self._answered()
                raise exception(fault(engine.result or 0, engine.failure))
            owned.release()
        target, headers = ffi.ws_bytes(), c_void_p()
        check(lib.ws_engine_head(engine.handle, byref(target), None, byref(headers)))
        return copy_request(target, headers)

    def tls(self) -> Optional[TLSInfo]:
        """TLS of the connection that the request came over."""
        return read_info(EngineCalls(self._engine).ws_conn_tls, None)

    def accept(self) -> EngineConn:
        """Answers 101."""
        engine = self._engine
        with _Owned(self._sock) as owned:
            check(lib.ws_engine_accept(engine.handle))
            engine.advance(self._until, lambda: engine.is_open and not engine.stream.has_unsent)
            if not engine.is_open:
                raise exception(fault(engine.result or 0, engine.failure))
            owned.release()
        return EngineConn(EngineCalls(engine))

    def _add_header(self, name: bytes, value: bytes) -> int:
        result: int = lib.ws_engine_add_header(self._engine.handle, name, value)
        return result

    def _set_subprotocol(self, name: Optional[bytes]) -> int:
        result: int = lib.ws_engine_set_subprotocol(self._engine.handle, name)
        return result

    def _refuse(self, status: int, body: bytes) -> None:
        with _Owned(self._sock):
            check(lib.ws_engine_refuse(self._engine.handle, status, body, len(body)), what="refuse")
            self._engine.advance(self._until, lambda: False)
            self._answered()

    def _answered(self) -> None:
        self._engine.finish()


class _Owned:
    """Closes a socket at the end of the block, unless it was released to something else that does."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock: Optional[socket.socket] = sock

    def __enter__(self) -> _Owned:
        return self

    def release(self) -> None:
        self._sock = None

    def __exit__(self, *_: object) -> None:
        if self._sock is not None:
            self._sock.close()


def _is_loopback(name: object) -> bool:
    return isinstance(name, tuple) and ipaddress.ip_address(str(name[0]).partition("%")[0]).is_loopback
