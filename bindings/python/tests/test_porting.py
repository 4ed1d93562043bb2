"""What programs written for `websockets` rely on: arguments, attributes, exceptions, and what close() and send() promise."""

import http
import logging
import math
import threading
import time
import uuid

import pytest
import websockets.exceptions
import websockets.protocol
from peers import BINARY, TEXT, RawServer, echo, our_server, raw_connection, raw_request, websockets_server

import wsswift
from wsswift.sync import connect, serve

NOWHERE = "ws://127.0.0.1:9/"

# Arguments


@pytest.mark.parametrize(
    "arguments",
    [
        {"extensions": [object()]},
        {"proxy_ssl": object()},
        {"proxy_server_hostname": "x"},
        {"create_connection": wsswift.sync.ClientConnection},
        {"max_size": (1, 1)},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_client_arguments_that_ask_for_more(arguments):
    with pytest.raises(NotImplementedError, match=f"^{next(iter(arguments))} must be") as caught:
        connect(NOWHERE, **arguments)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"extensions": [object()]},
        {"create_connection": wsswift.sync.ServerConnection},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_server_arguments_that_ask_for_more(arguments):
    with pytest.raises(NotImplementedError, match=f"^{next(iter(arguments))} must be"):
        serve(echo, **arguments)


def test_arguments_that_ask_for_no_more():
    neither = dict(compression="deflate", extensions=[], ping_interval=None, ping_timeout=None, ssl=None, create_connection=None)
    both = dict(neither, max_size=(1000, None), max_queue=(4, 1), logger=None)
    with our_server(**both, server_header=None, process_request=None, process_response=None, select_subprotocol=None) as url:
        with connect(url, **both, proxy=True, user_agent_header=None, server_hostname=None) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
            assert "server" not in connection.response.headers
            assert "user-agent" not in connection.request.headers


@pytest.mark.parametrize("call", [lambda **options: connect(NOWHERE, **options), lambda **options: serve(echo, **options)])
def test_values_that_make_no_sense(call):
    with pytest.raises(ValueError, match="unsupported compression: gzip"):
        call(compression="gzip")
    with pytest.raises(ValueError, match="max_queue must be positive or None"):
        call(max_queue=0)
    with pytest.raises(TypeError, match="close_timeout must be a number of seconds or None, not str"):
        call(close_timeout="a")
    with pytest.raises(ValueError, match="open_timeout must be a number of seconds or None, not nan"):
        call(open_timeout=math.nan)


def test_the_names_of_both_programs_are_sent():
    with our_server(server_header="Server/1") as url, connect(url, user_agent_header="Client/1") as connection:
        assert connection.response.headers["Server"] == "Server/1"
        assert connection.request.headers["User-Agent"] == "Client/1"
    with RawServer(lambda peer: peer.recv_close_code()) as server:
        connect(server.url, user_agent_header="Client/1", additional_headers={"user-agent": "Mine/1"}).close()
    assert "user-agent: Mine/1" in server.request and "Client/1" not in server.request


def test_logger_is_used(caplog):
    caplog.set_level(logging.DEBUG)
    ours, theirs = logging.getLogger("test.client"), logging.getLogger("test.server")

    def handler(connection):
        assert connection.logger is theirs
        raise ZeroDivisionError

    with our_server(handler, logger=theirs) as url, connect(url, logger=ours) as connection:
        assert connection.logger is ours
        with pytest.raises(wsswift.ConnectionClosedError):
            connection.recv(timeout=10)
    names = {record.name for record in caplog.records}
    assert {"test.client", "test.server"} <= names and not any(name.startswith("wsswift") for name in names)
    assert any("handler failed" in record.message for record in caplog.records if record.name == "test.server")


def test_open_timeout_0():
    with pytest.raises(TimeoutError, match="opening handshake"):
        connect(NOWHERE, open_timeout=0)


# Refusing a request


def refused(url, path):
    with raw_connection(url) as client:
        client.sock.sendall(raw_request(url, path=path))
        head = client.recv_head()
        size = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length"))
        return int(head.split()[1]), client.recv_exactly(size)


def test_process_request(caplog):
    def process_request(connection, request):
        assert connection.state is wsswift.State.CONNECTING
        assert connection.request is request and connection.remote_address[0] == "127.0.0.1"
        for use in (lambda: connection.send("x"), connection.recv, connection.ping):
            with pytest.raises(wsswift.InvalidState):
                use()
        connection.user = "somebody"
        if request.path == "/refused":
            return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
        if request.path == "/ok":
            return wsswift.Response(200, "OK", wsswift.Headers(), b"fine")
        if request.path == "/early":
            return wsswift.Response(103, "Early Hints", wsswift.Headers(), b"")
        if request.path == "/fields":
            return wsswift.Response(403, "", wsswift.Headers({"Transfer-Encoding": "chunked"}), b"")
        if request.path == "/failing":
            raise ZeroDivisionError
        return None

    with our_server(lambda connection: connection.send(connection.user), process_request=process_request) as url:
        with connect(url) as connection:
            assert connection.recv(timeout=10) == "somebody"
        assert refused(url, "/refused") == (403, b"not you\n")
        assert refused(url, "/ok") == (200, b"fine")
        assert not caplog.records
        failures = (
            ("/early", "process_request failed"),
            ("/early", "only 101 and 200 to 599"),
            ("/fields", "Transfer-Encoding"),
            ("/failing", "process_request failed"),
            ("/failing", "ZeroDivisionError"),
        )
        for path, text in failures:
            caplog.clear()
            assert refused(url, path)[0] == 500
            assert text in caplog.text


# Attributes


def test_attributes():
    server = serve(echo)
    assert server.handler is echo and server.logger.name == "wsswift.server"
    server.shutdown()
    with our_server() as url, connect(f"{url}/chat?a=1", origin=None, subprotocols=["a", "b"]) as connection:
        assert connection.request.path == "/chat?a=1"
        assert connection.request.headers["Host"] == url.split("//")[1]
        assert connection.request.headers["Sec-WebSocket-Protocol"] == "a, b"
        assert (connection.response.status_code, connection.response.reason_phrase) == (101, "Switching Protocols")
        assert isinstance(connection.id, uuid.UUID)
        assert connection.logger.name == "wsswift.client"
        assert connection.state is wsswift.State.OPEN
        connection._begin_close(1000, "")
        assert connection.state is wsswift.State.CLOSING
    assert connection.state is wsswift.State.CLOSED


def test_states_are_those_of_websockets():
    assert {state.name: state.value for state in wsswift.State} == {
        state.name: state.value for state in websockets.protocol.State
    }


# Exceptions


@pytest.mark.parametrize("name", [name for name in wsswift.exceptions.__all__ if hasattr(websockets.exceptions, name)])
def test_bases_are_those_of_websockets(name):
    theirs, ours = getattr(websockets.exceptions, name), getattr(wsswift, name)
    assert {base.__name__ for base in theirs.__mro__} <= {base.__name__ for base in ours.__mro__}


@pytest.mark.parametrize(("timeout", "kind"), [("a", TypeError), (math.nan, ValueError)])
def test_timeouts_of_calls(timeout, kind):
    with our_server() as url, connect(url) as connection:
        for call in (connection.recv, connection.ping().wait):
            with pytest.raises(kind, match="timeout must be a number of seconds or None, not "):
                call(timeout=timeout)


def test_a_message_over_the_limit_names_the_argument():
    with RawServer(lambda peer: (peer.send_frame(BINARY, bytes(1001)), peer.recv_close_code())) as server:
        with connect(server.url, max_size=1000) as connection:
            with pytest.raises(wsswift.ConnectionClosedError) as caught:
                connection.recv(timeout=10)
    text = str(caught.value.__cause__)
    assert "1000" in text and "max_size" in text and "ws_" not in text


@pytest.mark.parametrize("origin", ["https://example.com", None])
def test_logs_name_no_c_functions(origin, caplog):
    caplog.set_level(logging.INFO)
    with our_server() as url, raw_connection(url) as client:
        host = url.split("//")[1].encode()
        request = raw_request(url, [f"Origin: {origin}"]) if origin else raw_request(url).replace(host, b"example.com")
        client.sock.sendall(request)
        assert client.recv_head().split()[1] == ("403" if origin else "421")
        client.close()
        end = time.monotonic() + 10
        while not caplog.records and time.monotonic() < end:
            time.sleep(0.01)
    assert "opening handshake failed" in caplog.text and "ws_upgrader" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"additional_headers": {"Upgrade": "x"}}, "header 'Upgrade' .*the handshake's own"),
        ({"additional_headers": {"a b": "x"}}, "header 'a b' .*the name is a token"),
        ({"additional_headers": {"A": "x\n"}}, "header 'A' .*no control characters"),
        ({"subprotocols": ["two words"]}, "subprotocol 'two words' .*token"),
        ({"subprotocols": ["a", "a"]}, "subprotocol 'a' .*no two alike"),
    ],
)
def test_what_is_allowed_is_said(arguments, text):
    with pytest.raises(ValueError, match=text):
        connect(NOWHERE, **arguments)
    with pytest.raises(ValueError, match=text):
        serve(echo, **arguments)


# Receiving after close()


def send_and_close(count):
    def behave(peer):
        for number in range(count):
            peer.send_frame(TEXT, str(number).encode())
        peer.send_close(peer.recv_close_code())

    return behave


def in_both_kinds_of_thread(call):
    call()
    errors = []

    def run():
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive() and not errors, errors


@pytest.mark.parametrize(("count", "options", "kept"), [(3, {}, 3), (20, {}, 16), (20, {"max_queue": None}, 20)])
def test_messages_before_the_close_are_received_after_it(count, options, kept):
    def check():
        with RawServer(send_and_close(count)) as server:
            connection = connect(server.url, **options)
            connection.close()
            assert list(connection) == [str(number) for number in range(kept)]
            with pytest.raises(wsswift.ConnectionClosedOK):
                connection.recv()

    in_both_kinds_of_thread(check)


def test_websockets_does_the_same():
    sent = threading.Event()

    def handler(connection):
        connection.send("a")
        connection.send("b")
        sent.set()

    with websockets_server(handler) as url:
        connection = connect(url)
        assert sent.wait(10)
        connection.close()
        assert list(connection) == ["a", "b"]


@pytest.mark.parametrize(("path", "target"), [("", "/"), ("?a=/b", "/?a=/b"), ("/a/b?c", "/a/b?c")])
def test_path_of_the_request(path, target):
    with our_server(lambda connection: connection.send(connection.request.path)) as url:
        with connect(url.replace("//", "//user:secret@") + path) as connection:
            assert connection.recv(timeout=10) == connection.request.path == target
            assert connection.request.headers["Host"] == url.split("//")[1]
