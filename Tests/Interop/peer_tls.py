"""TLS of the Python peers: the same options for each of them, and the contexts of Python's own ssl that they give.

  --ca FILE                      a client believes these issuers; a server wants certificates of theirs
  --certificate FILE --key FILE  what this side shows; a server that has them speaks wss://
  --name NAME                    the name that a client wants in the server's certificate, instead of the URL's
"""

import argparse
import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Support"))
from tls_socket import TLSSocket

options = argparse.Namespace(ca=None, certificate=None, key=None, name=None)


def add_arguments(parser):
    """The options above; parser.parse_args(namespace=options) fills them in."""
    for option in vars(options):
        parser.add_argument(f"--{option}")


def _context(protocol):
    context = ssl.SSLContext(protocol)
    context.sslsocket_class = TLSSocket  # for websockets; aiohttp and wsswift make no such sockets
    if options.certificate:
        context.load_cert_chain(options.certificate, options.key)
    if options.ca:
        context.load_verify_locations(options.ca)
    return context


def client_arguments(url):
    """What connect() of websockets and aiohttp alike takes for this URL."""
    if not url.startswith("wss:"):
        return {}
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # RFC 6125, which Python does not follow by itself
    arguments = {"ssl": context}
    return {**arguments, "server_hostname": options.name} if options.name else arguments


def server_context():
    """None for a server without TLS."""
    if not options.certificate:
        return None
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    if options.ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def scheme():
    """Of a server's URL."""
    return "wss" if options.certificate else "ws"
