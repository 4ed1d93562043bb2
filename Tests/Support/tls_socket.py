"""A socket of Python's ssl for programs with one thread that reads and another one that writes, as those of `websockets` have.

OpenSSL allows one thread at a time in a connection. Up to Python 3.12 an ssl.SSLSocket lets both in, and when the session tickets of
TLS 1.3 arrive in the moment of a first write, now and then that write is lost: `websockets` then waits in vain with any server.
"""

import select
import ssl
import threading


class TLSSocket(ssl.SSLSocket):
    """Each call into OpenSSL takes a turn and never waits inside; the waiting is done outside. To be the sslsocket_class of a context."""

    _turn = None
    _patience = None

    def do_handshake(self, block=False):
        """Only the thread that has made the socket is there until now."""
        self._patience = super().gettimeout()
        super().do_handshake(block)
        self._turn = threading.Lock()
        super().settimeout(0)

    def settimeout(self, value):
        """For each wait of a read or a write."""
        self._patience = value
        if self._turn is None:
            super().settimeout(value)

    def recv(self, size=1024, flags=0):
        return self._take_turns(super().recv, size, flags)

    def send(self, data, flags=0):
        """sendall() calls it too."""
        return self._take_turns(super().send, data, flags)

    def _take_turns(self, call, *arguments):
        while self._turn is not None:
            try:
                with self._turn:
                    return call(*arguments)
            except ssl.SSLWantReadError:
                ready = select.select([self], [], [], self._patience)
            except ssl.SSLWantWriteError:
                ready = select.select([], [self], [], self._patience)
            if not any(ready):
                raise TimeoutError("timed out")
        return call(*arguments)
