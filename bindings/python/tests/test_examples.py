"""What examples/python/echo_client.py and wss_client.py print, and their exit statuses."""

import subprocess
import sys
from pathlib import Path

import pytest
from peers import our_server

from wsswift import TLS

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"


def run(*arguments, program="echo_client.py"):
    command = [sys.executable, str(EXAMPLES / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


def test_all_went_well():
    with our_server() as url:
        assert run(url, "a", "b") == (0, "a\nb\n", "")


@pytest.mark.parametrize("arguments", [[], ["http://127.0.0.1/"], ["ws://127.0.0.1:9/"]])
def test_no_connection(arguments):
    status, printed, complaint = run(*arguments)
    assert (status, printed) == (2, "") and complaint


def test_closed_before_the_answer():
    with our_server(lambda connection: connection.close(4000)) as url:
        status, _, complaint = run(url, "a")
    assert status == 1 and "4000" in complaint


def test_wss(certificates):
    with our_server(ssl=TLS(certificate=certificates / "both.pem")) as url:
        done = run("--ca", certificates / "ca.pem", url, "a", "b", program="wss_client.py")
        assert done == (0, "TLSv1.3, CN=good\na\nb\n", "")
        status, printed, complaint = run(url, program="wss_client.py")
        assert (status, printed) == (2, "") and "127.0.0.1" in complaint
        assert run("--ca", certificates / "ca.pem", "--name", "other.example", url, program="wss_client.py")[0] == 2
