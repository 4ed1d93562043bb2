"""send() in fragments, JSON, prepared messages, broadcast."""

import json
import threading

import pytest
import websockets.sync.client
from peers import BINARY, PONG, TEXT, RawServer, ending, our_server, wait_until, websockets_server

import wsswift
from wsswift.sync import broadcast, connect


def frames(peer, count):
    """FIN, opcode and payload of the next frames of a client."""
    seen = []
    for _ in range(count):
        first = peer.recv_exactly(1)
        peer.buffer = first + peer.buffer
        opcode, payload = peer.recv_frame()
        seen.append((bool(first[0] & 0x80), opcode, payload))
    return seen


@pytest.mark.parametrize(
    "message, text, expected",
    [
        (["a", "bc", "d"], None, [(False, TEXT, b"a"), (False, 0, b"bc"), (True, 0, b"d")]),
        ([b"a", bytearray(b"bc")], None, [(False, BINARY, b"a"), (True, 0, b"bc")]),
        (["a", "b"], False, [(False, BINARY, b"a"), (True, 0, b"b")]),
        ([b"\xc3", b"\xa4"], True, [(False, TEXT, b"\xc3"), (True, 0, b"\xa4")]),
        (["a"], None, [(True, TEXT, b"a")]),
        (iter(("a", "", "b")), None, [(False, TEXT, b"a"), (True, 0, b"b")]),
    ],
)
def test_an_iterable_is_one_message_in_fragments(message, text, expected):
    seen = []
    with RawServer(lambda peer: (seen.extend(frames(peer, len(expected))), peer.send_close(1000))) as server:
        with connect(server.url, compression=None) as connection:
            connection.send(message, text=text)
            ending(connection)
    assert seen == expected


def test_an_empty_iterable_sends_nothing(url):
    with connect(url) as connection:
        connection.send([])
        connection.send("after")
        assert connection.recv(10) == "after"


@pytest.mark.parametrize("message", [["a", b"b"], [b"a", "b"], ["a", 1]])
def test_fragments_of_two_kinds_end_the_connection(url, message):
    with connect(url) as connection:
        with pytest.raises(TypeError, match="all fragments of this message must be"):
            connection.send(message)
        assert ending(connection).sent.code == 1011


@pytest.mark.parametrize("message", [{"a": 1}, 1, None, object(), [1]])
def test_what_is_no_message_is_refused_and_nothing_was_sent(url, message):
    with connect(url) as connection:
        with pytest.raises(TypeError):
            connection.send(message)
        connection.send("after")
        assert connection.recv(10) == "after"


def test_an_iterable_that_raises_ends_the_connection(url):
    def fragments():
        yield "a"
        raise RuntimeError("no more")

    with connect(url) as connection:
        with pytest.raises(RuntimeError, match="no more"):
            connection.send(fragments())
        assert ending(connection).sent.code == 1011


def test_other_messages_wait_for_the_fragments(url):
    go_on, sent = threading.Event(), threading.Event()

    def fragments():
        yield "a"
        sent.set()
        assert go_on.wait(10)
        yield "b"

    with connect(url) as connection:
        streamer = threading.Thread(target=connection.send, args=(fragments(),))
        streamer.start()
        assert sent.wait(10)
        other = threading.Thread(target=connection.send, args=("other",))
        other.start()
        connection.ping()
        other.join(0.2)
        assert other.is_alive()
        go_on.set()
        streamer.join(10)
        other.join(10)
        assert [connection.recv(10), connection.recv(10)] == ["ab", "other"]


def test_a_message_inside_ones_own_fragments_is_refused(url):
    with connect(url) as connection:

        def fragments():
            yield "a"
            with pytest.raises(wsswift.ConcurrencyError):
                connection.send("inside")
            with pytest.raises(wsswift.ConcurrencyError):
                connection.send(["inside"])
            yield "b"

        connection.send(fragments())
        assert connection.recv(10) == "ab"


def test_large_fragments_arrive_whole(url):
    with connect(url, max_size=None) as connection:
        parts = [bytes([number]) * 100_000 for number in range(9)]
        connection.send(parts)
        assert connection.recv(10) == b"".join(parts)


# JSON


@pytest.mark.parametrize("value", [None, True, 0, -1.5e300, "ä\u0000\U0001f600", [], {}, {"a": [1, {"b": None}]}])
def test_json_goes_and_comes_back(url, value):
    with connect(url) as connection:
        connection.send_json(value)
        assert connection.recv_json(10) == value


def test_json_of_other_functions(url):
    with connect(url) as connection:
        connection.send_json([1], dumps=lambda value: b"[2]")
        assert connection.recv_json(10, loads=lambda text: ("seen", text)) == ("seen", "[2]")


@pytest.mark.parametrize("dumps", [lambda value: "NaN", lambda value: "", lambda value: "[1", lambda value: "1 2"])
def test_what_is_no_json_is_not_sent(url, dumps):
    with connect(url) as connection:
        with pytest.raises(ValueError):
            connection.send_json(1, dumps=dumps)
        connection.send("after")
        assert connection.recv(10) == "after"


def test_a_message_that_is_no_json_is_lost_and_the_connection_goes_on(url):
    with connect(url) as connection:
        for broken in ["", " ", "{", '{"a": 1', "[1,", '"x']:
            connection.send(broken)
            with pytest.raises(json.JSONDecodeError):
                connection.recv_json(10)
        connection.send("{}")
        assert connection.recv_json(10) == {}


# Prepared messages


@pytest.mark.parametrize(
    "message, text, expected",
    [("ä", None, "ä"), (b"\x00\xff", None, b"\x00\xff"), ("a", False, b"a"), (bytearray(b"a"), True, "a"), ("", None, "")],
)
def test_a_prepared_message_goes_to_many(url, message, text, expected):
    prepared = wsswift.PreparedMessage(message, text=text)
    for compression in ("deflate", None):
        with connect(url, compression=compression) as connection:
            for _ in range(3):
                connection.send("between")
                connection.send(prepared)
                assert connection.recv(10) == "between"
                assert connection.recv(10) == expected


def test_a_prepared_message_keeps_a_copy(url):
    data = bytearray(b"before")
    prepared = wsswift.PreparedMessage(data)
    data[:] = b"after!"
    with connect(url) as connection:
        connection.send(prepared)
        assert connection.recv(10) == b"before"


def test_what_cannot_be_prepared_is_refused():
    with pytest.raises(TypeError):
        wsswift.PreparedMessage(1)


def test_a_broadcast_reaches_all_that_are_open():
    connections = []
    together = threading.Event()

    def handler(connection):
        connections.append(connection)
        assert together.wait(10)

    with our_server(handler) as url:
        clients = [websockets.sync.client.connect(url) for _ in range(5)]
        wait_until(lambda: len(connections) == 5)
        clients.pop().close()
        broadcast(connections, "to all")
        assert [client.recv(10) for client in clients] == ["to all"] * 4
        together.set()


def test_a_broadcast_of_compressed_text_is_understood():
    text = "the same words, " * 1000
    with websockets_server() as url:
        with connect(url) as one, connect(url) as other:
            for _ in range(3):
                broadcast([one, other], text)
                assert one.recv(10) == other.recv(10) == text
            assert one.statistics.deflated_sent < one.statistics.compressed_sent / 10


def test_pongs_pass_between_fragments():
    def behave(peer):
        assert peer.recv_frame() == (TEXT, b"a")
        peer.send_frame(9, b"are you there")
        assert peer.recv_frame() == (PONG, b"are you there")
        peer.send_frame(TEXT, b"go on")
        assert peer.recv_frame() == (0, b"b")
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url, compression=None) as connection:

        def fragments():
            yield "a"
            yield "b" if connection.recv(10) == "go on" else "x"

        # The first fragment leaves with the second one, so flush it by hand: a message of one fragment waits for its end.
        def with_flush():
            parts = fragments()
            yield next(parts)
            yield ""
            yield from parts

        connection.send(with_flush())
        ending(connection)
