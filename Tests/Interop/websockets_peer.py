#!/usr/bin/env python3
"""Plays the peer in the interoperability tests, with the Python library `websockets` on the other side of the wire.

  websockets_peer.py echo URL     a client of an echo server
  websockets_peer.py hold URL     a client that waits for the server to go away
  websockets_peer.py command URL  a client of command_server.py
  websockets_peer.py visit URL    a client that sends one message to an echo server
  websockets_peer.py server       a server for our clients; prints `listening on URL`, ends on SIGTERM

With the options of peer_tls.py for wss://. It prints `ok NAME` or `failed NAME: why` for each case; run.py knows which names must come.
"""

import argparse
import logging
import signal
import threading
from urllib.parse import parse_qs, urlsplit

import peer_tls
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect as connect_by_library
from websockets.sync.server import serve

PATIENCE = 10
ROOM = 2 << 20

# Characters of one, two, three and four bytes.
REASON = "bye, é € 😀"

MESSAGES = {
    "text": "Grüße, 世界 😀",
    "binary": bytes([0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF]),
    "empty-text": "",
    "empty-binary": b"",
    "text-64k": "€" * (65536 // 3) + "x",
    "binary-64k": bytes(i * i % 251 for i in range(1 << 16)),
    "text-1m": "€" * (1048576 // 3) + "x",
    "binary-1m": bytes(i * i % 251 for i in range(1 << 20)),
}
FRAGMENTED = {"fragmented-text": MESSAGES["text-64k"], "fragmented-binary": MESSAGES["binary-64k"]}

# Close frames that the other side answers with the same code; None stands for a frame without one.
CLOSINGS = {"close-1000": 1000, "close-4001": 4001, "close-none": None}
NO_CODE = 1005

printing = threading.Lock()


class Failed(Exception):
    """A case did not go as it should; the text says how."""


def report(name, run, *arguments):
    """Runs one case and prints its outcome on a line of its own."""
    try:
        run(*arguments)
        line = f"ok {name}"
    except (Failed, WebSocketException, OSError, EOFError) as error:
        line = f"failed {name}: {type(error).__name__}: {error}".replace("\n", " ")
    with printing:
        print(line, flush=True)


def connect(url, **options):
    """Without the proxies of the environment, and with the command line's TLS."""
    return connect_by_library(url, proxy=None, **peer_tls.client_arguments(url), **options)


def expect(conn, message):
    got = conn.recv(timeout=PATIENCE)
    if got != message:
        raise Failed(f"sent {type(message).__name__} of {len(message)}, got {type(got).__name__} of {len(got)}")


def echoed(conn, message):
    conn.send(message)
    expect(conn, message)


def echoed_in_fragments(conn, message, between=lambda: None):
    """Sends the message in pieces of 511 bytes, which end inside a character here and there."""
    is_text = isinstance(message, str)
    data = message.encode() if is_text else message

    def pieces():
        for start in range(0, len(data), 511):
            yield data[start : start + 511]
            if start == 511:
                between()

    conn.send(pieces(), text=is_text)
    expect(conn, message)


def ponged(conn, data):
    answer = conn.ping(data)
    if not answer.wait(PATIENCE):
        raise Failed("no pong")
    echoed(conn, MESSAGES["text"])


def ponged_inside(conn):
    answers = []
    echoed_in_fragments(conn, FRAGMENTED["fragmented-text"], lambda: answers.append(conn.ping(b"inside")))
    if not answers or not answers[0].wait(PATIENCE):
        raise Failed("no pong")


def in_order(conn):
    for number in range(100):
        conn.send(f"message {number}")
    for number in range(100):
        expect(conn, f"message {number}")


def closed_with(conn, code, reason=None):
    """Waits for the end of the connection and compares the other side's close frame; a reason of None is any."""
    try:
        got = conn.recv(timeout=PATIENCE)
        raise Failed(f"a message of {len(got)} instead of a close frame")
    except ConnectionClosed as error:
        if error.rcvd is None:
            raise Failed(f"no close frame: {error}") from None
        if error.rcvd.code != code:
            raise Failed(f"close code {error.rcvd.code} instead of {code}") from None
        if reason is not None and error.rcvd.reason != reason:
            raise Failed(f"close reason {error.rcvd.reason!r} instead of {reason!r}") from None


def closing(conn, code):
    """Sends a close frame and expects the other side's, with the same code."""
    if code is None:
        with conn.send_context():
            conn.protocol.send_close()
    else:
        conn.close(code, REASON)
    closed_with(conn, NO_CODE if code is None else code)


def echo_client(url):
    def case(name, run, *arguments, **options):
        def connected():
            with connect(url, max_size=ROOM, close_timeout=PATIENCE, **options) as conn:
                run(conn, *arguments)

        report(name, connected)

    def not_spoken(conn):
        if conn.subprotocol is not None:
            raise Failed(f"subprotocol {conn.subprotocol}")
        echoed(conn, MESSAGES["text"])

    for name, message in MESSAGES.items():
        case(name, echoed, message)
    for name, message in FRAGMENTED.items():
        case(name, echoed_in_fragments, message, compression=None)
    case("ping-empty", ponged, b"")
    case("ping-125", ponged, b"p" * 125)
    case("ping-between-fragments", ponged_inside, compression=None)
    case("in-order", in_order)
    for name, code in CLOSINGS.items():
        case(name, closing, code)
    case("subprotocol-not-spoken", not_spoken, subprotocols=["nobody.speaks.this"])


def hold_client(url):
    """Says when it holds a connection, and expects 1001 when the server is told to end."""

    def held():
        with connect(url) as conn:
            echoed(conn, MESSAGES["text"])
            print("holding", flush=True)
            closed_with(conn, 1001)

    report("going-away", held)


def visiting_client(url):
    def visited():
        with connect(url) as conn:
            echoed(conn, MESSAGES["text"])

    report("visit", visited)


def command_client(url):
    def case(name, run):
        def connected():
            with connect(url, subprotocols=["other", "interop.v1"]) as conn:
                run(conn)

        report(name, connected)

    def subprotocol(conn):
        if conn.subprotocol != "interop.v1":
            raise Failed(f"subprotocol {conn.subprotocol} instead of interop.v1")

    def they_close(code):
        def run(conn):
            conn.send(f"close {code} {REASON}")
            closed_with(conn, code, REASON)

        return run

    def they_ping(conn):
        conn.send("ping")
        expect(conn, "ponged")

    case("subprotocol", subprotocol)
    case("they-close-1000", they_close(1000))
    case("they-close-4002", they_close(4002))
    case("they-ping", they_ping)


# The connections of a client that echoes until it is closed, numbered from 1 for the client.
SERVER_CASES = [
    *((name, echoed, message) for name, message in MESSAGES.items()),
    *((name, echoed_in_fragments, message) for name, message in FRAGMENTED.items()),
    *((name, closing, code) for name, code in CLOSINGS.items()),
    ("ping-empty", ponged, b""),
    ("ping-125", ponged, b"p" * 125),
    ("ping-between-fragments", ponged_inside),
    ("in-order", in_order),
]
PATHS = ["/getCaseCount", "/runCase", "/updateReports", "/echo", "/close", "/expect-close"]


def answer(conn, cases):
    """One connection of the server: what its path asks for."""
    target = urlsplit(conn.request.path)
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    if target.path == "/getCaseCount":
        conn.send(str(len(cases)))
    elif target.path == "/runCase":
        name, run, *arguments = cases[int(query["case"]) - 1]
        report(name, run, conn, *arguments)
    elif target.path == "/echo":
        for message in conn:
            conn.send(message)
    elif target.path == "/close":
        conn.close(int(query["code"]), query["reason"])
    elif target.path == "/expect-close":
        report(query["name"], closed_with, conn, int(query["code"]), query["reason"])


def only_known_paths(conn, request):
    """Any other path is answered with 404."""
    if urlsplit(request.path).path not in PATHS:
        return conn.respond(404, "no such path\n")
    return None


def choose(conn, offered):
    """One subprotocol, or none; the library's own rule refuses clients that offer none."""
    return "interop.v1" if "interop.v1" in offered else None


def serve_cases(cases, **options):
    """Serves these cases to clients that echo, and the other paths, until SIGTERM."""
    options = {"process_request": only_known_paths, "select_subprotocol": choose, "max_size": ROOM, **options}
    with serve(lambda conn: answer(conn, cases), "127.0.0.1", 0, ssl=peer_tls.server_context(), **options) as listening:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=listening.shutdown).start())
        print(f"listening on {peer_tls.scheme()}://127.0.0.1:{listening.socket.getsockname()[1]}", flush=True)
        listening.serve_forever()


def server(_):
    serve_cases(SERVER_CASES)


ROLES = {"echo": echo_client, "hold": hold_client, "visit": visiting_client, "command": command_client, "server": server}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("url", nargs="?")
    peer_tls.add_arguments(parser)
    options = parser.parse_args(namespace=peer_tls.options)
    logging.disable(logging.CRITICAL)
    ROLES[options.role](options.url)


if __name__ == "__main__":
    main()
