"""One message for many connections."""

from __future__ import annotations

from typing import Iterable, Union

from ..exceptions import ConnectionClosed
from ..prepared import PreparedMessage
from ._data import BytesLike
from .connection import Connection


def broadcast(connections: Iterable[Connection], message: Union[str, BytesLike, PreparedMessage]) -> None:
    """Sends a message to each connection, one after the other; it is compressed once. Those that are closed are passed over.

    A peer that takes nothing holds the others up until send() gives up, after 30 s; it is passed over too.
    """
    prepared = message if isinstance(message, PreparedMessage) else PreparedMessage(message)
    for connection in connections:
        try:
            connection.send(prepared)
        except (ConnectionClosed, TimeoutError):
            connection.logger.info("broadcast: a connection did not take the message", exc_info=True)
