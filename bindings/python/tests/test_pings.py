"""Pings and their pongs, beside messages and other threads; and connections that are forgotten meanwhile."""

import gc
import threading
import time
import weakref

import pytest
from peers import CLOSE, PING, PONG, TEXT, RawServer, ending, wait_until, websockets_server

from wsswift import ConcurrencyError, ConnectionClosedOK
from wsswift.sync import connect


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


def test_pings_nobody_waits_for_do_not_stop_the_answers():
    answers = []

    def behave(peer):
        for number in range(12):
            peer.send_frame(PONG, peer.recv_frame()[1])
            peer.send_frame(PING, b"%d" % number)
            answers.append(peer.recv_frame())
        peer.send_close(peer.recv_close_code())

    with RawServer(behave) as server, connect(server.url) as connection:
        pongs = []
        while len(pongs) < 12:
            pongs.append(connection.ping())
            wait_until(lambda: len(answers) == len(pongs))
        assert answers == [(PONG, b"%d" % number) for number in range(12)]
        assert all(pong.wait(10) for pong in pongs)


def test_pings_of_a_real_peer():
    answered = []

    def handler(connection):
        answered.append(connection.ping(b"there?").wait(10))
        connection.send("done")

    with websockets_server(handler) as url, connect(url) as connection:
        assert connection.recv(timeout=10) == "done"
    assert answered == [True]


# Connections that are forgotten


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
