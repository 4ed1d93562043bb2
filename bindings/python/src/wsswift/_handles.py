"""Owners of the library's handles. Each is a pointer that ctypes passes as it is, and that frees itself exactly once.

ctypes holds a reference to its arguments during a call. So a handle is never freed while a thread is inside the library with
it, whoever lets go of it meanwhile, and a handle that a call just made is freed even when an exception strikes at once.
"""

from __future__ import annotations

from ctypes import byref, c_int32, c_void_p, string_at
from typing import Any, Callable, ClassVar, List, Optional, Sequence, Tuple

from . import _ffi as ffi
from ._errors import check
from ._library import lib
from .datastructures import Headers, HeadersLike, Request, Response, header_pairs, reason_phrase


_LONGEST_QUOTE = 80


class Handle(c_void_p):
    """NULL until a call writes it. keep holds what must live as long as it does: the callbacks it was given."""

    # Bound here, so that it is still there while the interpreter shuts down.
    _free: ClassVar[Any]
    keep: List[Any]

    def __init__(self) -> None:
        super().__init__()
        self.keep = []

    def __del__(self) -> None:
        pointer, self.value = self.value, None
        if pointer is not None:
            self._free(pointer)


class ConnHandle(Handle):
    """A ws_conn. calls has the functions for it: the library's here, those of _engine_calls.py where Python moves the bytes."""

    _free = lib.ws_conn_free
    calls: ClassVar[Any] = lib


class DialerHandle(Handle):
    """A ws_dialer."""

    _free = lib.ws_dialer_free


class DialHandle(Handle):
    """A ws_dial."""

    _free = lib.ws_dial_free

    def response(self) -> Response:
        """The server's answer, all zero when there was none."""
        status, headers, body = c_int32(), c_void_p(), ffi.ws_bytes()
        check(lib.ws_dial_response(self, byref(status), byref(headers), byref(body)))
        return copy_response(status.value, headers, body)


class PreparedHandle(Handle):
    """A ws_prepared."""

    _free = lib.ws_prepared_free


class UpgraderHandle(Handle):
    """A ws_upgrader."""

    _free = lib.ws_upgrader_free


class UpgradeHandle(Handle):
    """A ws_upgrade."""

    _free = lib.ws_upgrade_free


def copy(lent: ffi.ws_bytes) -> bytes:
    """Bytes that the library lends, copied."""
    size: int = lent.size
    return string_at(lent.data, size) if size else b""


def copy_text(lent: ffi.ws_bytes) -> str:
    """The same as text. Header fields are latin-1 by RFC 9110 5.5; what is UTF-8 is read as that."""
    data = copy(lent)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def copy_request(target: ffi.ws_bytes, headers: c_void_p) -> Request:
    """The request that ws_upgrade_request lends."""
    return Request(copy_text(target), _copy_headers(headers))


def copy_response(status: int, headers: c_void_p, body: ffi.ws_bytes) -> Response:
    """The response that ws_dial_response or ws_engine_head lends."""
    return Response(status, reason_phrase(status), _copy_headers(headers), copy(body))


def _copy_headers(headers: c_void_p) -> Headers:
    if not headers:
        return Headers()
    fields: List[Tuple[str, str]] = []
    name, value = ffi.ws_bytes(), ffi.ws_bytes()
    while lib.ws_headers_get(headers, len(fields), byref(name), byref(value)) == ffi.WS_OK:
        fields.append((copy_text(name), copy_text(value)))
    return Headers(fields)


def c_string(text: str, what: str) -> bytes:
    """A str for a const char * argument. C would cut it at a NUL, so that is an error here."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError(f"{what} must not contain a NUL character")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        # That exception would carry the text, which may hold a password.
        position = error.start
    raise ValueError(f"{what} must not contain half of a surrogate pair, as at {position}")


def quoted(text: object) -> str:
    """A value for an error's text: in quotes, escaped, and cut."""
    written = repr(text)
    return written if len(written) <= _LONGEST_QUOTE else f"{written[:_LONGEST_QUOTE]}..."


_ALLOWED = {
    "subprotocol": "a token (RFC 9110 5.6.2), and no two alike",
    "origin": "scheme://host[:port], with *. before the host for subdomains, null or *",
    "host": "a name, *. and a name, an address or *, without a port",
    "header": "the name is a token, the value has no control characters, and Upgrade, Connection, Sec-WebSocket-*, "
    "Content-Length and Transfer-Encoding are the handshake's own",
}


def add_strings(setter: Callable[..., int], handle: Handle, values: Optional[Sequence[str]], what: str) -> None:
    """Gives each of the strings to a setter that takes one."""
    if isinstance(values, str):
        raise TypeError(f"{what}s must be a sequence of str, not a str")
    for value in values or ():
        check_argument(setter(handle, c_string(value, what)), what, value)


def add_headers(setter: Callable[..., int], handle: Handle, fields: Optional[HeadersLike]) -> None:
    """Gives each of the header fields to a setter."""
    for name, value in header_pairs(fields or ()):
        # The value may be a secret: the text names the field only.
        check_argument(setter(handle, c_string(name, "header name"), c_string(value, "header value")), "header", name)


def check_argument(result: int, what: str, value: str) -> None:
    """Raises unless the library took the argument."""
    if result == ffi.WS_ERR_INVALID:
        raise ValueError(f"{what} {quoted(value)} cannot be used; allowed: {_ALLOWED[what]}")
    check(result, what=f"{what} {quoted(value)}")
