"""Connection: receiving, closing, pings. One end is ours, the other one is ours too or writes its frames by hand."""

import gc
import threading
import time
import weakref

import pytest
from peers import BINARY, CLOSE, PING, PONG, TEXT, RawServer, our_server, websockets_server

import wsswift
from wsswift import Close, ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from wsswift.sync import connect


@pytest.fixture(scope="module")
def url():
    with our_server() as url:
        yield url


def ending(connection, **options):
    """The exception that recv() ends with."""
    with pytest.raises(wsswift.ConnectionClosed) as caught:
        connection.recv(**{"timeout": 10, **options})
    return caught.value


# Receiving


def test_a_timeout_loses_nothing(url):
    with connect(url) as connection:
        for seconds in (0.05, 0, -1):
            with pytest.raises(TimeoutError, match="timed out while waiting for a message"):
                connection.recv(timeout=seconds)
        connection.send("after the timeouts")
        assert connection.recv(timeout=10) == "after the timeouts"


def test_a_timeout_inside_a_frame_loses_nothing():
    go_on = threading.Event()

    def behave(peer):
        peer.sock.sendall(b"\x81\x05he")
        go_on.wait(10)
        peer.sock.sendall(b"llo")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                connection.recv(timeout=0.05)
        go_on.set()
        assert connection.recv(timeout=10) == "hello"


def test_a_timeout_is_kept(url):
    with connect(url) as connection:
        for seconds in (0.1, 1.4):
            start = time.monotonic()
            with pytest.raises(TimeoutError):
                connection.recv(timeout=seconds)
            assert seconds - 0.01 <= time.monotonic() - start < seconds + 1


def test_waiting_longer_than_a_slice_of_the_main_thread():
    def behave(peer):
        time.sleep(1.3)
        peer.send_frame(TEXT, b"late")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        assert connection.recv() == "late"


def test_timeout_0_takes_what_is_there():
    def behave(peer):
        peer.send_frame(TEXT, b"one")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                assert connection.recv(timeout=0) == "one"
                return
            except TimeoutError:
                time.sleep(0.01)
        pytest.fail("the message never came")


def test_fragments_become_one_message():
    def behave(peer):
        peer.send_frame(TEXT, "é".encode()[:1], final=False)
        peer.send_frame(PING, b"between")
        peer.send_frame(0, "é".encode()[1:], final=True)
        assert peer.recv_frame() == (PONG, b"between")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        assert connection.recv(timeout=10) == "é"


def test_two_receivers_at_once(url):
    with connect(url) as connection:
        first = []
        thread = threading.Thread(target=lambda: first.append(connection.recv(timeout=10)))
        thread.start()
        time.sleep(0.1)
        with pytest.raises(ConcurrencyError):
            connection.recv(timeout=0.1)
        connection.send("for the first")
        thread.join(10)
        assert first == ["for the first"]
        connection.send("usable")
        assert connection.recv(timeout=10) == "usable"


def test_iteration_ends_with_a_proper_close():
    def behave(peer):
        peer.send_frame(TEXT, b"a")
        peer.send_frame(BINARY, b"b")
        peer.send_close(1001)
        assert peer.recv_close_code() == 1001

    with RawServer(behave) as server, connect(server.url) as connection:
        assert list(connection) == ["a", b"b"]
        assert (connection.close_code, connection.close_reason) == (1001, "")


def test_iteration_raises_after_another_close():
    def behave(peer):
        peer.send_frame(TEXT, b"a")
        peer.send_close(4000, b"no")
        peer.recv_close_code()

    with RawServer(behave) as server, connect(server.url) as connection:
        messages = iter(connection)
        assert next(messages) == "a"
        with pytest.raises(ConnectionClosedError):
            next(messages)


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
        assert (connection.close_code, connection.close_reason) == (None, None)
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


# Pings


@pytest.mark.parametrize("data", [None, b"", "ü", b"x" * 125, bytearray(b"abc"), memoryview(b"abc")])
def test_ping_and_pong(url, data):
    with connect(url) as connection:
        assert connection.latency == 0
        pong = connection.ping(data)
        assert isinstance(pong, threading.Event)
        assert pong.wait(10) is True
        assert 0 < connection.latency < 10


def test_waiting_for_a_pong_keeps_the_messages(url):
    with connect(url) as connection:
        for number in range(5):
            connection.send(str(number))
        assert connection.ping().wait(10)
        assert [connection.recv(timeout=10) for _ in range(5)] == [str(number) for number in range(5)]


def test_waiting_for_a_pong_while_another_thread_receives(url):
    with connect(url) as connection:
        received = []
        thread = threading.Thread(target=lambda: received.extend([connection.recv(10), connection.recv(10)]))
        thread.start()
        time.sleep(0.05)
        assert connection.ping().wait(10)
        connection.send("a")
        assert connection.ping().wait(10)
        connection.send("b")
        thread.join(10)
        assert received == ["a", "b"]


def test_receiving_while_another_thread_waits_for_a_pong():
    def behave(peer):
        peer.recv_frame()
        for number in range(20):
            peer.send_frame(TEXT, str(number).encode())
            time.sleep(0.01)
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        pong = connection.ping()
        thread = threading.Thread(target=pong.wait, args=(1,))
        thread.start()
        assert [connection.recv(timeout=10) for _ in range(20)] == [str(number) for number in range(20)]
        thread.join(10)


def test_a_pong_that_never_comes():
    def behave(peer):
        assert peer.recv_frame() == (PING, b"x")
        peer.send_frame(PONG, b"another")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        pong = connection.ping(b"x")
        assert pong.wait(0.2) is False
        assert not pong.is_set()


def test_a_close_instead_of_a_pong():
    def behave(peer):
        peer.recv_frame()
        peer.send_close(1000)
        peer.recv_close_code()

    with RawServer(behave) as server, connect(server.url) as connection:
        assert connection.ping().wait() is False
        assert type(ending(connection)) is ConnectionClosedOK


def test_a_pong_answers_the_pings_before_it():
    def behave(peer):
        for _ in range(3):
            peer.recv_frame()
        peer.send_frame(PONG, b"2")
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        pongs = [connection.ping(data) for data in ("1", "2", "3")]
        assert pongs[1].wait(10)
        assert [pong.is_set() for pong in pongs] == [True, True, False]


def test_the_same_ping_twice():
    def behave(peer):
        frames = [peer.recv_frame(), peer.recv_frame()]
        assert frames[0] == (PING, b"x") and frames[1][0] == CLOSE
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        connection.ping(b"x")
        with pytest.raises(ConcurrencyError):
            connection.ping(b"x")


def test_pings_that_are_too_long(url):
    with connect(url) as connection:
        for call in (connection.ping, connection.pong):
            with pytest.raises(ValueError, match="126 bytes; at most 125"):
                call(b"x" * 126)
            with pytest.raises(TypeError):
                call(5)
        assert connection.ping().wait(10)


def test_unsolicited_pong():
    frames = []

    def behave(peer):
        frames.append(peer.recv_frame())
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        connection.pong("hello")
    assert frames == [(PONG, b"hello")]


def test_pings_of_a_real_peer():
    answered = []

    def handler(connection):
        answered.append(connection.ping(b"there?").wait(10))
        connection.send("done")

    with websockets_server(handler) as url, connect(url) as connection:
        assert connection.recv(timeout=10) == "done"
    assert answered == [True]


# Lifetime


def test_a_forgotten_connection_is_dropped():
    ended = []
    with RawServer(lambda peer: ended.append(peer.at_end())) as server:
        connection = connect(server.url)
        connection._hear_pongs()
        forgotten = weakref.ref(connection)
        del connection
        assert forgotten() is None  # at once, without the cyclic collector
    assert ended == [True]


def test_forgotten_with_a_ping_outstanding():
    with RawServer(lambda peer: (peer.recv_frame(), peer.at_end())) as server:
        connection = connect(server.url)
        pong = connection.ping()
        del connection
        gc.collect()
        assert pong.wait(0.05) is False
