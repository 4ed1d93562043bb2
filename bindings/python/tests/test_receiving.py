"""recv() and iteration: timeouts, fragments, and who may receive."""

import threading
import time

import pytest
from peers import BINARY, PING, PONG, TEXT, RawServer, wait_until

from wsswift import ConcurrencyError, ConnectionClosedError
from wsswift.sync import connect


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
            best = 100.0  # one that is quick proves the point on a busy machine
            for _ in range(5):
                start = time.monotonic()
                with pytest.raises(TimeoutError):
                    connection.recv(timeout=seconds)
                took = time.monotonic() - start
                assert took >= seconds - 0.01
                best = min(best, took)
                if best < seconds + 0.5:
                    break
            assert best < seconds + 0.5


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
        wait_until(connection._receiving.locked)
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
