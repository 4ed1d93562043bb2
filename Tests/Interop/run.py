#!/usr/bin/env python3
"""Interoperability: our servers and clients against other WebSocket implementations, over real sockets.

The peers are the Python library `websockets` (websockets_peer.py) and gorilla/websocket of Go (gorilla/). Each plays client
and server with the same cases; the names below must come, neither fewer nor more. With compressed messages aiohttp is a third peer,
and the cases are each peer's own. Over TLS the same, with certificates made on the fly; then every kind of certificate
(identities.py), nginx in between (fronts.py), proxies (proxies.py), and Chromium as a client (browser.py). Ends with a line
`N passed, M failed, K skipped`; the exit status is 0 only if nothing failed. scripts/test_interop calls it.
"""

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Support"))
import browser
import identities
import proxies
from fronts import BehindNginx
from programs import EXAMPLES, PYTHON_EXAMPLES, ProgramError, end_on_sigterm, python_command
from rows import (
    AUTOBAHN_CLIENT,
    AUTOBAHN_CLIENT_PY,
    BELIEVING,
    CERTIFICATES,
    HERE,
    LOGS,
    Tally,
    command_client_run,
    command_server_run,
    deflate_client_run,
    deflate_server_run,
    echo_client_run,
    echo_server_run,
    identity,
    line_client_run,
    tls_line_client_run,
)

ECHO_BLOCKING = [EXAMPLES / "echo_blocking", "--port", "0"]
ECHO_SERVER_PY = python_command(PYTHON_EXAMPLES / "echo_server.py", "--port", "0")
COMMAND_SERVER_PY = python_command(HERE / "command_server.py")
COMMAND_CLIENT_PY = python_command(HERE / "command_client.py")

# Our programs, what each is put through with every peer, and the options that the peer needs for it.
RUNS = {
    "echo_blocking": (echo_server_run, ECHO_BLOCKING, []),
    "engine_poll": (echo_server_run, [EXAMPLES / "engine_poll"], []),
    "engine_libuv": (echo_server_run, [EXAMPLES / "engine_libuv"], []),
    "echo_server.py": (echo_server_run, ECHO_SERVER_PY, []),
    "command_server.py": (command_server_run, COMMAND_SERVER_PY, []),
    "autobahn_client": (echo_client_run, AUTOBAHN_CLIENT, []),
    "autobahn_client.py": (echo_client_run, AUTOBAHN_CLIENT_PY, []),
    "command_client.py": (command_client_run, COMMAND_CLIENT_PY, []),
    "echo_client": (line_client_run, [EXAMPLES / "echo_client"], []),
    "embed_poll": (line_client_run, [EXAMPLES / "embed_poll"], []),
    "echo_client.py": (line_client_run, python_command(PYTHON_EXAMPLES / "echo_client.py"), []),
    "echo_blocking over TLS": (echo_server_run, [*ECHO_BLOCKING, *identity()], BELIEVING),
    "echo_server.py over TLS": (echo_server_run, [*ECHO_SERVER_PY, *identity()], BELIEVING),
    "autobahn_client over TLS": (echo_client_run, [*AUTOBAHN_CLIENT, *BELIEVING], identity()),
    "autobahn_client.py over TLS": (echo_client_run, [*AUTOBAHN_CLIENT_PY, *BELIEVING], identity()),
    "command_server.py by Python's ssl": (command_server_run, [*COMMAND_SERVER_PY, *identity()], BELIEVING),
    "command_client.py by Python's ssl": (command_client_run, [*COMMAND_CLIENT_PY, *BELIEVING], identity()),
    "wss_client": (tls_line_client_run, [EXAMPLES / "wss_client", *BELIEVING], identity()),
    "wss_client.py": (tls_line_client_run, [*python_command(PYTHON_EXAMPLES / "wss_client.py"), *BELIEVING], identity()),
    "echo_blocking behind nginx": (partial(echo_server_run, start=BehindNginx), [*ECHO_BLOCKING, "--deflate"], BELIEVING),
    "autobahn_client through nginx": (partial(echo_client_run, start=BehindNginx), [*AUTOBAHN_CLIENT, *BELIEVING], []),
}

# The same with compression.
DEFLATE_RUNS = {
    "echo_blocking --deflate": (deflate_server_run, [*ECHO_BLOCKING, "--deflate"], []),
    "echo_blocking --takeover": (deflate_server_run, [*ECHO_BLOCKING, "--takeover"], []),
    "engine_poll --deflate": (deflate_server_run, [EXAMPLES / "engine_poll", "--port", "0", "--deflate"], []),
    "engine_poll --takeover": (deflate_server_run, [EXAMPLES / "engine_poll", "--port", "0", "--takeover"], []),
    "echo_server.py with compression": (deflate_server_run, ECHO_SERVER_PY, []),
    "autobahn_client with compression": (deflate_client_run, AUTOBAHN_CLIENT, []),
    "autobahn_client.py with compression": (deflate_client_run, AUTOBAHN_CLIENT_PY, []),
    "echo_blocking --takeover over TLS": (deflate_server_run, [*ECHO_BLOCKING, "--takeover", *identity()], BELIEVING),
    "autobahn_client with compression over TLS": (deflate_client_run, [*AUTOBAHN_CLIENT, *BELIEVING], identity()),
}


def build_gorilla():
    """Builds the Go peer against Debian's package, without network. Returns its command."""
    program = LOGS / "gorilla"
    words = ["go", "build", "-o", str(program), "."]
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
    try:
        subprocess.run(words, cwd=HERE / "gorilla", env=environment, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProgramError(f"the Go peer needs golang-go and golang-github-gorilla-websocket-dev: {error}") from None
    return [program]


def peer_commands(tally):
    """The peers of RUNS and those of DEFLATE_RUNS, by name."""
    peers = {"websockets": python_command(HERE / "websockets_peer.py")}
    deflate_peers = {
        "websockets": python_command(HERE / "websockets_deflate.py"),
        "aiohttp": python_command(HERE / "aiohttp_deflate.py"),
    }
    try:
        peers["gorilla"] = deflate_peers["gorilla"] = build_gorilla()
    except ProgramError as error:
        tally.fail("gorilla", error)
    return peers, deflate_peers


def run_with_peers(tally, ours, peers, deflate_peers):
    """One of our programs, with each of its peers."""
    run, command, options = RUNS.get(ours) or DEFLATE_RUNS[ours]
    for peer, program in (peers if ours in RUNS else deflate_peers).items():
        where, log = f"{ours} and {peer}", LOGS / f"{ours}-{peer}".replace(" ", "-")
        try:
            run(tally, where, [*program, *options], command, log, *([] if ours in RUNS else [peer]))
        except ProgramError as error:
            tally.fail(where, error)


def main():
    choices = [*RUNS, *DEFLATE_RUNS, "certificates", "proxies", "browser"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=choices, help="this program of ours; may be repeated")
    options = parser.parse_args()
    end_on_sigterm()
    LOGS.mkdir(parents=True, exist_ok=True)
    subprocess.run([HERE.parent / "Support" / "make_certificates", CERTIFICATES], check=True)
    tally = Tally()
    peers, deflate_peers = peer_commands(tally)
    for ours in options.only or choices:
        if ours == "certificates":
            identities.run(tally, peers)
        elif ours == "proxies":
            proxies.run(tally, peers)
        elif ours == "browser":
            browser.run(tally)
        else:
            run_with_peers(tally, ours, peers, deflate_peers)
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
