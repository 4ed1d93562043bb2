#!/usr/bin/env python3
"""Runs the Autobahn testsuite against all sides of this project and sums the verdicts.

The sides: the C servers echo_blocking, engine_poll and engine_libuv, the Python server, the C client autobahn_client and the Python
client; and the blocking C programs over TLS, with certificates made on the fly. Ends with a line `N passed, M failed, K skipped` that counts cases; the exit status is 0 only if nothing failed.
scripts/test_autobahn calls it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from run_autobahn import HERE, PROFILES, Plan, run_side, select_cases

sys.path.insert(0, str(HERE.parent / "Support"))
from programs import (
    EXAMPLES,
    PYTHON_EXAMPLES,
    ROOT,
    ProgramError,
    Server,
    end_on_sigterm,
    python_command,
)

REPORTS = ROOT / "build" / "autobahn"
CERTIFICATES = REPORTS / "certificates"
IDENTITY = [CERTIFICATES / "good.pem", CERTIFICATES / "good.key"]

# Case 9.* sends messages of 16 MiB, exactly.
LIMIT = ["--max-message", str(16 * 1024 * 1024)]

# echo_blocking compresses each message by itself, the others with the earlier ones in mind. Python's settings are its defaults:
# the server wants windows of 4 KiB, so the largest windows are those of the C servers.
SERVERS = {
    "c-server": [EXAMPLES / "echo_blocking", "--deflate", *LIMIT],
    "c-server-tls": [EXAMPLES / "echo_blocking", "--deflate", "--certificate", IDENTITY[0], "--key", IDENTITY[1], *LIMIT],
    "c-engine": [EXAMPLES / "engine_poll", "--takeover", *LIMIT],
    "c-libuv": [EXAMPLES / "engine_libuv", "--takeover", *LIMIT],
    "python-server": python_command(PYTHON_EXAMPLES / "echo_server.py", *LIMIT),
}
CLIENTS = {
    "c-client": [EXAMPLES / "autobahn_client"],
    "c-client-tls": [EXAMPLES / "autobahn_client", "--ca", CERTIFICATES / "ca.pem"],
    "python-client": python_command(HERE / "autobahn_client.py"),
}


def run_server(plan):
    """One of our servers, started and ended around the run."""
    with Server([*SERVERS[plan.agent], "--port", "0"], plan.out / "server.log") as server:
        return run_side(plan, url=server.url)


def run_client(plan):
    """One of our clients, run for the suite's server."""
    for word in CLIENTS[plan.agent]:
        if Path(word).is_absolute() and not Path(word).exists():
            raise ProgramError(f"{word} is missing")
    return run_side(plan, command=[*map(str, CLIENTS[plan.agent]), "{url}", "{agent}"])


def run(plan):
    """One side. A program that does not start, or does not end well, is one failure more."""
    try:
        return run_server(plan) if plan.agent in SERVERS else run_client(plan)
    except ProgramError as error:
        print(f"not ok {plan.agent}: {error}")
        return 0, 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", nargs="?", default="quick", choices=PROFILES)
    parser.add_argument("--side", action="append", choices=[*SERVERS, *CLIENTS], help="only this one; may be repeated")
    parser.add_argument("--only", nargs="*", metavar="CASE", help="cases or families (6.4.*) instead of a profile")
    parser.add_argument("--jobs", type=int, default=1, help="processes of the suite at once")
    options = parser.parse_args()
    end_on_sigterm()
    cases = select_cases(options.profile, options.only)
    subprocess.run([HERE.parent / "Support" / "make_certificates", CERTIFICATES], check=True)
    passed = failed = 0
    for side in options.side or [*SERVERS, *CLIENTS]:
        identity = IDENTITY if side == "c-client-tls" else []
        plan = Plan(side, cases, REPORTS / options.profile / side, options.jobs, 3600, *identity)
        right, wrong = run(plan)
        passed, failed = passed + right, failed + wrong
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
