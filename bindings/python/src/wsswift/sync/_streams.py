"""Messages as streams: one in parts as they arrive, all of them as one run of bytes, or none of them."""

from __future__ import annotations

import codecs
import io
import json
from ctypes import byref
from typing import Any, Callable, Iterator, Optional

from .. import _ffi as ffi
from .._time import deadline
from ..exceptions import ConnectionClosed, ConnectionClosedOK
from ._data import Data
from ._receiving import Parts, Receiving


class Streams(Receiving):
    """What receives messages otherwise than recv(). As recv(), it belongs to one thread at a time."""

    def recv_json(self, timeout: Optional[float] = None, *, loads: Callable[[Data], Any] = json.loads) -> Any:
        """The next message as a JSON document: what loads makes of it. Raises what loads raises, a ValueError (the message is lost then
        and the connection goes on); otherwise as recv()."""
        return loads(self.recv(timeout))

    def recv_streaming(self, decode: Optional[bool] = None) -> Iterator[Data]:
        """The next message in parts, as they arrive: it need not fit into memory. The parts joined are the message.

        decode: as recv(). A caller that stops in the middle drops the rest of the message. Raises as recv().
        """
        with self._as_receiver():
            parts = self._begin_parts()
            if decode is None:
                decode = parts.kind.value == ffi.WS_TEXT
            if not decode:
                yield from iter(lambda: self._next_part(parts), None)
                return
            decoder = codecs.getincrementaldecoder("utf-8")()
            for part in iter(lambda: self._next_part(parts), None):
                text = decoder.decode(part)
                if text:
                    yield text
            decoder.decode(b"", final=True)  # raises where the last character is cut off

    def discard(self) -> None:
        """Receives and drops every message until the connection is closed. For programs that only send; pings are answered.

        Raises ConnectionClosedError when it is not closed properly.
        """
        with self._as_receiver():
            self._inbox.clear()
            self._note_end(lambda conn: conn.calls.ws_conn_discard(conn))

    def byte_stream(self, terminator: bytes = b"") -> ByteStream:
        """The connection as a file of bytes: reading joins the messages, with the terminator behind each; writing sends binary messages.

        Reading and recv() may take turns. Closing the stream leaves the connection open.
        """
        return ByteStream(self, terminator)

    # The parts of a message

    def _begin_parts(self, until: int = ffi.WS_NEVER) -> Parts:
        """Waits for the next message. What was read aside comes first, and must not be passed over by what reads on."""
        parts = Parts()

        def take_kept() -> bool:
            if not self._inbox:
                return False
            parts.kind.value, data = self._inbox.popleft()
            parts.kept.extend([data] if data else [])
            parts.is_whole = True
            self._open = parts
            return True

        def begin(handle: Any) -> int:
            result: int = handle.calls.ws_conn_next_reader(handle, byref(parts.kind), byref(parts.reader))
            self._open = parts
            return result

        result = self._repeat(begin, until, take_kept)
        if result == ffi.WS_END:
            raise self._error(result, ffi.WS_READ)
        return parts

    def _next_part(self, parts: Parts, until: int = ffi.WS_NEVER) -> Optional[bytes]:
        """At least one byte; None behind the last one."""
        while not parts.kept and not parts.is_whole:
            self._repeat(parts.read, until, lambda: bool(parts.kept) or parts.is_whole)
        return parts.kept.popleft() if parts.kept else None

    def _note_end(self, call: Callable[[Any], int]) -> None:
        """Repeats what reads. That the peer has closed properly is no error here, now or before."""
        try:
            if self._repeat(call, deadline(None)) == ffi.WS_END:
                self._error(ffi.WS_END, ffi.WS_READ)
        except ConnectionClosedOK:
            pass


class ByteStream(io.RawIOBase):
    """All messages as one file of bytes, from Connection.byte_stream()."""

    def __init__(self, connection: Any, terminator: bytes) -> None:
        self._connection = connection
        self._terminator = bytes(terminator)
        self._kept = memoryview(b"")
        self._parts: Optional[Parts] = None  # the message that is being read

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills what it can of the buffer; 0 when the peer has closed properly. Raises as recv()."""
        space = memoryview(buffer).cast("B")
        if not space:
            return 0
        filled = 0
        with self._connection._as_receiver():
            # Waits for the first byte, then takes what is there.
            while filled < len(space) and (self._kept or self._read_on(deadline(0 if filled else None))):
                part = self._kept[: len(space) - filled]
                space[filled : filled + len(part)], self._kept = part, self._kept[len(part) :]
                filled += len(part)
        return filled

    def _read_on(self, until: int) -> bool:
        """Until there are bytes. False: there are none until then, or the peer has closed properly."""
        connection = self._connection
        try:
            while not self._kept:
                if self._parts is not connection._open:
                    self._parts = None  # recv() has passed it over
                if self._parts is None:
                    self._parts = connection._begin_parts(until)
                part = connection._next_part(self._parts, until)
                self._kept = memoryview(self._terminator if part is None else part)
                if part is None:
                    self._parts = None
            return True
        except (ConnectionClosed, TimeoutError) as error:
            # A failure behind bytes is told by the next call.
            is_proper = isinstance(error, ConnectionClosedOK) and self._parts is None
            if until == ffi.WS_NEVER and not is_proper:
                raise
            return False

    def write(self, data: Any) -> int:
        """Sends the bytes as one binary message; none are sent as none. Raises as send()."""
        view = memoryview(data).cast("B")
        if view:
            self._connection.send(view)
        return len(view)
