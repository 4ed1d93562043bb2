"""wss:// with an ssl.SSLContext, where Python moves the bytes: against ourselves, our own TLS and `websockets`, on both sides."""

import contextlib
import gc
import os
import select
import socket
import ssl
import threading
import time

import pytest
from peers import echo, ending, our_server, running, wait_until, websockets_client, websockets_server

import wsswift
from wsswift import TLS, Deflate, PreparedMessage, State
from wsswift.sync import connect, serve


def server_context(certificates, name="good"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


def client_context(certificates):
    return ssl.create_default_context(cafile=str(certificates / "ca.pem"))


@pytest.fixture
def context(certificates):
    return client_context(certificates)


@pytest.fixture(scope="module")
def url(certificates):
    with our_server(ssl=server_context(certificates), max_size=None) as url:
        yield url


@contextlib.contextmanager
def pair(certificates, handler, server=None, **options):
    """A client with a context, and a handler at a server of ours with one."""
    with our_server(handler, ssl=server_context(certificates), **{**options, **(server or {})}) as url:
        with connect(url, ssl=client_context(certificates), **options) as connection:
            yield connection


MESSAGES = ["", "hello", "Grüße 😀", b"", b"\0\xff" * 63, "x" * 65535, os.urandom(300000), "€" * 1000000]


# Who speaks with whom


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{type(message).__name__}-{len(message)}")
def test_messages_come_back(url, context, message):
    with connect(url, ssl=context, max_size=None) as connection:
        connection.send(message)
        assert connection.recv(timeout=10) == message
    assert connection.close_code == 1000


def test_the_server_of_websockets(certificates, context):
    with websockets_server(ssl=server_context(certificates)) as url:
        with connect(url, ssl=context, max_size=None) as connection:
            for message in MESSAGES[:-1]:
                connection.send(message)
                assert connection.recv(timeout=10) == message
            assert connection.ping().wait(10)
        assert connection.close_code == 1000


def test_the_client_of_websockets(url, context):
    with websockets_client(url, context, max_size=None) as connection:
        for message in MESSAGES:
            connection.send(message)
            assert connection.recv(timeout=10) == message
        assert connection.ping().wait(10)
    assert connection.close_code == 1000


def test_our_own_tls(url, certificates, context):
    with connect(url, ssl=TLS(ca_file=certificates / "ca.pem")) as connection:
        connection.send("to a context")
        assert connection.recv(timeout=10) == "to a context"
    with our_server(ssl=TLS(certificate=certificates / "both.pem")) as other, connect(other, ssl=context) as connection:
        connection.send("from a context")
        assert connection.recv(timeout=10) == "from a context"


def test_over_a_socket_of_ones_own(url, context):
    sock = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
    with connect("wss://localhost/", ssl=context, sock=sock) as connection:
        connection.send("x")
        assert connection.recv(timeout=10) == "x"
    assert sock.fileno() == -1


# What is known of a connection


def test_what_is_known(certificates):
    seen = []

    def look(connection, request):
        seen.append((connection.tls, request.path, request.headers["host"]))

    def handler(connection):
        seen.append((connection.local_address, connection.remote_address))
        echo(connection)

    with our_server(handler, ssl=server_context(certificates), process_request=look, subprotocols=["b"]) as url:
        with connect(f"{url}/path?q", ssl=client_context(certificates), subprotocols=["a", "b"]) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
            assert connection.tls.version == "TLSv1.3"
            assert connection.tls.subject == "CN=good"
            assert connection.tls.certificate
            assert connection.subprotocol == "b"
            assert connection.response.status_code == 101
            assert "permessage-deflate" in connection.extensions
            assert connection.state is State.OPEN
            assert connection.statistics.messages_received == 1
            assert seen[0][0].version == "TLSv1.3" and seen[0][0].subject == ""
            assert seen[0][1:] == ("/path?q", url[len("wss://") :])
            assert seen[1] == (connection.remote_address, connection.local_address)
        assert connection.state is State.CLOSED


def test_certificates_of_clients(certificates, context):
    server = server_context(certificates)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(certificates / "ca.pem")
    context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    with our_server(lambda connection: connection.send(connection.tls.subject), ssl=server) as url:
        with connect(url, ssl=context) as connection:
            assert connection.recv(timeout=10) == "CN=client one,O=wsswift tests"


# Receiving and sending


def test_text_and_decode(url, context):
    with connect(url, ssl=context) as connection:
        connection.send("ü".encode(), text=True)
        assert connection.recv(timeout=10, decode=False) == "ü".encode()
        with pytest.raises(wsswift.InvalidUTF8):
            connection.send(b"\xff", text=True)
        connection.send(memoryview(bytearray(b"view")))
        assert connection.recv(timeout=10) == b"view"


def test_timeouts_lose_nothing(url, context):
    with connect(url, ssl=context) as connection:
        for timeout in (0, 0.05):
            with pytest.raises(TimeoutError):
                connection.recv(timeout=timeout)
        connection.send("x")
        assert connection.recv(timeout=10) == "x"


def test_fragments_json_and_prepared_messages(url, context):
    with connect(url, ssl=context) as connection:
        connection.send(["a", "b" * 100000, "c"])
        assert connection.recv(timeout=10) == "a" + "b" * 100000 + "c"
        connection.send(PreparedMessage("prepared"))
        assert connection.recv(timeout=10) == "prepared"
        connection.send_json({"a": [1]})
        assert connection.recv_json(timeout=10) == {"a": [1]}
        with pytest.raises(ValueError):
            connection.send_json(float("nan"))
        connection.send("goes on")
        assert connection.recv(timeout=10) == "goes on"


def test_fragments_that_stop_close_the_connection(certificates):
    def fragments():
        yield "a"
        raise LookupError

    with pair(certificates, echo) as connection:
        with pytest.raises(LookupError):
            connection.send(fragments())
        assert ending(connection).sent.code == 1011


def test_streams(url, context):
    with connect(url, ssl=context) as connection:
        connection.send("€" * 1000)
        assert "".join(connection.recv_streaming()) == "€" * 1000
        stream = connection.byte_stream(terminator=b"\n")
        connection.send("a")
        connection.send("bc")
        assert stream.read(2) + stream.read(3) == b"a\nbc\n"


def test_discarding(certificates):
    def handler(connection):
        for _ in range(50):
            connection.send(b"x" * 10000)

    with pair(certificates, handler) as connection:
        connection.discard()
        assert connection.close_code == 1000


def test_both_directions_at_once(certificates):
    """Both sides send more than the network holds: reading does not wait for writing."""
    message = os.urandom(8 << 20)

    def both_ways(connection):
        sender = threading.Thread(target=connection.send, args=(message,))
        sender.start()
        assert connection.recv(timeout=20) == message
        sender.join()

    with pair(certificates, both_ways, max_size=None, compression=None) as connection:
        both_ways(connection)


def test_many_threads_send(certificates, url, context):
    with connect(url, ssl=context) as connection:
        senders = [threading.Thread(target=connection.send, args=(str(number) * 1000,)) for number in range(10)]
        for sender in senders:
            sender.start()
        got = {connection.recv(timeout=10) for _ in senders}
        for sender in senders:
            sender.join()
    assert got == {str(number) * 1000 for number in range(10)}


def test_messages_wait_in_the_network(certificates):
    """A reader that is slow stops the sender: no more than max_queue messages are read ahead, and what one look brings."""
    sent = []

    def handler(connection):
        for _ in range(200):
            connection.send(b"x" * 200000)
            sent.append(1)

    with pair(certificates, handler, compression=None, max_queue=2, ping_interval=None) as connection:
        time.sleep(0.7)
        assert len(sent) < 100
        assert sum(len(connection.recv(timeout=10)) for _ in range(200)) == 200 * 200000


def test_compression_settings(certificates):
    deflate = Deflate(level=9, memory_level=9, threshold=100)
    with pair(certificates, echo, compression=deflate) as connection:
        connection.send("a" * 50)
        connection.send("a" * 5000)
        assert connection.recv(timeout=10) == "a" * 50
        assert connection.recv(timeout=10) == "a" * 5000
        assert connection.statistics.compressed_sent == 5000


# Pings


def test_pings(url, context):
    with connect(url, ssl=context) as connection:
        pong = connection.ping("hello")
        connection.send("first")
        assert pong.wait(10)
        assert connection.latency > 0
        assert connection.recv(timeout=10) == "first"


def test_keepalive_notices_a_silent_peer(certificates):
    quiet, over = threading.Event(), threading.Event()

    def silent_proxy(listener, target):
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target))
        with client, server:
            while not quiet.is_set():
                for ready in select.select([client, server], [], [], 0.05)[0]:
                    (server if ready is client else client).sendall(ready.recv(65536))
            over.wait(10)

    with our_server(ssl=server_context(certificates)) as url, socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = threading.Thread(target=silent_proxy, args=(listener, int(url.rsplit(":", 1)[1])))
        proxy.start()
        through = f"wss://127.0.0.1:{listener.getsockname()[1]}"
        with connect(through, ssl=client_context(certificates), ping_interval=0.1, ping_timeout=2, close_timeout=1) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
            quiet.set()
            error = ending(connection)
            assert isinstance(error, wsswift.ConnectionClosedError)
            assert isinstance(error.__cause__, TimeoutError)
        over.set()
        proxy.join()


def test_keepalive_goes_on_while_nobody_receives(certificates):
    with pair(certificates, echo, ping_interval=0.05, ping_timeout=5) as connection:
        wait_until(lambda: connection.statistics.pongs_received > 10)
        connection.send("x")
        assert connection.recv(timeout=10) == "x"


# Ends


@pytest.mark.parametrize("code, kind", [(1000, wsswift.ConnectionClosedOK), (4000, wsswift.ConnectionClosedError)])
def test_the_peer_closes(certificates, code, kind):
    with pair(certificates, lambda connection: connection.close(code, "why")) as connection:
        error = ending(connection)
        assert isinstance(error, kind)
        assert (error.rcvd.code, error.rcvd.reason, error.sent.code) == (code, "why", code)
        wait_until(lambda: connection.state is State.CLOSED)
        with pytest.raises(kind):
            connection.send("too late")


def test_we_close(certificates):
    codes = []

    def handler(connection):
        codes.append(ending(connection).rcvd)

    with pair(certificates, handler) as connection:
        connection.close(4001, "done")
        assert connection.close_code == 4001
        error = ending(connection)
        assert (error.sent.code, error.rcvd_then_sent) == (4001, False)
    wait_until(lambda: codes)
    assert (codes[0].code, codes[0].reason) == (4001, "done")


def test_what_arrived_before_the_end_may_be_received(certificates):
    sent = threading.Event()

    def handler(connection):
        for number in range(5):
            connection.send(str(number))
        sent.set()

    with pair(certificates, handler) as connection:
        assert sent.wait(10)
        connection.close()
        assert [connection.recv() for _ in range(5)] == list("01234")
        with pytest.raises(wsswift.ConnectionClosedOK):
            connection.recv()


def test_a_stream_that_ends_without_a_close_frame(certificates):
    """A stream that is cut, with TLS's own end or without, is a lost connection: 1006."""

    def handler(connection):
        connection._handle.calls.ws_conn_abort(connection._handle)

    with pair(certificates, handler) as connection:
        error = ending(connection)
        assert isinstance(error, wsswift.ConnectionClosedError) and error.rcvd is None
        assert connection.close_code == 1006


def test_a_close_that_nobody_answers(certificates, url, context):
    stop = threading.Event()
    with our_server(lambda connection: stop.wait(10), ssl=server_context(certificates), max_queue=1) as other:
        with connect(other, ssl=context, close_timeout=0.3) as connection:
            for _ in range(3):
                connection.send("x" * 100000)
            begun = time.monotonic()
            connection.close()
            assert time.monotonic() - begun < 5
            assert connection.state is State.CLOSED
        stop.set()


@pytest.mark.parametrize("own", [False, True], ids=["context", "TLS"])
def test_a_close_in_vain_ends_who_sends(certificates, context, own):
    stop, raised = threading.Event(), []

    def send(connection):
        try:
            while True:
                connection.send(b"x" * 4_000_000)
        except Exception as error:
            raised.append(error)

    server = {"ssl": server_context(certificates), "max_queue": 1, "max_size": None}
    with our_server(lambda connection: stop.wait(10), **server) as other:
        tls = TLS(ca_file=certificates / "ca.pem") if own else context
        with connect(other, ssl=tls, close_timeout=0.3, compression=None) as connection:
            thread = threading.Thread(target=send, args=(connection,))
            thread.start()
            time.sleep(0.3)
            connection.close()
            thread.join(10)
        stop.set()
    assert [type(error) for error in raised] == [wsswift.ConnectionClosedError]


def test_too_big(certificates):
    with pair(certificates, lambda connection: connection.send("x" * 2000), max_size=1000) as connection:
        error = ending(connection)
        assert isinstance(error.__cause__, wsswift.PayloadTooBig)
        assert error.sent.code == 1009


def test_two_receivers(url, context):
    with connect(url, ssl=context) as connection:
        thread = threading.Thread(target=lambda: ending(connection))
        thread.start()
        wait_until(connection._receiving.locked)
        with pytest.raises(wsswift.ConcurrencyError):
            connection.recv(timeout=1)
        connection.close()
        thread.join(10)


def test_a_connection_that_is_let_go_of_ends(certificates):
    ended = []
    with our_server(lambda connection: ended.append(ending(connection)), ssl=server_context(certificates)) as url:
        connection = connect(url, ssl=client_context(certificates))
        del connection
        gc.collect()
        wait_until(lambda: ended)
        wait_until(lambda: threading.active_count() < 5 or not any("TLS" in thread.name for thread in threading.enumerate()))


def test_shutdown_closes_connections(certificates):
    with our_server(ssl=server_context(certificates)) as url:
        connection = connect(url, ssl=client_context(certificates))
        connection.send("x")
        assert connection.recv(timeout=10) == "x"
    assert ending(connection).rcvd.code == 1001


def test_a_handler_that_fails(certificates):
    def handler(connection):
        raise LookupError

    with pair(certificates, handler) as connection:
        assert ending(connection).rcvd.code == 1011


# Opening handshakes that fail


def test_certificates_that_are_not_believed(url, certificates):
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(url, ssl=ssl.create_default_context())
    with our_server(ssl=server_context(certificates, "wronghost")) as other:
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(other, ssl=client_context(certificates))
        with connect(other, ssl=client_context(certificates), server_hostname="other.example") as connection:
            assert connection.tls.subject == "CN=localhost"


@pytest.mark.parametrize("kind", ["context", "our own TLS"])
def test_a_refusal(certificates, context, kind):
    tls = server_context(certificates) if kind == "context" else TLS(certificate=certificates / "both.pem")
    refuse = dict(process_request=lambda connection, request: connection.respond(403, "not you"))
    with our_server(ssl=tls, **refuse) as url:
        with pytest.raises(wsswift.InvalidStatus) as caught:
            connect(url, ssl=context)
        assert caught.value.response.status_code == 403
        with pytest.raises(wsswift.InvalidStatus) as caught:
            connect(url, ssl=TLS(ca_file=certificates / "ca.pem"))
        assert caught.value.response.body == b"not you"


def test_an_origin_that_is_not_allowed(url, context):
    with pytest.raises(wsswift.InvalidStatus):
        connect(url, ssl=context, origin="https://evil.example")
    with connect(url, ssl=context, origin=url.replace("wss:", "https:")) as connection:
        assert connection.state is State.OPEN
    with pytest.raises(wsswift.InvalidStatus):
        connect(url, ssl=context, origin=url.replace("wss:", "http:"))


def test_no_tls_on_the_other_side(certificates, context):
    with our_server() as url:
        with pytest.raises((ssl.SSLError, OSError)):
            connect(url.replace("ws:", "wss:"), ssl=context)


def test_no_tls_on_our_side(certificates, url):
    with pytest.raises(wsswift.InvalidHandshake):
        connect(url.replace("wss:", "ws:"))


def test_a_silent_server(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            connect(f"wss://127.0.0.1:{listener.getsockname()[1]}", ssl=context, open_timeout=0.3)
        assert time.monotonic() - begun < 5


def test_a_silent_client(certificates):
    with our_server(ssl=server_context(certificates), open_timeout=0.3) as url:
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as sock:
            sock.settimeout(10)
            assert sock.recv(1) == b""


@pytest.mark.parametrize("uri", ["wss://", "wss://a b/", "wss://x:0/", "wss://x/#f"])
def test_uris_that_are_none(context, uri):
    with pytest.raises(wsswift.InvalidURI):
        connect(uri, ssl=context)


def test_a_context_needs_wss(context):
    with pytest.raises(ValueError, match="wss"):
        connect("ws://127.0.0.1:9/", ssl=context)


def test_a_server_without_certificates():
    with running(serve(echo, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))) as server:
        with pytest.raises((ssl.SSLError, OSError, wsswift.InvalidHandshake)):
            connect(f"wss://127.0.0.1:{server.port}", ssl=TLS(insecure_skip_verify=True))
