#!/usr/bin/env python3
"""The client side of the Autobahn test suite, with the Python package: asks a fuzzing server how many cases it has, runs each by
echoing everything, and has the report written. Exit status 0 when every case could be run; the verdicts are in the report.

  autobahn_client.py [--ca FILE] URL AGENT

--ca: the PEM file of the issuers to believe for wss://, instead of the system's.
"""

import argparse
import sys
from urllib.parse import quote

from wsswift import TLS, ConnectionClosed, WebSocketException
from wsswift.sync import connect

# The largest cases have messages of 16 MiB.
MAX_SIZE = 64 << 20


def count_cases(url, tls):
    """The one message that the server sends there is a number."""
    with connect(f"{url}/getCaseCount", ssl=tls) as connection:
        return int(connection.recv())


def echo(url, tls):
    """Echoes until the server ends it, which in this suite it may do in every way."""
    with connect(url, ssl=tls, max_size=MAX_SIZE) as connection:
        try:
            for message in connection:
                connection.send(message)
        except (ConnectionClosed, TimeoutError):
            pass


def run(url, agent, tls):
    """All cases, then the report."""
    agent = quote(agent, safe="")
    cases = count_cases(url, tls)
    for number in range(1, cases + 1):
        echo(f"{url}/runCase?case={number}&agent={agent}", tls)
    echo(f"{url}/updateReports?agent={agent}", tls)
    print(f"{cases} cases run as {agent}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for argument in ("--ca", "url", "agent"):
        parser.add_argument(argument)
    options = parser.parse_args()
    try:
        run(options.url.rstrip("/"), options.agent, TLS(ca_file=options.ca) if options.ca else None)
    except (WebSocketException, OSError) as error:
        sys.exit(f"autobahn_client.py: {error}")


if __name__ == "__main__":
    main()
