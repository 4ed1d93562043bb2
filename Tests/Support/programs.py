"""Starts the programs under test and ends them again: by process id, with SIGTERM, as a service manager would."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "build" / "examples"
PYTHON_EXAMPLES = ROOT / "examples" / "python"
LISTENING = re.compile(r"^listening on (wss?://\S+)$")
START_TIMEOUT = 20
END_TIMEOUT = 10


class ProgramError(Exception):
    """A program did not start, or did not end as it should."""


def python_environment():
    """The environment in which a Python program finds our package and the library that was just built."""
    return dict(
        os.environ,
        PYTHONPATH=str(ROOT / "bindings" / "python" / "src"),
        WSSWIFT_LIBRARY=str(ROOT / "build" / "libwsswift.so.0"),
        PYTHONUNBUFFERED="1",
    )


def end_on_sigterm():
    """Makes SIGTERM unwind this program, so that the servers which it started end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def free_port():
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, timeout=START_TIMEOUT):
    """Returns once something listens on the port of 127.0.0.1."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise ProgramError(f"nothing listens on 127.0.0.1:{port} after {timeout} s")


def read_line(stream, timeout, what):
    """One line of an unbuffered byte stream, without its end."""
    line, end = b"", time.monotonic() + timeout
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
        byte = os.read(stream.fileno(), 1) if ready else b""
        if not byte:
            reason = "ended" if ready else f"said nothing for {timeout} s"
            raise ProgramError(f"{what} {reason}; its output so far: {line.decode(errors='replace')!r}")
        line += byte
    return line.decode(errors="replace").rstrip("\n")


class Server:
    """A server program that prints `listening on URL` when it is ready. A context manager.

    `url` has no path. `output` is what the server printed after that line; it is there once the server has ended.
    """

    def __init__(self, command, log):
        self.command = [str(part) for part in command]
        self.name = Path(self.command[1 if self.command[0] == sys.executable else 0]).name
        self.log = Path(log)
        self.url = None
        self.output = ""
        self.process = None

    def __enter__(self):
        if not os.path.exists(self.command[0]):
            raise ProgramError(f"{self.command[0]} is missing")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=log, bufsize=0, env=python_environment()
            )
        try:
            line = read_line(self.process.stdout, START_TIMEOUT, f"{self.name} (see {self.log})")
            match = LISTENING.match(line)
            if not match:
                raise ProgramError(f"{self.name} printed {line!r} instead of `listening on URL`")
        except ProgramError:
            self._kill()
            raise
        self.url = match.group(1).rstrip("/")
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except ProgramError as error:
            if kind is None:
                raise
            print(f"{error}", file=sys.stderr)

    def stop(self):
        """Ends the server; it must exit with 0 within END_TIMEOUT. Does nothing the second time."""
        if self.process.stdout.closed:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._kill()
            raise ProgramError(f"{self.name} did not end within {END_TIMEOUT} s of SIGTERM") from None
        finally:
            self.output = self.process.stdout.read().decode(errors="replace")
            self.process.stdout.close()
        if status != 0:
            raise ProgramError(f"{self.name} ended with status {status}; see {self.log}")

    def _kill(self):
        self.process.kill()
        self.process.wait()


def python_command(program, *arguments):
    """The command that runs one of our Python programs."""
    return [sys.executable, str(program), *arguments]
