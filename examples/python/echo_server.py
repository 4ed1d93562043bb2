#!/usr/bin/env python3
"""Sends every message back. SIGINT and SIGTERM close every connection with 1001 and end the program with status 0.

  echo_server.py [--host H] [--port P] [--max-message BYTES] [--certificate FILE --key FILE]

Without options: 127.0.0.1, a free port, messages of at most 16 MiB. With a certificate and its key, from PEM files, it speaks wss://.
Prints "listening on ws://HOST:PORT" (or wss://) when ready.
"""

import argparse
import signal
import threading

from wsswift import TLS
from wsswift.sync import serve

STOP = {signal.SIGINT, signal.SIGTERM}


def echo(connection):
    for message in connection:
        connection.send(message)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--max-message", type=int, default=16 << 20, metavar="BYTES")
    parser.add_argument("--certificate", metavar="FILE")
    parser.add_argument("--key", metavar="FILE")
    options = parser.parse_args()
    tls = TLS(certificate=options.certificate, key=options.key) if options.certificate else None

    # Before any thread starts: they inherit it, and so the signals wait until the main thread asks for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    with serve(echo, options.host, options.port, ssl=tls, max_size=options.max_message, close_timeout=5) as server:
        threading.Thread(target=server.serve_forever).start()
        host = f"[{options.host}]" if ":" in options.host else options.host
        print(f"listening on {'wss' if tls else 'ws'}://{host}:{server.port}", flush=True)
        signal.sigwait(STOP)


if __name__ == "__main__":
    main()
