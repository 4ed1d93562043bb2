"""serve(): with the client of `websockets`, with our own, and with clients that write bytes by hand."""

import logging
import os
import signal
import socket
import threading
import time

import pytest
import websockets.exceptions
import websockets.sync.client
from peers import CLOSE, PATIENCE, PING, PONG, TEXT, echo, our_server, raw_client, raw_connection, raw_request, running

import wsswift
from wsswift.sync import ServerConnection, connect, serve


@pytest.fixture(scope="module")
def url():
    with our_server(subprotocols=["chat", "superchat"]) as url:
        yield url


def websockets_client(url, **options):
    return websockets.sync.client.connect(url, compression=None, **options)


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "message",
    ["", "Grüße 😀", "x" * 65536, b"", b"\0\xff", bytes(1 << 20)],
    ids=lambda m: f"{type(m).__name__}-{len(m)}",
)
def test_messages_of_a_real_client(url, message):
    with websockets_client(url) as client:
        client.send(message)
        assert client.recv(timeout=10) == message


def test_fragments_of_a_real_client(url):
    with websockets_client(url) as client:
        client.send(["a", "", "ü"])
        assert client.recv(timeout=10) == "aü"


def test_pings_of_a_real_client(url):
    with websockets_client(url) as client:
        assert client.ping(b"hello").wait(10)


@pytest.mark.parametrize("code", [1000, 1001, 4001])
def test_close_of_a_real_client(url, code):
    with websockets_client(url) as client:
        client.close(code, "bye")
    assert client.close_code == code


def test_compression_is_declined(url):
    with websockets.sync.client.connect(url) as client:
        client.send("x" * 10000)
        assert client.recv(timeout=10) == "x" * 10000
        assert client.protocol.extensions == []


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["superchat", "chat"], "superchat"), (["chat"], "chat"), (["other"], None), (None, None)]
)
def test_subprotocol(url, offered, chosen):
    with websockets_client(url, subprotocols=offered) as client:
        assert client.subprotocol == chosen


def test_what_a_handler_sees():
    seen = []

    def handler(connection):
        assert isinstance(connection, ServerConnection)
        seen.append((connection.request.path, connection.request.headers["X-One"], connection.remote_address))

    with our_server(handler) as url:
        with connect(f"{url}/a/b?c=d", additional_headers={"X-One": "1"}) as connection:
            connection_end = connection.local_address
            with pytest.raises(wsswift.ConnectionClosedOK):
                connection.recv(timeout=10)
    assert seen == [("/a/b?c=d", "1", connection_end)]


def test_response_fields():
    with our_server(additional_headers={"X-One": "1"}) as url, connect(url) as connection:
        assert connection.response.headers["x-one"] == "1"


@pytest.mark.parametrize(
    ("error", "code"), [(None, 1000), (ValueError("x"), 1011), (KeyboardInterrupt(), 1011), (SystemExit(3), 1011)]
)
def test_how_a_handler_ends(error, code, caplog):
    def handler(connection):
        connection.recv(timeout=10)
        if error is not None:
            raise error

    with our_server(handler) as url:
        for _ in range(2):  # the server goes on
            with connect(url) as connection:
                connection.send("x")
                with pytest.raises(wsswift.ConnectionClosed) as caught:
                    connection.recv(timeout=10)
                assert caught.value.rcvd.code == code
    logged = [record for record in caplog.records if "handler failed" in record.message]
    assert len(logged) == (0 if error is None else 2)


def test_a_handler_may_let_connection_closed_pass(caplog):
    def handler(connection):
        while True:
            connection.recv()

    with caplog.at_level(logging.INFO), our_server(handler) as url:
        connect(url).close(4000)
    assert not caplog.records


def test_a_handler_that_closes_itself():
    with our_server(lambda connection: connection.close(4005, "enough")) as url, websockets_client(url) as client:
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            client.recv(timeout=10)
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4005, "enough")


# Faults of clients


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007),
        (b"\x81\x01a", 1002),  # not masked
        (b"\xc1\x80\0\0\0\0", 1002),  # RSV1
        (b"\x80\x80\0\0\0\0", 1002),  # nothing to continue
        (b"\x82\xfe\x03\xe9\0\0\0\0", 1009),  # 1001 bytes
    ],
)
def test_faults_of_a_client(frame, code):
    errors = []

    def handler(connection):
        try:
            connection.recv(timeout=10)
        except wsswift.ConnectionClosedError as error:
            errors.append(error)
            raise

    with our_server(handler, max_size=1000) as url, raw_client(url) as client:
        client.sock.sendall(frame)
        assert client.recv_close_code() == code
        assert client.at_end()
    assert errors[0].sent.code == code and errors[0].rcvd is None


def test_the_largest_message():
    with our_server(max_size=1000) as url, websockets_client(url) as client:
        client.send(bytes(1000))
        assert len(client.recv(timeout=10)) == 1000
        client.send(bytes(1001))
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 1009


def test_default_limit_is_1_mib(url):
    with websockets_client(url, max_size=None) as client:
        client.send(bytes(1 << 20))
        client.recv(timeout=10)
        client.send(bytes((1 << 20) + 1))
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 1009


def test_frames_sent_with_the_request(url):
    with raw_connection(url) as client:
        client.sock.sendall(raw_request(url) + b"\x81\x82\0\0\0\0hi")
        assert client.recv_head().startswith("HTTP/1.1 101")
        assert client.recv_frame() == (TEXT, b"hi")


def test_control_frames_by_hand(url):
    with raw_client(url) as client:
        client.send_frame(PING, b"x" * 125)
        assert client.recv_frame() == (PONG, b"x" * 125)
        client.send_close()
        assert client.recv_frame() == (CLOSE, b"")
        assert client.at_end()


# The opening handshake


def status(url, request):
    with raw_connection(url) as client:
        client.sock.sendall(request)
        return int(client.recv_head().split()[1])


def test_requests_that_are_no_handshake(url, caplog):
    with caplog.at_level(logging.INFO, "wsswift.server"):
        assert status(url, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == 426
        assert status(url, b"GET / HTTP/1.1\r\nno field\r\n\r\n") == 400
        wait_until(lambda: len(caplog.records) == 2)
    assert all("opening handshake failed: " in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("origins", "origin", "expected"),
    [
        (None, None, 101),
        (None, "{same}", 101),
        (None, "https://example.com", 403),
        (["https://example.com"], "https://example.com", 101),
        (["https://example.com"], "https://example.org", 403),
        (["https://example.com"], None, 403),
        (["https://example.com", None], None, 101),
        (["https://*.example.com"], "https://a.example.com", 101),
        (["*"], "https://example.org", 101),
        ([None], None, 101),
        ([None], "https://example.com", 403),
    ],
)
def test_origins(origins, origin, expected):
    with our_server(origins=origins) as url:
        fields = [] if origin is None else [f"Origin: {origin.format(same=url.replace('ws:', 'http:'))}"]
        assert status(url, raw_request(url, fields)) == expected


@pytest.mark.parametrize(
    ("hosts", "host", "expected"),
    [
        (None, "localhost", 101),
        (None, "127.0.0.1:80", 101),
        (None, "example.com", 421),
        (["example.com"], "example.com:1234", 101),
        (["example.com"], "localhost", 421),
        (["*"], "example.org", 101),
    ],
)
def test_hosts(hosts, host, expected):
    with our_server(hosts=hosts) as url:
        request = raw_request(url).replace(url.split("//")[1].encode(), host.encode(), 1)
        assert status(url, request) == expected


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"origins": ["a\0b"]}, ValueError, "NUL"),
        ({"hosts": ["a\0b"]}, ValueError, "NUL"),
        ({"host": "a\0b"}, ValueError, "NUL"),
        ({"subprotocols": ["a\0b"]}, ValueError, "NUL"),
        ({"origins": ["no origin"]}, ValueError, "origin"),
        ({"subprotocols": ["two words"]}, ValueError, "subprotocol"),
        ({"additional_headers": {"Connection": "x"}}, ValueError, "Connection"),
        ({"port": 65536}, ValueError, "port"),
        ({"port": -1}, ValueError, "port"),
        ({"close_timeout": -1}, ValueError, "close_timeout"),
        ({"max_size": 0}, ValueError, "max_size"),
        ({"subprotocols": "chat"}, TypeError, "sequence"),
    ],
)
def test_wrong_arguments(options, kind, text):
    with pytest.raises(kind, match=text):
        serve(echo, **options)


def test_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError) as caught:
            serve(echo, "127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == 98


def test_silent_clients_delay_nobody():
    with our_server() as url:
        silent = [raw_connection(url) for _ in range(100)]
        start = time.monotonic()
        with connect(url) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
        assert time.monotonic() - start < 1
        for client in silent:
            client.close()


def test_open_timeout():
    with our_server(open_timeout=0.2) as url, raw_connection(url) as client:
        client.sock.sendall(b"GET / HTTP/1.1\r\n")
        start = time.monotonic()
        while not client.at_end():
            pass
        assert time.monotonic() - start < 5


# Where it listens


@pytest.mark.parametrize(
    ("host", "family"),
    [(None, socket.AF_INET), ("localhost", None), ("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET)],
)
def test_hosts_to_listen_on(host, family):
    with running(serve(echo, host)) as server:
        assert server.port == server.socket.getsockname()[1] > 0
        assert family in (None, server.socket.family)
        name = "[::1]" if server.socket.family == socket.AF_INET6 else "127.0.0.1"
        with connect(f"ws://{name}:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


@pytest.mark.parametrize("host", ["", "*"])
def test_every_address(host):
    with running(serve(echo, host, hosts=["*"])) as server:
        with connect(f"ws://127.0.0.1:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


def test_socket_of_the_caller():
    listener = socket.create_server(("127.0.0.1", 0))
    with running(serve(echo, sock=listener)) as server:
        assert listener.fileno() == -1 and server.fileno() >= 0
        with connect(f"ws://127.0.0.1:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
    assert server.fileno() == -1


def test_unix_socket(tmp_path):
    path = str(tmp_path / "socket")
    with running(serve(echo, f"unix:{path}")) as server:
        assert server.port == 0
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        with connect("ws://localhost/", sock=client) as connection:
            assert connection.remote_address == path
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


# Shutting down


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
