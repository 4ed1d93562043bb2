"""TLS by Python's ssl over a socket, in steps that never wait: so one thread may wait to read while another one waits to write."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Any, Callable, Optional

from .. import _ffi as ffi

_CHUNK = 1 << 16
# How long to wait for the peer's end of the stream once we have ended ours.
_LINGER_NS = 1_000_000_000


class TLSStream:
    """A socket, which it takes, and an SSLObject. Its owner sees to it that one thread at a time is inside, but for wait()."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_hostname: Optional[str] = None) -> None:
        """A client's when there is a server_hostname."""
        sock.setblocking(False)
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._unsent = memoryview(b"")
        self.sent = 0  # bytes that the network has taken
        self.ssl_object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
        )
        self.local_name, self.remote_name = _name(sock.getsockname), _name(sock.getpeername)

    def handshake(self, until: int) -> None:
        """TLS's own handshake. Raises ssl.SSLError, TimeoutError and OSError."""
        try:
            while not self._try_handshake():
                self._send_all(until)
                self._wait_or_raise(select.POLLIN, until)
                self.pull()
        except ssl.SSLError:
            self.push()  # the alert that tells the peer
            raise
        self._send_all(until)

    def _try_handshake(self) -> bool:
        try:
            self.ssl_object.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    # What arrives

    def pull(self) -> None:
        """Takes what the socket has."""
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def read(self, space: memoryview) -> Optional[int]:
        """Bytes of the peer's; None when there are none yet, 0 at the end, however it came. Raises ssl.SSLError."""
        try:
            return self.ssl_object.read(len(space), space)  # type: ignore[return-value]
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return 0

    # What is sent

    def write(self, data: memoryview) -> None:
        """Encrypts bytes for push()."""
        self.ssl_object.write(data)

    def push(self) -> bool:
        """Sends what the socket takes; whether that was all. Raises OSError."""
        while True:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read(_CHUNK * 4))
            if not self._unsent:
                return True
            try:
                count = self._sock.send(self._unsent)
            except BlockingIOError:
                return False
            self._unsent = self._unsent[count:]
            self.sent += count

    @property
    def has_unsent(self) -> bool:
        """Whether push() is to be called when the socket takes more."""
        return bool(self._unsent) or bool(self._outgoing.pending)

    def _send_all(self, until: int) -> None:
        while not self.push():
            self._wait_or_raise(select.POLLOUT, until)

    # Waiting, and the end

    def wait(self, events: int, until: int) -> bool:
        """Waits for one of these events of poll(2), on any thread; whether it came."""
        fd = self._sock.fileno()
        if fd < 0:
            return True
        poller = select.poll()
        poller.register(fd, events)
        rest = None if until == ffi.WS_NEVER else max(0.0, (until - time.monotonic_ns()) / 1_000_000)
        return bool(poller.poll(rest))

    def _wait_or_raise(self, events: int, until: int) -> None:
        if not self.wait(events, until):
            raise TimeoutError("timed out during the TLS handshake")

    def end(self) -> None:
        """Ends our direction: what is left, TLS's own end, and the socket's. What the socket does not take at once is lost."""
        try:
            self.ssl_object.unwrap()
        except (ssl.SSLError, OSError):
            pass  # ours is written; the peer's is not awaited here
        try:
            self.push()
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def linger(self) -> None:
        """Waits a moment for the peer to end its direction, so that a reset does not take our last bytes away."""
        until = time.monotonic_ns() + _LINGER_NS
        try:
            while self.wait(select.POLLIN, until) and self._sock.recv(_CHUNK):
                pass
        except OSError:
            pass

    def abort(self) -> None:
        """Ends both directions, which wakes whoever waits."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Closes the socket."""
        self._sock.close()


def _name(query: Callable[[], Any]) -> Any:
    try:
        return query()
    except OSError:
        return None
