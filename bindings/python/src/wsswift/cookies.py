"""Cookies of clients, by RFC 6265bis: what servers have set, and what goes to them again."""

from __future__ import annotations

from ctypes import byref, c_size_t, create_string_buffer
from typing import Optional, Protocol

from . import _ffi as ffi
from ._errors import check, exception, fault
from ._handles import Handle, c_string
from ._library import lib

__all__ = ["CookieJar", "Cookies"]


class Cookies(Protocol):
    """What connect() takes as cookies: a CookieJar, or what a program does itself. uri is without user and password."""

    def get(self, uri: str) -> Optional[str]:
        """The value of the Cookie field for a URI, such as "a=1; b=2"; None or empty when there is none."""

    def set(self, uri: str, set_cookie: str) -> None:
        """Takes the value of a Set-Cookie field that the server of the URI sent."""


class CookieJarHandle(Handle):
    """A ws_cookie_jar."""

    _free = lib.ws_cookie_jar_free


class CookieJar:
    """Cookies in memory, for any number of connections and threads. A cookie only goes to the host that set it. At most 50 of a host and
    1000 in all."""

    def __init__(self) -> None:
        self._handle = CookieJarHandle()
        check(lib.ws_cookie_jar_new(byref(self._handle)))

    def set(self, uri: str, set_cookie: str) -> None:
        """Takes the value of a Set-Cookie field as if the server of a ws or wss URI had sent it. What the rules forbid is passed over.
        Raises InvalidURI."""
        self._check(lib.ws_cookie_jar_set(self._handle, c_string(uri, "uri"), c_string(set_cookie, "set_cookie")), uri)

    def get(self, uri: str) -> str:
        """The value of the Cookie field for a ws or wss URI; empty when there is none. Raises InvalidURI."""
        size, room = c_size_t(), 1024
        while True:
            space = create_string_buffer(room)
            result = lib.ws_cookie_jar_get(self._handle, c_string(uri, "uri"), space, room, byref(size))
            if result != ffi.WS_ERR_ROOM:
                self._check(result, uri)
                return space.raw[: size.value].decode("utf-8", "replace")
            room = size.value

    def _check(self, result: int, uri: str) -> None:
        if result != ffi.WS_OK:
            raise exception(fault(result, uri=uri))
