"""Messages in parts, as one stream of bytes, and not at all."""

import io
import struct
import threading
import time

import pytest
from peers import BINARY, CLOSE, PING, PONG, TEXT, RawServer, ending, our_server, websockets_server

import wsswift
from wsswift.sync import connect


def test_a_message_comes_in_parts(url):
    message = b"0123456789" * 100_000
    with connect(url, max_size=None) as connection:
        connection.send(message)
        parts = list(connection.recv_streaming())
        assert b"".join(parts) == message
        assert len(parts) > 1
        connection.send("next")
        assert connection.recv(10) == "next"


def test_text_is_cut_between_characters():
    def behave(peer):
        peer.send_frame(TEXT, b"a\xc3", final=False)
        peer.send_frame(0, b"\xa4\xf0\x9f", final=False)
        peer.send_frame(0, b"\x98\x80b")
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        assert "".join(connection.recv_streaming()) == "aä\U0001f600b"
        ending(connection)


@pytest.mark.parametrize("decode, expected", [(None, "hi"), (True, "hi"), (False, b"hi")])
def test_decode(url, decode, expected):
    with connect(url) as connection:
        connection.send("hi")
        parts = list(connection.recv_streaming(decode))
        assert type(expected)().join(parts) == expected


def test_parts_come_before_the_message_is_whole():
    arrived = threading.Event()

    def behave(peer):
        peer.send_frame(BINARY, b"first", final=False)
        assert arrived.wait(10)
        peer.send_frame(0, b"last")
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        parts = connection.recv_streaming()
        assert next(parts) == b"first"
        arrived.set()
        assert list(parts) == [b"last"]
        ending(connection)


def test_a_message_that_is_left_in_the_middle_is_dropped_and_its_pings_answered():
    def behave(peer):
        peer.send_frame(BINARY, b"a", final=False)
        peer.send_frame(PING, b"inside")
        peer.send_frame(0, b"b")
        peer.send_frame(TEXT, b"next")
        assert peer.recv_frame() == (PONG, b"inside")
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        for part in connection.recv_streaming():
            assert part == b"a"
            break
        assert connection.recv(10) == "next"
        ending(connection)


def test_while_one_thread_is_in_the_parts_another_cannot_receive(url):
    with connect(url) as connection:
        connection.send(["a", "b"])
        parts = connection.recv_streaming()
        next(parts)
        with pytest.raises(wsswift.ConcurrencyError):
            connection.recv(0)
        parts.close()
        connection.send("after")
        assert connection.recv(10) == "after"


def test_the_end_in_the_middle_of_a_message():
    with RawServer(lambda peer: peer.send_frame(BINARY, b"a", final=False)) as server, connect(server.url) as connection:
        parts = connection.recv_streaming()
        assert next(parts) == b"a"
        with pytest.raises(wsswift.ConnectionClosedError):
            next(parts)


def test_after_the_end_there_are_no_parts(url):
    with connect(url) as connection:
        connection.close()
        with pytest.raises(wsswift.ConnectionClosedOK):
            next(connection.recv_streaming())


def test_a_message_that_was_read_aside_comes_whole(url):
    with connect(url) as connection:
        connection.send("aside")
        assert connection.ping().wait(10)
        assert list(connection.recv_streaming()) == ["aside"]


def test_a_ping_between_the_parts(url):
    with connect(url) as connection:
        connection.send(["a", "b"])
        parts = connection.recv_streaming()
        seen = next(parts)
        assert connection.ping().wait(10)
        assert seen + "".join(parts) == "ab"


def test_a_ping_beside_the_beginning_of_the_parts(url):
    """What another thread reads aside just before is the message whose parts come."""
    seen = []
    with connect(url) as connection:
        with connection._read_half:
            thread = threading.Thread(target=lambda: seen.extend(connection.recv_streaming()))
            thread.start()
            while not connection._receiving.locked():
                time.sleep(0.001)
            connection._inbox.append((TEXT, b"aside"))
        connection.send("next")
        thread.join(10)
        assert seen == ["aside"]
        assert connection.recv(10) == "next"


def test_closing_waits_for_the_parts_of_another_thread():
    def behave(peer):
        peer.send_frame(TEXT, b"a", final=False)
        assert peer.recv_frame()[0] == CLOSE
        peer.send_frame(0, b"b")
        peer.send_close(1000)

    seen = []
    with RawServer(behave) as server, connect(server.url) as connection:
        thread = threading.Thread(target=lambda: seen.extend(connection.recv_streaming()))
        thread.start()
        while not seen:
            time.sleep(0.001)
        connection.close()
        thread.join(10)
        assert seen == ["a", "b"]


def test_closing_between_the_parts_of_the_same_thread(url):
    with connect(url, close_timeout=60) as connection:
        connection.send(["a", "b"])
        parts = connection.recv_streaming()
        next(parts)
        started = time.monotonic()
        connection.close()
        assert time.monotonic() - started < 30
        assert connection.close_code == 1000


# Discarding


def test_discard_lasts_until_the_end_and_answers_pings():
    def behave(peer):
        peer.send_frame(TEXT, b"lost")
        peer.send_frame(PING, b"x")
        assert peer.recv_frame() == (PONG, b"x")
        peer.send_close(1000)
        assert peer.recv_frame()[0] == CLOSE

    with RawServer(behave) as server, connect(server.url) as connection:
        connection.discard()
        assert connection.close_code == 1000
        connection.discard()


def test_discard_raises_when_the_end_is_not_proper():
    with RawServer(lambda peer: peer.send_close(4000, b"why")) as server, connect(server.url) as connection:
        with pytest.raises(wsswift.ConnectionClosedError) as caught:
            connection.discard()
        assert caught.value.rcvd == wsswift.Close(4000, "why")


def test_discard_drops_what_was_read_aside(url):
    with our_server(handler=lambda connection: (connection.send("aside"), connection.recv())) as other:
        with connect(other) as connection:
            assert connection.ping().wait(10)
            connection.send("go")
            connection.discard()
            assert connection.close_code == 1000


# One stream of bytes


@pytest.mark.parametrize("terminator", [b"", b"\n", b", "])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_messages_are_joined(terminator, size):
    messages = [b"", b"a", b"bc", b"def" * 10, b"", b"g"]

    def behave(peer):
        for message in messages:
            peer.send_frame(BINARY, message)
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url) as connection:
        stream = connection.byte_stream(terminator)
        seen = b""
        while True:
            part = stream.read(size)
            if not part:
                break
            assert len(part) <= size
            seen += part
    assert seen == b"".join(message + terminator for message in messages)


def test_a_stream_of_lines(url):
    with connect(url) as connection:
        stream = io.BufferedRWPair(connection.byte_stream(), connection.byte_stream(), 1000)
        stream.write(b"one\ntwo\nthr")
        stream.flush()
        stream.write(b"ee\n")
        stream.flush()
        assert [stream.readline() for _ in range(3)] == [b"one\n", b"two\n", b"three\n"]


def test_a_stream_writes_binary_messages():
    seen = []

    def behave(peer):
        seen.append(peer.recv_frame())
        seen.append(peer.recv_frame())
        peer.send_close(1000)

    with RawServer(behave) as server, connect(server.url, compression=None) as connection:
        stream = connection.byte_stream()
        assert stream.write(b"") == 0
        assert stream.write(memoryview(struct.pack("<2H", 1, 2)).cast("H")) == 4
        assert stream.write(bytearray(b"x")) == 1
        ending(connection)
    assert seen == [(BINARY, b"\x01\x00\x02\x00"), (BINARY, b"x")]


def test_a_stream_raises_when_the_end_is_not_proper():
    with RawServer(lambda peer: peer.send_frame(BINARY, b"a")) as server, connect(server.url) as connection:
        stream = connection.byte_stream()
        assert stream.read(10) == b"a"
        with pytest.raises(wsswift.ConnectionClosedError):
            stream.read(10)


def test_a_message_read_aside_is_part_of_the_stream(url):
    with connect(url) as connection:
        connection.send(b"aside")
        assert connection.ping().wait(10)
        stream = connection.byte_stream(b"|")
        assert stream.read(3) == b"asi"
        assert stream.read(3) == b"de|"
        connection.send(b"next")
        assert stream.read(5) == b"next|"


def test_a_ping_in_the_middle_of_a_stream(url):
    with connect(url) as connection:
        connection.send([b"on", b"e"])
        connection.send(b"two")
        stream = connection.byte_stream(b"|")
        assert stream.read(1) == b"o"
        assert connection.ping().wait(10)
        assert b"".join(iter(lambda: stream.read(1), b"t")) == b"ne|"
        assert connection.ping().wait(10)
        assert stream.read(9) == b"wo|"


def test_a_message_that_was_received_otherwise_is_not_of_the_stream(url):
    with connect(url) as connection:
        for message in [b"one", b"two", b"three"]:
            connection.send(message)
        stream = connection.byte_stream(b"|")
        assert stream.read(3) == b"one"
        assert connection.recv(10) == b"two"
        assert stream.read(9) == b"three|"


def test_parts_of_a_compressed_message_of_websockets():
    text = "words, words, words. " * 40_000
    with websockets_server() as url, connect(url, max_size=None) as connection:
        connection.send(text)
        assert "".join(connection.recv_streaming()) == text
        assert connection.statistics.deflated_received < len(text) / 50
