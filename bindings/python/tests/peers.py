"""The other ends of the tests: our server on a thread, the server of `websockets`, and peers that write bytes by hand."""

import base64
import contextlib
import hashlib
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import pytest
import websockets.sync.client
import websockets.sync.server

import wsswift
from wsswift.sync import serve

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "Tests" / "Support"))
from tls_socket import TLSSocket

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PATIENCE = 10


def echo(connection):
    """The handler of an echo server, for our connections and for those of `websockets`."""
    for message in connection:
        connection.send(message)


def wait_until(condition):
    """Returns once the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def ending(connection, **options):
    """The exception that recv() ends with."""
    with pytest.raises(wsswift.ConnectionClosed) as caught:
        connection.recv(**{"timeout": 10, **options})
    return caught.value


@contextlib.contextmanager
def running(server):
    """Runs serve_forever() of a server of either kind on a thread."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextlib.contextmanager
def our_server(handler=echo, **options):
    """A server of ours; gives its URL without a path."""
    with running(serve(handler, **options)) as server:
        yield f"{'wss' if options.get('ssl') else 'ws'}://127.0.0.1:{server.port}"


@contextlib.contextmanager
def websockets_server(handler=echo, **options):
    """A server of `websockets`; gives its URL without a path."""
    if "ssl" in options:
        options["ssl"].sslsocket_class = TLSSocket
    with running(websockets.sync.server.serve(handler, "127.0.0.1", 0, **options)) as server:
        yield f"{'wss' if options.get('ssl') else 'ws'}://127.0.0.1:{server.socket.getsockname()[1]}"


def websockets_client(url, context, **options):
    """A client of `websockets` over TLS."""
    context.sslsocket_class = TLSSocket
    return websockets.sync.client.connect(url, ssl=context, proxy=None, **options)


class RawPeer:
    """A peer that writes frames by hand. A client masks its frames, a server does not."""

    def __init__(self, sock, masks):
        self.sock = sock
        self.masks = masks
        self.buffer = b""
        sock.settimeout(PATIENCE)

    def send_frame(self, opcode, payload=b"", final=True):
        head = bytes([opcode | (0x80 if final else 0)])
        mask_bit = 0x80 if self.masks else 0
        if len(payload) < 126:
            head += bytes([mask_bit | len(payload)])
        elif len(payload) < 65536:
            head += struct.pack("!BH", mask_bit | 126, len(payload))
        else:
            head += struct.pack("!BQ", mask_bit | 127, len(payload))
        # A key of zero leaves the payload as it is.
        self.sock.sendall(head + (bytes(4) if self.masks else b"") + payload)

    def send_close(self, code=None, reason=b""):
        self.send_frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)

    def recv_exactly(self, size):
        while len(self.buffer) < size:
            self._fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def recv_head(self):
        """A request or response, without the empty line at its end."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head.decode()

    def recv_frame(self):
        """Opcode and payload of the next frame."""
        first, second = self.recv_exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.recv_exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.recv_exactly(8))
        key = self.recv_exactly(4) if second & 0x80 else bytes(4)
        payload = self.recv_exactly(size)
        return first & 0x0F, bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))

    def recv_close_code(self):
        """The code of a close frame that must come next; None when it has none."""
        opcode, payload = self.recv_frame()
        assert opcode == CLOSE, (opcode, payload)
        return struct.unpack("!H", payload[:2])[0] if payload else None

    def at_end(self):
        """Whether the other side has closed the stream."""
        return not self.buffer and self.sock.recv(1) == b""

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the other side hung up")
        self.buffer += data


def raw_request(url, fields=(), path="/"):
    """A good opening handshake request, with extra fields."""
    host = url.split("//")[1].rstrip("/")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def raw_connection(url):
    """A stream to a server, before any handshake."""
    host, port = url.split("//")[1].rstrip("/").rsplit(":", 1)
    return RawPeer(socket.create_connection((host, int(port)), PATIENCE), masks=True)


def raw_client(url, fields=()):
    """A client after its opening handshake."""
    peer = raw_connection(url)
    peer.sock.sendall(raw_request(url, fields))
    head = peer.recv_head()
    assert head.startswith("HTTP/1.1 101 "), head
    return peer


def accept_by_hand(peer):
    """The server's half of a good opening handshake; returns the request."""
    head = peer.recv_head()
    key = next(
        line.split(":")[1].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")
    )
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = base64.b64encode(digest).decode()
    peer.sock.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    return head


class RawServer:
    """Takes one connection and hands it to a function, on a thread. The end of the block waits for that function."""

    def __init__(self, behave, handshake=True):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self.behave = behave
        self.handshake = handshake
        self.request = None
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self.listener.settimeout(PATIENCE)
            sock, _ = self.listener.accept()
            with RawPeer(sock, masks=False) as peer:
                if self.handshake:
                    self.request = accept_by_hand(peer)
                self.behave(peer)
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.thread.join(PATIENCE)
        self.listener.close()
        if kind is None and self.error is not None:
            raise self.error


@contextlib.contextmanager
def silent_listener():
    """A server that takes connections into its queue and never says a word; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
