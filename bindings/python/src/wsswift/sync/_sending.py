"""The sending half of a connection: send() in one piece and in many, JSON, pings."""

from __future__ import annotations

import json
import os
import threading
from ctypes import byref, c_void_p
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Union

from .. import _ffi as ffi
from ..exceptions import ConcurrencyError
from ..prepared import PreparedMessage
from ._data import BytesLike, control_payload, lend
from ._pings import Pings, Pong, Reader

Message = Union[str, BytesLike, PreparedMessage]

_BYTES = (bytes, bytearray, memoryview)
_INTERNAL_ERROR = 1011
_UNFINISHED = b"error in fragmented message"


class Turns:
    """Who sends a message in fragments: until it is whole, other messages wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: Optional[int] = None

    def __enter__(self) -> None:
        self._refuse_own()
        self._lock.acquire()
        self._thread = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._thread = None
        self._lock.release()

    def wait(self) -> bool:
        """Waits until nobody sends fragments. Says whether it had to."""
        self._refuse_own()
        had_to = self._lock.locked()
        with self._lock:
            return had_to

    def _refuse_own(self) -> None:
        if self._thread == threading.get_ident():
            raise ConcurrencyError("a message of this thread is being sent in fragments")


class Sending:
    """Any thread may call any method. What the connection itself knows comes from its other base classes."""

    _handle: Any
    _error: Callable[[int, int], Exception]
    _read_for: Reader

    def __init__(self) -> None:
        self._pings = Pings()
        self._checks_sent_text = False
        self._turns = Turns()

    def send(self, message: Union[Message, Iterable[Union[str, BytesLike]]], *, text: Optional[bool] = None) -> None:
        """Sends one message: str as text, bytes, bytearray and memoryview as binary. They are not copied.

        text: True sends bytes as text (they must be UTF-8), False sends str as binary.
        An iterable of such values, all text or all binary, is one message in fragments, each sent as it comes; other messages wait
        meanwhile. When it raises, the message cannot be finished, and the connection is closed with 1011. An empty one sends nothing.
        A PreparedMessage is sent as it is.

        Raises ConnectionClosed when the connection is closed; it may take a moment until a close frame of the peer is seen, and what is
        sent in that moment is lost.
        Raises TimeoutError when the peer takes nothing for 30 s and nothing was sent; InvalidUTF8. Ctrl-C is
        heard at once while nothing was sent, else when the call ends: a message that stopped halfway would end the connection.
        """
        data: Any
        if isinstance(message, str):
            kind = ffi.WS_BINARY if text is False else ffi.WS_TEXT
            data = message.encode()
            size = len(data)
        elif isinstance(message, _BYTES):
            kind = ffi.WS_TEXT if text else ffi.WS_BINARY
            data, size = lend(message)
            if text:
                self._check_sent_text()
        else:
            return self._send_other(message, text)
        handle = self._handle
        result = handle.calls.ws_conn_write(handle, kind, data, size)
        if result != ffi.WS_OK:
            self._go_on(result, "ws_conn_write", kind, data, size)

    def send_json(self, value: Any, *, dumps: Callable[[Any], Union[str, bytes]] = json.dumps) -> None:
        """Sends a value as one JSON document in a text message. dumps makes the document of it.

        Raises ValueError when what dumps gave is no document of RFC 8259 (NaN and Infinity are none); otherwise as send().
        """
        text = dumps(value)
        data = text.encode() if isinstance(text, str) else bytes(text)
        self._again("ws_conn_write_json", data, len(data))

    def ping(self, data: Union[str, BytesLike, None] = None) -> Pong:
        """Sends a ping of at most 125 bytes, four random ones by default. Its event is set when the pong arrives.

        Raises ConnectionClosed; ConcurrencyError while another ping with the same data waits; ValueError when data is too long.
        """
        payload = os.urandom(4) if data is None else control_payload(data)
        pong = self._pings.expect(payload, self._read_for)
        try:
            self._hear_pongs()
            self._send_control(ffi.WS_PING, payload)
        except BaseException:
            self._pings.forget(payload)
            raise
        return pong

    def pong(self, data: Union[str, BytesLike] = b"") -> None:
        """Sends an unsolicited pong of at most 125 bytes. Pings are answered without it. Raises as ping()."""
        self._send_control(ffi.WS_PONG, control_payload(data))

    # Messages that are not one piece of bytes

    def _send_other(self, message: Any, text: Optional[bool]) -> None:
        if isinstance(message, PreparedMessage):
            return self._again("ws_conn_write_prepared", message._handle)
        if isinstance(message, Mapping) or not isinstance(message, Iterable):
            raise TypeError(f"a message is str, bytes, bytearray or memoryview, or an iterable of them, not {type(message).__name__}")
        fragments = iter(message)
        for first in fragments:
            return self._send_fragments(first, fragments, text)

    def _send_fragments(self, first: Union[str, BytesLike], rest: Iterator[Union[str, BytesLike]], text: Optional[bool]) -> None:
        is_str = isinstance(first, str)
        kind = ffi.WS_TEXT if (is_str if text is None else text) else ffi.WS_BINARY
        if kind == ffi.WS_TEXT and not is_str:
            self._check_sent_text()
        data = _fragment(first, is_str)
        with self._turns:
            # The writer is a part of the connection, which this name keeps.
            handle, writer = self._handle, c_void_p()
            self._again("ws_conn_next_writer", kind, byref(writer))
            try:
                self._write_fragments(handle, writer, data, rest, is_str)
            except BaseException:
                handle.calls.ws_conn_close_begin(handle, _INTERNAL_ERROR, _UNFINISHED, len(_UNFINISHED))
                raise

    def _write_fragments(
        self, handle: Any, writer: c_void_p, data: bytes, rest: Iterator[Union[str, BytesLike]], is_str: bool
    ) -> None:
        """The last fragment waits for the end of the message, which would be an empty frame otherwise."""
        self._again_writing("ws_writer_write", handle, writer, data, len(data))
        for fragment in rest:
            data = _fragment(fragment, is_str)
            self._again_writing("ws_writer_flush", handle, writer)
            self._again_writing("ws_writer_write", handle, writer, data, len(data))
        self._again_writing("ws_writer_close", handle, writer)

    # Calls of the library

    def _send_control(self, kind: int, payload: bytes) -> None:
        if len(payload) > 125:
            raise ValueError(f"a ping or pong of {len(payload)} bytes; at most 125")
        self._again("ws_conn_write_control", kind, payload, len(payload), 0)

    def _again(self, name: str, *arguments: Any) -> None:
        """Calls the function of that name on the connection until it has done its work."""
        handle = self._handle
        result = getattr(handle.calls, name)(handle, *arguments)
        if result != ffi.WS_OK:
            self._go_on(result, name, *arguments)

    def _go_on(self, result: int, name: str, *arguments: Any) -> None:
        """After a result that was not OK: a signal is no reason to give up, nor are the fragments of another thread."""
        may_retry = True  # the other thread's message may have ended before we looked, once
        while result != ffi.WS_OK:
            if result == ffi.WS_ERR_STATE and may_retry:
                may_retry = self._turns.wait()
            elif result != ffi.WS_INTR:
                raise self._error(result, ffi.WS_WRITE)
            handle = self._handle
            result = getattr(handle.calls, name)(handle, *arguments)

    def _again_writing(self, name: str, handle: Any, *arguments: Any) -> None:
        """The same for the functions of a writer."""
        function = getattr(handle.calls, name)
        result = function(*arguments)
        while result == ffi.WS_INTR:
            result = function(*arguments)
        if result != ffi.WS_OK:
            raise self._error(result, ffi.WS_WRITE)

    def _check_sent_text(self) -> None:
        # A str is always UTF-8; bytes are checked from the first time that they are sent as text.
        handle = self._handle
        if not self._checks_sent_text and handle:
            self._checks_sent_text = True
            handle.calls.ws_conn_set_check_utf8(handle, 1, 1)

    def _hear_pongs(self) -> None:
        handle = self._handle
        if handle.keep:
            return
        handler = self._pings.handler()
        # Threads that ping at once may each set one: none may send its ping while there is none yet.
        handle.calls.ws_conn_set_pong_handler(handle, handler, None, ffi.ws_free_fn())
        handle.keep.append(handler)


def _fragment(fragment: Union[str, BytesLike], is_str: bool) -> bytes:
    if is_str and isinstance(fragment, str):
        return fragment.encode()
    if is_str or not isinstance(fragment, _BYTES):
        kinds = "str" if is_str else "bytes, bytearray or memoryview"
        raise TypeError(f"all fragments of this message must be {kinds}, not {type(fragment).__name__}")
    return bytes(fragment)
