#!/usr/bin/env python3
"""Sends each MESSAGE, prints what comes back, closes cleanly.
Exit status 0 when all went well, 2 when there was no connection, 1 for anything else.

  echo_client.py URL [MESSAGE...]
"""

import sys

from wsswift import WebSocketException
from wsswift.sync import connect


def fail(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def main():
    if len(sys.argv) < 2:
        fail(2, "usage: echo_client.py URL [MESSAGE...]")
    url, messages = sys.argv[1], sys.argv[2:] or ["Hello from wsswift"]
    try:
        connection = connect(url)
    except (WebSocketException, OSError, ValueError) as error:
        fail(2, f"echo_client.py: {error}")
    try:
        with connection:
            for message in messages:
                connection.send(message)
                print(connection.recv(timeout=10))
    except (WebSocketException, OSError) as error:
        fail(1, f"echo_client.py: {error}")


if __name__ == "__main__":
    main()
