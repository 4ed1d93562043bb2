"""Python values to what the library takes, and back: payloads and addresses."""

from __future__ import annotations

import socket
from ctypes import byref, c_char
from typing import Any, Callable, Optional, Tuple, Union

from .. import _ffi as ffi
from .._errors import check
from .._handles import ConnHandle

Data = Union[str, bytes]
BytesLike = Union[bytes, bytearray, memoryview]
Address = Union[Tuple[str, int], str, None]


def lend(message: BytesLike) -> Tuple[Any, int]:
    """What to pass for a const void * and its size. Only read-only and scattered views are copied: ctypes lends no others."""
    if isinstance(message, bytes):
        return message, len(message)
    if not isinstance(message, (bytearray, memoryview)):
        raise TypeError(f"a message is str, bytes, bytearray or memoryview, not {type(message).__name__}")
    view = memoryview(message)
    if view.readonly or not view.c_contiguous or not view.nbytes:
        return bytes(view), view.nbytes
    return byref(c_char.from_buffer(view)), view.nbytes


def control_payload(data: Union[str, BytesLike]) -> bytes:
    """The payload of a ping or pong."""
    if isinstance(data, str):
        return data.encode()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data is str, bytes, bytearray or memoryview, not {type(data).__name__}")
    return bytes(data)


def read_address(query: Callable[..., int], handle: ConnHandle) -> Address:
    """One end of a connection, asked with ws_conn_local_address or ws_conn_remote_address."""
    address = ffi.ws_address()
    check(query(handle, byref(address)))
    host: str = address.host.decode("utf-8", "surrogateescape")
    if address.family in (ffi.WS_ADDRESS_IPV4, ffi.WS_ADDRESS_IPV6):
        return host, address.port
    return host if address.family == ffi.WS_ADDRESS_UNIX else None


def peer_name(fd: int) -> Address:
    """The peer of a socket that is no connection yet; None when it is gone already."""
    borrowed = socket.socket(fileno=fd)
    try:
        name = borrowed.getpeername()
        return name[:2] if isinstance(name, tuple) else str(name)
    except OSError:
        return None
    finally:
        borrowed.detach()


def read_limit(max_size: Optional[int]) -> int:
    """max_size as the library has it: 0 is no limit."""
    if max_size is None:
        return 0
    if not 0 < max_size < 2**64:
        raise ValueError(f"max_size must be positive or None, not {max_size}")
    return max_size
