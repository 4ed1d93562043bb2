"""An open connection: sending, pings, the closing handshake. What receives is in _receiving.py."""

from __future__ import annotations

import os
from ctypes import byref
from types import TracebackType
from typing import Any, Optional, Type, TypeVar, Union

from .. import _ffi as ffi
from .._errors import check
from .._handles import ConnHandle, copy_text
from .._library import lib
from .._time import deadline
from ..exceptions import Close
from ._closing import close_reason
from ._data import Address, BytesLike, Data, control_payload, lend, read_address
from ._pings import Pings, Pong
from ._receiving import Receiving

__all__ = ["Address", "BytesLike", "Connection", "Data"]

Self = TypeVar("Self", bound="Connection")

_INTERNAL_ERROR = 1011


class Connection(Receiving):
    """A WebSocket connection, from connect() or given to the handler of serve().

    Any thread may call any method; only recv() and iteration belong to one thread at a time. Used as a context manager, it
    closes with 1000, or with 1011 when the block raises. Nothing reads in the background: pings and the peer's close frame are
    answered while a thread is in recv(), close() or the wait() of a ping, and when send() looks.
    """

    def __init__(self, *, close_timeout: Optional[float], logger: Any, max_queue: Optional[int]) -> None:
        super().__init__(logger, max_queue)
        self._close_timeout = close_timeout
        self._pings = Pings()
        self._checks_sent_text = False
        self._subprotocol: Optional[str] = None
        self._local_address: Address = None
        self._remote_address: Address = None

    def _opened(self, handle: ConnHandle) -> None:
        """The opening handshake is complete."""
        handle.keep = []
        name = ffi.ws_bytes()
        check(lib.ws_conn_subprotocol(handle, byref(name)))
        self._subprotocol = copy_text(name) or None
        self._local_address = read_address(lib.ws_conn_local_address, handle)
        self._remote_address = read_address(lib.ws_conn_remote_address, handle)
        check(lib.ws_conn_set_interruptible(handle, 1))
        self._handle = handle
        self.logger.debug("connection %s open", self.id)

    # What is known of the connection

    @property
    def subprotocol(self) -> Optional[str]:
        """The subprotocol agreed on, or None."""
        return self._subprotocol

    @property
    def local_address(self) -> Address:
        """Our end: (host, port), the path of a Unix socket, or None."""
        return self._local_address

    @property
    def remote_address(self) -> Address:
        """The peer's end, as local_address."""
        return self._remote_address

    @property
    def latency(self) -> float:
        """Round-trip time of the last ping that was answered, in seconds; 0 before the first."""
        return self._pings.latency

    # Sending

    def send(self, message: Union[str, BytesLike], *, text: Optional[bool] = None) -> None:
        """Sends one message: str as text, bytes, bytearray and memoryview as binary. They are not copied.

        text: True sends bytes as text (they must be UTF-8), False sends str as binary.
        Iterables, which would be sent as fragments, are not supported: TypeError.

        Raises ConnectionClosed once recv(), close() or a ping's wait() has read the peer's close frame; before that the message
        is lost with the connection, as nothing reads in the background.
        Raises TimeoutError when the peer takes nothing for 30 s and nothing was sent; InvalidUTF8. Ctrl-C is
        heard at once while nothing was sent, else when the call ends: a message that stopped halfway would end the connection.
        """
        data: Any
        if isinstance(message, str):
            kind = ffi.WS_BINARY if text is False else ffi.WS_TEXT
            data = message.encode()
            size = len(data)
        else:
            kind = ffi.WS_TEXT if text else ffi.WS_BINARY
            data, size = lend(message)
            if text:
                self._check_sent_text()
        result = lib.ws_conn_write(self._handle, kind, data, size)
        while result == ffi.WS_INTR:
            result = lib.ws_conn_write(self._handle, kind, data, size)
        if result != ffi.WS_OK:
            raise self._error(result, ffi.WS_WRITE)

    def ping(self, data: Union[str, BytesLike, None] = None) -> Pong:
        """Sends a ping of at most 125 bytes, four random ones by default. Its event is set when the pong arrives.

        Raises ConnectionClosed; ConcurrencyError while another ping with the same data waits; ValueError when data is too long.
        """
        payload = os.urandom(4) if data is None else control_payload(data)
        pong = self._pings.expect(payload, self._read_for)
        try:
            self._hear_pongs()
            self._send_control(ffi.WS_PING, payload)
        except BaseException:
            self._pings.forget(payload)
            raise
        return pong

    def pong(self, data: Union[str, BytesLike] = b"") -> None:
        """Sends an unsolicited pong of at most 125 bytes. Pings are answered without it. Raises as ping()."""
        self._send_control(ffi.WS_PONG, control_payload(data))

    def _send_control(self, kind: int, payload: bytes) -> None:
        result = lib.ws_conn_write_control(self._handle, kind, payload, len(payload), 0)
        while result == ffi.WS_INTR:
            result = lib.ws_conn_write_control(self._handle, kind, payload, len(payload), 0)
        if result == ffi.WS_ERR_INVALID and len(payload) > 125:
            raise ValueError(f"a ping or pong of {len(payload)} bytes; at most 125")
        if result != ffi.WS_OK:
            raise self._error(result, ffi.WS_WRITE)

    def _check_sent_text(self) -> None:
        # A str is always UTF-8; bytes are checked from the first time that they are sent as text.
        if not self._checks_sent_text and self._handle:
            self._checks_sent_text = True
            lib.ws_conn_set_check_utf8(self._handle, 1, 1)

    def _hear_pongs(self) -> None:
        handle = self._handle
        if handle.keep:
            return
        handler = self._pings.handler()
        handle.keep.append(handler)
        lib.ws_conn_set_pong_handler(handle, handler, None, ffi.ws_free_fn())

    # Closing

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection: sends a close frame, waits for the peer's, at most close_timeout seconds in all.

        code: 1000 to 1014 or 3000 to 4999, as RFC 6455 7.4 allows. reason: at most 123 bytes of UTF-8.
        Messages that arrive before the peer's close frame are kept for recv(), at most max_queue of them. Does nothing when
        closed already, and does not raise when the peer fails to answer: close_code tells. Raises ValueError for a code or
        reason that must not be sent.
        """
        self._close(code, reason, deadline(self._close_timeout))

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: Optional[Type[BaseException]],
        exc_value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close(1000 if exc_type is None else _INTERNAL_ERROR)

    def _begin_close(self, code: int, reason: str) -> None:
        """Sends the close frame without waiting for the answer; _close() is still to be called."""
        data, handle = close_reason(code, reason), self._handle
        announced = self._announce(handle, Close(code, reason))
        result = lib.ws_conn_close_begin(handle, code, data, len(data))
        if result == ffi.WS_ERR_INVALID and self._end is None:
            if announced:
                self._own_close = None
            raise ValueError(f"cannot close with code {code} and a reason of {len(data)} bytes")

    def _close(self, code: int, reason: str, until: int) -> None:
        """close() with a deadline of its own."""
        data, handle = close_reason(code, reason), self._handle
        if not handle:
            return
        self._begin_close(code, reason)
        self._closing = True
        try:
            self._read_until_closed(until)
            result = self._complete_close(handle, code, data, until)
        except BaseException:
            lib.ws_conn_abort(handle)
            self._finish(ffi.WS_ERR_ABORTED, None)
            self._release()
            raise
        failure = ffi.ws_failure()
        lib.ws_conn_failure(handle, ffi.WS_READ, byref(failure))
        self._finish(result, failure)
        self._release()

    def _complete_close(self, handle: ConnHandle, code: int, data: bytes, until: int) -> int:
        # A recv() that starts now waits for the outcome instead of running into this close.
        held = self._read_half.acquire(blocking=False)
        try:
            result: int = lib.ws_conn_close(handle, code, data, len(data), until)
            return result
        finally:
            if held:
                self._read_half.release()
