"""proxy= of connect(): by URL, by the environment, by a function; through proxies made by hand."""

import base64
import contextlib
import select
import socket
import ssl
import threading

import pytest
from peers import our_server

import wsswift
from wsswift import TLS
from wsswift.sync import connect

NAME = "ws://server.example:8080/path"
VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def target():
    """The port of a server that believes to be server.example."""
    with our_server(hosts=["server.example"]) as url:
        yield int(url.rsplit(":", 1)[1])


def receive_head(client):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return head.decode()


def relay(client, port):
    with socket.create_connection(("127.0.0.1", port)) as server:
        while True:
            for ready in select.select([client, server], [], [], 10)[0]:
                data = ready.recv(65536)
                (server if ready is client else client).sendall(data)
                if not data:
                    return


class Proxy:
    """A proxy on a thread. speak(proxy, client) says whether the way to the target is open."""

    def __init__(self, speak, port, context=None):
        self.asked = []
        self.is_over = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.speak, self.port, self.context = speak, port, context
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while True:
            client, _ = self.listener.accept()
            if self.is_over:
                return client.close()
            client.settimeout(10)
            with contextlib.suppress(OSError, IndexError), client:
                if self.context is not None:
                    client = self.context.wrap_socket(client, server_side=True)
                with client:
                    if self.speak(self, client):
                        relay(client, self.port)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join(15)
        self.listener.close()


def http(answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
    def speak(proxy, client):
        proxy.asked.append(receive_head(client))
        client.sendall(answer)
        return answer.startswith(b"HTTP/1.1 200")

    return speak


def socks5(user=None, password=None, reply=0):
    """RFC 1928, with the passwords of RFC 1929."""

    def speak(proxy, client):
        methods = client.recv(255)
        assert methods[0] == 5
        if user is None:
            client.sendall(b"\5\0")
        else:
            assert 2 in methods[2:]
            client.sendall(b"\5\2")
            given = client.recv(513)
            name = given[2 : 2 + given[1]]
            is_right = (name, given[3 + given[1] :]) == (user, password)
            client.sendall(b"\1\0" if is_right else b"\1\1")
            if not is_right:
                return False
        request = client.recv(300)
        proxy.asked.append(request)
        client.sendall(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        return reply == 0

    return speak


def assert_echoes(connection):
    for message in ("through", b"\0" * 100000):
        connection.send(message)
        assert connection.recv(timeout=10) == message


# By URL


def test_connect(target):
    with Proxy(http(), target) as proxy:
        with connect(NAME, proxy=f"http://{proxy.address}") as connection:
            assert_echoes(connection)
    assert proxy.asked[0].startswith("CONNECT server.example:8080 HTTP/1.1\r\nHost: server.example:8080\r\n")
    assert "authorization" not in proxy.asked[0].lower()


@pytest.mark.parametrize("given, sent", [("user:p%40ss@", "user:p@ss"), ("user@", "user:")])
def test_user_and_password(target, given, sent):
    with Proxy(http(), target) as proxy:
        with connect(NAME, proxy=f"http://{given}{proxy.address}") as connection:
            assert_echoes(connection)
    assert f"Proxy-Authorization: Basic {base64.b64encode(sent.encode()).decode()}\r\n" in proxy.asked[0]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks(target, scheme):
    with Proxy(socks5(), target) as proxy:
        with connect(NAME, proxy=f"{scheme}://{proxy.address}") as connection:
            assert_echoes(connection)
    assert proxy.asked == [b"\5\1\0\3\x0eserver.example\x1f\x90"]


def test_socks_with_a_password(target):
    with Proxy(socks5(b"user", b"secret"), target) as proxy:
        with connect(NAME, proxy=f"socks5://user:secret@{proxy.address}") as connection:
            assert_echoes(connection)
        with pytest.raises(wsswift.ProxyError) as caught:
            connect(NAME, proxy=f"socks5://user:hunter2@{proxy.address}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_hangs_up(scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            client = listener.accept()[0]
            client.recv(10000)
            client.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(wsswift.ProxyError, match="proxy: the connection ended"):
            connect(NAME, proxy=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def test_tls_on_both_ways(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "good.pem", certificates / "good.key")
    tls = TLS(ca_file=certificates / "ca.pem")
    with our_server(ssl=TLS(certificate=certificates / "both.pem")) as url:
        port = int(url.rsplit(":", 1)[1])
        with Proxy(http(), port) as plain:
            with connect("wss://localhost:9/", ssl=tls, proxy=f"http://{plain.address}") as connection:
                assert connection.tls.subject == "CN=good"
                assert_echoes(connection)
    with our_server() as url, Proxy(http(), int(url.rsplit(":", 1)[1]), context) as secure:
        with connect("ws://localhost:9/", ssl=tls, proxy=f"https://{secure.address}") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
        with pytest.raises((wsswift.SecurityError, wsswift.ProxyError), match="proxy"):
            connect("ws://localhost:9/", proxy=f"https://{secure.address}")


# By the environment


def test_the_environment_is_read_when_asked_for(target, monkeypatch):
    with Proxy(http(), target) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        with connect(NAME, proxy=True) as connection:
            assert_echoes(connection)
        with pytest.raises(OSError):
            connect("ws://server.invalid/", open_timeout=5)
    assert len(proxy.asked) == 1


def test_this_machine_is_never_behind_a_proxy(monkeypatch):
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    with our_server() as url, connect(url, proxy=True) as connection:
        assert_echoes(connection)


def test_no_proxy(monkeypatch):
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", ".invalid")
    with pytest.raises(OSError) as caught:
        connect("ws://server.invalid/", proxy=True, open_timeout=5)
    assert "proxy" not in str(caught.value)


# By a function


def test_a_function_chooses(target):
    asked = []

    def choose(uri):
        asked.append(uri)
        return f"http://{proxy.address}"

    with Proxy(http(), target) as proxy:
        with connect(NAME.replace("//", "//user:secret@"), proxy=choose) as connection:
            assert_echoes(connection)
    assert asked == [NAME]


def test_a_function_may_choose_none():
    with our_server() as url, connect(url, proxy=lambda uri: None) as connection:
        assert_echoes(connection)


def test_what_a_function_raises():
    def fail(uri):
        raise LookupError("no idea")

    with pytest.raises(RuntimeError) as caught:
        connect("ws://127.0.0.1:9/", proxy=fail)
    assert isinstance(caught.value.__cause__, LookupError)


# Failures


@pytest.mark.parametrize(
    "answer, text",
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user and password"),
        (b"HTTP/1.1 403\r\n\r\n", "403"),
        (b"nonsense\r\n\r\n", "proxy"),
        (b"", "proxy"),
    ],
)
def test_refusals(target, answer, text):
    with Proxy(http(answer), target) as proxy:
        with pytest.raises(wsswift.InvalidHandshake, match=text) as caught:
            connect(NAME, proxy=f"http://user:hunter2@{proxy.address}", open_timeout=5)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("reply", [1, 2, 3, 4, 5, 6, 7, 8, 99])
def test_socks_refusals(target, reply):
    with Proxy(socks5(reply=reply), target) as proxy:
        with pytest.raises(wsswift.ProxyError):
            connect(NAME, proxy=f"socks5://{proxy.address}")


def test_a_proxy_that_is_not_there():
    with pytest.raises(OSError, match="proxy"):
        connect(NAME, proxy="http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["", "ftp://x:1", "http://", "http://x:99999", "ftp://user:hunter2@x/", "http://a b", "http://\r\n"])
def test_urls_that_are_no_proxys(url):
    with pytest.raises((wsswift.InvalidProxy, ValueError)) as caught:
        connect(NAME, proxy=url)
    assert "hunter2" not in str(caught.value)


def test_not_with_a_context():
    with pytest.raises(NotImplementedError, match="^proxy must"):
        connect("wss://server.example/", ssl=ssl.create_default_context(), proxy="http://127.0.0.1:9")
