"""WebSocket (RFC 6455) over the C library libwsswift. wsswift.sync has connect() and serve()."""

from __future__ import annotations

from ._library import LibraryError, lib
from ._version import __version__
from .compression import Deflate
from .cookies import CookieJar
from .datastructures import Headers, Request, Response
from .exceptions import (
    Close,
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidHost,
    InvalidMessage,
    InvalidOrigin,
    InvalidProxy,
    InvalidState,
    InvalidStatus,
    InvalidURI,
    InvalidUTF8,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    SecurityError,
    WebSocketException,
)
from .frames import CloseCode
from .prepared import PreparedMessage
from .protocol import State
from .tls import TLS, TLSInfo

__all__ = [
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "CookieJar",
    "Deflate",
    "Headers",
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
    "LibraryError",
    "NegotiationError",
    "PayloadTooBig",
    "PreparedMessage",
    "ProtocolError",
    "ProxyError",
    "Request",
    "Response",
    "SecurityError",
    "State",
    "TLS",
    "TLSInfo",
    "WebSocketException",
    "__version__",
    "library_version",
]


def library_version() -> str:
    """The version of the C library in use, as "0.1.0"."""
    text: bytes = lib.ws_version_string()
    return text.decode()
