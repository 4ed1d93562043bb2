"""permessage-deflate from Python: what is offered, accepted and used; with `websockets` as the other end."""

import pytest
import websockets.sync.client
from peers import our_server, raw_client, raw_connection, raw_request, websockets_server
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

import wsswift
from wsswift.sync import connect

TEXT = "compression finds what is said again and again and again. " * 100


def agreed(url, **options):
    with connect(url, **options) as connection:
        connection.send(TEXT)
        assert connection.recv(10) == TEXT
        return connection.extensions


def test_by_default_both_ends_compress(url):
    expected = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
    assert sorted(agreed(url).split("; ")) == sorted(expected.split("; "))


def test_none_means_none(url):
    assert agreed(url, compression=None) == ""
    with our_server(compression=None) as other:
        assert agreed(other) == ""


def test_an_offer_is_what_websockets_offers(url):
    with websockets_server() as other:
        assert "permessage-deflate" in agreed(other)
    with websockets.sync.client.connect(url) as connection:
        connection.send(TEXT)
        assert connection.recv(10) == TEXT
        assert [type(extension).__name__ for extension in connection.protocol.extensions] == ["PerMessageDeflate"]


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", [9, 10, 15])
@pytest.mark.parametrize("level", [-2, -1, 0, 1, 9])
def test_settings(takeover, bits, level):
    deflate = wsswift.Deflate(
        client_context_takeover=takeover,
        server_context_takeover=takeover,
        client_max_window_bits=bits,
        server_max_window_bits=bits,
        level=level,
        memory_level=1,
    )
    with our_server(compression=deflate) as url:
        with connect(url, compression=deflate) as connection:
            for _ in range(3):
                connection.send(TEXT)
                assert connection.recv(10) == TEXT
        factory = ClientPerMessageDeflateFactory(
            server_no_context_takeover=not takeover,
            client_no_context_takeover=not takeover,
            server_max_window_bits=bits,
            client_max_window_bits=bits,
        )
        with websockets.sync.client.connect(url, compression=None, extensions=[factory]) as connection:
            for _ in range(3):
                connection.send(TEXT)
                assert connection.recv(10) == TEXT


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_settings_of_a_server_of_websockets(takeover, bits):
    factory = ServerPerMessageDeflateFactory(
        server_no_context_takeover=not takeover,
        client_no_context_takeover=not takeover,
        server_max_window_bits=bits,
        client_max_window_bits=bits,
    )
    with websockets_server(compression=None, extensions=[factory]) as url:
        with connect(url) as connection:
            for size in (0, 1, 100, 100_000):
                connection.send(TEXT[:size] * 3)
                assert connection.recv(10) == TEXT[:size] * 3


def test_context_takeover_makes_repetition_cheap(url):
    deflate = wsswift.Deflate(client_max_window_bits=15, server_max_window_bits=15)
    with our_server(compression=deflate) as url, connect(url, compression=deflate) as connection:
        for _ in range(10):
            connection.send(TEXT)
            assert connection.recv(10) == TEXT
        seen = connection.statistics
        assert seen.compressed_sent == 10 * len(TEXT)
        assert seen.deflated_sent < 400
        assert seen.compressed_received == seen.compressed_sent


def test_short_messages_go_as_they_are():
    with our_server() as url, connect(url, compression=wsswift.Deflate(threshold=100)) as connection:
        connection.send("x" * 99)
        connection.send("x" * 100)
        assert connection.recv(10) + connection.recv(10) == "x" * 199
        assert connection.statistics.compressed_sent == 100


@pytest.mark.parametrize(
    "arguments",
    [
        {"client_max_window_bits": 8},
        {"client_max_window_bits": 16},
        {"server_max_window_bits": 8},
        {"server_max_window_bits": 16},
        {"level": -3},
        {"level": 10},
        {"memory_level": 0},
        {"memory_level": 10},
        {"threshold": -1},
    ],
)
def test_settings_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))} must be "):
        wsswift.Deflate(**arguments)


def test_a_bomb_is_refused(url):
    with our_server(handler=lambda connection: connection.recv(), max_size=1000) as url:
        with websockets.sync.client.connect(url) as connection:
            connection.send("x" * 1001)
            with pytest.raises(websockets.ConnectionClosedError) as caught:
                connection.recv(10)
            assert caught.value.rcvd.code == 1009


def test_what_cannot_be_decompressed_ends_the_connection(url):
    fields = ["Sec-WebSocket-Extensions: permessage-deflate"]
    with raw_client(url, fields) as peer:
        # A compressed text whose first block has the type that does not exist.
        peer.sock.sendall(bytes([0xC1, 0x81, 0, 0, 0, 0, 0x07]))
        assert peer.recv_close_code() == 1007


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=abc",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ],
)
def test_a_bad_offer_is_declined(url, offer):
    with raw_connection(url) as peer:
        peer.sock.sendall(raw_request(url, [f"Sec-WebSocket-Extensions: {offer}"]))
        head = peer.recv_head()
        assert head.startswith("HTTP/1.1 101 ")
        assert "permessage-deflate" not in head
