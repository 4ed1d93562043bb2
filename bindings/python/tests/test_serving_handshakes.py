"""What serve() answers to an opening handshake, and which arguments it takes."""

import logging
import time

import pytest
from peers import echo, our_server, raw_connection, raw_request, wait_until

from wsswift.sync import connect, serve


def status(url, request):
    """The status that a request is answered with."""
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


def round_trip(url):
    """Seconds for a connection and an echo."""
    start = time.monotonic()
    with connect(url) as connection:
        connection.send("x")
        assert connection.recv(timeout=10) == "x"
    return time.monotonic() - start


def test_silent_clients_delay_nobody():
    with our_server() as url:
        silent = [raw_connection(url) for _ in range(100)]
        assert min(round_trip(url) for _ in range(3)) < 1  # one that is quick proves the point on a busy machine
        for client in silent:
            client.close()


def test_open_timeout():
    with our_server(open_timeout=0.2) as url, raw_connection(url) as client:
        client.sock.sendall(b"GET / HTTP/1.1\r\n")
        start = time.monotonic()
        while not client.at_end():
            pass
        assert time.monotonic() - start < 5
