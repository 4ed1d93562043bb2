"""The protocol of a connection whose bytes Python moves: a ws_engine over TLS by Python's ssl, and the thread that serves it.

The engine takes what arrives and gives what is to be sent; _engine_calls.py makes a connection of it that is used as a ws_conn is.
"""

from __future__ import annotations

import ctypes
import select
import ssl
import threading
import time
from collections import deque
from ctypes import byref, c_int64, c_size_t, c_void_p, string_at
from typing import Any, Callable, Deque, Optional, Tuple

from .. import _ffi as ffi
from .._handles import Handle
from .._library import lib
from ._tls_stream import TLSStream

_MOST_AT_ONCE = 1 << 18
# For the peer to take what is left once the connection is over.
_LAST_WAIT_NS = 1_000_000_000

_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_memory.restype, _memory.argtypes = ctypes.py_object, [c_void_p, ctypes.c_ssize_t, ctypes.c_int]
_READ, _WRITE = 0x100, 0x200


class EngineHandle(Handle):
    """A ws_engine."""

    _free = lib.ws_engine_free


class Engine:
    """A ws_engine and its stream. All that is named with _ahead needs the lock; the others take it."""

    def __init__(self, handle: EngineHandle, stream: TLSStream, room: Optional[int]) -> None:
        self.handle = handle
        self.stream = stream
        # Reentrant, because a signal handler may close, and a finalizer abort, while the thread is here.
        self.changed = threading.Condition(threading.RLock())
        self.messages: Deque[Tuple[int, bytes]] = deque()
        self._room = room  # how many messages are read ahead
        self.drops = False  # nobody wants them any more
        self.has_request = False
        self.is_open = False
        self.result: Optional[int] = None  # what ended it
        self.failure = ffi.ws_failure()
        self.pong_handler: Optional[Callable[..., int]] = None
        self.heard_pong = False
        self.is_gone = threading.Event()  # the socket is closed
        self._is_sending = False
        self._event = ffi.ws_event()

    # What both directions do

    def advance(self, until: int, is_done: Callable[[], bool]) -> None:
        """Moves bytes both ways until then, or until it is done or over. For one thread that has the engine to itself."""
        while True:
            due = self.work()
            if self.result is not None or is_done():
                return
            if time.monotonic_ns() >= until:
                self.fail(ffi.WS_ERR_TIMEOUT)
                return
            self.stream.wait(self._wanted(), min(until, due))

    def work(self) -> int:
        """Takes what has arrived and sends what can be sent; says when to come again at the latest."""
        with self.changed:
            if self.result is None:
                try:
                    self.stream.pull()
                    self._receive_ahead()
                except ssl.SSLError:
                    self.fail(ffi.WS_ERR_LOST)
            due = self.tick()
            self.push()
            self.changed.notify_all()
            return due

    def tick(self) -> int:
        """Tells the engine the time."""
        due = c_int64(ffi.WS_NEVER)
        with self.changed:
            lib.ws_engine_tick(self.handle, time.monotonic_ns(), byref(due))
            self._take_events_ahead()
        return due.value

    def push(self) -> bool:
        """Sends what the socket takes; whether that was all. Does not wait."""
        with self.changed:
            if self._is_sending:
                return True  # a signal handler: the call that it interrupted goes on with it
            self._is_sending = True
            try:
                while True:
                    if not self.stream.push():
                        return False
                    if not self._encrypt_ahead():
                        return True
            except (OSError, ssl.SSLError):
                self.fail(ffi.WS_ERR_LOST)
                return True
            finally:
                self._is_sending = False

    def fail(self, result: int) -> None:
        """The connection is over because of something that the engine does not know."""
        with self.changed:
            if self.result is None:
                self.result = result
                self.failure.code = result
            self.changed.notify_all()

    def _wanted(self) -> int:
        return select.POLLIN | (select.POLLOUT if self.stream.has_unsent else 0)

    def _encrypt_ahead(self) -> bool:
        output = ffi.ws_bytes()
        lib.ws_engine_output(self.handle, byref(output))
        size = min(output.size, _MOST_AT_ONCE)
        if not size:
            return False
        self.stream.write(_memory(output.data, size, _READ))
        lib.ws_engine_sent(self.handle, size)
        return True

    def _receive_ahead(self) -> None:
        space, room = c_void_p(), c_size_t()
        while self.result is None:
            if lib.ws_engine_buffer(self.handle, byref(space), byref(room)) != ffi.WS_OK:
                self._take_events_ahead()
                return
            count = self.stream.read(_memory(space, room.value, _WRITE))
            if count is None:
                return
            lib.ws_engine_received(self.handle, count)
            self._take_events_ahead()

    # Events

    def _take_events_ahead(self) -> None:
        event = self._event
        while self.result is None:
            result = lib.ws_engine_next_event(self.handle, byref(event))
            if result == ffi.WS_AGAIN:
                return
            if result == ffi.WS_OK:
                self._take_event_ahead(event)
                continue
            lib.ws_engine_failure(self.handle, byref(self.failure))
            self.result = result

    def _take_event_ahead(self, event: Any) -> None:
        if event.type == ffi.WS_EVENT_MESSAGE and not self.drops:
            self.messages.append((event.opcode, string_at(event.data, event.size) if event.size else b""))
        elif event.type == ffi.WS_EVENT_PONG and self.pong_handler is not None:
            self.heard_pong = True
            self.pong_handler(None, event.data, event.size, None)
        elif event.type == ffi.WS_EVENT_REQUEST:
            self.has_request = True
        elif event.type == ffi.WS_EVENT_OPEN:
            self.is_open = True

    # The thread

    def start(self) -> None:
        """Serves the connection from now on, on a thread of its own: it reads ahead, answers pings and sends what is left. Raises
        RuntimeError when there is none."""
        threading.Thread(target=self._serve, name="wsswift TLS", daemon=True).start()

    def _serve(self) -> None:
        try:
            while self._has_room():
                due = self.work()
                if self.result is None:
                    self.stream.wait(self._wanted(), due)
        finally:
            self.finish()

    def _has_room(self) -> bool:
        """Waits while more messages have been read ahead than anybody wants. False when it is over."""
        with self.changed:
            while self.result is None and not self.drops and self._room is not None and len(self.messages) >= self._room:
                self.changed.wait()
            return self.result is None

    def finish(self) -> None:
        """Ends the stream: what is left is sent, and the peer has a moment to end its side."""
        self.fail(ffi.WS_ERR_LOST)  # where nothing ended it, the interpreter shuts down
        if self.result != ffi.WS_ERR_ABORTED:
            until = time.monotonic_ns() + _LAST_WAIT_NS
            while not self.push() and self.stream.wait(select.POLLOUT, until):
                pass
            with self.changed:
                self.stream.end()
            self.stream.linger()
        with self.changed:
            self.stream.close()
            self.is_gone.set()
            self.changed.notify_all()

    def abort(self, result: int = ffi.WS_ERR_ABORTED) -> None:
        """Drops the connection without a word."""
        with self.changed:
            self.fail(result)
            self.stream.abort()
