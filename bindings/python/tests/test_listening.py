"""Where serve() listens."""

import socket

import pytest
from peers import echo, running

from wsswift.sync import connect, serve


def test_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError) as caught:
            serve(echo, "127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == 98


@pytest.mark.parametrize(
    ("host", "family"),
    [(None, socket.AF_INET), ("localhost", None), ("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET)],
)
def test_hosts_to_listen_on(host, family):
    with running(serve(echo, host)) as server:
        assert server.port == server.socket.getsockname()[1] > 0
        assert family in (None, server.socket.family)
        name = "[::1]" if server.socket.family == socket.AF_INET6 else "127.0.0.1"
        with connect(f"ws://{name}:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


@pytest.mark.parametrize("host", ["", "*"])
def test_every_address(host):
    with running(serve(echo, host, hosts=["*"])) as server:
        with connect(f"ws://127.0.0.1:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


def test_socket_of_the_caller():
    listener = socket.create_server(("127.0.0.1", 0))
    with running(serve(echo, sock=listener)) as server:
        assert listener.fileno() == -1 and server.fileno() >= 0
        with connect(f"ws://127.0.0.1:{server.port}/") as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
    assert server.fileno() == -1


def test_unix_socket(tmp_path):
    path = str(tmp_path / "socket")
    with running(serve(echo, f"unix:{path}")) as server:
        assert server.port == 0
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        with connect("ws://localhost/", sock=client) as connection:
            assert connection.remote_address == path
            connection.send("x")
            assert connection.recv(timeout=10) == "x"
