"""An open connection: what is known of it, and the closing handshake. _sending.py, _receiving.py and _streams.py have the rest."""

from __future__ import annotations

from ctypes import byref
from types import TracebackType
from typing import Any, Optional, Type, TypeVar

from .. import _ffi as ffi
from .. import compression
from .._errors import check
from .._handles import ConnHandle, copy_text
from .._time import deadline
from ..exceptions import Close
from ..tls import TLSInfo, read_info
from ._closing import close_reason
from ._data import Address, BytesLike, Data, read_address
from ._options import Settings
from ._sending import Sending
from ._statistics import Statistics, read_statistics
from ._streams import Streams

__all__ = ["Address", "BytesLike", "Connection", "Data"]

Self = TypeVar("Self", bound="Connection")

_INTERNAL_ERROR = 1011


class Connection(Streams, Sending):
    """A WebSocket connection, from connect() or given to the handler of serve().

    Any thread may call any method; only what receives belongs to one thread at a time. Used as a context manager, it
    closes with 1000, or with 1011 when the block raises. While no thread receives, the library's own thread answers pings, sends
    those of ping_interval and sees that the peer closes, up to the first message that nobody has received; no Python code runs for
    that, so it works while another thread keeps the interpreter busy.
    """

    def __init__(self, settings: Settings) -> None:
        Streams.__init__(self, settings.logger, settings.max_queue)
        Sending.__init__(self)
        self._settings = settings
        self._close_timeout = settings.close_timeout
        self._statistics: Optional[Statistics] = None
        self._extensions = ""
        self._tls: Optional[TLSInfo] = None
        self._subprotocol: Optional[str] = None
        self._local_address: Address = None
        self._remote_address: Address = None

    def _opened(self, handle: Any) -> None:
        """The opening handshake is complete."""
        name = ffi.ws_bytes()
        check(handle.calls.ws_conn_subprotocol(handle, byref(name)))
        self._subprotocol = copy_text(name) or None
        self._local_address = read_address(handle.calls.ws_conn_local_address, handle)
        self._remote_address = read_address(handle.calls.ws_conn_remote_address, handle)
        check(handle.calls.ws_conn_extensions(handle, byref(name)))
        self._extensions = copy_text(name)
        self._tls = read_info(handle.calls.ws_conn_tls, handle)
        check(handle.calls.ws_conn_set_interruptible(handle, 1))
        compression.apply(handle, self._settings.deflate)
        check(handle.calls.ws_conn_set_keepalive(handle, self._settings.ping_interval_ms, self._settings.ping_timeout_ms))
        check(handle.calls.ws_conn_set_background(handle, 1))
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
    def extensions(self) -> str:
        """The extensions agreed on, as the header field has them; empty when there are none."""
        return self._extensions

    @property
    def tls(self) -> Optional[TLSInfo]:
        """TLS of the connection and the peer's certificate; None without TLS."""
        return self._tls

    @property
    def latency(self) -> float:
        """Round-trip time of the last ping that was answered, one of ping() or of ping_interval, in seconds; 0 before the first."""
        return self._pings.latency or self.statistics.round_trip_ns / 1_000_000_000

    @property
    def statistics(self) -> Statistics:
        """What the connection has done so far, also when it is closed."""
        handle = self._handle  # another thread may let go of it
        if handle:
            self._statistics = read_statistics(handle)
        return self._statistics or Statistics()

    # Closing

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection: sends a close frame, waits for the peer's, at most close_timeout seconds in all.

        code: 1000 to 1014 or 3000 to 4999, as RFC 6455 7.4 allows; 1005 (or 0) sends a close frame without a code. reason: at most 123
        bytes of UTF-8, none without a code.
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
        result = handle.calls.ws_conn_close_begin(handle, code, data, len(data))
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
            handle.calls.ws_conn_abort(handle)
            self._finish(ffi.WS_ERR_ABORTED, None)
            self._release()
            raise
        failure = ffi.ws_failure()
        handle.calls.ws_conn_failure(handle, ffi.WS_READ, byref(failure))
        self._finish(result, failure)
        self._release()

    def _complete_close(self, handle: ConnHandle, code: int, data: bytes, until: int) -> int:
        # A recv() that starts now waits for the outcome instead of running into this close.
        held = self._read_half.acquire(blocking=False)
        try:
            result: int = handle.calls.ws_conn_close(handle, code, data, len(data), until)
            return result
        finally:
            if held:
                self._read_half.release()
