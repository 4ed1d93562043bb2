"""Texts and families of the exceptions."""

import pickle

import pytest
import websockets.frames

import wsswift
from wsswift import (
    Close,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    Response,
    SecurityError,
    WebSocketException,
)


@pytest.mark.parametrize(
    ("close", "text"),
    [
        (Close(1000, ""), "1000 (OK)"),
        (Close(1001, "bye"), "1001 (going away) bye"),
        (Close(1005, ""), "1005 (no status received [internal])"),
        (Close(1016, ""), "1016 (unknown)"),
        (Close(3000, ""), "3000 (registered)"),
        (Close(4999, "x"), "4999 (private use) x"),
    ],
)
def test_close(close, text):
    assert str(close) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((None, None), "no close frame received or sent"),
        ((None, Close(1000, "")), "sent 1000 (OK); no close frame received"),
        ((Close(1000, ""), None), "received 1000 (OK); no close frame sent"),
        ((Close(1000, ""), Close(1000, ""), True), "received 1000 (OK); then sent 1000 (OK)"),
        ((Close(1000, ""), Close(1001, ""), False), "sent 1001 (going away); then received 1000 (OK)"),
    ],
)
def test_connection_closed(arguments, text):
    error = ConnectionClosed(*arguments)
    assert str(error) == text
    assert (error.rcvd, error.sent) == arguments[:2]


def test_texts():
    assert str(InvalidStatus(Response(404))) == "server rejected WebSocket connection: HTTP 404"
    error = InvalidURI("http://user:secret@host/", "wrong scheme")
    assert str(error) == "not a valid WebSocket URI: wrong scheme"
    assert error.uri == "http://user:secret@host/"


def test_secrets_are_not_printed():
    for error in (InvalidURI("ws://me:secret@h", "no"), wsswift.InvalidProxy("http://me:secret@h", "no")):
        assert "secret" not in repr(error) and "'no'" in repr(error)
    assert "secret" not in repr(InvalidStatus(Response(401, headers=wsswift.Headers([("Set-Cookie", "secret")]))))


def test_families():
    for name in wsswift.exceptions.__all__:
        if name != "Close":
            assert issubclass(getattr(wsswift, name), WebSocketException)
    assert issubclass(ConnectionClosedOK, ConnectionClosed) and issubclass(ConnectionClosedError, ConnectionClosed)
    assert issubclass(InvalidStatus, InvalidHandshake) and issubclass(SecurityError, InvalidHandshake)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedOK(Close(1000, "bye"), None),
        InvalidURI("x", "y"),
        InvalidStatus(Response(404)),
        SecurityError("z"),
    ],
)
def test_exceptions_cross_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error)


def test_close_codes_have_the_names_and_numbers_of_websockets():
    theirs = {code.name: code.value for code in websockets.frames.CloseCode}
    assert {code.name: code.value for code in wsswift.CloseCode} == theirs
