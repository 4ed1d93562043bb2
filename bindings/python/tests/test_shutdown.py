"""shutdown(): who is told, who is waited for, and for how long."""

import os
import signal
import threading
import time

import pytest
from peers import echo, raw_client, raw_connection, raw_request, running, wait_until

import wsswift
from wsswift.sync import connect, serve


def test_shutdown_closes_all_at_once():
    results = []

    def client(url):
        with connect(url) as connection:
            try:
                connection.recv()
            except wsswift.ConnectionClosedOK as error:
                results.append((error.rcvd.code, error.rcvd.reason))

    with running(serve(echo)) as server:
        threads = [threading.Thread(target=client, args=(f"ws://127.0.0.1:{server.port}",)) for _ in range(20)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(server.connections) == 20)
        start = time.monotonic()
        server.shutdown(1001, "see you")
        assert time.monotonic() - start < 3
        assert not server.connections
        for thread in threads:
            thread.join(10)
        assert results == [(1001, "see you")] * 20


def test_shutdown_does_not_wait_for_clients_for_ever():
    with running(serve(echo, close_timeout=0.5)) as server:
        clients = [raw_client(f"ws://127.0.0.1:{server.port}") for _ in range(5)]
        wait_until(lambda: len(server.connections) == 5)
        start = time.monotonic()
        server.shutdown()
        assert 0.4 < time.monotonic() - start < 3
        for client in clients:
            assert client.recv_close_code() == 1001
            client.close()


def test_shutdown_drops_who_does_not_end():
    release = threading.Event()
    ended = threading.Event()

    def handler(connection):
        release.wait(20)
        with pytest.raises(wsswift.ConnectionClosed):
            connection.recv(timeout=10)
        ended.set()

    with running(serve(handler, close_timeout=0.2)) as server:
        with connect(f"ws://127.0.0.1:{server.port}"):
            wait_until(lambda: server.connections)
            start = time.monotonic()
            server.shutdown()
            assert 1 < time.monotonic() - start < 4
            release.set()
            assert ended.wait(10)


def test_shutdown_tells_clients_of_handlers_that_do_not_read():
    release = threading.Event()
    with running(serve(lambda connection: release.wait(20))) as server:
        with connect(f"ws://127.0.0.1:{server.port}") as client:
            wait_until(lambda: server.connections)
            closer = threading.Thread(target=server.shutdown)
            closer.start()
            with pytest.raises(wsswift.ConnectionClosedOK) as caught:
                client.recv(timeout=10)
            assert caught.value.rcvd.code == 1001
            release.set()
        closer.join(10)
        assert not closer.is_alive()


def test_shutdown_refuses_handshakes_in_progress():
    with running(serve(echo)) as server:
        url = f"ws://127.0.0.1:{server.port}"
        with raw_connection(url) as client:
            client.sock.sendall(b"GET / HTTP/1.1\r\n")
            with connect(url) as another:  # by now the first one has its thread too
                another.send("x")
                another.recv(timeout=10)
            server.shutdown()
            client.sock.sendall(raw_request(url).split(b"\r\n", 1)[1])
            assert " 503 " in client.recv_head()


def test_shutdown_twice_and_before_serving():
    server = serve(echo)
    server.shutdown()
    server.shutdown()
    server.serve_forever()  # returns at once
    assert server.fileno() == -1
    with serve(echo) as server:
        assert server.port > 0


def test_shutdown_from_a_handler():
    def handler(connection):
        server.shutdown(1012, "restart")

    server = serve(handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with connect(f"ws://127.0.0.1:{server.port}") as client:
        with pytest.raises(wsswift.ConnectionClosedError) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd == wsswift.Close(1012, "restart")
    thread.join(10)
    assert not thread.is_alive()


def test_shutdown_from_a_signal_handler():
    """In the middle of serve_forever(), as programs do."""
    before = signal.signal(signal.SIGUSR1, lambda *_: server.shutdown())
    try:
        server = serve(echo)
        codes = []

        def client():
            with connect(f"ws://127.0.0.1:{server.port}") as connection:
                os.kill(os.getpid(), signal.SIGUSR1)
                try:
                    connection.recv(timeout=10)
                except wsswift.ConnectionClosed as closed:
                    codes.append(closed.rcvd.code)

        thread = threading.Thread(target=client)
        thread.start()
        server.serve_forever()
        thread.join(10)
        assert codes == [1001]
        assert server.fileno() == -1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_shutdown_with_a_code_that_cannot_be_sent():
    with running(serve(echo)) as server:
        with pytest.raises(ValueError):
            server.shutdown(70000)
        with connect(f"ws://127.0.0.1:{server.port}") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
