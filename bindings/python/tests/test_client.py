"""connect(): against the server of `websockets`, and against peers that break the handshake."""

import signal
import socket
import threading
import time

import pytest
import websockets.sync.server
from peers import TEXT, RawPeer, RawServer, accept_by_hand, echo, running, silent_listener, websockets_server

import wsswift
from wsswift.sync import connect


@pytest.fixture(scope="module")
def url():
    with websockets_server() as url:
        yield url


MESSAGES = [
    "",
    "hello",
    "Grüße, 世界 😀",
    "a\0b",
    "x" * 125,
    "x" * 126,
    "x" * 65535,
    "€" * 65536,
    b"",
    b"\0\xff",
    bytes(range(256)) * 4096,
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{type(message).__name__}-{len(message)}")
def test_messages_come_back(url, message):
    with connect(url, max_size=None) as connection:
        connection.send(message)
        assert connection.recv(timeout=10) == message


def test_kinds_of_bytes(url):
    data = bytearray(b"0123456789" * 100)
    with connect(url) as connection:
        for message in (
            data,
            memoryview(data),
            memoryview(data)[10:20],
            memoryview(data)[::2],
            memoryview(bytes(data)),
            memoryview(data).cast("H"),
            bytearray(),
            memoryview(b""),
        ):
            connection.send(message)
            assert connection.recv(timeout=10) == bytes(message)
        data.append(1)  # nobody holds on to it


def test_text_and_decode(url):
    with connect(url) as connection:
        connection.send("ü".encode(), text=True)
        assert connection.recv(timeout=10) == "ü"
        connection.send("ü", text=False)
        assert connection.recv(timeout=10) == "ü".encode()
        connection.send("ü")
        assert connection.recv(timeout=10, decode=False) == "ü".encode()
        connection.send("ü".encode())
        assert connection.recv(timeout=10, decode=True) == "ü"
        connection.send(b"\xff")
        with pytest.raises(UnicodeDecodeError):
            connection.recv(timeout=10, decode=True)


def test_bytes_sent_as_text_must_be_utf8(url):
    with connect(url) as connection:
        with pytest.raises(wsswift.InvalidUTF8):
            connection.send(b"\xff\xfe", text=True)
        connection.send(b"fine", text=True)
        assert connection.recv(timeout=10) == "fine"


@pytest.mark.parametrize("message", [None, 5, [1], {"a": 1}, iter((None,))])
def test_what_cannot_be_sent(url, message):
    with connect(url) as connection:
        with pytest.raises(TypeError):
            connection.send(message)
        connection.send("still open")
        assert connection.recv(timeout=10) == "still open"


def test_lone_surrogates_cannot_be_sent(url):
    with connect(url) as connection, pytest.raises(UnicodeEncodeError):
        connection.send("\ud800")


def test_many_messages_in_order(url):
    with connect(url) as connection:
        for number in range(200):
            connection.send(str(number))
        assert [connection.recv(timeout=10) for _ in range(200)] == [str(number) for number in range(200)]


def test_subprotocol_and_response(url):
    with websockets_server(subprotocols=["chat", "superchat"]) as speaker:
        with connect(speaker, subprotocols=["superchat", "other"]) as connection:
            assert connection.subprotocol == "superchat"
    with connect(url) as connection:
        assert connection.response.status_code == 101
        assert connection.response.headers["Upgrade"] == "websocket"
        assert connection.subprotocol is None


def test_addresses(url):
    port = int(url.rsplit(":", 1)[1])
    with connect(url) as connection:
        assert connection.remote_address == ("127.0.0.1", port)
        host, ours = connection.local_address
        assert host == "127.0.0.1" and 0 < ours < 65536
    assert connection.remote_address == ("127.0.0.1", port)


def test_request_fields():
    with RawServer(lambda peer: peer.recv_close_code()) as server:
        connection = connect(
            f"{server.url}/chat?a=1",
            origin="https://example.com",
            subprotocols=["a", "b"],
            additional_headers=[("X-One", "1"), ("X-One", "2"), ("Host", "example.com")],
        )
        connection.close()
    head = server.request.split("\r\n")
    assert head[0] == "GET /chat?a=1 HTTP/1.1"
    fields = wsswift.Headers([tuple(line.split(": ", 1)) for line in head[1:]])
    assert fields.get_all("X-One") == ["1", "2"]
    assert fields.get_all("Host") == ["example.com"]
    assert fields["Origin"] == "https://example.com"
    assert [name.strip() for name in ",".join(fields.get_all("Sec-WebSocket-Protocol")).split(",")] == ["a", "b"]


def test_refused_with_a_body():
    def refuse(connection, request):
        return connection.respond(404, "there is nothing here\n")

    with websockets_server(process_request=refuse) as url:
        with pytest.raises(wsswift.InvalidStatus) as caught:
            connect(url)
    response = caught.value.response
    assert response.status_code == 404
    assert response.body == b"there is nothing here\n"
    assert response.headers["content-type"].startswith("text/plain")
    assert str(caught.value) == "server rejected WebSocket connection: HTTP 404"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://localhost/",
        "localhost",
        "ws://",
        "ws:///path",
        "ws://localhost:0/",
        "ws://localhost:99999/",
        "ws://a/#b",
    ],
)
def test_invalid_uris(uri):
    with pytest.raises(wsswift.InvalidURI) as caught:
        connect(uri)
    assert caught.value.uri == uri


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"uri": "ws://localhost/\0"}, "uri"),
        ({"subprotocols": ["a\0b"]}, "subprotocol"),
        ({"additional_headers": {"X\0": "1"}}, "header name"),
        ({"additional_headers": {"X": "1\0"}}, "header value"),
        ({"origin": "null\0"}, "header value"),
    ],
)
def test_nul_characters_are_refused_and_not_cut(arguments, word):
    with pytest.raises(ValueError, match=f"{word} must not contain a NUL"):
        connect(**{"uri": "ws://127.0.0.1:9/", **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        {"open_timeout": -1},
        {"close_timeout": -1},
        {"max_size": 0},
        {"max_size": -1},
        {"max_size": 2**64},
        {"subprotocols": ["two words"]},
        {"subprotocols": ["twice", "twice"]},
        {"additional_headers": {"Upgrade": "x"}},
        {"additional_headers": {"X": "a\r\nY: b"}},
    ],
)
def test_wrong_values(arguments):
    with pytest.raises(ValueError):
        connect("ws://127.0.0.1:9/", **arguments)


@pytest.mark.parametrize(
    "arguments", [{"uri": b"ws://localhost/"}, {"subprotocols": "chat"}, {"additional_headers": {"X": 1}}]
)
def test_wrong_types(arguments):
    with pytest.raises(TypeError):
        connect(**{"uri": "ws://127.0.0.1:9/", **arguments})


def test_a_header_value_is_not_repeated_in_the_error():
    with pytest.raises(ValueError) as caught:
        connect("ws://127.0.0.1:9/", additional_headers={"Authorization": "secret\n"})
    assert "secret" not in str(caught.value) and "Authorization" in str(caught.value)


def test_nobody_listens():
    with socket.socket() as silent:  # has the port, so that nobody else listens there
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            connect(f"ws://127.0.0.1:{silent.getsockname()[1]}/")


def test_no_such_host():
    with pytest.raises(socket.gaierror):
        connect("ws://no-such-host.invalid/")


def test_wss_is_spoken():
    with silent_listener() as url, pytest.raises(TimeoutError):
        connect(url.replace("ws:", "wss:"), open_timeout=0.3)


def test_silent_server():
    with silent_listener() as url:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            connect(url, open_timeout=0.3)
        assert 0.25 < time.monotonic() - start < 3


def test_server_that_hangs_up():
    with RawServer(lambda peer: peer.recv_head(), handshake=False) as server:
        with pytest.raises(wsswift.InvalidMessage):
            connect(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
)
def test_answers_that_are_no_handshake(answer):
    def behave(peer):
        peer.recv_head()
        peer.sock.sendall(answer)
        peer.at_end()

    with RawServer(behave, handshake=False) as server:
        with pytest.raises(wsswift.InvalidHandshake) as caught:
            connect(server.url)
    assert not isinstance(caught.value, wsswift.InvalidStatus)
    assert str(caught.value)


def test_socket_of_the_caller(url):
    host, port = url.split("//")[1].rsplit(":", 1)
    sock = socket.create_connection((host, int(port)))
    with connect("ws://example.com/", sock=sock) as connection:
        assert sock.fileno() == -1
        connection.send("over my own socket")
        assert connection.recv(timeout=10) == "over my own socket"


def test_socket_pair():
    ours, theirs = socket.socketpair()

    def behave():
        with RawPeer(theirs, masks=False) as peer:
            accept_by_hand(peer)
            peer.send_frame(TEXT, b"hello")
            peer.send_close(peer.recv_close_code())

    thread = threading.Thread(target=behave)
    thread.start()
    with connect("ws://localhost/", sock=ours) as connection:
        assert connection.recv(timeout=10) == "hello"
        assert connection.remote_address == ""  # a Unix socket without a name
    thread.join(10)


@pytest.mark.parametrize("uri", ["ws://localhost/\0", "http://localhost/"])
def test_socket_is_closed_when_the_arguments_are_wrong(uri):
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises((ValueError, wsswift.InvalidURI)):
            connect(uri, sock=ours)
        assert ours.fileno() == -1
        assert theirs.recv(1) == b""


def test_ipv6():
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    with running(websockets.sync.server.serve(echo, sock=listener)):
        with connect(f"ws://[::1]:{listener.getsockname()[1]}/") as connection:
            connection.send("six")
            assert connection.recv(timeout=10) == "six"
            assert connection.remote_address[0] == "::1"


def test_connecting_from_another_thread(url):
    results = []

    def run():
        with connect(url) as connection:
            connection.send("from a thread")
            results.append(connection.recv(timeout=10))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert results == ["from a thread"]


def test_no_signal_handling_is_changed(url):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)]
    with connect(url):
        pass
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)]
