"""The functions of serve() that decide about opening handshakes, with the library's own sockets and with an ssl.SSLContext."""

import re
import ssl

import pytest
from peers import our_server

import wsswift
from wsswift import Headers, Response
from wsswift.sync import connect


@pytest.fixture(params=["ws", "context"])
def transport(request, certificates):
    """The arguments of serve() and connect() for a transport."""
    if request.param == "ws":
        return {}, {}
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates / "good.pem", certificates / "good.key")
    return {"ssl": server}, {"ssl": ssl.create_default_context(cafile=str(certificates / "ca.pem"))}


def name_of(connection):
    connection.send(str(connection.subprotocol))


def opened(transport, server=None, handler=name_of, **client):
    """The server's answer, and what the handler said; an InvalidStatus when it refused."""
    with our_server(handler, **(server or {}), **transport[0]) as url:
        with connect(url, **client, **transport[1]) as connection:
            return connection.response, connection.recv(timeout=10)


def refused(transport, server, **client):
    with pytest.raises(wsswift.InvalidStatus) as caught:
        opened(transport, server, **client)
    return caught.value.response


# select_subprotocol


def test_a_subprotocol_is_selected(transport):
    seen = []

    def select(connection, offered):
        seen.append((connection.request.path, list(offered)))
        return offered[-1]

    response, name = opened(transport, {"select_subprotocol": select, "subprotocols": ["a"]}, subprotocols=["a", "b", "c"])
    assert name == "c" and response.headers["Sec-WebSocket-Protocol"] == "c"
    assert seen == [("/", ["a", "b", "c"])]


def test_none_is_selected(transport):
    server = {"select_subprotocol": lambda connection, offered: None, "subprotocols": ["a"]}
    response, name = opened(transport, server, subprotocols=["a"])
    assert name == "None" and "Sec-WebSocket-Protocol" not in response.headers


def test_none_is_offered(transport):
    seen = []
    opened(transport, {"select_subprotocol": lambda connection, offered: seen.append(offered)})
    assert seen == [[]]


def test_selecting_what_is_not_offered(transport, caplog):
    server = {"select_subprotocol": lambda connection, offered: "b\r\n"}
    assert refused(transport, server, subprotocols=["a"]).status_code == 500
    assert "which the client does not offer" in caplog.text


def test_a_negotiation_that_fails(transport):
    def select(connection, offered):
        raise wsswift.NegotiationError("no subprotocol will do")

    assert refused(transport, {"select_subprotocol": select}, subprotocols=["a"]).status_code == 400


def test_a_selection_that_raises(transport, caplog):
    def select(connection, offered):
        raise LookupError

    assert refused(transport, {"select_subprotocol": select}).status_code == 500
    assert "select_subprotocol failed" in caplog.text


# process_request and process_response


def test_a_refusal_with_fields(transport):
    def process(connection, request):
        return Response(401, "", Headers({"WWW-Authenticate": 'Basic realm="x"', "Content-Length": "999"}), b"who are you?")

    response = refused(transport, {"process_request": process})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="x"'
    assert response.headers.get_all("Content-Length") == ["12"]


def test_a_redirect(transport):
    process = dict(process_request=lambda connection, request: Response(302, "", Headers({"Location": "/there"})))
    response = refused(transport, process)
    assert (response.status_code, response.headers["Location"]) == (302, "/there")


def test_the_response_is_changed(transport):
    def process(connection, request, response):
        assert (response.status_code, response.headers["X-Ours"]) == (101, "1")
        del response.headers["X-Ours"]
        response.headers["X-Path"] = request.path
        response.headers["Set-Cookie"] = "a=b"
        response.headers["Set-Cookie"] = "c=d"

    server = {"process_response": process, "additional_headers": {"X-Ours": "1"}, "server_header": "ours"}
    response, _ = opened(transport, server)
    assert "X-Ours" not in response.headers
    assert response.headers["X-Path"] == "/" and response.headers["Server"] == "ours"
    assert response.headers.get_all("Set-Cookie") == ["a=b", "c=d"]


def test_the_response_is_replaced(transport):
    server = {"process_response": lambda connection, request, response: connection.respond(503, "not now")}
    assert refused(transport, server).status_code == 503


def test_a_refusal_is_processed_too(transport):
    def process(connection, request, response):
        response.headers["X-Refused"] = str(response.status_code)

    server = {"process_request": lambda connection, request: connection.respond(404, ""), "process_response": process}
    assert refused(transport, server).headers["X-Refused"] == "404"


def test_each_response_starts_anew(transport):
    counts = []

    def process(connection, request, response):
        counts.append(len(response.headers.get_all("X-Ours")))
        response.headers["X-Ours"] = "2"

    with our_server(name_of, process_response=process, additional_headers={"X-Ours": "1"}, **transport[0]) as url:
        for _ in range(2):
            with connect(url, **transport[1]):
                pass
    assert counts == [1, 1]


@pytest.mark.parametrize("fields", [{"Upgrade": "x"}, {"Sec-WebSocket-Accept": "x"}, {"X": "a\r\nX-Evil: 1"}, {"a b": "x"}, {"X": "a\0"}])
def test_fields_that_cannot_be_sent(transport, caplog, fields):
    def process(connection, request, response):
        response.headers.update(fields)

    response = refused(transport, {"process_response": process})
    assert response.status_code == 500 and "X-Evil" not in response.headers
    assert "cannot be answered" in caplog.text


def test_a_function_that_fails(transport, caplog):
    def process(connection, request, response):
        raise LookupError

    assert refused(transport, {"process_response": process}).status_code == 500
    assert "process_response failed" in caplog.text


# origins

PAGES = re.compile(r"https://(www\.)?example\.com")


@pytest.mark.parametrize(
    "origins, origin, is_allowed",
    [
        ([PAGES], "https://www.example.com", True),
        ([PAGES], "https://www.example.com.evil.net", False),
        ([PAGES], "http://www.example.com", False),
        ([PAGES], None, False),
        ([PAGES, None], None, True),
        ([PAGES, "https://b.net"], "https://b.net", True),
        ([PAGES, "https://b.net"], "https://c.net", False),
        (lambda origin: origin.endswith(".net"), "https://b.net", True),
        (lambda origin: origin.endswith(".net"), "https://b.org", False),
        (lambda origin: False, None, True),
        (lambda origin: origin == "not an origin", "not an origin", True),
    ],
)
def test_origins(transport, origins, origin, is_allowed):
    if is_allowed:
        opened(transport, {"origins": origins}, origin=origin)
    else:
        assert refused(transport, {"origins": origins}, origin=origin).status_code == 403


def test_a_function_for_origins_that_fails(transport, caplog):
    def fail(origin):
        raise LookupError

    assert refused(transport, {"origins": fail}, origin="https://a.net").status_code == 500
    assert "origins failed" in caplog.text


def test_patterns_and_stars_do_not_mix():
    with pytest.raises(ValueError, match="origins"):
        with our_server(origins=[PAGES, "https://*.example.com"]):
            pass


def test_headers_may_be_changed():
    headers = Headers({"A": "1"})
    headers["a"] = "2"
    assert headers.get_all("A") == ["1", "2"] and headers["A"] == "1"
    del headers["A"]
    assert dict(headers) == {}
