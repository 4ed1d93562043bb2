#!/usr/bin/env python3
"""Opens a wss:// connection, says what TLS it has, sends each MESSAGE and prints what comes back.
Exit status 0 when all went well, 2 when there was no connection, 1 for anything else.

  wss_client.py [--ca FILE] [--certificate FILE --key FILE] [--name NAME] URL [MESSAGE...]

--ca: the PEM file of the issuers to believe, instead of the system's. --certificate, --key: what to show to a server that asks for a
certificate. --name: the name that the server's certificate must be for, instead of the URL's.
"""

import argparse
import sys

from wsswift import TLS, WebSocketException
from wsswift.sync import connect


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--ca", "--certificate", "--key", "--name"):
        parser.add_argument(option)
    parser.add_argument("url")
    parser.add_argument("messages", nargs="*", default=["Hello from wsswift"])
    options = parser.parse_args()
    try:
        tls = TLS(ca_file=options.ca, certificate=options.certificate, key=options.key)
        connection = connect(options.url, ssl=tls, server_hostname=options.name)
    except (WebSocketException, OSError, ValueError) as error:
        print(f"wss_client.py: {error}", file=sys.stderr)
        return 2
    print(f"{connection.tls.version}, {connection.tls.subject}")
    try:
        with connection:
            for message in options.messages:
                connection.send(message)
                print(connection.recv(timeout=10))
    except (WebSocketException, OSError) as error:
        print(f"wss_client.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
