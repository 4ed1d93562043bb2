"""Messages that are sent to many connections."""

from __future__ import annotations

from ctypes import byref
from typing import Any, Optional, Union

from . import _ffi as ffi
from ._errors import check
from ._handles import PreparedHandle
from ._library import lib

__all__ = ["PreparedMessage"]


class PreparedMessage:
    """A message for send() on many connections: it is compressed once for all that compress alike, not once for each.

    str is sent as text, bytes, bytearray and memoryview as binary, unless text says otherwise. The bytes are copied. Any thread
    may send it, any number of times.
    """

    def __init__(self, message: Union[str, bytes, bytearray, memoryview], *, text: Optional[bool] = None) -> None:
        if isinstance(message, str):
            data, is_text = message.encode(), text is not False
        elif isinstance(message, (bytes, bytearray, memoryview)):
            data, is_text = bytes(message), bool(text)
        else:
            raise TypeError(f"a message is str, bytes, bytearray or memoryview, not {type(message).__name__}")
        self._handle: Any = PreparedHandle()
        kind = ffi.WS_TEXT if is_text else ffi.WS_BINARY
        check(lib.ws_prepared_new(kind, data, len(data), byref(self._handle)))
