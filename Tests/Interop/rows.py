"""The rows of the interoperability tests: which names each kind of program must bring, how it is run with a peer, and the counting."""

import subprocess
from pathlib import Path

from programs import EXAMPLES, ROOT, Server, python_command, python_environment, read_line

HERE = Path(__file__).resolve().parent

MESSAGES = ["text", "binary", "empty-text", "empty-binary", "text-64k", "binary-64k", "text-1m", "binary-1m"]
ECHO = [
    *MESSAGES,
    *["fragmented-text", "fragmented-binary", "ping-empty", "ping-125", "ping-between-fragments", "in-order"],
    *["close-1000", "close-4001", "close-none"],
]
CLIENT_ECHO = [*ECHO, "subprotocol-not-spoken"]
COMMAND_SERVER = ["subprotocol", "they-close-1000", "they-close-4002", "they-ping"]
COMMAND_CLIENT = ["subprotocol", "they-close-1000", "they-close-4002", "we-ping", "refused-404"]
SEEN_BY_PEER = ["we-close-1000", "we-close-4003"]

# Compressed messages: what each peer's client tries on a server of ours, and what its servers, of each variant, try on our client.
DEFLATE_CLIENT = {
    "websockets": [
        *["plain", "no-takeover", "server-no-takeover", "client-no-takeover", "windows-9", "windows-12"],
        *["no-word-of-the-client", "window-8-declined"],
    ],
    "gorilla": ["whole", "fragments", "levels", "switched", "in-order"],
    "aiohttp": ["plain", "server-window-9", "server-window-12"],
}
DEFLATE_SERVER = {
    "websockets": (["default", "takeover", "no-takeover", "windows-9"], [*ECHO, "deflate-agreed", "deflate-everything"]),
    "gorilla": (["deflate"], ECHO),
    "aiohttp": (["default"], ["everything"]),
}

TIMEOUT = 120
LOGS = ROOT / "build" / "interop"

# What the clients that send their arguments are given.
LINES = ["hello", "Grüße, 世界 😀", "x" * 65536]

AUTOBAHN_CLIENT = [EXAMPLES / "autobahn_client"]
AUTOBAHN_CLIENT_PY = python_command(HERE.parent / "Autobahn" / "autobahn_client.py")

CERTIFICATES = LOGS / "certificates"

# Options of peers and of our programs alike: what a client believes, and below what a server shows.
BELIEVING = ["--ca", CERTIFICATES / "ca.pem"]


def identity(name="good", key=None):
    return ["--certificate", CERTIFICATES / f"{name}.pem", "--key", CERTIFICATES / f"{key or name}.key"]


class Tally:
    """Counts cases and prints the ones that failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def fail(self, where, text):
        self.failed += 1
        print(f"not ok {where}: {text}")

    def add(self, where, names, output):
        """Takes the lines `ok NAME` and `failed NAME: why` of one program; each name must come exactly once."""
        lines = [line for line in output.splitlines() if line.startswith(("ok ", "failed "))]
        seen = [line.split()[1].rstrip(":") for line in lines]
        good = 0
        for name, line in zip(seen, lines):
            if name not in names or seen.count(name) > 1:
                self.fail(where, f"unexpected: {line}")
            elif line.startswith("ok "):
                good += 1
            else:
                self.fail(where, line)
        missing = [name for name in names if name not in seen]
        if missing:
            self.failed += len(missing)
            print(f"not ok {where}: no word about {', '.join(missing)}")
        self.passed += good
        print(f"{where}: {good} of {len(names)} ok")


def run_program(command, log):
    """Runs a client to its end. Returns its output; a bad exit status is said in it."""
    words = [str(word) for word in command]
    try:
        with open(log, "wb") as errors:
            done = subprocess.run(
                words, stdout=subprocess.PIPE, stderr=errors, timeout=TIMEOUT, env=python_environment(), check=False
            )
    except OSError as error:
        return f"failed to-start: {error}"
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace") + f"\nfailed to-end: no end after {TIMEOUT} s; see {log}"
    output = done.stdout.decode(errors="replace")
    return output if done.returncode == 0 else f"{output}\nfailed to-end: status {done.returncode}; see {log}"


def echo_server_run(tally, where, program, command, log, start=Server):
    """One of our echo servers: a peer's client runs its cases, and another one is connected when the server is told to end."""
    with start(command, f"{log}.server.log") as server:
        tally.add(where, CLIENT_ECHO, run_program([*program, "echo", server.url], f"{log}.client.log"))
        tally.add(f"{where} told to end", ["going-away"], hold(program, server, f"{log}.hold.log"))


def hold(program, server, log):
    """Ends the server while a client of the peer holds a connection; returns what the client says."""
    with open(log, "wb") as errors:
        client = subprocess.Popen([*program, "hold", server.url], stdout=subprocess.PIPE, stderr=errors, bufsize=0)
    try:
        line = read_line(client.stdout, 20, "the holding client")
        if line != "holding":
            return line
        server.stop()
        return read_line(client.stdout, 20, "the holding client")
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def command_server_run(tally, where, program, command, log):
    """Our server that does what it is told, and a peer's client that tells it."""
    with Server(command, f"{log}.server.log") as server:
        tally.add(where, COMMAND_SERVER, run_program([*program, "command", server.url], f"{log}.client.log"))


def echo_client_run(tally, where, program, command, log, start=Server):
    """One of our echoing clients; the peer's server plays its cases and says how they went."""
    with start([*program, "server"], f"{log}.server.log") as server:
        complaint = run_program([*command, server.url, "wsswift"], f"{log}.client.log")
    tally.add(where, ECHO, server.output + complaint)


def command_client_run(tally, where, program, command, log):
    """Our client that closes, pings and is refused; both sides say how it went."""
    with Server([*program, "server"], f"{log}.server.log") as server:
        tally.add(where, COMMAND_CLIENT, run_program([*command, server.url], f"{log}.client.log"))
    tally.add(f"{where}, seen by the server", SEEN_BY_PEER, server.output)


def line_client_run(tally, where, program, command, log, heading=()):
    """One of our clients that send their arguments and print each reply on a line of its own, behind a heading."""
    with Server([*program, "server"], f"{log}.server.log") as server:
        output = run_program([*command, f"{server.url}/echo", *LINES], f"{log}.client.log")
    good = output.splitlines() == [*heading, *LINES]
    tally.add(where, ["lines"], "ok lines" if good else f"failed lines: printed {output[-300:]!r}")


def tls_line_client_run(tally, where, program, command, log):
    """The same of those that say first what TLS they have."""
    line_client_run(tally, where, program, command, log, ["TLSv1.3, CN=good"])


def deflate_server_run(tally, where, program, command, log, peer):
    """One of our echo servers that compresses, and the peer's client with all its offers."""
    with Server(command, f"{log}.server.log") as server:
        output = run_program([*program, "client", server.url], f"{log}.client.log")
        tally.add(where, DEFLATE_CLIENT[peer], output)


def deflate_client_run(tally, where, program, command, log, peer):
    """Our echoing client that offers compression, and the peer's servers."""
    variants, names = DEFLATE_SERVER[peer]
    for variant in variants:
        with Server([*program, "server", variant], f"{log}-{variant}.server.log") as server:
            complaint = run_program([*command, server.url, "wsswift"], f"{log}-{variant}.client.log")
        tally.add(f"{where}, {variant}", names, server.output + complaint)
