"""The pings of a connection that wait for their pongs."""

from __future__ import annotations

import threading
import time
import weakref
from ctypes import string_at
from typing import Any, Callable, Dict, Optional

from .. import _ffi as ffi
from .._time import check_seconds, deadline
from ..exceptions import ConcurrencyError

Reader = Callable[["Pong", int], None]


class Pong(threading.Event):
    """Set when the pong arrives.

    Nobody reads in the background: wait() reads for it when no other thread does, and keeps the messages that come first for
    recv(). It returns False after the timeout, in seconds, and when the connection ends.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = weakref.WeakMethod(reader)
        self.sent_ns = time.monotonic_ns()

    def wait(self, timeout: Optional[float] = None) -> bool:
        check_seconds(timeout, "timeout")
        reader = self._reader()
        if reader is not None:
            reader(self, deadline(timeout))
        return self.is_set()

    def wait_aside(self, seconds: float) -> None:
        """Waits without reading, for a moment in which another thread reads."""
        super().wait(seconds)


class Pings:
    """Which pongs are awaited, and the round-trip time of the last one."""

    def __init__(self) -> None:
        # Reentrant, because a signal handler may ping while the main thread is here.
        self._lock = threading.RLock()
        self._waiting: Dict[bytes, Pong] = {}
        self.latency = 0.0

    def expect(self, data: bytes, reader: Reader) -> Pong:
        """Notes a ping that is about to be sent. reader is called by the threads that wait for its pong."""
        with self._lock:
            if data in self._waiting:
                raise ConcurrencyError("already waiting for a pong with the same data")
            pong = self._waiting[data] = Pong(reader)
            return pong

    def forget(self, data: bytes) -> None:
        """A ping that was not sent."""
        with self._lock:
            self._waiting.pop(data, None)

    def acknowledge(self, data: bytes) -> None:
        """A pong answers its ping and those before it (RFC 6455 5.5.3). One that answers none is ignored."""
        with self._lock:
            answered = self._waiting.get(data)
            if answered is None:
                return
            self.latency = (time.monotonic_ns() - answered.sent_ns) / 1_000_000_000
            for earlier in list(self._waiting):
                pong = self._waiting.pop(earlier)
                pong.set()
                if pong is answered:
                    return

    def handler(self) -> Any:
        """The callback for ws_conn_set_pong_handler. It does not refer to the connection, which owns it."""

        def pong_arrived(_conn: int, data: Optional[int], size: int, _user: int) -> int:
            self.acknowledge(string_at(data, size) if data and size else b"")
            return 0

        return ffi.ws_control_fn(pong_arrived)
