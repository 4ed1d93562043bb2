"""How a connection ends: by the peer, by us, and by both at once."""

import threading
import time

import pytest
from peers import RawServer, ending, our_server

import wsswift
from wsswift import Close, ConnectionClosedError, ConnectionClosedOK
from wsswift._library import lib
from wsswift.sync import connect


# The peer's close


@pytest.mark.parametrize(
    ("code", "reason", "kind", "text"),
    [
        (1000, "", ConnectionClosedOK, "received 1000 (OK); then sent 1000 (OK)"),
        (1000, "bye ü", ConnectionClosedOK, "received 1000 (OK) bye ü; then sent 1000 (OK)"),
        (1001, "", ConnectionClosedOK, "received 1001 (going away); then sent 1001 (going away)"),
        (1011, "oops", ConnectionClosedError, "received 1011 (internal error) oops; then sent 1011 (internal error)"),
        (4000, "", ConnectionClosedError, "received 4000 (private use); then sent 4000 (private use)"),
    ],
)
def test_closed_by_the_peer(code, reason, kind, text):
    def behave(peer):
        peer.send_close(code, reason.encode())
        assert peer.recv_close_code() == code

    with RawServer(behave) as server, connect(server.url) as connection:
        assert (connection.close_code, connection.close_reason) == (None, None)  # until somebody receives
        for _ in range(2):
            error = ending(connection)
            assert type(error) is kind
            assert str(error) == text
            assert error.rcvd == Close(code, reason)
            assert error.rcvd_then_sent is True
            assert error.__cause__ is None
        assert (connection.close_code, connection.close_reason) == (code, reason)
        with pytest.raises(kind):
            connection.send("too late")
        with pytest.raises(kind):
            connection.ping()
    with pytest.raises(kind):
        connection.recv()


def test_closed_without_a_code():
    def behave(peer):
        peer.send_close()
        assert peer.recv_close_code() is None

    with RawServer(behave) as server, connect(server.url) as connection:
        error = ending(connection)
        assert type(error) is ConnectionClosedOK
        assert error.rcvd == Close(1005, "")
    assert connection.close_code == 1005


def test_lost_without_a_close_frame():
    with RawServer(lambda peer: None) as server, connect(server.url) as connection:
        error = ending(connection)
        assert type(error) is ConnectionClosedError
        assert (error.rcvd, error.sent) == (None, None)
        assert str(error) == "no close frame received or sent"
        assert isinstance(error.__cause__, (EOFError, OSError))
    assert (connection.close_code, connection.close_reason) == (1006, "")


@pytest.mark.parametrize(
    ("frame", "code", "cause"),
    [
        (b"\x83\x00", 1002, wsswift.ProtocolError),  # opcode 3
        (b"\x81\x80\0\0\0\0", 1002, wsswift.ProtocolError),  # a server that masks
        (b"\x81\x01\xff", 1007, wsswift.InvalidUTF8),
        (b"\x82\x7e\x10\x00", 1009, wsswift.PayloadTooBig),  # 4096 bytes
    ],
)
def test_faults_of_the_peer(frame, code, cause):
    codes = []

    def behave(peer):
        peer.sock.sendall(frame)
        codes.append(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url, max_size=1000) as connection:
        for _ in range(2):
            error = ending(connection)
            assert type(error) is ConnectionClosedError
            assert (error.rcvd, error.sent.code) == (None, code)
            assert type(error.__cause__) is cause
            assert str(error.__cause__)
    assert codes == [code]


# Our close


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "moved"), (3000, "ü" * 61), (4999, "")])
def test_closing(code, reason):
    seen = []

    def handler(connection):
        try:
            connection.recv(timeout=10)
        except wsswift.ConnectionClosed as error:
            seen.append(error)

    with our_server(handler) as url:
        connection = connect(url)
        connection.close(code, reason)
        connection.close(1011, "the first one counts")
        assert connection.close_code == code
        error = ending(connection)
        assert error.sent == Close(code, reason)
        assert error.rcvd.code == code
        assert error.rcvd_then_sent is False
        assert str(error).startswith("sent ")
    assert seen[0].rcvd == Close(code, reason)
    assert seen[0].rcvd_then_sent is True


@pytest.mark.parametrize("use", ["send", "ping", "pong", "recv", "iterate"])
def test_use_after_close(url, use):
    connection = connect(url)
    connection.close()
    calls = {
        "send": lambda: connection.send("x"),
        "ping": connection.ping,
        "pong": connection.pong,
        "recv": connection.recv,
    }
    if use == "iterate":
        assert list(connection) == []
        return
    with pytest.raises(ConnectionClosedOK):
        calls[use]()


@pytest.mark.parametrize(
    ("code", "reason"),
    [(999, ""), (1004, ""), (1006, ""), (1015, ""), (2999, ""), (5000, ""), (70000, ""), (-1, ""), (1000, "x" * 124)],
)
def test_codes_and_reasons_that_cannot_be_sent(url, code, reason):
    with connect(url) as connection:
        with pytest.raises(ValueError):
            connection.close(code, reason)
        connection.send("still open")
        assert connection.recv(timeout=10) == "still open"


def test_leaving_the_block_with_an_exception():
    codes = []
    with RawServer(lambda peer: codes.append(peer.recv_close_code())) as server:
        with pytest.raises(ZeroDivisionError), connect(server.url, close_timeout=1):
            raise ZeroDivisionError
    assert codes == [1011]


def test_a_peer_that_does_not_answer_the_close():
    done = threading.Event()
    with RawServer(lambda peer: done.wait(10)) as server:
        connection = connect(server.url, close_timeout=0.3)
        start = time.monotonic()
        connection.close()
        assert 0.25 < time.monotonic() - start < 3
        error = ending(connection)
        assert type(error) is ConnectionClosedError
        assert (error.rcvd, error.sent) == (None, Close(1000, ""))
        assert isinstance(error.__cause__, TimeoutError)
        done.set()


def test_closing_while_another_thread_receives(url):
    connection = connect(url)
    errors = []

    def receive():
        try:
            connection.recv()
        except wsswift.ConnectionClosed as error:
            errors.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    time.sleep(0.1)
    start = time.monotonic()
    connection.close()
    thread.join(10)
    assert time.monotonic() - start < 2
    assert [type(error) for error in errors] == [ConnectionClosedOK]
    assert errors[0].sent == Close(1000, "")


def test_receiving_while_another_thread_closes():
    """A recv() that starts in the middle of a close() waits for its outcome."""
    answer = threading.Event()

    def behave(peer):
        code = peer.recv_close_code()
        answer.wait(10)
        peer.send_close(code)

    with RawServer(behave) as server:
        connection = connect(server.url)
        thread = threading.Thread(target=connection.close)
        thread.start()
        time.sleep(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.1)
        answer.set()
        assert type(ending(connection)) is ConnectionClosedOK
        thread.join(10)


def test_many_threads_close_at_once(url):
    connection = connect(url)
    threads = [threading.Thread(target=connection.close) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert connection.close_code == 1000


# What another thread does at the worst moment


class Calls:
    """The library's functions, but for those that are given."""

    def __init__(self, **others):
        self.others = others

    def __getattr__(self, name):
        return self.others.get(name) or getattr(lib, name)


def test_closed_while_a_late_send_learns_why(url):
    """A close() that is over by then has let go of the handle, and takes nothing of the answer away."""
    connection = connect(url)

    def close_first(handle, half, failure):
        handle.calls = lib
        connection.close()
        return lib.ws_conn_failure(handle, half, failure)

    connection._handle.calls = Calls(ws_conn_failure=close_first)
    connection._begin_close(1000, "")
    with pytest.raises(ConnectionClosedOK) as caught:
        connection.send("too late")
    assert caught.value.sent == caught.value.rcvd == Close(1000, "")


def test_two_threads_ping_for_the_first_time(url):
    """Neither's ping may leave before there is a handler for its pong."""
    answered = []

    def ping_first(*arguments):
        connection._handle.calls = lib
        thread = threading.Thread(target=lambda: answered.append(connection.ping().wait(5)))
        thread.start()
        thread.join(10)
        return lib.ws_conn_set_pong_handler(*arguments)

    with connect(url) as connection:
        connection._handle.calls = Calls(ws_conn_set_pong_handler=ping_first)
        assert connection.ping().wait(10)
    assert answered == [True]
