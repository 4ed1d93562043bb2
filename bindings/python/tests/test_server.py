"""serve(): with the client of `websockets`, with our own, and with clients that write bytes by hand."""

import logging

import pytest
import websockets.exceptions
import websockets.sync.client
from peers import CLOSE, PING, PONG, TEXT, our_server, raw_client, raw_connection, raw_request

import wsswift
from wsswift.sync import ServerConnection, connect


@pytest.fixture(scope="module")
def url():
    with our_server(subprotocols=["chat", "superchat"]) as url:
        yield url


def websockets_client(url, **options):
    return websockets.sync.client.connect(url, compression=None, **options)


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
