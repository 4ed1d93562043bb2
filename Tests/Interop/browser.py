"""A browser as the client of our servers: headless Chromium opens a page that sends messages, compares what comes back and closes.

The page (browser.html) comes from a server of Python's on 127.0.0.1, to which it also sends what it saw. So its origin is another one
than our server's, which must allow it.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from programs import EXAMPLES, ProgramError, Server
from rows import CERTIFICATES, HERE, LOGS, identity

CHROMIUM = ["chromium-headless-shell", "chromium"]
FLAGS = [
    *["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"],
]
TIMEOUT = 60

# Options of our server, and which messages are compressed if any; None: there must be no connection.
SERVERS = {
    "plain": (["--origin", "*"], ""),
    "plain-takeover": (["--origin", "*", "--takeover"], "permessage-deflate"),
    "tls": (["--origin", "*", *identity()], ""),
    "tls-deflate": (["--origin", "*", "--deflate", *identity()], "permessage-deflate"),
    "tls-certificate-not-believed": (["--origin", "*", *identity("unknown")], None),
    "origin-not-allowed": (["--origin", "https://example.com"], None),
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives the page, and takes what it saw."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        page = HERE.joinpath("browser.html").read_text(encoding="utf-8").replace("@URL@", self.server.visits).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self):
        self.server.seen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.is_done.set()


@contextlib.contextmanager
def home_folder():
    """A folder that is gone afterwards. Processes that were just killed may still write into it."""
    folder = tempfile.mkdtemp(prefix="wsswift-")
    try:
        yield folder
    finally:
        end = time.monotonic() + 5
        while os.path.exists(folder) and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.05)


@contextlib.contextmanager
def page_server(visits):
    """A server for the page that visits this URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.visits, server.seen, server.is_done = visits, None, threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find_chromium():
    for name in CHROMIUM:
        if shutil.which(name):
            return shutil.which(name)
    raise ProgramError("there is no Chromium; scripts/setup installs chromium-headless-shell")


def believed_key():
    """The key of the one certificate that Chromium is to believe, as its command line wants it: it reads no file of issuers."""
    command = ["openssl", "x509", "-in", CERTIFICATES / "good.pem", "-noout", "-pubkey"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    der = base64.b64decode("".join(text.splitlines()[1:-1]))
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def browse(url, log):
    """Has a browser visit our server at this URL; returns what the page saw."""
    with page_server(url) as pages, home_folder() as home:
        believe = f"--ignore-certificate-errors-spki-list={believed_key()}"
        where = f"http://127.0.0.1:{pages.server_port}/"
        command = [find_chromium(), *FLAGS, believe, f"--user-data-dir={home}", where]
        environment = dict(os.environ, HOME=home)
        with open(log, "wb") as output:
            browser = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
        try:
            if not pages.is_done.wait(TIMEOUT):
                raise ProgramError(f"the page said nothing for {TIMEOUT} s; see {log}")
        finally:
            os.killpg(browser.pid, signal.SIGKILL)  # its own processes too
            browser.wait()
        return pages.seen


def verdict(name, extension, seen):
    """The line for the tally."""
    if extension is None:
        good = not seen["opened"] and seen["close"] == [1006, "", False]
    else:
        good = seen["opened"] and not seen["errors"] and seen["sent"] == seen["echoed"] > 0
        good = good and seen["extensions"].split(";")[0] == extension and seen["close"] == [4001, "", True]
    return f"ok {name}" if good else f"failed {name}: {json.dumps(seen)}"


def run(tally):
    """All servers. Without the browser all have failed."""
    lines = []
    for name, (options, extension) in SERVERS.items():
        log = LOGS / f"chromium-{name}"
        try:
            with Server([EXAMPLES / "echo_blocking", "--port", "0", *options], f"{log}.server.log") as server:
                lines.append(verdict(name, extension, browse(server.url, f"{log}.client.log")))
        except ProgramError as error:
            lines.append(f"failed {name}: {error}")
    tally.add("echo_blocking and Chromium", SERVERS, "\n".join(lines))
