#!/usr/bin/env python3
"""Sends each MESSAGE, prints what comes back, closes cleanly. Exit status 0 when all went well.

  echo_client.py URL [MESSAGE...]
"""

import sys

from wsswift import WebSocketException
from wsswift.sync import connect


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: echo_client.py URL [MESSAGE...]")
    url, messages = sys.argv[1], sys.argv[2:] or ["Hello from wsswift"]
    try:
        with connect(url) as connection:
            for message in messages:
                connection.send(message)
                print(connection.recv(timeout=10))
    except (WebSocketException, OSError) as error:
        sys.exit(f"echo_client.py: {error}")


if __name__ == "__main__":
    main()
