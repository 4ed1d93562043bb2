#!/usr/bin/env python3
"""The client side of the Autobahn test suite, with the Python package: asks a fuzzing server how many cases it has, runs each by
echoing everything, and has the report written. Exit status 0 when every case could be run; the verdicts are in the report.

  autobahn_client.py URL AGENT
"""

import sys
from urllib.parse import quote

from wsswift import ConnectionClosed, WebSocketException
from wsswift.sync import connect

# The largest cases have messages of 16 MiB.
MAX_SIZE = 64 << 20


def count_cases(url):
    """The one message that the server sends there is a number."""
    with connect(f"{url}/getCaseCount") as connection:
        return int(connection.recv())


def echo(url):
    """Echoes until the server ends it, which in this suite it may do in every way."""
    with connect(url, max_size=MAX_SIZE) as connection:
        try:
            for message in connection:
                connection.send(message)
        except (ConnectionClosed, TimeoutError):
            pass


def run(url, agent):
    """All cases, then the report."""
    agent = quote(agent, safe="")
    cases = count_cases(url)
    for number in range(1, cases + 1):
        echo(f"{url}/runCase?case={number}&agent={agent}")
    echo(f"{url}/updateReports?agent={agent}")
    print(f"{cases} cases run as {agent}")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: autobahn_client.py URL AGENT")
    try:
        run(sys.argv[1].rstrip("/"), sys.argv[2])
    except (WebSocketException, OSError) as error:
        sys.exit(f"autobahn_client.py: {error}")


if __name__ == "__main__":
    main()
