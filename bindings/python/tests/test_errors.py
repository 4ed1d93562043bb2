"""Every error of the library has its exception."""

import errno
import socket

import pytest
from test_ffi import CONSTANTS

import wsswift
from wsswift import _errors, _ffi
from wsswift._library import lib

ERRORS = {name: code for name, code in CONSTANTS.items() if name.startswith("WS_ERR_")}


def failure(code, text=b"what was seen", os_errno=0, http_status=0):
    detail = _ffi.ws_failure()
    detail.code, detail.text, detail.os_errno, detail.http_status = code, text, os_errno, http_status
    return detail


def test_the_map_is_complete():
    assert set(_errors.EXCEPTIONS) == set(ERRORS.values())


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_becomes_an_exception(name):
    error = _errors.exception(_errors.fault(ERRORS[name], failure(ERRORS[name])))
    assert isinstance(error, Exception) and str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (_ffi.WS_ERR_INVALID, ValueError),
        (_ffi.WS_ERR_NOMEM, MemoryError),
        (_ffi.WS_ERR_STATE, wsswift.ConcurrencyError),
        (_ffi.WS_ERR_TIMEOUT, TimeoutError),
        (_ffi.WS_ERR_RESOLVE, socket.gaierror),
        (_ffi.WS_ERR_TLS, wsswift.SecurityError),
        (_ffi.WS_ERR_PROTOCOL, wsswift.ProtocolError),
        (_ffi.WS_ERR_TOO_BIG, wsswift.PayloadTooBig),
        (_ffi.WS_ERR_UTF8, UnicodeError),
        (_ffi.WS_ERR_HANDSHAKE, wsswift.InvalidHandshake),
        (_ffi.WS_ERR_ORIGIN, wsswift.InvalidOrigin),
        (_ffi.WS_ERR_HOST, wsswift.InvalidHost),
    ],
)
def test_kind_and_text(code, kind):
    error = _errors.exception(_errors.fault(code, failure(code)))
    assert isinstance(error, kind)
    assert "what was seen" in str(error)


@pytest.mark.parametrize(
    ("os_errno", "kind"),
    [
        (errno.ECONNREFUSED, ConnectionRefusedError),
        (errno.ETIMEDOUT, TimeoutError),
        (errno.EADDRINUSE, OSError),
        (0, OSError),
    ],
)
def test_system_errors_carry_their_number(os_errno, kind):
    error = _errors.exception(_errors.fault(_ffi.WS_ERR_IO, failure(_ffi.WS_ERR_IO, os_errno=os_errno)))
    assert isinstance(error, kind)
    assert error.errno == (os_errno or errno.EIO)


def test_uri_and_response_come_along():
    error = _errors.exception(_errors.fault(_ffi.WS_ERR_URL, failure(_ffi.WS_ERR_URL), uri="http://x"))
    assert (error.uri, error.msg) == ("http://x", "what was seen")
    error = _errors.exception(_errors.fault(_ffi.WS_ERR_STATUS, response=wsswift.Response(404)))
    assert error.response.status_code == 404
    error = _errors.exception(_errors.fault(_ffi.WS_ERR_STATUS, failure(_ffi.WS_ERR_STATUS, http_status=503)))
    assert error.response.status_code == 503


def test_an_older_failure_is_left_aside():
    text = _errors.fault(_ffi.WS_ERR_TIMEOUT, failure(_ffi.WS_ERR_PROTOCOL)).text
    assert text == lib.ws_strerror(_ffi.WS_ERR_TIMEOUT).decode()


def test_unknown_results():
    assert isinstance(_errors.exception(_errors.fault(-9999)), RuntimeError)


def test_a_peer_that_hangs_up():
    fault = _errors.fault(_ffi.WS_ERR_LOST, failure(_ffi.WS_ERR_LOST))
    assert isinstance(_errors.handshake_exception(fault), wsswift.InvalidMessage)
    assert isinstance(_errors.exception(fault), EOFError)
