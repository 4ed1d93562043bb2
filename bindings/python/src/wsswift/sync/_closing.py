"""How a connection ended, and the exception that tells."""

from __future__ import annotations

from ctypes import byref, c_uint16
from dataclasses import dataclass
from typing import Optional, Tuple

from .. import _ffi as ffi
from .._errors import Fault, exception, fault
from .._handles import ConnHandle, copy_text
from ..exceptions import Close, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

# RFC 6455 7.4.1: what both ends send when all went well; 1005 stands for a close frame without code.
_OK_CODES = frozenset({1000, 1001, 1005})


@dataclass(frozen=True)
class End:
    """The close frames and the fault, if there was one. Each call that comes too late raises a new exception of it."""

    rcvd: Optional[Close]
    sent: Optional[Close]
    rcvd_then_sent: Optional[bool]
    cause: Optional[Fault]

    def exception(self) -> ConnectionClosed:
        """The exception to raise."""
        kind = ConnectionClosedOK if self._is_proper() else ConnectionClosedError
        error = kind(self.rcvd, self.sent, self.rcvd_then_sent)
        if self.cause is not None:
            error.__cause__ = exception(self.cause)
        return error

    def _is_proper(self) -> bool:
        if self.rcvd is None or self.rcvd.code not in _OK_CODES:
            return False
        return self.sent is None or self.sent.code in _OK_CODES


def describe_end(handle: ConnHandle, first: Optional[Close], result: int, failure: Optional[ffi.ws_failure]) -> End:
    """What a connection that gave this result has come to. first is our close frame, when it came before the peer's."""
    theirs, ours, reason = close_codes(handle)
    rcvd = Close(theirs, reason) if theirs else None
    sent = Close(ours, first.reason if first and first.code == ours else "") if ours else None
    order = first is None if rcvd and sent else None
    no_fault = result >= 0 or result in (ffi.WS_ERR_CLOSED, ffi.WS_ERR_CLOSE_SENT)
    return End(rcvd, sent, order, None if no_fault else fault(result, failure))


def close_codes(handle: ConnHandle) -> Tuple[int, int, str]:
    """The peer's code, ours, and the peer's reason; 0 and "" where there is none."""
    theirs, ours, reason = c_uint16(), c_uint16(), ffi.ws_bytes()
    if handle.calls.ws_conn_close_codes(handle, byref(theirs), byref(reason), byref(ours)) != ffi.WS_OK:
        return 0, 0, ""
    return theirs.value, ours.value, copy_text(reason)


def close_reason(code: int, reason: str) -> bytes:
    """The reason as the library takes it, once the code is known to fit a uint16_t: ctypes would cut it."""
    if not 0 <= code <= 0xFFFF:
        raise ValueError(f"cannot close with code {code}")
    return reason.encode()
