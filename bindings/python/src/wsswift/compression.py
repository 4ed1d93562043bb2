"""How messages are compressed: permessage-deflate, RFC 7692."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Union

from ._errors import check
from ._library import lib

__all__ = ["Compression", "Deflate"]


@dataclass(frozen=True)
class Deflate:
    """permessage-deflate with other settings than those of compression="deflate". Give it as compression to connect() or serve().

    client_context_takeover, server_context_takeover: whether that side compresses a message with its earlier ones in mind: smaller
        messages, and memory for as long as the connection is open.
    client_max_window_bits, server_max_window_bits: how far back that side may refer, as the binary logarithm of bytes: 9 to 15.
    level: -2 (Huffman codes only), -1 (zlib's choice), 0 (stored) to 9 (smallest).
    memory_level: 1 (least memory) to 9.
    threshold: messages of fewer bytes are sent as they are.

    Do not send secrets and what an attacker can choose in one compressed message, or with context takeover on one connection:
    their size tells whether the two are alike.
    """

    client_context_takeover: bool = True
    server_context_takeover: bool = True
    client_max_window_bits: int = 15
    server_max_window_bits: int = 15
    level: int = -1
    memory_level: int = 5
    threshold: int = 0

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("client_max_window_bits", 9, 15),
            ("server_max_window_bits", 9, 15),
            ("level", -2, 9),
            ("memory_level", 1, 9),
            ("threshold", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name} must be {lowest} to {highest}, not {value}")


Compression = Union[str, Deflate, None]

# What "deflate" means, as for websockets: a server limits the windows of both sides to 4 KiB.
CLIENT_DEFAULT = Deflate()
SERVER_DEFAULT = Deflate(client_max_window_bits=12, server_max_window_bits=12)


def wanted(compression: Compression, default: Deflate) -> Optional[Deflate]:
    """The settings behind an argument; None for no compression."""
    if compression is None or isinstance(compression, Deflate):
        return compression
    if compression != "deflate":
        raise ValueError(f"unsupported compression: {compression}")
    return default


def offer(dialer: Any, deflate: Optional[Deflate]) -> None:
    """Makes a dialer offer it."""
    if deflate is not None:
        check(lib.ws_dialer_set_compression(dialer, 1))
        check(lib.ws_dialer_set_context_takeover(dialer, *_takeover(deflate)))
        check(lib.ws_dialer_set_window_bits(dialer, *_window_bits(deflate)))


def accept(upgrader: Any, deflate: Optional[Deflate]) -> None:
    """Makes an upgrader accept offers of it."""
    if deflate is not None:
        check(lib.ws_upgrader_set_compression(upgrader, 1))
        check(lib.ws_upgrader_set_context_takeover(upgrader, *_takeover(deflate)))
        check(lib.ws_upgrader_set_window_bits(upgrader, *_window_bits(deflate)))


def apply(conn: Any, deflate: Optional[Deflate]) -> None:
    """Gives an open connection the settings of its own side. They mean nothing where compression was not agreed on."""
    if deflate is not None:
        check(conn.calls.ws_conn_set_compression_level(conn, deflate.level))
        check(conn.calls.ws_conn_set_compression_memory(conn, deflate.memory_level))
        check(conn.calls.ws_conn_set_compression_threshold(conn, deflate.threshold))


def _takeover(deflate: Deflate) -> tuple[int, int]:
    return int(deflate.client_context_takeover), int(deflate.server_context_takeover)


def _window_bits(deflate: Deflate) -> tuple[int, int]:
    return deflate.client_max_window_bits, deflate.server_max_window_bits
