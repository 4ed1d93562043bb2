"""An open connection: messages in and out, pings, the closing handshake."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from ctypes import byref, c_int32
from types import TracebackType
from typing import Any, Deque, Iterator, Optional, Tuple, Type, TypeVar, Union

from .. import _ffi as ffi
from .._errors import check, exception, fault
from .._handles import ConnHandle, copy, copy_text
from .._library import lib
from .._time import deadline, remaining
from ..exceptions import Close, ConcurrencyError, ConnectionClosedOK
from ._closing import End, close_codes, close_reason, describe_end
from ._data import Address, BytesLike, Data, control_payload, lend, read_address
from ._interrupt import SLICE_MS, in_main_thread
from ._pings import Pings, Pong

__all__ = ["Address", "BytesLike", "Connection", "Data"]

Self = TypeVar("Self", bound="Connection")

_ABNORMAL = 1006
_INTERNAL_ERROR = 1011

# How many messages a thread that waits for a pong keeps for recv(). Then it leaves them to the network.
_INBOX = 16
# How long such a thread reads in one piece: a pong does not end a read.
_SHORTEST_LOOK_NS, _LONGEST_LOOK_NS = 1_000_000, 50_000_000


class Connection:
    """A WebSocket connection, from connect() or given to the handler of serve().

    Any thread may call any method; only recv() and iteration belong to one thread at a time. Used as a context manager, it
    closes with 1000, or with 1011 when the block raises. Nothing reads in the background: pings and the peer's close frame are
    answered while a thread is in recv(), close() or the wait() of a ping.
    """

    def __init__(self, handle: ConnHandle, *, close_timeout: Optional[float]) -> None:
        self._handle = handle
        self._close_timeout = close_timeout
        handle.keep = []
        self._receiving = threading.Lock()  # held by the one thread in recv()
        self._inbox: Deque[Tuple[int, bytes]] = deque()
        self._pings = Pings()
        self._checks_sent_text = False

        # Owned by the thread that holds _read_half: it alone is inside ws_conn_read.
        self._read_half = threading.Lock()
        self._kind, self._view = c_int32(), ffi.ws_bytes()
        self._outputs = byref(self._kind), byref(self._view)
        self._message: Tuple[int, bytes] = (0, b"")
        self._timeout_ms = 0
        self._deadline = 0

        # Reentrant, because a signal handler may close while the main thread is here.
        self._ending = threading.RLock()
        self._end: Optional[End] = None
        self._ended = threading.Event()
        self._own_close: Optional[Close] = None
        self._closing = False  # a thread is, or was, in close()

        name = ffi.ws_bytes()
        check(lib.ws_conn_subprotocol(handle, byref(name)))
        self._subprotocol = copy_text(name) or None
        self._local_address = read_address(lib.ws_conn_local_address, handle)
        self._remote_address = read_address(lib.ws_conn_remote_address, handle)
        check(lib.ws_conn_set_interruptible(handle, 1))

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

    @property
    def close_code(self) -> Optional[int]:
        """The code that the peer closed with: 1005 without one, 1006 without a close frame; None while open."""
        if self._end is None:
            return None
        return _ABNORMAL if self._end.rcvd is None else self._end.rcvd.code

    @property
    def close_reason(self) -> Optional[str]:
        """The reason that the peer gave, perhaps empty; None while open."""
        if self._end is None:
            return None
        return "" if self._end.rcvd is None else self._end.rcvd.reason

    # Receiving

    def recv(self, timeout: Optional[float] = None, decode: Optional[bool] = None) -> Data:
        """The next message: a text message as str, a binary one as bytes.

        timeout: seconds to wait, None for ever; 0 takes what has arrived already.
        decode: False gives bytes for text too, True gives str for binary too (UnicodeDecodeError when it is not UTF-8).

        Raises TimeoutError when no message came in time; then nothing is lost, and the next recv() goes on.
        Raises ConnectionClosedOK or ConnectionClosedError at the end, ConcurrencyError when another thread is in recv().
        """
        if not self._receiving.acquire(blocking=False):
            raise ConcurrencyError("another thread is in recv() already")
        try:
            kind, data = self._next_message(deadline(timeout))
        finally:
            self._receiving.release()
        if decode is None:
            decode = kind == ffi.WS_TEXT
        return data.decode() if decode else data

    def __iter__(self) -> Iterator[Data]:
        """Messages until the connection is closed properly. Otherwise raises ConnectionClosedError."""
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    def _next_message(self, until: int) -> Tuple[int, bytes]:
        while True:
            if not self._read_half.acquire(timeout=remaining(until)):
                raise _no_message()
            try:
                if self._inbox:
                    return self._inbox.popleft()
                if self._end is not None:
                    raise self._end.exception()
                result = self._read(until)
                if result == ffi.WS_OK:
                    return self._message
            finally:
                self._read_half.release()
            self._go_on_after(result, until)

    def _read(self, until: int) -> int:
        """One ws_conn_read, at most until then. A message is in _message afterwards. The caller holds _read_half."""
        # The message is lent by the handle, which a close() on another thread may let go of: this name keeps it.
        handle = self._handle
        timeout_ms = 0
        when = 0 if until == ffi.WS_NEVER else until
        if in_main_thread():
            timeout_ms = SLICE_MS
            when = when and min(when, time.monotonic_ns() + SLICE_MS * 1_000_000)
        if timeout_ms != self._timeout_ms:
            lib.ws_conn_set_read_timeout(handle, timeout_ms)
            self._timeout_ms, self._deadline = timeout_ms, 0
        if when != self._deadline:
            lib.ws_conn_set_read_deadline(handle, when)
            self._deadline = when
        result: int = lib.ws_conn_read(handle, *self._outputs)
        if result == ffi.WS_OK:
            self._message = self._kind.value, copy(self._view)
        return result

    def _go_on_after(self, result: int, until: int) -> None:
        """Raises unless a read that gave this result is to be repeated."""
        if result == ffi.WS_INTR:
            return
        if result == ffi.WS_ERR_TIMEOUT:
            if time.monotonic_ns() >= until:
                raise _no_message()
            return
        if result == ffi.WS_ERR_STATE and self._closing:
            # A close() on another thread reads for the rest of the closing handshake.
            rest = remaining(until)
            self._ended.wait(None if rest < 0 else rest)
            return
        raise self._error(result, ffi.WS_READ)

    # Sending

    def send(self, message: Union[str, BytesLike], *, text: Optional[bool] = None) -> None:
        """Sends one message: str as text, bytes, bytearray and memoryview as binary. They are not copied.

        text: True sends bytes as text (they must be UTF-8), False sends str as binary.
        Iterables, which would be sent as fragments, are not supported: TypeError.

        Raises ConnectionClosed; TimeoutError when the peer takes nothing for 30 s and nothing was sent; InvalidUTF8. Ctrl-C is
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
        if not self._checks_sent_text:
            self._checks_sent_text = True
            lib.ws_conn_set_check_utf8(self._handle, 1, 1)

    def _hear_pongs(self) -> None:
        handle = self._handle
        if handle.keep:
            return
        handler = self._pings.handler()
        handle.keep.append(handler)
        lib.ws_conn_set_pong_handler(handle, handler, None, ffi.ws_free_fn())

    def _read_for(self, pong: Pong, until: int) -> None:
        """Reads until a pong arrives, as long as no other thread does; recv() gets the messages that come first."""
        look = _SHORTEST_LOOK_NS
        while not pong.is_set() and self._end is None and time.monotonic_ns() < until:
            until_then = min(until, time.monotonic_ns() + look)
            look = min(2 * look, _LONGEST_LOOK_NS)
            idle = len(self._inbox) < _INBOX and not self._receiving.locked()
            if not idle or not self._read_half.acquire(blocking=False):
                pong.wait_aside(remaining(until_then))
                continue
            try:
                result = self._read(until_then)
                if result == ffi.WS_OK:
                    self._inbox.append(self._message)
                elif self._is_over(result, ffi.WS_READ):
                    self._error(result, ffi.WS_READ)
            finally:
                self._read_half.release()

    # Closing

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection: sends a close frame, waits for the peer's, at most close_timeout seconds in all.

        code: 1000 to 1014 or 3000 to 4999, as RFC 6455 7.4 allows. reason: at most 123 bytes of UTF-8.
        Messages that no other thread receives meanwhile are dropped. Does nothing when closed already, and does not raise
        when the peer fails to answer: close_code tells. Raises ValueError for a code or reason that must not be sent.
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
            if in_main_thread():
                self._watch_for_close(until)
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

    def _watch_for_close(self, until: int) -> None:
        """Waits for the peer's close frame in pieces, so that signal handlers run meanwhile."""
        while self._end is None and time.monotonic_ns() < until:
            if not self._read_half.acquire(blocking=False):
                self._ended.wait(SLICE_MS / 1000 if until == ffi.WS_NEVER else min(SLICE_MS / 1000, remaining(until)))
                continue
            try:
                result = self._read(until)
            finally:
                self._read_half.release()
            if result not in (ffi.WS_OK, ffi.WS_INTR, ffi.WS_ERR_TIMEOUT):
                return

    def _complete_close(self, handle: ConnHandle, code: int, data: bytes, until: int) -> int:
        # A recv() that starts now waits for the outcome instead of running into this close.
        held = self._read_half.acquire(blocking=False)
        try:
            result: int = lib.ws_conn_close(handle, code, data, len(data), until)
            return result
        finally:
            if held:
                self._read_half.release()

    def _announce(self, handle: ConnHandle, close: Close) -> bool:
        """Notes our close frame as the first one of the two, if it is; says whether it did."""
        with self._ending:
            theirs, ours, _ = close_codes(handle)
            if theirs or ours or self._own_close is not None:
                return False
            self._own_close = close
            return True

    def _finish(self, result: int, failure: Optional[ffi.ws_failure]) -> End:
        """The connection is over. The first thread that sees it says how it ended."""
        with self._ending:
            if self._end is None:
                self._end = describe_end(self._handle, self._own_close, result, failure)
                self._ended.set()
            return self._end

    def _release(self) -> None:
        """Lets go of the handle: it is freed as soon as no other thread is inside the library with it."""
        self._handle = ConnHandle()
        self._handle.keep = []

    def _is_over(self, result: int, half: int) -> bool:
        """Whether a half of the connection that gave this result is of no more use."""
        if result == ffi.WS_ERR_UTF8:
            return half == ffi.WS_READ
        return result == ffi.WS_END or bool(lib.ws_is_fatal(result))

    def _error(self, result: int, half: int) -> Exception:
        """The exception for the result of a read or write."""
        if self._end is not None:
            return self._end.exception()
        failure = ffi.ws_failure()
        lib.ws_conn_failure(self._handle, half, byref(failure))
        if not self._is_over(result, half):
            return exception(fault(result, failure))
        if half == ffi.WS_READ:
            return self._finish(result, failure).exception()
        # What the peer sent before may still be read, its close frame included.
        return describe_end(self._handle, self._own_close, result, failure).exception()


def _no_message() -> TimeoutError:
    return TimeoutError("timed out while waiting for a message")
