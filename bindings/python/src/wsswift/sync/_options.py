"""Arguments of connect() and serve(): what both make of them, and a clear no for what users of `websockets` may ask in vain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

from .._time import check_timeout, milliseconds
from ..compression import Compression, Deflate, wanted
from ..datastructures import HeadersLike, header_pairs

MaxQueue = Union[int, None, Tuple[Optional[int], Optional[int]]]
MaxSize = Union[int, None, Tuple[Optional[int], Optional[int]]]

# What each argument would ask for.
_MISSING = {
    "proxy_ssl": "TLS settings of their own for proxies; those of ssl are used",
    "proxy_server_hostname": "another name for a proxy",
    "extensions": "extensions of your own; compression has the settings of permessage-deflate",
    "create_connection": "classes of your own for connections",
}


@dataclass(frozen=True)
class Settings:
    """What a connection is told when it opens."""

    close_timeout: Optional[float]
    max_queue: Optional[int]
    ping_interval_ms: int
    ping_timeout_ms: int
    deflate: Optional[Deflate]
    logger: Any

    @staticmethod
    def of(
        close_timeout: Optional[float],
        max_queue: MaxQueue,
        ping_interval: Optional[float],
        ping_timeout: Optional[float],
        compression: Compression,
        default_deflate: Deflate,
        logger: Any,
    ) -> Settings:
        """Checks the arguments. Raises TypeError and ValueError."""
        check_timeout(close_timeout, "close_timeout")
        return Settings(
            close_timeout,
            queue_limit(max_queue),
            milliseconds(ping_interval, "ping_interval"),
            milliseconds(ping_timeout, "ping_timeout"),
            wanted(compression, default_deflate),
            logger,
        )


def refuse_missing(**arguments: object) -> None:
    """Raises NotImplementedError for an argument that asks for more than this version does. None, and an empty list, do not."""
    for name, value in arguments.items():
        if value is None or (isinstance(value, (list, tuple)) and not value):
            continue
        # The value may hold a password, so it is not repeated.
        raise NotImplementedError(f"{name} must be None: this version does not have {_MISSING[name]}")


def message_limit(max_size: MaxSize) -> Optional[int]:
    """The limit of a message. websockets also takes a pair, of the limits of a message and a fragment."""
    if not isinstance(max_size, tuple):
        return max_size
    message, fragment = max_size
    if fragment is not None:
        raise NotImplementedError("max_size must be one number or (number, None): this version does not limit fragments")
    return message


def queue_limit(max_queue: MaxQueue) -> Optional[int]:
    """How many messages to read ahead at most. websockets also takes a pair; its second number has no use here."""
    limit = max_queue[0] if isinstance(max_queue, tuple) else max_queue
    if limit is not None and limit < 1:
        raise ValueError(f"max_queue must be positive or None, not {limit}")
    return limit


def with_default(fields: Optional[HeadersLike], name: str, value: Optional[str]) -> List[Tuple[str, str]]:
    """The fields, and one more unless it is None or there already."""
    pairs = list(header_pairs(fields or ()))
    if value is not None and all(given.lower() != name.lower() for given, _ in pairs):
        pairs.append((name, value))
    return pairs
