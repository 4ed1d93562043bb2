"""Messages as streams: one in parts as they arrive, all of them as one run of bytes, or none of them."""

from __future__ import annotations

import codecs
import io
import json
from ctypes import byref, c_char, c_int32, c_size_t, c_void_p
from typing import Any, Callable, Iterator, Optional, Tuple

from .. import _ffi as ffi
from .._handles import copy
from .._time import deadline
from ..exceptions import ConnectionClosedOK
from ._data import Data
from ._receiving import Receiving


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
            kind, parts = self._begin_parts()
            if decode is None:
                decode = kind == ffi.WS_TEXT
            if not decode:
                yield from parts
                return
            decoder = codecs.getincrementaldecoder("utf-8")()
            for part in parts:
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

    def _begin_parts(self) -> Tuple[int, Iterator[bytes]]:
        if self._inbox:
            kind, data = self._inbox.popleft()
            return kind, iter((data,))
        kind_out, reader = c_int32(), c_void_p()
        handle = self._handle
        result = self._repeat(lambda conn: conn.calls.ws_conn_next_reader(conn, byref(kind_out), byref(reader)), deadline(None))
        if result == ffi.WS_END:
            raise self._error(result, ffi.WS_READ)
        return kind_out.value, self._parts(handle, reader)

    def _parts(self, handle: Any, reader: c_void_p) -> Iterator[bytes]:
        """handle keeps the connection, of which the reader is a part."""
        part = ffi.ws_bytes()
        while True:
            if self._repeat(lambda conn: conn.calls.ws_reader_next(reader, byref(part)), deadline(None)) == ffi.WS_END:
                return
            data = copy(part)
            if data:
                yield data

    def _read_joined(self, space: memoryview, terminator: bytes) -> int:
        got = c_size_t()
        room = byref(c_char.from_buffer(space))
        size = len(terminator)
        with self._as_receiver():
            self._note_end(lambda conn: conn.calls.ws_conn_read_joined(conn, terminator, size, room, len(space), byref(got)))
        return got.value

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
        self._kept = b""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills what it can of the buffer; 0 when the peer has closed properly. Raises as recv()."""
        space = memoryview(buffer).cast("B")
        if not space:
            return 0
        while not self._kept and self._connection._inbox:
            self._kept = self._connection._inbox.popleft()[1] + self._terminator
        if self._kept:
            count = min(len(space), len(self._kept))
            space[:count], self._kept = self._kept[:count], self._kept[count:]
            return count
        count = self._connection._read_joined(space, self._terminator)
        return int(count)

    def write(self, data: Any) -> int:
        """Sends the bytes as one binary message; none are sent as none. Raises as send()."""
        view = memoryview(data).cast("B")
        if view:
            self._connection.send(view)
        return len(view)
