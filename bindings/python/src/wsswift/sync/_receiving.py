"""The receiving half of a connection: recv(), and what other calls read aside from it and keep for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from ctypes import byref, c_int32, c_void_p
from typing import Any, Callable, Deque, Iterator, Optional, Tuple

from .. import _ffi as ffi
from .._handles import copy
from .._time import check_seconds, deadline, remaining
from ..exceptions import ConcurrencyError, ConnectionClosedOK
from ._data import Data
from ._interrupt import SLICE_MS, in_main_thread
from ._life import Life
from ._pings import Pong

# How long a thread reads aside in one piece: what it waits for does not end a read.
_SHORTEST_LOOK_NS, _LONGEST_LOOK_NS = 1_000_000, 50_000_000


class Parts:
    """A message that is read in parts."""

    def __init__(self) -> None:
        self.kind = c_int32()
        self.reader = c_void_p()
        self.kept: Deque[bytes] = deque()  # what has been read and not been taken
        self.is_whole = False
        self._view = ffi.ws_bytes()

    def read(self, handle: Any) -> int:
        """Reads one more part. The caller holds _read_half, so that nobody reads while what is lent is copied."""
        result: int = handle.calls.ws_reader_next(self.reader, byref(self._view))
        if result == ffi.WS_OK and self._view.size > 0:
            self.kept.append(copy(self._view))
        self.is_whole = result == ffi.WS_END
        return result


class Receiving(Life):
    """One thread at a time is in recv(); one at a time, perhaps another, is inside ws_conn_read."""

    def __init__(self, logger: Any, max_queue: Optional[int]) -> None:
        super().__init__(logger)
        self._receiving = threading.Lock()  # held by the one thread in recv()
        self._receiver = 0  # which one that is, or was
        self._inbox: Deque[Tuple[int, bytes]] = deque()
        self._max_queue = max_queue

        # Owned by the thread that holds _read_half: it alone is inside ws_conn_read.
        self._read_half = threading.Lock()
        self._kind, self._view = c_int32(), ffi.ws_bytes()
        self._outputs = byref(self._kind), byref(self._view)
        self._message: Tuple[int, bytes] = (0, b"")
        self._open: Optional[Parts] = None  # the message that was last asked for, if it is read in parts
        self._timeout_ms = 0
        self._deadline = 0

    def recv(self, timeout: Optional[float] = None, decode: Optional[bool] = None) -> Data:
        """The next message: a text message as str, a binary one as bytes.

        timeout: seconds to wait, None for ever; 0 takes what has arrived already.
        decode: False gives bytes for text too, True gives str for binary too (UnicodeDecodeError when it is not UTF-8).

        Raises TimeoutError when no message came in time; then nothing is lost, and the next recv() goes on.
        Raises ConnectionClosedOK or ConnectionClosedError at the end, ConcurrencyError when another thread is in recv().
        """
        check_seconds(timeout, "timeout")
        with self._as_receiver():
            kind, data = self._next_message(deadline(timeout))
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

    @contextmanager
    def _as_receiver(self) -> Iterator[None]:
        """One thread at a time receives."""
        if not self._receiving.acquire(blocking=False):
            raise ConcurrencyError("another thread is in recv() already")
        self._receiver = threading.get_ident()
        try:
            yield
        finally:
            self._receiving.release()

    def _another_receives(self) -> bool:
        """Whether a thread is in recv() that is not this one: it may be in the middle of recv_streaming(), or in a signal handler."""
        return self._receiving.locked() and self._receiver != threading.get_ident()

    def _next_message(self, until: int) -> Tuple[int, bytes]:
        while True:
            if not self._read_half.acquire(timeout=remaining(until)):
                raise _no_message()
            try:
                self._open = None
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
        self._limit(handle, until)
        result: int = handle.calls.ws_conn_read(handle, *self._outputs)
        if result == ffi.WS_OK:
            self._message = self._kind.value, copy(self._view)
        return result

    def _repeat(self, call: Callable[[Any], int], until: int, is_there: Callable[[], bool] = lambda: False) -> int:
        """Calls what reads, until it gives something else than a reason to call again: WS_OK or WS_END. is_there: whether there is
        something already that was read aside; that is WS_OK."""
        while True:
            if not self._read_half.acquire(timeout=remaining(until)):
                raise _no_message()
            try:
                if is_there():
                    return ffi.WS_OK
                if self._end is not None:
                    raise self._end.exception()
                handle = self._handle
                self._limit(handle, until)
                result = call(handle)
            finally:
                self._read_half.release()
            if result in (ffi.WS_OK, ffi.WS_END):
                return result
            self._go_on_after(result, until)

    def _limit(self, handle: Any, until: int) -> None:
        """The next read takes until then at most, on the main thread in slices."""
        timeout_ms = 0
        when = 0 if until == ffi.WS_NEVER else until
        if in_main_thread():
            timeout_ms = SLICE_MS
            when = when and min(when, time.monotonic_ns() + SLICE_MS * 1_000_000)
        if timeout_ms != self._timeout_ms:
            handle.calls.ws_conn_set_read_timeout(handle, timeout_ms)
            self._timeout_ms, self._deadline = timeout_ms, 0
        if when != self._deadline:
            handle.calls.ws_conn_set_read_deadline(handle, when)
            self._deadline = when

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

    # Reading aside from recv()

    def _has_room(self) -> bool:
        kept = len(self._inbox) + (len(self._open.kept) if self._open else 0)
        return self._max_queue is None or kept < self._max_queue

    def _read_for(self, pong: Pong, until: int) -> None:
        """Reads until a pong arrives, as long as no other thread does; recv() gets the messages that come first."""
        look = _SHORTEST_LOOK_NS
        while not pong.is_set() and self._end is None and time.monotonic_ns() < until:
            until_then = min(until, time.monotonic_ns() + look)
            look = min(2 * look, _LONGEST_LOOK_NS)
            idle = self._has_room() and not self._another_receives()
            if not idle or not self._read_half.acquire(blocking=False):
                pong.wait_aside(remaining(until_then))
                continue
            try:
                self._look_aside(until_then)
            finally:
                self._read_half.release()

    def _look_aside(self, until: int) -> None:
        """Reads once, in the message whose parts somebody reads to its end before the next one. The caller holds _read_half."""
        parts = self._open
        if parts is None or parts.is_whole:
            return self._take_in(self._read(until))
        self._limit(self._handle, until)
        result = parts.read(self._handle)
        if result == ffi.WS_ERR_STATE:
            self._open = None  # another message has been asked for
        elif result not in (ffi.WS_OK, ffi.WS_END):
            self._take_in(result)

    def _take_in(self, result: int) -> None:
        """Keeps a message that was read aside, or notes that there will be no more."""
        if result == ffi.WS_OK:
            self._inbox.append(self._message)
        elif self._is_over(result, ffi.WS_READ):
            self._error(result, ffi.WS_READ)

    def _read_until_closed(self, until: int) -> None:
        """Waits for the peer's close frame, in pieces, so that signal handlers and recv() have their turns. recv() gets the
        messages before it, as far as there is room."""
        while self._end is None and time.monotonic_ns() < until:
            until_then = min(until, time.monotonic_ns() + _LONGEST_LOOK_NS)
            # A signal handler may close inside recv() of the same thread, which must not wait for itself.
            if self._another_receives() or not self._read_half.acquire(blocking=False):
                self._ended.wait(remaining(until_then))
                continue
            try:
                result = self._read(until_then)
                if result == ffi.WS_OK and self._has_room():
                    self._inbox.append(self._message)
            finally:
                self._read_half.release()
            if result not in (ffi.WS_OK, ffi.WS_INTR, ffi.WS_ERR_TIMEOUT):
                return


def _no_message() -> TimeoutError:
    return TimeoutError("timed out while waiting for a message")
