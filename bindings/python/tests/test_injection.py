"""Every string that enters, with every byte that does harm somewhere: each is refused by a plain error, or arrives as one harmless
value.

A row of a table has a letter for each poison: r for refused, before anything was sent, and p for passed.
"""

import re
import socket
import struct
import threading

import pytest
from peers import CLOSE, PING, RawServer, echo, raw_connection, raw_request, running

import wsswift
from wsswift import TLS
from wsswift.sync import connect, serve

POISONS = {
    "CR": "a\rb",
    "LF": "a\nb",
    "a field": "a\r\nX-Evil: 1",
    "NUL": "a\0b",
    "control": "a\x01b",
    "escape": "a\x1b[31mb",
    "DEL": "a\x7fb",
    "tab": "a\tb",
    "C1": "a\x85b",
    "latin-1": "a\xffb",
    "beyond": "a€b",
    "surrogate": "a\udc80b",
    "empty": "",
    "64 KiB": "a" * 65537,
    "space before": " ab",
    "space behind": "ab ",
    "space inside": "a b",
    "separators": 'a,;"=b',
}

# Control bytes are refused everywhere in heads but for the tab inside a value, and UTF-8 passes in values alone (RFC 9110 5.5).
CLIENT = {
    "path": "rrrrrrrrrrrrprrrrp",
    "query": "rrrrrrrrrrrrprrrrp",
    "host": "rrrrrrrrrrrrrrrrrr",
    "user": "rrrrrrrrrrrrrrrrrp",
    "password": "rrrrrrrrrrrrprrrrp",
    "header name": "rrrrrrrrrrrrrrrrrr",
    "header value": "rrrrrrrpppprprpppp",
    "Host value": "rrrrrrrrrrrrrrpprr",
    "origin": "rrrrrrrpppprprpppp",
    "subprotocol": "rrrrrrrrrrrrrrrrrr",
    "user agent": "rrrrrrrpppprprpppp",
    "server name": "rrrrrrrrrrrrrrrrrr",
    "CA file": "rrrrrrrrrrrrrrrrrr",
    "key password": "rrrrrrrrrrrrrrrrrr",
}
SERVER = {
    "header name": "rrrrrrrrrrrrrrrrrr",
    "header value": "rrrrrrrpppprprpppp",
    "Server value": "rrrrrrrpppprprpppp",
    "subprotocol": "rrrrrrrrrrrrrrrrrr",
    "origin": "rrrrrrrrrrrrrrrrrr",
    "host": "rrrrrrrrrrrrrrrrrr",
    "certificate": "rrrrrrrrrrrrrrrrrr",
}
# Payloads of frames may hold any character.
FRAMES = {"close reason": "ppppppppppprprpppp", "ping": "ppppppppppprprpppp"}
REFUSALS = "ppppppppppprprpppp"

REFUSED_WITH = (ValueError, wsswift.InvalidURI, wsswift.SecurityError)


def cells(table):
    return [
        pytest.param(place, poison, expected, id=f"{place}-{poison}")
        for place, row in table.items()
        for poison, expected in zip(POISONS, row)
    ]


def test_the_tables_are_full():
    rows = [*CLIENT.values(), *SERVER.values(), *FRAMES.values(), REFUSALS]
    assert {len(row) for row in rows} == {len(POISONS)}


def refusal(call):
    """What a call is refused with; None when it passes, be it to a server's 404."""
    try:
        call()
    except wsswift.InvalidStatus:
        return None
    except REFUSED_WITH as error:
        return error
    return None


def assert_plain(error, value):
    """An error's text is for terminals and logs: no control bytes, not long, and without what may be a secret."""
    assert str(error).isprintable(), str(error)
    assert len(str(error)) < 400
    assert not isinstance(error, UnicodeError) or value not in error.args


def assert_well_formed(head):
    """Nothing but the fields that belong there, each on its line."""
    lines = head.split(b"\r\n")
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(lines)), head
    assert not any(line.lower().startswith(b"x-evil") for line in lines), head
    assert all(re.match(rb"[A-Za-z-]+: ?", line) for line in lines[1:]), head


class Recorder:
    """A server that notes the heads of requests, and answers 404."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heads = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            sock, _ = self.listener.accept()
            with sock:
                sock.settimeout(10)
                head = b""
                while b"\r\n\r\n" not in head:
                    data = sock.recv(65536)
                    if not data:
                        break
                    head += data
                if head == b"":
                    return
                self.heads.append(head.partition(b"\r\n\r\n")[0])
                sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def stop(self):
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(10)
        self.listener.close()


@pytest.fixture(scope="module")
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.stop()


def client_arguments(place, value, port):
    """What connect() is called with; functions, since some fail when they are made."""
    authority = f"127.0.0.1:{port}"
    return {
        "path": lambda: {"uri": f"ws://{authority}/{value}"},
        "query": lambda: {"uri": f"ws://{authority}/?{value}"},
        "host": lambda: {"uri": f"ws://{value}:{port}/"},
        "user": lambda: {"uri": f"ws://{value}:x@{authority}/"},
        "password": lambda: {"uri": f"ws://x:{value}@{authority}/"},
        "header name": lambda: {"additional_headers": {value: "x"}},
        "header value": lambda: {"additional_headers": {"X-Ours": value}},
        "Host value": lambda: {"additional_headers": {"Host": value}},
        "origin": lambda: {"origin": value},
        "subprotocol": lambda: {"subprotocols": [value]},
        "user agent": lambda: {"user_agent_header": value},
        "server name": lambda: {"uri": f"wss://{authority}/", "server_hostname": value},
        "CA file": lambda: {"uri": f"wss://{authority}/", "ssl": TLS(ca_file=value)},
        "key password": lambda: {"uri": f"wss://{authority}/", "ssl": TLS(certificate="/dev/null", password=value)},
    }[place]()


# How a value that passed arrives.
SHOWN = {
    "path": lambda value: b"GET /" + value + b" HTTP/1.1\r\n",
    "query": lambda value: b"GET /?" + value + b" HTTP/1.1\r\n",
    "user": lambda value: b"\r\nAuthorization: Basic ",
    "password": lambda value: b"\r\nAuthorization: Basic ",
    "header value": lambda value: b"\r\nX-Ours: " + value.strip() + b"\r\n",
    "Host value": lambda value: b"\r\nHost: " + value.strip() + b"\r\n",
    "origin": lambda value: b"\r\nOrigin: " + value.strip() + b"\r\n",
    "user agent": lambda value: b"\r\nUser-Agent: " + value.strip() + b"\r\n",
    "Server value": lambda value: b"\r\nServer: " + value.strip() + b"\r\n",
}


def assert_arrived(head, place, value):
    assert_well_formed(head)
    assert SHOWN[place](value.encode()) in head + b"\r\n", head


@pytest.mark.parametrize("place, poison, expected", cells(CLIENT))
def test_client(recorder, place, poison, expected):
    value = POISONS[poison]
    before = len(recorder.heads)
    base = {"uri": f"ws://127.0.0.1:{recorder.port}/", "open_timeout": 10}
    error = refusal(lambda: connect(**{**base, **client_arguments(place, value, recorder.port)}))
    assert ("p" if error is None else "r") == expected, error
    if error is None:
        assert len(recorder.heads) == before + 1
        assert_arrived(recorder.heads[-1], place, value)
    else:
        assert len(recorder.heads) == before
        assert_plain(error, value)


def server_arguments(place, value):
    return {
        "header name": lambda: {"additional_headers": {value: "x"}},
        "header value": lambda: {"additional_headers": {"X-Ours": value}},
        "Server value": lambda: {"server_header": value},
        "subprotocol": lambda: {"subprotocols": [value]},
        "origin": lambda: {"origins": [value]},
        "host": lambda: {"hosts": [value, "127.0.0.1"]},
        "certificate": lambda: {"ssl": TLS(certificate=value)},
    }[place]()


def answer(server, poison=""):
    """The head of the answer to a good request, and what is behind it."""
    url = f"ws://127.0.0.1:{server.port}"
    with raw_connection(url) as peer:
        peer.sock.sendall(raw_request(url, path=f"/{poison}"))
        return peer.recv_head().encode(), peer


@pytest.mark.parametrize("place, poison, expected", cells(SERVER))
def test_server(place, poison, expected):
    value = POISONS[poison]
    servers = []
    error = refusal(lambda: servers.append(serve(echo, **server_arguments(place, value))))
    assert ("p" if error is None else "r") == expected, error
    if error is not None:
        return assert_plain(error, value)
    with running(servers[0]):
        head, _ = answer(servers[0])
    assert head.startswith(b"HTTP/1.1 101 ")
    assert_arrived(head, place, value)


@pytest.mark.parametrize("poison, expected", list(zip(POISONS, REFUSALS)), ids=list(POISONS))
def test_the_text_of_a_refusal(poison, expected):
    """It is the body, so it may hold anything; what cannot be sent is answered 500."""
    text = POISONS[poison]

    def refuse(connection, request):
        return connection.respond(403, text)

    with running(serve(echo, process_request=refuse)) as server:
        url = f"ws://127.0.0.1:{server.port}"
        with raw_connection(url) as peer:
            peer.sock.sendall(raw_request(url))
            head = peer.recv_head().encode()
            assert_well_formed(head)
            assert head.startswith(b"HTTP/1.1 403 " if expected == "p" else b"HTTP/1.1 500 ")
            if expected == "p":
                assert peer.recv_exactly(len(text.encode())) == text.encode()
                assert peer.at_end()


@pytest.mark.parametrize("place, poison, expected", cells(FRAMES))
def test_frames(place, poison, expected):
    value = POISONS[poison]
    frames = []
    with RawServer(lambda peer: frames.append(peer.recv_frame())) as server:
        connection = connect(server.url, close_timeout=1, compression=None)
        call = {"close reason": lambda: connection.close(4000, value), "ping": lambda: connection.ping(value)}[place]
        error = refusal(call)
        assert ("p" if error is None else "r") == expected, error
        connection.close()
    opcode, payload = frames[0]
    if error is not None:
        assert (opcode, payload) == (CLOSE, struct.pack("!H", 1000))
    elif place == "ping":
        assert (opcode, payload) == (PING, value.encode())
    else:
        assert (opcode, payload) == (CLOSE, struct.pack("!H", 4000) + value.encode())


# What a peer sends, where it is shown


@pytest.mark.parametrize("status", [b"404 No\x1b[31mt", b"404 " + b"x" * 5000, b"\x1b[31m", b"101 \x00"])
def test_what_a_server_answers_is_shown_as_plain_text(status):
    def behave(peer):
        peer.recv_head()
        peer.sock.sendall(b"HTTP/1.1 " + status + b"\r\nX\x1b: \x1b\r\n\r\n")

    with RawServer(behave, handshake=False) as server:
        with pytest.raises(wsswift.InvalidHandshake) as caught:
            connect(server.url)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
