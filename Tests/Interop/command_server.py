#!/usr/bin/env python3
"""Our server for the peers' clients: speaks the subprotocol interop.v1 and does what a message tells it.

  close CODE REASON   closes with that code and reason
  ping                pings the client, and sends `ponged` when the pong has come, `silent` otherwise

Prints `listening on URL`; ends on SIGTERM. With the options of peer_tls.py it speaks wss://, by Python's own ssl.
"""

import argparse
import signal
import threading

import peer_tls
from wsswift.sync import serve

STOP = {signal.SIGINT, signal.SIGTERM}


def obey(connection):
    for message in connection:
        command, _, rest = message.partition(" ")
        if command == "close":
            code, _, reason = rest.partition(" ")
            connection.close(int(code), reason)
        elif command == "ping":
            answered = connection.ping(b"are you there?").wait(10)
            connection.send("ponged" if answered else "silent")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peer_tls.add_arguments(parser)
    parser.parse_args(namespace=peer_tls.options)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # the main thread asks for them
    with serve(obey, "127.0.0.1", 0, ssl=peer_tls.server_context(), subprotocols=["interop.v1"]) as server:
        threading.Thread(target=server.serve_forever).start()
        print(f"listening on {peer_tls.scheme()}://127.0.0.1:{server.port}", flush=True)
        signal.sigwait(STOP)


if __name__ == "__main__":
    main()
