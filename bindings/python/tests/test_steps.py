"""The steps of connect(): cookies, redirects, connecting by a function, and who is told."""

import socket
import ssl

import pytest
from peers import our_server

import wsswift
from wsswift import TLS, CookieJar, Headers, Response
from wsswift.sync import Step, connect


def cookies_of(connection):
    connection.send("; ".join(connection.request.headers.get_all("Cookie")))


def setting(*cookies):
    """A process_response that sets cookies."""

    def process(connection, request, response):
        for cookie in cookies:
            response.headers["Set-Cookie"] = cookie

    return {"process_response": process}


def said(url, **options):
    with connect(url, **options) as connection:
        return connection.recv(timeout=10)


# Cookies


def test_a_jar():
    jar = CookieJar()
    with our_server(cookies_of, **setting("a=1", "b=2; Path=/deep", "c=3; Max-Age=0", "d=4; Secure")) as url:
        assert said(url, cookies=jar) == ""
        assert said(url, cookies=jar) == "a=1"
        assert said(f"{url}/deep", cookies=jar) == "b=2; a=1"
        assert said(url, cookies=jar, additional_headers={"Cookie": "own=0"}) == "own=0"
        assert said(url) == ""


def test_a_jar_by_hand():
    jar = CookieJar()
    jar.set("wss://a.example/x/y", "a=1; Secure")
    jar.set("wss://a.example/", "long=" + "x" * 3000)
    jar.set("ws://a.example/", "evil=1\r\nX: y")
    assert jar.get("wss://a.example/x/z") == "a=1; long=" + "x" * 3000
    assert jar.get("wss://b.example/x/z") == ""
    assert "a=1" not in jar.get("ws://a.example/x/z")
    with pytest.raises(wsswift.InvalidURI):
        jar.get("http://a.example/")
    with pytest.raises(ValueError):
        jar.set("ws://a.example/", "a=1\0")


def test_cookies_of_a_refusal_are_kept():
    jar = CookieJar()

    def process(connection, request):
        return Response(403, "", Headers({"Set-Cookie": "seen=1"}))

    with our_server(process_request=process) as url:
        with pytest.raises(wsswift.InvalidStatus):
            connect(url, cookies=jar)
        assert jar.get(url) == "seen=1"


def test_cookies_of_ones_own():
    class Own:
        def __init__(self):
            self.calls = []

        def get(self, uri):
            self.calls.append(uri)
            return "mine=1"

        def set(self, uri, set_cookie):
            self.calls.append(set_cookie)

    own = Own()
    with our_server(cookies_of, **setting("a=1")) as url:
        assert said(url, cookies=own) == "mine=1"
    assert own.calls == [f"{url}/", "a=1"]


def test_cookies_that_cannot_be_sent():
    class Own:
        def get(self, uri):
            return "a=1\r\nX-Evil: 1"

        def set(self, uri, set_cookie):
            raise LookupError

    with our_server(cookies_of, **setting("a=1")) as url:
        with pytest.raises((ValueError, RuntimeError)):
            connect(url, cookies=Own())
        own = Own()
        own.get = lambda uri: None
        with pytest.raises(LookupError):
            connect(url, cookies=own)


# Redirects


@pytest.fixture
def redirecting():
    """A server that sends /N on to /N-1, and from / says which headers it was given."""

    def process(connection, request):
        if request.path == "/":
            return None
        count = int(request.path[1:])
        return Response(302, "", Headers({"Location": f"/{count - 1}" if count > 1 else "/"}))

    with our_server(lambda connection: connection.send(connection.request.path), process_request=process) as url:
        yield url


def test_redirects_are_not_followed_unasked(redirecting):
    with pytest.raises(wsswift.InvalidStatus) as caught:
        connect(f"{redirecting}/1")
    assert caught.value.response.status_code == 302


def test_redirects_are_followed(redirecting):
    assert said(f"{redirecting}/3", max_redirects=3) == "/"
    with pytest.raises(wsswift.InvalidStatus):
        connect(f"{redirecting}/3", max_redirects=2)


def test_redirects_may_be_refused(redirecting):
    seen = []

    def process(uri):
        seen.append(uri)
        return not uri.endswith("/1")

    with pytest.raises(RuntimeError):
        connect(f"{redirecting}/3", max_redirects=5, process_redirect=process)
    assert seen == [f"{redirecting}/2", f"{redirecting}/1"]


@pytest.mark.parametrize("number", [-1, 2**31])
def test_numbers_of_redirects(number):
    with pytest.raises(ValueError, match="max_redirects"):
        connect("ws://127.0.0.1:9/", max_redirects=number)


# Connecting


def test_a_connector():
    calls = []

    def connector(host, port, timeout):
        calls.append((host, port, 0 < timeout <= 10))
        return socket.create_connection(target)

    with our_server(hosts=["far.example"]) as url:
        target = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        with connect("ws://far.example:81/", connector=connector) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
    assert calls == [("far.example", 81, True)]


def test_a_connector_that_fails():
    def connector(host, port, timeout):
        raise ConnectionRefusedError(111, "not here")

    with pytest.raises(OSError) as caught:
        connect("ws://far.example/", connector=connector)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


# Being told


def test_every_step_is_told(certificates):
    steps = []
    with our_server(ssl=TLS(certificate=certificates / "both.pem")) as url:
        tls = TLS(ca_file=certificates / "ca.pem")
        with connect(url.replace("127.0.0.1", "localhost"), ssl=tls, trace=lambda *step: steps.append(step)):
            pass
    kinds = [step for step, _ in steps]
    assert kinds == [
        Step.RESOLVING,
        Step.CONNECTING,
        Step.CONNECTED,
        Step.TLS,
        Step.TLS_DONE,
        Step.REQUEST_SENT,
        Step.FIRST_BYTE,
        Step.DONE,
    ]
    details = dict(steps)
    assert details[Step.RESOLVING] == f"localhost:{url.rsplit(':', 1)[1]}"
    assert details[Step.TLS_DONE] == "TLSv1.3" and details[Step.DONE] == ""


def test_a_failure_is_told():
    steps = []
    with pytest.raises(OSError):
        connect("ws://127.0.0.1:9/", trace=lambda *step: steps.append(step))
    assert steps[-1][0] is Step.DONE and steps[-1][1]
    assert Step.CONNECTED not in [step for step, _ in steps]


def test_who_is_told_may_raise():
    def fail(step, detail):
        raise LookupError

    with our_server() as url, pytest.raises(LookupError):
        connect(url, trace=fail)


def test_not_with_a_context():
    context = ssl.create_default_context()
    for options in ({"cookies": CookieJar()}, {"max_redirects": 1}, {"trace": print}, {"connector": print}):
        with pytest.raises(NotImplementedError):
            connect("wss://127.0.0.1:9/", ssl=context, **options)
