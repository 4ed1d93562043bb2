#!/usr/bin/env python3
"""Compressed messages between our programs and the Python library `websockets`, with every kind of context and window.

  websockets_deflate.py client URL      a client of an echo server that compresses
  websockets_deflate.py server VARIANT  a server for our echoing client; prints `listening on URL`, ends on SIGTERM

With the options of peer_tls.py for wss://. Prints `ok NAME` or `failed NAME: why` for each case, as websockets_peer.py does.
"""

import argparse
import logging

import peer_tls
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets_peer import (
    FRAGMENTED,
    MESSAGES,
    PATIENCE,
    ROOM,
    SERVER_CASES,
    Failed,
    connect,
    echoed,
    echoed_in_fragments,
    in_order,
    ponged_inside,
    report,
    serve_cases,
)

# What a client asks for, and what it must not find in what was agreed, as (attribute, value).
OFFERS = {
    "plain": ({}, []),
    "no-takeover": (
        {"server_no_context_takeover": True, "client_no_context_takeover": True},
        [("remote_no_context_takeover", False), ("local_no_context_takeover", False)],
    ),
    "server-no-takeover": ({"server_no_context_takeover": True}, [("remote_no_context_takeover", False)]),
    "client-no-takeover": ({"client_no_context_takeover": True}, [("local_no_context_takeover", False)]),
    "windows-9": (
        {"server_max_window_bits": 9, "client_max_window_bits": 9},
        [("remote_max_window_bits", 15), ("local_max_window_bits", 15)],
    ),
    "windows-12": (
        {"server_max_window_bits": 12, "client_max_window_bits": 12},
        [("remote_max_window_bits", 15), ("local_max_window_bits", 15)],
    ),
    "no-word-of-the-client": ({"client_max_window_bits": None}, []),
}
SERVERS = {
    "default": {"server_max_window_bits": 12, "client_max_window_bits": 12},
    "takeover": {},
    "no-takeover": {"server_no_context_takeover": True, "client_no_context_takeover": True},
    "windows-9": {"server_max_window_bits": 9, "client_max_window_bits": 9},
}


def agreed(conn):
    """The one extension of the connection."""
    if len(conn.protocol.extensions) != 1:
        raise Failed(f"extensions {conn.protocol.extensions}")
    return conn.protocol.extensions[0]


def everything(conn):
    """Each message twice, so that with context takeover the second one refers to the first; in fragments too."""
    for message in MESSAGES.values():
        echoed(conn, message)
        echoed(conn, message)
    for message in FRAGMENTED.values():
        echoed_in_fragments(conn, message)
    ponged_inside(conn)
    in_order(conn)


def client(url):
    for name, (asked, forbidden) in OFFERS.items():

        def connected(asked=asked, forbidden=forbidden):
            extensions = [ClientPerMessageDeflateFactory(**asked)]
            with connect(url, max_size=ROOM, close_timeout=PATIENCE, extensions=extensions, compression=None) as conn:
                extension = agreed(conn)
                for attribute, value in forbidden:
                    if getattr(extension, attribute) == value:
                        raise Failed(f"{attribute} is {value}")
                everything(conn)

        report(name, connected)

    def declined():
        extensions = [ClientPerMessageDeflateFactory(server_max_window_bits=8)]
        with connect(url, max_size=ROOM, extensions=extensions, compression=None) as conn:
            if conn.protocol.extensions:
                raise Failed(f"agreed on {conn.protocol.extensions}")
            everything(conn)

    report("window-8-declined", declined)


def server(variant):
    factory = ServerPerMessageDeflateFactory(**SERVERS[variant])
    cases = [*SERVER_CASES, ("deflate-agreed", agreed), ("deflate-everything", everything)]
    serve_cases(cases, extensions=[factory], compression=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("argument", metavar="URL or VARIANT")
    peer_tls.add_arguments(parser)
    options = parser.parse_args(namespace=peer_tls.options)
    logging.disable(logging.CRITICAL)
    {"client": client, "server": server}[options.role](options.argument)


if __name__ == "__main__":
    main()
