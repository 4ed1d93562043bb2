"""What stands between a client and a server in the interoperability tests: programs of the system, and nginx, which ends TLS.

They run in the foreground, each on a free port of 127.0.0.1, from a folder of its own that is gone afterwards; as nobody where we are
root. proxies.py has the others.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from programs import END_TIMEOUT, ProgramError, Server, free_port, wait_for_port
from rows import CERTIFICATES, HERE


class Daemon:
    """A program of the system, from its start to its end. `files` lie in the folder from which it runs, by name."""

    def __init__(self, command, port, files, log):
        self.folder = Path(tempfile.mkdtemp(prefix="wsswift-"))
        for name, content in files.items():
            self.folder.joinpath(name).write_bytes(content)
        self.process = None
        try:
            self._start([word.replace("@FOLDER@", str(self.folder)) for word in command], port, log)
        except BaseException:
            self.stop()
            raise

    def _start(self, command, port, log):
        program = shutil.which(command[0], path="/usr/sbin:/usr/bin")
        if program is None:
            raise ProgramError(f"{command[0]} is missing; scripts/setup installs it")
        identity = {}
        if os.geteuid() == 0:
            identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "nobody", "nogroup")
        with open(log, "wb") as output:
            self.process = subprocess.Popen([program, *command[1:]], stdout=output, stderr=output, cwd=self.folder, **identity)
        wait_for_port(port)

    def stop(self):
        """Ends the program, whatever it does. Does nothing the second time."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_nginx(url, log):
    """nginx in front of the server at ws://HOST:PORT. Returns the program and its own URL."""
    port = free_port()
    config = HERE.joinpath("nginx.conf").read_text(encoding="utf-8")
    config = config.replace("@PORT@", str(port)).replace("@BEHIND@", url.partition("//")[2])
    files = {name: CERTIFICATES.joinpath(name).read_bytes() for name in ("good.pem", "good.key")}
    files["nginx.conf"] = config.encode()
    daemon = Daemon(["nginx", "-p", "@FOLDER@", "-c", "nginx.conf", "-e", "stderr"], port, files, log)
    return daemon, f"wss://127.0.0.1:{port}"


class BehindNginx(Server):
    """A server program behind nginx; `url` is that of nginx."""

    front = None

    def __enter__(self):
        super().__enter__()
        try:
            self.front, self.url = start_nginx(self.url, f"{self.log}.nginx.log")
        except BaseException:
            super().__exit__(*[None] * 3)
            raise
        return self

    def stop(self):
        """Ends the server first, so that nginx passes its last words on."""
        try:
            super().stop()
        finally:
            if self.front is not None:
                self.front.stop()
