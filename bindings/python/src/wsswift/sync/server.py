"""serve(): a server with one thread for each connection."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from ctypes import byref, c_int32
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Optional, Sequence, Type, Union

from .. import _ffi as ffi
from .._errors import check, exception, fault
from .._handles import UpgraderHandle
from .._library import lib
from .._time import deadline, remaining
from ..compression import SERVER_DEFAULT, Compression, accept
from ..datastructures import HeadersLike, Request, Response
from ..exceptions import ConnectionClosed
from ..tls import TLS, TLSInfo, configure_upgrader, is_context, reload
from ._closing import close_reason
from ._data import Address, peer_name
from ._hooks import CLOSING, Hooks, Origins, origin_rule, refusal
from ._interrupt import SLICE_MS, in_main_thread
from ._opening import Opening
from ._options import MaxQueue, MaxSize, Settings, message_limit, refuse_missing, with_default
from ._serving import listen, make_upgrader
from .connection import Connection

__all__ = ["Server", "ServerConnection", "serve"]

if TYPE_CHECKING:
    from ssl import SSLContext

    from ._engine_opening import EngineOpening

_log = logging.getLogger("wsswift.server")

_GOING_AWAY = 1001
_INTERNAL_ERROR = 1011
# A deadline in the past: does not block.
_AT_ONCE = 1
# Seconds for a handler to end once its connection has been dropped.
_LAST_WAIT = 1.0


class ServerConnection(Connection):
    """The server's end of a connection. In process_request it is not open yet: then only request, remote_address, tls, id, logger,
    state and respond() are of use, and what is set on it, the handler finds."""

    def __init__(self, request: Request, remote_address: Address, tls: Optional[TLSInfo], settings: Settings) -> None:
        super().__init__(settings)
        self._remote_address = remote_address
        self._tls = tls
        self.request = request
        """The opening handshake: its path, query included, and header fields."""

    def respond(self, status: int, text: str) -> Response:
        """A refusal for process_request to return: a status of 200 to 599 and a text."""
        return refusal(int(status), text)


Handler = Callable[[ServerConnection], object]
ProcessRequest = Callable[[ServerConnection, Request], Optional[Response]]
ProcessResponse = Callable[[ServerConnection, Request, Response], Optional[Response]]
SelectSubprotocol = Callable[[ServerConnection, Sequence[str]], Optional[str]]
MakeOpening = Callable[[UpgraderHandle, int], "Union[Opening, EngineOpening]"]


class Server:
    """A listening server, from serve(). As a context manager, it shuts down at the end of the block."""

    def __init__(
        self,
        listener: socket.socket,
        handler: Handler,
        upgrader: UpgraderHandle,
        settings: Settings,
        hooks: Hooks,
        opening: MakeOpening,
    ) -> None:
        self.socket = listener
        """The listening socket."""
        self.handler = handler
        """What runs for each connection."""
        self.logger = settings.logger
        """Where the server and its connections log."""
        self._upgrader = upgrader
        self._settings = settings
        self._hooks = hooks
        self._make_opening = opening
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (listener, self._wake_reader, self._wake_writer):
            end.setblocking(False)
        # One operation on a dict is atomic, so it needs no lock, which a signal handler that shuts down could not take.
        self._open: Dict[threading.Thread, ServerConnection] = {}
        self._closing = False
        self._closing_thread: Optional[int] = None
        self._closed = threading.Event()
        self._accepting_thread: Optional[int] = None
        self._stopped = threading.Event()  # nobody is in serve_forever()
        self._stopped.set()

    @property
    def port(self) -> int:
        """The port that the server listens on; 0 for a Unix socket."""
        name = self.socket.getsockname()
        return name[1] if isinstance(name, tuple) else 0

    @property
    def connections(self) -> FrozenSet[ServerConnection]:
        """The connections open now."""
        return frozenset(self._open.copy().values())

    def fileno(self) -> int:
        """The descriptor of the listening socket; -1 after shutdown()."""
        return self.socket.fileno()

    def serve_forever(self) -> None:
        """Accepts connections until shutdown(). Raises OSError when the listening socket fails."""
        self._stopped.clear()
        self._accepting_thread = threading.get_ident()
        try:
            self._accept_all()
        finally:
            self._accepting_thread = None
            if self._closing:
                self._close_sockets()
            self._stopped.set()

    def _accept_all(self) -> None:
        if self._closing:
            return
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        poller.register(self._wake_reader, select.POLLIN)
        # A signal that reached another thread does not wake this one.
        longest = SLICE_MS if in_main_thread() else None
        while not self._closing:
            poller.poll(longest)
            if not self._closing:
                self._accept()

    def shutdown(self, code: int = _GOING_AWAY, reason: str = "") -> None:
        """Stops accepting, closes every connection at once with this code, and waits for the handlers to end.

        After close_timeout seconds the connections that are left are dropped, and after one second more it returns. Handshakes
        in progress are answered 503. Any thread may call it, a signal handler and a connection's handler too; later calls wait
        for the first one.
        """
        close_reason(code, reason)
        if self._closing:
            self._wait_closed()
            return
        self._closing = True
        self._closing_thread = threading.get_ident()
        try:
            self._stop_accepting()
            self._close_connections(code, reason)
        finally:
            self._closed.set()

    def reload_tls(self) -> None:
        """Reads the files of ssl=TLS(...) again, for connections that begin afterwards. Any thread may call it. An SSLContext is
        told by its own load_cert_chain().

        Raises SecurityError when something of them is not good: then all stays as it was.
        """
        reload(self._upgrader)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        exc_type: Optional[Type[BaseException]],
        exc_value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.shutdown()

    def _wait_closed(self) -> None:
        """Waits for the shutdown that another thread began, unless that one waits for us."""
        if self._closing_thread != threading.get_ident() and threading.current_thread() not in self._open:
            self._closed.wait()

    def _stop_accepting(self) -> None:
        try:
            self._wake_writer.send(b"x")
        except OSError:
            pass  # serve_forever() has seen it already, and closed the sockets
        # A signal handler may have come here from inside serve_forever(), which then closes the sockets itself.
        if self._accepting_thread != threading.get_ident():
            self._stopped.wait()
            self._close_sockets()

    def _close_sockets(self) -> None:
        for end in (self.socket, self._wake_reader, self._wake_writer):
            end.close()

    def _close_connections(self, code: int, reason: str) -> None:
        """Every peer is told at once. The handlers then end and complete the closing; who is left at the deadline is dropped."""
        until = deadline(self._settings.close_timeout)
        for connection in self.connections:
            connection._begin_close(code, reason)
        self._join(until)
        for connection in self._others().values():
            connection._close(code, reason, _AT_ONCE)
        self._join(deadline(_LAST_WAIT))

    def _others(self) -> Dict[threading.Thread, ServerConnection]:
        """The open connections without that of a handler that called us."""
        others = self._open.copy()
        others.pop(threading.current_thread(), None)
        return others

    def _join(self, until: int) -> None:
        for thread in self._others():
            rest = remaining(until)
            thread.join(None if rest < 0 else rest)

    def _accept(self) -> None:
        """Takes one connection and gives it its thread."""
        fd, failure = c_int32(-1), ffi.ws_failure()
        result = lib.ws_accept(self.socket.fileno(), _AT_ONCE, byref(fd), None, byref(failure))
        if result == ffi.WS_ERR_TIMEOUT:
            return
        if result == ffi.WS_ERR_FDS:
            self.logger.warning("cannot accept a connection: %s", exception(fault(result, failure)))
            return
        check(result, failure, what="accept")
        try:
            threading.Thread(target=self._serve, args=(fd.value,), name="wsswift connection", daemon=True).start()
        except RuntimeError as error:
            self.logger.error("no thread for a connection: %s", error)
            os.close(fd.value)

    def _serve(self, fd: int) -> None:
        """The life of one connection, on its own thread."""
        try:
            connection = self._handshake(fd)
        except Exception as error:
            self.logger.info("opening handshake failed: %s", error)
            return
        if connection is None:
            return
        thread = threading.current_thread()
        self._open[thread] = connection
        try:
            if self._closing:
                connection.close(_GOING_AWAY)
            self._run_handler(connection)
        finally:
            del self._open[thread]

    def _handshake(self, fd: int) -> Optional[ServerConnection]:
        """The opening handshake. None when it was refused, by a function of the program or because the server is shutting down."""
        peer = peer_name(fd)
        opening = self._make_opening(self._upgrader, fd)
        request = opening.request()
        connection = ServerConnection(request, peer, opening.tls(), self._settings)
        decision = CLOSING if self._closing else self._hooks.decide(connection, request, self.logger)
        if not opening.answer(decision, self.logger):
            return None
        connection._opened(opening.accept())
        return connection

    def _run_handler(self, connection: ServerConnection) -> None:
        code = 1000
        try:
            self.handler(connection)
        except ConnectionClosed as closed:
            self.logger.debug("connection closed: %s", closed)
        except BaseException:
            # Whatever it was, it ends this connection only: this thread runs nothing else.
            self.logger.error("connection handler failed", exc_info=True)
            code = _INTERNAL_ERROR
        connection.close(code)


def serve(
    handler: Handler,
    host: Optional[str] = None,
    port: Optional[int] = None,
    *,
    sock: Optional[socket.socket] = None,
    ssl: Union[TLS, SSLContext, None] = None,
    origins: Origins = None,
    hosts: Optional[Sequence[str]] = None,
    extensions: Optional[Sequence[object]] = None,
    subprotocols: Optional[Sequence[str]] = None,
    select_subprotocol: Optional[SelectSubprotocol] = None,
    compression: Compression = "deflate",
    process_request: Optional[ProcessRequest] = None,
    process_response: Optional[ProcessResponse] = None,
    server_header: Optional[str] = None,
    additional_headers: Optional[HeadersLike] = None,
    open_timeout: Optional[float] = 10,
    ping_interval: Optional[float] = 20,
    ping_timeout: Optional[float] = 20,
    close_timeout: Optional[float] = 10,
    max_size: MaxSize = 2**20,
    max_queue: MaxQueue = 16,
    logger: Any = None,
    create_connection: None = None,
) -> Server:
    """Listens, and gives the server whose serve_forever() runs handler(connection) for each client on a thread of its own.

    A connection is closed when its handler returns: with 1000, or with 1011 when it raises. A handler may let ConnectionClosed
    pass.

    host: None is 127.0.0.1, "" or "*" every address, else a name, an address, or "unix:" and a path.
    port: None or 0 picks one; see Server.port.
    sock: a listening socket to use instead; it is taken over.
    ssl: a TLS with the server's certificate, or an ssl.SSLContext, with which Python does TLS: for wss:// alone; None: ws:// alone.
    origins: the values of Origin to accept, None in the list for requests without one. By default the server's own origin, and
        requests without Origin, which do not come from browsers. "https://*.example.com" allows subdomains, "*" all. Beside patterns
        of re, which must match all of the origin, strings are compared as they are. Or a function that gets the origin and allows it
        by returning True; it is not asked about requests without one.
    hosts: the Host names to accept, without port; "*.example.com" and "*" as above. By default, on a loopback address, only
        localhost and loopback addresses (against DNS rebinding); otherwise all.
    subprotocols: those we speak; the first one of the client's list is chosen.
    select_subprotocol: chooses instead, as select_subprotocol(connection, those of the client); None for none. A NegotiationError
        that it raises is answered 400.
    process_request: called as process_request(connection, request) before a handshake is accepted. What it returns refuses:
        a Response of 200 to 599, as connection.respond(status, text) makes; None accepts. When it raises, the client is answered
        500. It sees good requests only: what is no opening handshake the library answers.
    process_response: called as process_response(connection, request, response) before an answer. The one that it returns is sent
        instead; None: that one, of which it may have changed the headers. The fields of the handshake itself are not among them.
    server_header: the Server field of the 101 response, unless additional_headers has one; None: no such field.
    additional_headers: header fields for the 101 response.
    compression: "deflate" accepts offers of permessage-deflate (RFC 7692), a Deflate with settings of its own; None: no compression.
    open_timeout: seconds for a client's whole request; None: for ever.
    ping_interval: seconds between pings that keep a connection alive; None: no pings.
    ping_timeout: seconds behind such a ping after which a client that has sent nothing is given up; None: never.
    close_timeout: seconds that closing waits for a peer; None: for ever.
    max_size: the largest message to receive, in bytes; a larger one closes with 1009. None: no limit.
    max_queue: how many messages close() and the wait() of a ping keep for recv(), before they leave the others to the
        network (close() drops them); None: no limit.
    logger: where the server and its connections log; by default "wsswift.server".

    extensions and create_connection are for programs written for websockets: what this version does is None, and anything else is a
    NotImplementedError.

    Raises OSError when it cannot listen; SecurityError for a certificate or key that is not good; ValueError for a wrong argument.
    """
    try:
        refuse_missing(extensions=extensions, create_connection=create_connection)
        log = _log if logger is None else logger
        settings = Settings.of(
            close_timeout, max_queue, ping_interval, ping_timeout, compression, SERVER_DEFAULT, log
        )
        fields = with_default(additional_headers, "Server", server_header)
        hooks = Hooks(process_request, process_response, select_subprotocol, origin_rule(origins), fields if process_response else ())
        own_fields = () if process_response else fields
        upgrader = make_upgrader(origins, hosts, subprotocols, own_fields, open_timeout, message_limit(max_size))
        accept(upgrader, settings.deflate)
        if is_context(ssl):
            opening: MakeOpening = _opening_in_python(ssl, open_timeout, settings)
        else:
            opening = Opening
            if ssl is not None:
                configure_upgrader(upgrader, ssl)
        listener = listen(host, port) if sock is None else socket.socket(fileno=sock.detach())
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    return Server(listener, handler, upgrader, settings, hooks, opening)


def _opening_in_python(context: Any, open_timeout: Optional[float], settings: Settings) -> MakeOpening:
    from ._engine_opening import EngineOpening  # imports ssl, which takes longer than this package

    return lambda upgrader, fd: EngineOpening(upgrader, fd, context, open_timeout, settings.max_queue)
