"""The one map from a result of the C functions to a Python exception."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass
from typing import Callable, Dict, Optional

from . import _ffi as ffi
from ._library import lib
from .datastructures import Response
from .exceptions import (
    ConcurrencyError,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidHost,
    InvalidMessage,
    InvalidOrigin,
    InvalidStatus,
    InvalidURI,
    InvalidUTF8,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    SecurityError,
)


# What Python calls the functions that a text may name.
_ARGUMENTS = {
    "ws_conn_set_close_timeout": "close_timeout",
    "ws_conn_set_keepalive": "ping_timeout",
    "ws_conn_set_read_limit": "max_size",
    "ws_dialer_set_timeout": "open_timeout",
    "ws_upgrader_add_host": "hosts",
    "ws_upgrader_add_origin": "origins",
    "ws_upgrader_set_timeout": "open_timeout",
}
# What a text says about the other functions is of no use here.
_ADVICE = re.compile(r"; (ws_\w+) [^;]*$")


@dataclass(frozen=True)
class Fault:
    """What is known of a failed call: the result, the text, and what belongs to some results only."""

    code: int
    text: str
    os_errno: int = 0
    http_status: int = 0
    uri: str = ""
    response: Optional[Response] = None


def fault(
    code: int,
    failure: Optional[ffi.ws_failure] = None,
    what: str = "",
    *,
    uri: str = "",
    response: Optional[Response] = None,
) -> Fault:
    """The fault behind a result. A failure that tells of another result is an older one and is left aside."""
    if failure is None or failure.code != code:
        text, os_errno, http_status = "", 0, 0
    else:
        text, os_errno, http_status = failure.text.decode("utf-8", "replace"), failure.os_errno, failure.http_status
    text = _in_python(text or lib.ws_strerror(code).decode())
    return Fault(code, f"{what}: {text}" if what else text, os_errno, http_status, uri, response)


def _in_python(text: str) -> str:
    """A text of the library with the names that things have here."""
    advice = _ADVICE.search(text)
    if advice is not None and advice[1] not in _ARGUMENTS:
        text = text[: advice.start()]
    text = re.sub(r"ws_\w+", lambda name: _ARGUMENTS.get(name[0], name[0]), text)
    # Two functions may be one argument here.
    return re.sub(r"\b(\w+) or \1\b", r"\1", text)


def _from_system(default: int) -> Callable[[Fault], Exception]:
    # OSError picks its own subclass by the number: ConnectionRefusedError, BrokenPipeError and so on.
    return lambda fault: OSError(fault.os_errno or default, fault.text)


def _lost(fault: Fault) -> Exception:
    return OSError(fault.os_errno, fault.text) if fault.os_errno else EOFError(fault.text)


def _text_only(kind: Callable[[str], Exception]) -> Callable[[Fault], Exception]:
    return lambda fault: kind(fault.text)


def _invalid_status(fault: Fault) -> Exception:
    return InvalidStatus(fault.response or Response(fault.http_status))


EXCEPTIONS: Dict[int, Callable[[Fault], Exception]] = {
    ffi.WS_ERR_INVALID: _text_only(ValueError),
    ffi.WS_ERR_NOMEM: _text_only(MemoryError),
    ffi.WS_ERR_STATE: _text_only(ConcurrencyError),
    ffi.WS_ERR_CALLBACK: _text_only(RuntimeError),
    ffi.WS_ERR_ROOM: _text_only(ValueError),
    ffi.WS_ERR_FORKED: _text_only(RuntimeError),
    ffi.WS_ERR_IO: _from_system(errno.EIO),
    ffi.WS_ERR_TIMEOUT: _text_only(TimeoutError),
    ffi.WS_ERR_LOST: _lost,
    ffi.WS_ERR_BROKEN: _from_system(errno.EPIPE),
    ffi.WS_ERR_ABORTED: _from_system(errno.ECONNABORTED),
    ffi.WS_ERR_FDS: _from_system(errno.EMFILE),
    ffi.WS_ERR_CONNECT: _from_system(errno.ECONNREFUSED),
    ffi.WS_ERR_KEEPALIVE: _from_system(errno.ETIMEDOUT),
    ffi.WS_ERR_RESOLVE: lambda fault: socket.gaierror(socket.EAI_NONAME, fault.text),
    ffi.WS_ERR_PROXY: _text_only(ProxyError),
    ffi.WS_ERR_TLS: _text_only(SecurityError),
    ffi.WS_ERR_URL: lambda fault: InvalidURI(fault.uri, fault.text),
    ffi.WS_ERR_PROTOCOL: _text_only(ProtocolError),
    ffi.WS_ERR_TOO_BIG: _text_only(PayloadTooBig),
    ffi.WS_ERR_UTF8: _text_only(InvalidUTF8),
    ffi.WS_ERR_DEFLATE: _text_only(ProtocolError),
    ffi.WS_ERR_CLOSE_SENT: lambda fault: ConnectionClosedError(None, None),
    ffi.WS_ERR_CLOSED: lambda fault: ConnectionClosedError(None, None),
    ffi.WS_ERR_JSON: _text_only(ValueError),
    ffi.WS_ERR_HANDSHAKE: _text_only(InvalidHandshake),
    ffi.WS_ERR_ORIGIN: _text_only(InvalidOrigin),
    ffi.WS_ERR_STATUS: _invalid_status,
    ffi.WS_ERR_HOST: _text_only(InvalidHost),
}


def exception(fault: Fault) -> Exception:
    """The exception for a fault. A result that this package does not know becomes a RuntimeError with its text."""
    make = EXCEPTIONS.get(fault.code, _text_only(RuntimeError))
    return make(fault)


def handshake_exception(fault: Fault) -> Exception:
    """The same for an opening handshake, where a peer that hangs up has sent half a message, and a proxy has not opened the way."""
    if fault.code == ffi.WS_ERR_LOST:
        return ProxyError(fault.text) if fault.text.startswith("proxy: ") else InvalidMessage(fault.text)
    return exception(fault)


def check(code: int, failure: Optional[ffi.ws_failure] = None, what: str = "") -> None:
    """Raises unless the call went well. what names the argument or step, for the text."""
    if code != ffi.WS_OK:
        raise exception(fault(code, failure, what))
