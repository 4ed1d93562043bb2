"""Certificates of every kind, between our programs and the peers: who is believed, and who is not.

Each case is tried four times: our client and a server of each peer, our server and a client of each. Tests/C has many more, with the
library at both ends; here others say what a certificate is worth, and their certificates and alerts are what we see.
"""

import re
from dataclasses import dataclass

from programs import EXAMPLES, ProgramError, Server
from rows import BELIEVING, CERTIFICATES, LOGS, identity, run_program


@dataclass(frozen=True)
class Case:
    """What the server shows, under which name the client wants it, and what the client shows when the server asks."""

    server: str = "good"
    name: str = "localhost"
    good: bool = True
    asked: bool = False
    client: str = ""


CASES = {
    "good": Case(),
    "address": Case(name="127.0.0.1"),
    "wildcard": Case("wildcard", "a.test.localhost"),
    "behind-another-issuer": Case("chain"),
    "client-certificate": Case(asked=True, client="client"),
    "wrong-host": Case("wronghost", good=False),
    "wrong-address": Case("wronghost", "127.0.0.1", good=False),
    "name-in-the-subject": Case("nameonly", good=False),
    "wildcard-of-one-label": Case("wildcard", "b.a.test.localhost", good=False),
    "expired": Case("expired", good=False),
    "unknown-issuer": Case("unknown", good=False),
    "self-signed": Case("self", good=False),
    "no-client-certificate": Case(asked=True, good=False),
    "client-of-an-unknown-issuer": Case(asked=True, client="stranger", good=False),
}
KEYS = {"chain": "below"}

# Every program says in its own words that it was about certificates.
REASON = re.compile(r"certificate|x509|unknown ca", re.IGNORECASE)


def server_options(case, authority):
    return [*identity(case.server, KEYS.get(case.server)), *([authority, CERTIFICATES / "ca.pem"] if case.asked else [])]


def client_options(case):
    return [*BELIEVING, "--name", case.name, *(identity(case.client) if case.client else [])]


def verdict(name, case, accepted, said):
    """The line for the tally. A refusal must say why."""
    said = said[-300:].replace("\n", " ")
    if accepted != case.good:
        return f"failed {name}: {'accepted' if accepted else 'refused'}: {said}"
    if not accepted and not REASON.search(said):
        return f"failed {name}: refused without a word of certificates: {said}"
    return f"ok {name}"


def visit_peer(name, case, program, log):
    """Our client, and the peer's server. What our client said is in its log."""
    with Server([*program, *server_options(case, "--ca"), "server"], f"{log}.server.log") as server:
        command = [EXAMPLES / "wss_client", *client_options(case), f"{server.url}/echo", "visit"]
        output = run_program(command, f"{log}.client.log")
    with open(f"{log}.client.log", encoding="utf-8") as errors:
        return verdict(name, case, output.splitlines()[-1:] == ["visit"], f"{output}{errors.read()}")


def visit_us(name, case, program, log):
    """Our server, and the peer's client. Of a client's certificate our server tells; all else the client tells."""
    with Server([EXAMPLES / "echo_blocking", *server_options(case, "--client-ca")], f"{log}.server.log") as server:
        output = run_program([*program, *client_options(case), "visit", server.url], f"{log}.client.log")
    with open(f"{log}.server.log", encoding="utf-8") as errors:
        return verdict(name, case, output.splitlines() == ["ok visit"], errors.read() if case.asked else output)


def run(tally, peers):
    """All cases with all peers, both ways."""
    for peer, program in peers.items():
        for title, visit in {"our client": visit_peer, "our server": visit_us}.items():
            where = f"certificates, {title} and {peer}"
            lines = []
            for name, case in CASES.items():
                try:
                    lines.append(visit(name, case, program, LOGS / f"{title}-{peer}-{name}".replace(" ", "-")))
                except ProgramError as error:
                    lines.append(f"failed {name}: {error}")
            tally.add(where, CASES, "\n".join(lines))
