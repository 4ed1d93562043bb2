"""Blocking connections: connect() for clients, serve() for servers with a thread for each connection."""

from __future__ import annotations

from ._broadcast import broadcast
from ._steps import Step
from .client import ClientConnection, connect
from .connection import Connection
from .server import Server, ServerConnection, serve

__all__ = ["ClientConnection", "Connection", "Server", "ServerConnection", "Step", "broadcast", "connect", "serve"]
