"""How a connection stands: not open yet, open, closing, closed; and the exception for a call that failed because of it."""

from __future__ import annotations

import threading
import uuid
from ctypes import byref
from typing import Any, Optional

from .. import _ffi as ffi
from .._errors import exception, fault
from .._handles import ConnHandle
from .._library import lib
from ..exceptions import Close, InvalidState
from ..protocol import State
from ._closing import End, close_codes, describe_end

_ABNORMAL = 1006


class Life:
    """What every half of a connection needs to know of the whole."""

    def __init__(self, logger: Any) -> None:
        self.id = uuid.uuid4()
        """A name for this connection, for logs."""
        self.logger = logger
        """Where this connection logs."""
        self._release()
        # Reentrant, because a signal handler may close while the main thread is here.
        self._ending = threading.RLock()
        self._end: Optional[End] = None
        self._ended = threading.Event()
        self._own_close: Optional[Close] = None
        self._closing = False  # a thread is, or was, in close()

    @property
    def state(self) -> State:
        """CONNECTING in process_request, CLOSING once a close frame was sent or received, CLOSED at the end."""
        handle = self._handle  # before the end is looked at: it is let go of after that
        if self._end is not None:
            return State.CLOSED
        if not handle:
            return State.CONNECTING
        return State.CLOSING if any(close_codes(handle)) or self._own_close is not None else State.OPEN

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

    def _release(self) -> None:
        """Lets go of the handle: it is freed as soon as no other thread is inside the library with it."""
        self._handle = ConnHandle()

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
                self.logger.debug("connection %s closed: %s", self.id, self._end.exception())
            return self._end

    def _is_over(self, result: int, half: int) -> bool:
        """Whether a half of the connection that gave this result is of no more use."""
        if result in (ffi.WS_ERR_UTF8, ffi.WS_ERR_NOMEM):
            return half == ffi.WS_READ  # a message that was not sent left no trace
        return result == ffi.WS_END or bool(lib.ws_is_fatal(result))

    def _error(self, result: int, half: int) -> Exception:
        """The exception for the result of a read or write."""
        handle = self._handle  # a close() on another thread notes the end, and then lets go of it
        if self._end is not None:
            return self._end.exception()
        if not handle:
            return InvalidState("the connection is not open yet")
        failure = ffi.ws_failure()
        handle.calls.ws_conn_failure(handle, half, byref(failure))
        if not self._is_over(result, half):
            return exception(fault(result, failure))
        if half == ffi.WS_READ:
            return self._finish(result, failure).exception()
        # What the peer sent before may still be read, its close frame included.
        return describe_end(handle, self._own_close, result, failure).exception()
