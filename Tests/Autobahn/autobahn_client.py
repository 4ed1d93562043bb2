#!/usr/bin/env python3
"""The client side of the Autobahn test suite, with the Python package: asks a fuzzing server how many cases it has, runs each by
echoing everything, and has the report written. Exit status 0 when every case could be run; the verdicts are in the report.

  autobahn_client.py [--ca FILE] [--proxy URL] URL AGENT

--ca: the PEM file of the issuers to believe for wss://, instead of the system's. --proxy: the way to the server.
"""

import argparse
import sys
from urllib.parse import quote

from wsswift import TLS, ConnectionClosed, WebSocketException
from wsswift.sync import connect

# The largest cases have messages of 16 MiB.
MAX_SIZE = 64 << 20


def count_cases(url, options):
    """The one message that the server sends there is a number."""
    with connect(f"{url}/getCaseCount", **options) as connection:
        return int(connection.recv())


def echo(url, options):
    """Echoes until the server ends it, which in this suite it may do in every way."""
    with connect(url, max_size=MAX_SIZE, **options) as connection:
        try:
            for message in connection:
                connection.send(message)
        except (ConnectionClosed, TimeoutError):
            pass


def run(url, agent, options):
    """All cases, then the report."""
    agent = quote(agent, safe="")
    cases = count_cases(url, options)
    for number in range(1, cases + 1):
        echo(f"{url}/runCase?case={number}&agent={agent}", options)
    echo(f"{url}/updateReports?agent={agent}", options)
    print(f"{cases} cases run as {agent}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for argument in ("--ca", "--proxy", "url", "agent"):
        parser.add_argument(argument)
    words = parser.parse_args()
    options = {"ssl": TLS(ca_file=words.ca) if words.ca else None, "proxy": words.proxy}
    try:
        run(words.url.rstrip("/"), words.agent, options)
    except (WebSocketException, OSError) as error:
        sys.exit(f"autobahn_client.py: {error}")


if __name__ == "__main__":
    main()
