"""What happens while nobody receives: pings answered, pings sent, closes seen; also while Python itself stands still."""

import ctypes
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from peers import CLOSE, PING, PONG, TEXT, RawServer, ending, wait_until

import wsswift
from wsswift.sync import connect


def test_pings_are_answered_while_nobody_receives():
    answered = threading.Event()

    def behave(peer):
        peer.send_frame(PING, b"are you there")
        assert peer.recv_frame() == (PONG, b"are you there")
        answered.set()
        peer.recv_frame()

    with RawServer(behave) as server, connect(server.url) as connection:
        assert answered.wait(10)
        assert connection.close_code is None


def test_pings_are_answered_while_a_thread_only_sends():
    answered = threading.Event()

    def behave(peer):
        peer.send_frame(PING, b"1")
        while not answered.is_set():
            if peer.recv_frame() == (PONG, b"1"):
                answered.set()
        while peer.recv_frame()[0] != CLOSE:
            pass
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url, compression=None) as connection:
        end = time.monotonic() + 10
        while not answered.is_set() and time.monotonic() < end:
            connection.send("x")
            time.sleep(0.01)
        assert answered.is_set()


def test_a_close_is_seen_while_nobody_receives():
    with RawServer(lambda peer: (peer.send_close(4001, b"bye"), peer.recv_frame())) as server:
        with connect(server.url) as connection:
            wait_until(lambda: connection.state is wsswift.State.CLOSING)
            with pytest.raises(wsswift.ConnectionClosedError):
                connection.send("too late")
            assert ending(connection).rcvd == wsswift.Close(4001, "bye")


def test_messages_wait_for_who_receives():
    def behave(peer):
        peer.send_frame(TEXT, b"one")
        peer.send_frame(TEXT, b"two")
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        time.sleep(0.5)
        assert [connection.recv(10), connection.recv(10)] == ["one", "two"]
        ending(connection)


def test_a_silent_peer_is_given_up():
    released = threading.Event()

    def behave(peer):
        released.wait(10)

    with RawServer(behave) as server:
        with connect(server.url, ping_interval=0.1, ping_timeout=0.2) as connection:
            error = ending(connection)
            assert isinstance(error, wsswift.ConnectionClosedError)
            assert error.sent.code == 1011
            assert "ws_conn" not in str(error.__cause__)
        released.set()


def test_a_silent_peer_is_given_up_while_nobody_receives():
    released = threading.Event()

    with RawServer(lambda peer: released.wait(10)) as server:
        with connect(server.url, ping_interval=0.1, ping_timeout=0.2) as connection:
            wait_until(lambda: connection.state is not wsswift.State.OPEN)
            with pytest.raises(wsswift.ConnectionClosedError):
                wait_until(lambda: connection.send("x"))
        released.set()


def test_pings_are_sent_and_measured(url):
    with connect(url, ping_interval=0.05) as connection:
        wait_until(lambda: connection.statistics.round_trip_ns > 0)
        assert 0 < connection.latency < 10
        assert connection.statistics.pings_sent >= 1


@pytest.mark.parametrize("arguments", [{"ping_interval": None}, {"ping_interval": 0.1, "ping_timeout": None}])
def test_no_limit(arguments):
    released = threading.Event()
    with RawServer(lambda peer: (released.wait(10), peer.send_close(1000))) as server:
        with connect(server.url, **arguments) as connection:
            with pytest.raises(TimeoutError):
                connection.recv(0.5)
            released.set()
            ending(connection)


@pytest.mark.parametrize("name", ["ping_interval", "ping_timeout"])
@pytest.mark.parametrize("value, kind", [(0, ValueError), (-1, ValueError), ("1", TypeError), (float("nan"), ValueError)])
def test_times_that_cannot_be(url, name, value, kind):
    with pytest.raises(kind, match=name):
        connect(url, **{name: value})


def test_statistics_outlive_the_connection(url):
    with connect(url) as connection:
        connection.send("abc")
        connection.recv(10)
        before = connection.statistics
    assert before.messages_sent == before.messages_received == 1
    assert before.bytes_sent == before.bytes_received == 3
    assert connection.statistics.messages_sent == 1


PEER = textwrap.dedent(
    """
    # A server of `websockets` that pings every second and hangs up where no pong comes within three.
    import sys, time
    import websockets.sync.server

    def handler(connection):
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end:
            if not connection.ping().wait(3):
                print("no pong", flush=True)
                return
            time.sleep(1)
        print("alive", flush=True)

    with websockets.sync.server.serve(handler, "127.0.0.1", 0, ping_interval=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()
    """
)


def test_pings_are_answered_while_another_thread_holds_the_interpreter_for_30_seconds():
    peer = subprocess.Popen([sys.executable, "-c", PEER, "28"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(peer.stdout.readline())
        with connect(f"ws://127.0.0.1:{port}", ping_interval=None) as connection:
            # A PyDLL call keeps the interpreter's lock: no Python code runs anywhere in this process.
            ctypes.PyDLL(None).sleep(30)
            assert peer.stdout.readline() == "alive\n"
            connection.close()
    finally:
        peer.kill()
        peer.wait()
        peer.stdout.close()
