#!/usr/bin/env python3
"""Our client for the peers' servers: agrees on a subprotocol, closes, is closed, pings and is refused.

  command_client.py [OPTIONS] URL

For wss:// with the options of peer_tls.py, and Python's own ssl. Prints `ok NAME` or `failed NAME: why` for each case; what the server must see, the server prints.
"""

import argparse
from urllib.parse import urlencode

import peer_tls
from wsswift import ConnectionClosed, InvalidStatus, WebSocketException
from wsswift.sync import connect as connect_by_library

# Characters of one, two, three and four bytes.
REASON = "bye, é € 😀"


class Failed(Exception):
    """A case did not go as it should; the text says how."""


def connect(url, **options):
    return connect_by_library(url, **peer_tls.client_arguments(url), **options)


def report(name, run, *arguments):
    try:
        run(*arguments)
        print(f"ok {name}")
    except (Failed, WebSocketException, OSError) as error:
        print(f"failed {name}: {type(error).__name__}: {error}")


def subprotocol(url):
    with connect(f"{url}/echo", subprotocols=["other", "interop.v1"]) as connection:
        if connection.subprotocol != "interop.v1":
            raise Failed(f"subprotocol {connection.subprotocol} instead of interop.v1")


def they_close(url, code):
    """The server's code and reason arrive, and our answer bears the same code."""
    query = urlencode({"code": code, "reason": REASON})
    with connect(f"{url}/close?{query}") as connection:
        try:
            raise Failed(f"a message instead of a close frame: {connection.recv(timeout=10)!r}")
        except ConnectionClosed as closed:
            if (closed.rcvd.code, closed.rcvd.reason) != (code, REASON):
                raise Failed(f"{closed}; {code} {REASON} expected") from None
            if closed.sent.code != code:
                raise Failed(f"answered with {closed.sent.code}") from None


def we_close(url, name, code):
    """Closes with a reason; whether code and reason arrived the server says under this name."""
    query = urlencode({"name": name, "code": code, "reason": REASON})
    with connect(f"{url}/expect-close?{query}") as connection:
        connection.close(code, REASON)


def we_ping(url):
    with connect(f"{url}/echo") as connection:
        if not connection.ping(b"are you there?").wait(10):
            raise Failed("no pong")


def refused(url):
    try:
        connect(f"{url}/nowhere").close()
        raise Failed("the connection was accepted")
    except InvalidStatus as error:
        if error.response.status_code != 404:
            raise Failed(f"status {error.response.status_code} instead of 404") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    peer_tls.add_arguments(parser)
    url = parser.parse_args(namespace=peer_tls.options).url
    report("subprotocol", subprotocol, url)
    report("they-close-1000", they_close, url, 1000)
    report("they-close-4002", they_close, url, 4002)
    report("we-ping", we_ping, url)
    report("refused-404", refused, url)
    we_close(url, "we-close-1000", 1000)
    we_close(url, "we-close-4003", 4003)


if __name__ == "__main__":
    main()
