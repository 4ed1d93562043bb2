"""The server's half of an opening handshake: read, ask process_request, answer."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any, Callable, Optional, TypeVar

from .. import _ffi as ffi
from .._errors import check, fault, handshake_exception
from .._handles import ConnHandle, UpgradeHandle, UpgraderHandle, copy_request
from .._library import lib
from ..datastructures import Request, Response
from ..tls import TLSInfo, read_info

# Fields of a refusal that the library writes itself.
_WRITTEN = frozenset({"connection", "content-length", "content-type", "date", "server"})
_FAILED = Response(500, body=b"Failed to open a WebSocket connection.\nSee server log for more information.\n")
_LARGEST_BODY = 65536

Asked = TypeVar("Asked")


class Opening:
    """One opening handshake on a descriptor, which it takes."""

    def __init__(self, upgrader: UpgraderHandle, fd: int) -> None:
        self._upgrade, self._failure = UpgradeHandle(), ffi.ws_failure()
        check(lib.ws_upgrade_new(upgrader, fd, None, 0, byref(self._upgrade)))

    def request(self) -> Request:
        """Reads the request. Raises when it is not one that may be accepted; then the client was answered."""
        target, headers = ffi.ws_bytes(), c_void_p()
        self._check(lib.ws_upgrade_request(self._upgrade, 0, byref(target), byref(headers), byref(self._failure)))
        return copy_request(target, headers)

    def tls(self) -> Optional[TLSInfo]:
        """TLS of the connection that the request came over."""
        return read_info(lib.ws_upgrade_tls, self._upgrade)

    def accept(self) -> ConnHandle:
        """Answers 101."""
        handle = ConnHandle()
        self._check(lib.ws_upgrade_accept(self._upgrade, 0, byref(handle), byref(self._failure)))
        return handle

    def refuse(self, response: Response) -> None:
        """Answers with a status of 300 to 599 and a text."""
        body = bytes(response.body)
        check(lib.ws_upgrade_refuse(self._upgrade, int(response.status_code), body, len(body)), what="refuse")

    def _check(self, result: int) -> None:
        if result != ffi.WS_OK:
            raise handshake_exception(fault(result, self._failure))


def ask(
    process_request: Callable[[Asked, Request], Optional[Response]], connection: Asked, request: Request, logger: Any
) -> Optional[Response]:
    """What process_request refuses with; None when it accepts. When it fails, or wants what cannot be sent: 500."""
    try:
        response = process_request(connection, request)
        if response is not None:
            _check_refusal(response)
        return response
    except Exception:
        logger.error("process_request failed", exc_info=True)
        return _FAILED


def _check_refusal(response: Response) -> None:
    if not 300 <= response.status_code <= 599:
        raise NotImplementedError(f"process_request returned status {response.status_code}: only 300 to 599 can be sent")
    if len(response.body) > _LARGEST_BODY:
        raise ValueError(f"process_request returned a body of {len(response.body)} bytes; at most {_LARGEST_BODY}")
    extra = [name for name in response.headers if name.lower() not in _WRITTEN]
    if extra:
        raise NotImplementedError(f"process_request returned header fields, which cannot be sent: {', '.join(extra)}")
