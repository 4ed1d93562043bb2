"""The server's half of an opening handshake: read, then answer as was decided."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any, Optional

from .. import _ffi as ffi
from .._errors import check, fault, handshake_exception
from .._handles import ConnHandle, UpgradeHandle, UpgraderHandle, c_string, check_argument, copy_request, quoted
from .._library import lib
from ..datastructures import Request
from ..tls import TLSInfo, read_info
from ._hooks import FAILED, Decision


class Answering:
    """How an opening handshake is answered, whoever moves the bytes: those functions of the library, bound to the handshake."""

    def _add_header(self, name: bytes, value: bytes) -> int:
        raise NotImplementedError

    def _set_subprotocol(self, name: Optional[bytes]) -> int:
        raise NotImplementedError

    def _refuse(self, status: int, body: bytes) -> None:
        raise NotImplementedError

    def answer(self, decision: Decision, logger: Any) -> bool:
        """Answers a decision that refuses, and prepares the answer of another one; whether accept() is to follow."""
        try:
            self._prepare(decision)
        except Exception:
            logger.error("the opening handshake cannot be answered as it was decided", exc_info=True)
            decision = FAILED
        if not decision.accepts:
            self._refuse(int(decision.response.status_code), bytes(decision.response.body))
        return decision.accepts

    def _prepare(self, decision: Decision) -> None:
        for name, value in decision.fields():
            check_argument(self._add_header(c_string(name, "header name"), c_string(value, "header value")), "header", name)
        if decision.accepts and decision.chooses:
            chosen = decision.subprotocol
            result = self._set_subprotocol(None if chosen is None else c_string(chosen, "subprotocol"))
            if result == ffi.WS_ERR_INVALID:
                raise ValueError(f"select_subprotocol chose {quoted(chosen)}, which the client does not offer")
            check(result)


class Opening(Answering):
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

    def _add_header(self, name: bytes, value: bytes) -> int:
        result: int = lib.ws_upgrade_add_header(self._upgrade, name, value)
        return result

    def _set_subprotocol(self, name: Optional[bytes]) -> int:
        result: int = lib.ws_upgrade_set_subprotocol(self._upgrade, name)
        return result

    def _refuse(self, status: int, body: bytes) -> None:
        check(lib.ws_upgrade_refuse(self._upgrade, status, body, len(body)), what="refuse")

    def _check(self, result: int) -> None:
        if result != ffi.WS_OK:
            raise handshake_exception(fault(result, self._failure))

