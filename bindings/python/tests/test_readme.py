"""The programs of README.md, run as printed but for the port."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

from peers import our_server

import wsswift
from wsswift.sync import connect, serve

README = Path(__file__).resolve().parents[1] / "README.md"
CLIENT, SERVER, SECURE = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
PORT = "9001"


def test_client():
    with our_server() as url:
        program = CLIENT.replace(PORT, url.rsplit(":", 1)[1])
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("hello\n", "")


def test_server():
    program = SERVER.replace(PORT, "0").replace("    server.serve", "    print(server.port, flush=True); server.serve")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            port = int(process.stdout.readline())
            with connect(f"ws://127.0.0.1:{port}/") as connection:
                connection.send("hello")
                assert connection.recv(timeout=10) == "hello"
        finally:
            process.kill()


def test_tls_takes_its_arguments():
    calls = []
    names = {"connect": connect, "serve": serve}
    recorders = {name: lambda *given, _of=function, **named: calls.append(inspect.signature(_of).bind(*given, **named))
                 for name, function in names.items()}
    exec(SECURE, {**recorders, "echo": print, "wsswift": wsswift})
    assert len(calls) == 3
