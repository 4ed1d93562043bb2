"""connect(): a connection to a server."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Tuple

from ..compression import CLIENT_DEFAULT, Compression, offer
from ..cookies import Cookies
from ..datastructures import Headers, HeadersLike, Request, Response
from ..tls import is_context
from ._dialing import Proxy, make_dialer, open_connection, secure, set_proxy
from ._options import MaxQueue, MaxSize, Settings, message_limit, refuse_missing, with_default
from ._steps import Connector, Step, Steps
from .connection import Connection

__all__ = ["ClientConnection", "connect"]


if TYPE_CHECKING:
    from ._dialing import ClientTLS

_log = logging.getLogger("wsswift.client")


class ClientConnection(Connection):
    """The client's end of a connection."""

    def __init__(self, request: Request, response: Response, settings: Settings) -> None:
        super().__init__(settings)
        self.request = request
        """What connect() asked for: the path, and the header fields that its arguments made, without those of every handshake."""
        self.response = response
        """The server's answer to the opening handshake, its header fields included."""


def connect(
    uri: str,
    *,
    sock: Optional[socket.socket] = None,
    ssl: ClientTLS = None,
    server_hostname: Optional[str] = None,
    origin: Optional[str] = None,
    extensions: Optional[Sequence[object]] = None,
    subprotocols: Optional[Sequence[str]] = None,
    compression: Compression = "deflate",
    additional_headers: Optional[HeadersLike] = None,
    user_agent_header: Optional[str] = None,
    proxy: Proxy = None,
    proxy_ssl: None = None,
    proxy_server_hostname: None = None,
    cookies: Optional[Cookies] = None,
    max_redirects: int = 0,
    process_redirect: Optional[Callable[[str], object]] = None,
    connector: Optional[Connector] = None,
    trace: Optional[Callable[[Step, str], object]] = None,
    open_timeout: Optional[float] = 10,
    ping_interval: Optional[float] = 20,
    ping_timeout: Optional[float] = 20,
    close_timeout: Optional[float] = 10,
    max_size: MaxSize = 2**20,
    max_queue: MaxQueue = 16,
    logger: Any = None,
    create_connection: None = None,
) -> ClientConnection:
    """Opens a connection to a ws:// or wss:// URI. Use it as a context manager, or close() it.

    sock: a connected stream socket to use instead of connecting; it is taken over, and closed when this fails.
    ssl: TLS for a wss:// URI: None and True check the server's certificate by the system's issuers; a TLS has settings of its own.
        With an ssl.SSLContext Python does TLS, and its ssl.SSLError is raised; see "wss://" in the README for what that costs.
    server_hostname: the name or address that the certificate must be for, instead of the URI's host.
    proxy: the URL of a proxy: http, https, socks5 or socks5h, with user:password@ where it wants them; True: what the environment says
        (https_proxy, http_proxy, all_proxy, no_proxy); a function that gets the URI and gives the proxy's URL or None; None: none.
    origin: the Origin header field, for servers that want one.
    subprotocols: those we speak, the preferred one first.
    compression: "deflate" offers permessage-deflate (RFC 7692), a Deflate with settings of its own; None: no compression.
    additional_headers: header fields for the request; Host replaces the default.
    user_agent_header: the User-Agent field, unless additional_headers has one; None: no such field.
    cookies: a CookieJar, or another object with its get() and set(): cookies go along, and those of the answer are kept.
    max_redirects: how many redirects to follow; never from wss to ws. To another origin no headers of ours go, nor user and password.
    process_redirect: gets the URI that a redirect leads to; False refuses it.
    connector: called as connector(host, port, timeout) instead of resolving and connecting; gives a connected stream socket, which is
        taken over.
    trace: called as trace(step, detail) for each Step of the attempt.
    open_timeout: seconds for everything up to the server's answer; None: for ever.
    ping_interval: seconds between pings that keep the connection alive; None: no pings.
    ping_timeout: seconds behind such a ping after which a server that has sent nothing is given up; None: never.
    close_timeout: seconds that close() waits for the peer; None: for ever.
    max_size: the largest message to receive, in bytes; a larger one closes with 1009. None: no limit.
    max_queue: how many messages close() and the wait() of a ping keep for recv(), before they leave the others to the
        network (close() drops them); None: no limit.
    logger: where the connection logs; by default "wsswift.client".

    extensions, proxy_ssl, proxy_server_hostname and create_connection are for programs written for websockets: what this version does
    is None, and anything else is a NotImplementedError. An https proxy is checked as ssl says.

    Raises InvalidURI; InvalidProxy; ProxyError when the proxy does not open the way; InvalidStatus when the server refuses, with its
    answer in .response; SecurityError when TLS fails, whose text names the host; InvalidHandshake when the answer is not a handshake;
    TimeoutError; OSError when there is no such host or no connection; ValueError for a wrong argument.
    """
    try:
        refuse_missing(extensions=extensions, create_connection=create_connection)
        refuse_missing(proxy_ssl=proxy_ssl, proxy_server_hostname=proxy_server_hostname)
        log = _log if logger is None else logger
        settings = Settings.of(
            close_timeout, max_queue, ping_interval, ping_timeout, compression, CLIENT_DEFAULT, log
        )
        fields = with_default(additional_headers, "User-Agent", user_agent_header)
        if origin is not None:
            fields.insert(0, ("Origin", origin))
        dialer = make_dialer(subprotocols, fields, open_timeout, message_limit(max_size))
        offer(dialer, settings.deflate)
        secure(dialer, uri, ssl, server_hostname, proxy)
        set_proxy(dialer, proxy, ssl)
        steps = Steps(cookies, max_redirects, process_redirect, connector, trace)
        if is_context(ssl) and not steps.are_default:
            raise NotImplementedError("cookies, max_redirects, connector and trace are not there with an ssl.SSLContext")
        steps.tell(dialer)
        if open_timeout == 0:
            raise TimeoutError("timed out during the opening handshake: open_timeout is 0")
        handle, response = open_connection(dialer, uri, ssl, server_hostname, sock, open_timeout, settings)
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    request = _request(uri, subprotocols, fields)
    connection = ClientConnection(request, response, settings)
    connection._opened(handle)
    return connection


def _request(uri: str, subprotocols: Optional[Sequence[str]], fields: Sequence[Tuple[str, str]]) -> Request:
    """What is known of the request that was sent."""
    rest = uri.partition("://")[2]
    authority = rest.partition("/")[0].partition("?")[0]
    target = rest[len(authority) :]
    known = [("Host", authority.rpartition("@")[2]), *fields]
    if any(name.lower() == "host" for name, _ in fields):
        del known[0]
    if subprotocols:
        known.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    return Request(target if target.startswith("/") else f"/{target}", Headers(known))
