#!/usr/bin/env python3
"""The example programs that no other test runs: command and filewatch, over ws and wss, with their pages.

Ends with a line `N passed, M failed, K skipped`. scripts/test_examples calls it, with our Python package in the path.
"""

import argparse
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Support"))
from programs import EXAMPLES, ROOT, ProgramError, Server, end_on_sigterm

from wsswift import TLS, ConnectionClosed
from wsswift.sync import connect

LOGS = ROOT / "build" / "examples-logs"
PATIENCE = 15


def expect(found, wanted):
    """Raises unless both are the same."""
    if found != wanted:
        raise ProgramError(f"{found!r} instead of {wanted!r}")


def serve(name, *arguments, options=()):
    """An example server with what stands behind its dashes."""
    return Server([EXAMPLES / name, "--port", "0", *options, "--", *arguments], LOGS / f"{name}.log")


def end_of(connection):
    """The code with which the server closes, after whatever it sends before."""
    try:
        while True:
            connection.recv(timeout=PATIENCE)
    except ConnectionClosed as end:
        return end.rcvd.code


def lines_go_in_and_out(_certificates):
    """Each message is a line of input, each line of output a message, and every connection has a process of its own."""
    with serve("command", "sed", "-u", "s/^/> /") as server:
        with connect(server.url) as one, connect(server.url) as two:
            one.send("first")
            two.send("other")
            one.send("zweite: ä")
            expect(one.recv(timeout=PATIENCE), "> first")
            expect(one.recv(timeout=PATIENCE), "> zweite: ä")
            expect(two.recv(timeout=PATIENCE), "> other")


def the_program_ends(_certificates):
    """The last line arrives, then the connection is closed with 1000."""
    with serve("command", "sh", "-c", "read line; echo got $line; echo oops >&2") as server, connect(server.url) as connection:
        connection.send("it")
        expect([connection.recv(timeout=PATIENCE), connection.recv(timeout=PATIENCE)], ["got it", "oops"])
        expect(end_of(connection), 1000)


def the_client_leaves(_certificates):
    """A program that minds no end of input is interrupted."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        script = f"trap 'echo interrupted >{said}; exit' INT; echo ready; while :; do sleep 0.05; done"
        with serve("command", "sh", "-c", script) as server:
            with connect(server.url) as connection:
                expect(connection.recv(timeout=PATIENCE), "ready")
            wait_for(lambda: said.exists() and said.read_text().endswith("\n"))
        expect(said.read_text(), "interrupted\n")


def no_such_program(_certificates):
    """The client is told, and the server goes on."""
    with serve("command", "/nowhere/program") as server:
        for _ in range(2):
            with connect(server.url) as connection:
                expect(end_of(connection), 1011)


def a_line_that_is_no_text(_certificates):
    """Bytes that are no UTF-8 leave as a binary message."""
    with serve("command", "printf", "\\377\\n") as server, connect(server.url) as connection:
        expect(connection.recv(timeout=PATIENCE), b"\xff")


def a_message_that_is_too_long(_certificates):
    """More than 8 KiB is refused with 1009."""
    with serve("command", "cat") as server, connect(server.url) as connection:
        connection.send("a" * 8193)
        expect(end_of(connection), 1009)


def pages_for_browsers(certificates):
    """A plain request gets a page of HTML, over https too; any other mistake an error."""
    options = ["--certificate", certificates / "good.pem", "--key", certificates / "good.key"]
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    for name, arguments, shown in (("command", ["cat"], "<title>command"), ("filewatch", ["/dev/null"], "<title>filewatch")):
        with serve(name, *arguments) as server:
            expect(shown in page(server.url, None), True)
        with serve(name, *arguments, options=options) as server:
            expect(shown in page(server.url, context), True)


def page(url, context):
    """What a browser is shown at the URL of a server."""
    with urllib.request.urlopen(url.replace("ws", "http", 1) + "/", timeout=PATIENCE, context=context) as response:
        expect(response.headers["Content-Type"], "text/html; charset=utf-8")
        return response.read().decode()


def a_file_is_pushed(certificates):
    """The file at once, again when it changes, also over wss; and not to a client that has it."""
    options = ["--certificate", certificates / "good.pem", "--key", certificates / "good.key"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watched"
        path.write_text("one\n")
        with serve("filewatch", path, options=options) as server:
            with connect(server.url, ssl=TLS(ca_file=certificates / "ca.pem")) as connection:
                first, text = connection.recv(timeout=PATIENCE).split("\n", 1)
                expect(text, "one\n")
                new = Path(folder) / "new"  # takes its place in one step: the program looks at any moment
                new.write_text("two\n")
                os.utime(new, (time.time() + 5, time.time() + 5))
                new.replace(path)
                last, text = connection.recv(timeout=PATIENCE).split("\n", 1)
                expect((text, last != first), ("two\n", True))
            with connect(f"{server.url}/?lastMod={last}", ssl=TLS(ca_file=certificates / "ca.pem")) as connection:
                expect(is_silent(connection), True)
                path.unlink()
                expect(connection.recv(timeout=PATIENCE), "\n")


def is_silent(connection):
    """True when nothing comes for longer than the program takes to look."""
    try:
        connection.recv(timeout=1.2)
    except TimeoutError:
        return True
    return False


def the_server_stops(_certificates):
    """Clients hear 1001, and no process is left behind."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "id"
        with serve("command", "sh", "-c", f"echo $$ >{said}; cat; sleep 60") as server, connect(server.url) as connection:
            wait_for(lambda: said.exists() and said.read_text().endswith("\n"))
            process = int(said.read_text())
            server.stop()
            expect(end_of(connection), 1001)
            wait_for(lambda: not Path(f"/proc/{process}").exists())


def usage_is_told(_certificates):
    """Without a program or a file, one line and status 2."""
    for name in ("command", "filewatch"):
        process = subprocess.run([EXAMPLES / name], capture_output=True, timeout=PATIENCE, check=False)
        expect((process.returncode, process.stderr.count(b"\n")), (2, 1))


def wait_for(happens):
    """Returns once something is so."""
    end = time.monotonic() + PATIENCE
    while not happens():
        if time.monotonic() > end:
            raise ProgramError("it has not happened in time")
        time.sleep(0.02)


TESTS = (
    lines_go_in_and_out,
    the_program_ends,
    the_client_leaves,
    no_such_program,
    a_line_that_is_no_text,
    a_message_that_is_too_long,
    pages_for_browsers,
    a_file_is_pushed,
    the_server_stops,
    usage_is_told,
)


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    end_on_sigterm()
    certificates = ROOT / "build" / "examples-certificates"
    subprocess.run([HERE.parent / "Support" / "make_certificates", certificates], check=True)
    failed = 0
    for test in TESTS:
        try:
            test(certificates)
            print(f"ok {test.__name__}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {test.__name__}: {error!r}", flush=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
