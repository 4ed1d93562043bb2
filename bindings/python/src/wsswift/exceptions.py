"""Every exception of this package. Names and texts are those that users of `websockets` know.

    WebSocketException
        ConnectionClosed
            ConnectionClosedOK
            ConnectionClosedError
        InvalidURI
        InvalidProxy
        InvalidHandshake
            InvalidMessage
            InvalidStatus
            InvalidHeader
                InvalidOrigin
            NegotiationError
            ProxyError
            SecurityError
                InvalidHost
                InvalidOrigin
        ProtocolError
            InvalidUTF8
            PayloadTooBig
        ConcurrencyError
        InvalidState

Besides these: TimeoutError for a timeout, OSError for what the system refuses, ValueError for a wrong argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .datastructures import Response

__all__ = [
    "Close",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHost",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidProxy",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUTF8",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "SecurityError",
    "WebSocketException",
]

# RFC 6455 7.4.1 and the IANA registry of close codes.
_MEANINGS = {
    1000: "OK",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status received [internal]",
    1006: "abnormal closure [internal]",
    1007: "invalid frame payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS handshake failure [internal]",
}


@dataclass(frozen=True)
class Close:
    """Code and reason of a close frame. The code is 1005 when the frame holds none."""

    code: int
    reason: str

    def __str__(self) -> str:
        text = f"{self.code} ({self._meaning()})"
        return f"{text} {self.reason}" if self.reason else text

    def _meaning(self) -> str:
        if 3000 <= self.code < 4000:
            return "registered"
        if 4000 <= self.code < 5000:
            return "private use"
        return _MEANINGS.get(self.code, "unknown")


class WebSocketException(Exception):
    """The base of all exceptions defined by this package."""


class ConnectionClosed(WebSocketException):
    """The connection is closed.

    rcvd: the close frame received, or None.
    sent: the close frame sent, or None.
    rcvd_then_sent: whether it was received before ours was sent; None unless there are both.
    The error that ended the connection, where there was one, is the exception's __cause__.
    """

    def __init__(self, rcvd: Optional[Close], sent: Optional[Close], rcvd_then_sent: Optional[bool] = None) -> None:
        super().__init__(rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        if self.rcvd is None and self.sent is None:
            return "no close frame received or sent"
        if self.rcvd is None:
            return f"sent {self.sent}; no close frame received"
        if self.sent is None:
            return f"received {self.rcvd}; no close frame sent"
        if self.rcvd_then_sent:
            return f"received {self.rcvd}; then sent {self.sent}"
        return f"sent {self.sent}; then received {self.rcvd}"


class ConnectionClosedOK(ConnectionClosed):
    """The connection was closed properly: close frames with 1000, 1001 or no code."""


class ConnectionClosedError(ConnectionClosed):
    """The connection was closed with another code, after a fault, or without a close frame."""


class InvalidURI(WebSocketException):
    """The URI is not one of RFC 6455 3. It is in `uri`; the text leaves it out, since it may hold a password."""

    def __init__(self, uri: str, msg: str) -> None:
        super().__init__(uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"not a valid WebSocket URI: {self.msg}"

    def __repr__(self) -> str:
        return f"InvalidURI({self.msg!r})"


class InvalidProxy(WebSocketException):
    """The URL is not a proxy's. It is in `proxy`; the text leaves it out, since it may hold a password."""

    def __init__(self, proxy: str, msg: str) -> None:
        super().__init__(proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        return f"not a valid proxy: {self.msg}"

    def __repr__(self) -> str:
        return f"InvalidProxy({self.msg!r})"


class InvalidHandshake(WebSocketException):
    """The opening handshake failed."""


class InvalidMessage(InvalidHandshake):
    """The peer hung up before its half of the handshake was complete."""


class InvalidStatus(InvalidHandshake):
    """The server answered with another status than 101. Its answer is in `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code}"


class NegotiationError(InvalidHandshake):
    """For a select_subprotocol function to raise: the client offers none that will do. It is answered 400."""


class ProxyError(InvalidHandshake):
    """The proxy did not open the way to the server."""


class SecurityError(InvalidHandshake):
    """The handshake breaks a rule that keeps attackers out; also when TLS fails."""


class InvalidHeader(InvalidHandshake):
    """A header field of the handshake is not what it has to be."""


class InvalidOrigin(InvalidHeader, SecurityError):
    """The request's Origin is not allowed."""


class InvalidHost(SecurityError):
    """The request's Host is not allowed."""


class ProtocolError(WebSocketException):
    """The peer broke the protocol. Never raised itself: it is the __cause__ of a ConnectionClosedError."""


class InvalidUTF8(ProtocolError, UnicodeError):
    """Text that is not UTF-8: received (then a __cause__, as ProtocolError), or given to send()."""


class PayloadTooBig(ProtocolError):
    """A message beyond max_size. Never raised itself: it is the __cause__ of a ConnectionClosedError."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two threads do what only one may do at a time."""


class InvalidState(WebSocketException, AssertionError):
    """The connection is not open yet: a process_request function tries to use it."""
