"""The functions of a ws_conn for a connection whose bytes Python moves. Each does what the C function of its name does, with the
same results, so that the rest of wsswift.sync does not know the difference. What an engine has not, such as parts of messages that
have not arrived whole, is made of whole messages.
"""

from __future__ import annotations

import json
import select
import ssl
import time
from ctypes import byref, c_char_p, c_int32, c_void_p, cast, memmove
from typing import Any, Callable, Dict, List, Optional

from .. import _ffi as ffi
from .._library import lib
from ._engine import Engine

_STALLED_NS = 30_000_000_000
# Names of a certificate's subject as RFC 2253 has them.
_SHORT = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}


class EngineConn:
    """Stands where a ConnHandle does, and lets go of the connection as one does."""

    def __init__(self, calls: EngineCalls) -> None:
        self.keep: List[Any] = []
        self.calls = calls

    def __del__(self) -> None:
        self.calls.ws_conn_abort(self)


def _of_engine(name: str) -> Callable[..., int]:
    """A function that an engine has under the same name."""
    function = getattr(lib, f"ws_engine_{name}")

    def call(self: EngineCalls, _conn: object, *arguments: Any) -> int:
        with self._engine.changed:
            result: int = function(self._engine.handle, *arguments)
            return result

    return call


class EngineCalls:
    """The functions. byref() arguments are written through _obj."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._timeout_ms = 0
        self._deadline = 0
        self._lent: Dict[str, bytes] = {}
        self._part: Optional[bytes] = None
        self._writing = 0  # what the next fragment begins or goes on with
        self._is_writing = False
        self._fragment = b""
        self._write_failure = ffi.ws_failure()

    ws_conn_subprotocol = _of_engine("subprotocol")
    ws_conn_extensions = _of_engine("extensions")
    ws_conn_close_codes = _of_engine("close_codes")
    ws_conn_statistics = _of_engine("statistics")
    ws_conn_set_check_utf8 = _of_engine("set_check_utf8")
    ws_conn_set_compression_level = _of_engine("set_compression_level")
    ws_conn_set_compression_memory = _of_engine("set_compression_memory")
    ws_conn_set_compression_threshold = _of_engine("set_compression_threshold")
    ws_conn_set_keepalive = _of_engine("set_keepalive")

    # Settings

    def ws_conn_set_interruptible(self, _conn: object, _on: int) -> int:
        return ffi.WS_OK  # Python waits, so it hears signals

    def ws_conn_set_background(self, _conn: object, on: int) -> int:
        """Always on: the thread is the only one that reads from the network."""
        if on:
            self._engine.start()
        return ffi.WS_OK

    def ws_conn_set_pong_handler(self, _conn: object, handler: Any, _user: object, _free: object) -> int:
        self._engine.pong_handler = handler
        return ffi.WS_OK

    def ws_conn_set_read_timeout(self, _conn: object, ms: int) -> int:
        self._timeout_ms, self._deadline = ms, 0
        return ffi.WS_OK

    def ws_conn_set_read_deadline(self, _conn: object, when: int) -> int:
        self._deadline = when
        return ffi.WS_OK

    # What is known

    def ws_conn_failure(self, _conn: object, half: int, failure: Any) -> int:
        own = self._write_failure
        source = own if half == ffi.WS_WRITE and own.code else self._engine.failure
        memmove(failure, byref(source), failure._obj.struct_size)
        return ffi.WS_OK

    def ws_conn_local_address(self, _conn: object, address: Any) -> int:
        return _put_address(self._engine.stream.local_name, address._obj)

    def ws_conn_remote_address(self, _conn: object, address: Any) -> int:
        return _put_address(self._engine.stream.remote_name, address._obj)

    def ws_conn_tls(self, _conn: object, version: Any, subject: Any, certificate: Any) -> int:
        ssl_object = self._engine.stream.ssl_object
        self._lend("version", (ssl_object.version() or "").encode(), version._obj)
        self._lend("subject", _subject(ssl_object).encode(), subject._obj)
        self._lend("certificate", ssl_object.getpeercert(True) or b"", certificate._obj)
        return ffi.WS_OK

    # Receiving

    def ws_conn_read(self, _conn: object, kind: Any, view: Any) -> int:
        return self._take(kind._obj, view._obj)

    def ws_conn_next_reader(self, _conn: object, kind: Any, _reader: Any) -> int:
        self._part, message = None, ffi.ws_bytes()
        result = self._take(kind._obj, message)
        if result == ffi.WS_OK:
            self._part = self._lent["message"]
        return result

    def ws_reader_next(self, _reader: c_void_p, part: Any) -> int:
        if self._part is None:
            return ffi.WS_END
        self._lend("part", self._part, part._obj)
        self._part = None
        return ffi.WS_OK

    def ws_conn_discard(self, _conn: object) -> int:
        kind, view = c_int32(), ffi.ws_bytes()
        while True:
            result = self._take(kind, view)
            if result != ffi.WS_OK:
                return result

    def _take(self, kind: Any, view: Any) -> int:
        """Waits for the next message, as long as the settings say, and lends it."""
        engine = self._engine
        until = self._read_until()
        with engine.changed:
            while not engine.messages:
                if engine.result is not None:
                    return engine.result
                if engine.heard_pong:
                    engine.heard_pong = False
                    return ffi.WS_INTR  # who waits for it looks again
                rest = until - time.monotonic_ns()
                if rest <= 0:
                    return ffi.WS_ERR_TIMEOUT
                engine.changed.wait(min(rest / 1_000_000_000, 3600.0))
            kind.value, message = engine.messages.popleft()
            engine.changed.notify_all()
        self._lend("message", message, view)
        return ffi.WS_OK

    def _read_until(self) -> int:
        if self._deadline:
            return self._deadline
        return time.monotonic_ns() + self._timeout_ms * 1_000_000 if self._timeout_ms else ffi.WS_NEVER

    def _lend(self, what: str, data: bytes, view: Any) -> None:
        """Lends bytes, which live until others are lent as the same."""
        self._lent[what] = data
        view.data, view.size = cast(c_char_p(data), c_void_p).value, len(data)

    # Sending

    def ws_conn_write(self, _conn: object, kind: int, data: Any, size: int) -> int:
        return self._send(lib.ws_engine_send, kind, data, size)

    def ws_conn_write_control(self, _conn: object, kind: int, data: bytes, size: int, _deadline: int) -> int:
        return self._send(lib.ws_engine_send, kind, data, size)

    def ws_conn_write_prepared(self, _conn: object, message: Any) -> int:
        return self._send(lib.ws_engine_send_prepared, message)

    def ws_conn_write_json(self, _conn: object, data: bytes, size: int) -> int:
        try:
            json.loads(data, parse_constant=_refuse_constant)
        except ValueError as error:
            self._write_failure.code, self._write_failure.text = ffi.WS_ERR_JSON, str(error).encode()[:159]
            return ffi.WS_ERR_JSON
        return self._send(lib.ws_engine_send, ffi.WS_TEXT, data, size)

    def ws_conn_next_writer(self, _conn: object, kind: int, _writer: Any) -> int:
        with self._engine.changed:
            if self._is_writing:
                return ffi.WS_ERR_STATE
            if self._engine.result is not None:
                return self._engine.result
            self._writing, self._is_writing, self._fragment = kind, True, b""
        return ffi.WS_OK

    def ws_writer_write(self, _writer: c_void_p, data: bytes, _size: int) -> int:
        self._fragment += data
        return ffi.WS_OK

    def ws_writer_flush(self, _writer: c_void_p) -> int:
        return self._send_fragment(0) if self._fragment else ffi.WS_OK

    def ws_writer_close(self, _writer: c_void_p) -> int:
        self._is_writing = False
        return self._send_fragment(1)

    def _send_fragment(self, is_final: int) -> int:
        data, self._fragment = self._fragment, b""
        kind, self._writing = self._writing, 0
        return self._send(lib.ws_engine_send_fragment, kind, data, len(data), is_final)

    def _send(self, function: Callable[..., int], *arguments: Any) -> int:
        """Queues a frame, and waits until the network has taken it."""
        engine = self._engine
        with engine.changed:
            if engine.result is not None and engine.result < 0:
                return engine.result
            result = function(engine.handle, *arguments)
            if result != ffi.WS_OK:
                self._write_failure.code = 0
                return result
        until = time.monotonic_ns() + _STALLED_NS
        sent = engine.stream.sent
        while not engine.push():
            if not engine.stream.wait(select.POLLOUT, until):
                engine.abort(ffi.WS_ERR_BROKEN)
            if engine.result is not None and engine.result < 0:
                return engine.result
            if engine.stream.sent != sent:
                sent, until = engine.stream.sent, time.monotonic_ns() + _STALLED_NS
        return ffi.WS_OK

    # Closing

    def ws_conn_close_begin(self, _conn: object, code: int, reason: bytes, size: int) -> int:
        engine = self._engine
        with engine.changed:
            if engine.result is not None:
                return ffi.WS_OK
            result: int = lib.ws_engine_close(engine.handle, code, reason, size)
            if result == ffi.WS_OK:
                engine.tick()
                engine.push()
            return result

    def ws_conn_close(self, conn: object, code: int, reason: bytes, size: int, until: int) -> int:
        engine = self._engine
        result = self.ws_conn_close_begin(conn, code, reason, size)
        if result == ffi.WS_ERR_INVALID:
            return result
        with engine.changed:
            engine.drops = True
            engine.messages.clear()
            engine.changed.notify_all()
        rest = None if until == ffi.WS_NEVER else max(0, until - time.monotonic_ns()) / 1_000_000_000
        in_time = engine.is_gone.wait(rest)
        if not in_time:
            # Whoever sends or receives meanwhile has lost the connection; it did not run out of time.
            engine.abort()
            engine.is_gone.wait(1)
        if engine.result in (ffi.WS_END, ffi.WS_ERR_CLOSED):
            return ffi.WS_OK
        return engine.result if in_time and engine.result is not None else ffi.WS_ERR_TIMEOUT

    def ws_conn_abort(self, _conn: object) -> int:
        self._engine.abort()
        return ffi.WS_OK


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _put_address(name: Any, address: Any) -> int:
    if isinstance(name, tuple):
        address.family = ffi.WS_ADDRESS_IPV6 if ":" in name[0] else ffi.WS_ADDRESS_IPV4
        address.host, address.port = name[0].encode(), name[1]
    elif name is not None:
        address.family, address.host = ffi.WS_ADDRESS_UNIX, str(name).encode("utf-8", "surrogateescape")[:111]
    return ffi.WS_OK


def _subject(ssl_object: ssl.SSLObject) -> str:
    """The subject of the peer's certificate as RFC 2253 writes it; Python tells it of a certificate that was checked only."""
    names: Any = (ssl_object.getpeercert() or {}).get("subject", ())
    written = ["+".join(f"{_SHORT.get(name, name)}={_escaped(value)}" for name, value in part) for part in names]
    return ",".join(reversed(written))


def _escaped(value: str) -> str:
    text = "".join(f"\\{letter}" if letter in ',+"\\<>;' else letter for letter in value)
    if text.startswith((" ", "#")):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text.endswith(" ") and len(text) > 1 else text
