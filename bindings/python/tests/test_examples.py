"""The exit statuses of examples/python/echo_client.py."""

import subprocess
import sys
from pathlib import Path

import pytest
from peers import our_server

CLIENT = Path(__file__).resolve().parents[3] / "examples" / "python" / "echo_client.py"


def run(*arguments):
    done = subprocess.run([sys.executable, str(CLIENT), *arguments], capture_output=True, text=True, timeout=20)
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
