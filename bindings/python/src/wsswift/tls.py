"""wss:// with the library's own TLS (OpenSSL 3, loaded when it is first wanted): what may be set, and what a connection has."""

from __future__ import annotations

import os
import sys
from ctypes import byref
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Tuple, Union

from . import _ffi as ffi
from ._callbacks import asked_for_text, take_cause
from ._errors import check, exception, fault
from ._handles import Handle, c_string, copy, copy_text, quoted
from ._library import lib

if TYPE_CHECKING:
    from ssl import SSLContext

    from typing_extensions import TypeIs

__all__ = ["TLS", "TLSInfo"]

Path = Union[str, "os.PathLike[str]"]
PathOrPEM = Union[Path, bytes]
Password = Union[str, Callable[[], str], None]

_MODES = {"optional": ffi.WS_TLS_OPTIONAL, "required": ffi.WS_TLS_REQUIRED}
_OF_CLIENTS = ("ca_file", "ca_dir", "ca_pem", "ca_system", "server_name", "insecure_skip_verify", "session_resumption")
_OF_SERVERS = ("client_ca", "client_ca_mode")


@dataclass(frozen=True)
class TLS:
    """TLS with settings of one's own. Give it as ssl to connect() or serve(). TLS 1.2 and later, with ALPN http/1.1.

    Both sides:
    certificate: the certificate to show, then those of its issuers: the path of a PEM file, or its text as bytes. serve() needs one.
    key: its key, the same way; None: it is in the same file or text.
    password: of an encrypted key, or a function that gives it. Nobody is ever asked on a terminal.
    key_log: a file for the secrets of connections, with which tools decrypt recorded traffic. It becomes its owner's alone; links
        are refused.

    connect():
    ca_file, ca_dir, ca_pem: the issuers to believe, instead of the system's: a PEM file, a folder that `openssl rehash` has
        prepared, PEM text.
    ca_system: believe the system's too.
    server_name: the name or address that the certificate must be for, instead of the URI's host.
    insecure_skip_verify: accept every certificate, and so everybody who stands between. For tests alone.
    session_resumption: resume the sessions of servers that were met before.

    serve():
    client_ca: ask clients for a certificate of these issuers: the path of a PEM file, or its text as bytes.
    client_ca_mode: "required", or "optional", where a certificate that is sent must be good.
    """

    # As bytes it may hold the key.
    certificate: Optional[PathOrPEM] = field(default=None, repr=False)
    key: Optional[PathOrPEM] = field(default=None, repr=False)
    password: Password = field(default=None, repr=False)
    key_log: Optional[Path] = None
    ca_file: Optional[Path] = None
    ca_dir: Optional[Path] = None
    ca_pem: Union[str, bytes, None] = field(default=None, repr=False)
    ca_system: bool = False
    server_name: Optional[str] = None
    insecure_skip_verify: bool = False
    session_resumption: bool = True
    client_ca: Optional[PathOrPEM] = None
    client_ca_mode: str = "required"

    def __post_init__(self) -> None:
        if self.client_ca_mode not in _MODES:
            raise ValueError(f'client_ca_mode must be "required" or "optional", not {self.client_ca_mode!r}')
        if self.certificate is None and self.key is not None:
            raise ValueError("a key needs its certificate")
        if self.key is not None and isinstance(self.key, bytes) != isinstance(self.certificate, bytes):
            raise TypeError("certificate and key must both be paths or both be bytes")


@dataclass(frozen=True)
class TLSInfo:
    """TLS of a connection."""

    version: str
    """Such as "TLSv1.3"."""
    subject: str
    """Of the peer's certificate, as RFC 2253 writes it; empty when it sent none."""
    certificate: bytes = field(repr=False)
    """The peer's certificate in DER; empty when it sent none."""


def is_context(value: object) -> TypeIs[SSLContext]:
    """Whether it is an ssl.SSLContext. Nobody has one who has not imported ssl, which takes longer than this package."""
    module = sys.modules.get("ssl")
    return module is not None and isinstance(value, module.SSLContext)


def configure_dialer(dialer: Handle, tls: TLS) -> None:
    """Gives a dialer what was set. Raises SecurityError for files that are not good, ValueError for what only serve() takes."""
    _refuse(tls, _OF_SERVERS, "connect()")
    _configure_both(dialer, tls, "ws_dialer")
    for path, function in ((tls.ca_file, lib.ws_dialer_add_tls_ca_file), (tls.ca_dir, lib.ws_dialer_add_tls_ca_dir)):
        if path is not None:
            _load(dialer, function, paths=[_path(path, "ca_file or ca_dir")])
    if tls.ca_pem is not None:
        pem = tls.ca_pem.encode() if isinstance(tls.ca_pem, str) else tls.ca_pem
        _load(dialer, lib.ws_dialer_add_tls_ca_pem, pem, len(pem))
    if tls.ca_system:
        _load(dialer, lib.ws_dialer_add_tls_ca_system)
    if tls.server_name is not None:
        set_server_name(dialer, tls.server_name)
    check(lib.ws_dialer_set_tls_insecure_skip_verify(dialer, int(tls.insecure_skip_verify)))
    check(lib.ws_dialer_set_tls_resumption(dialer, int(tls.session_resumption)))


def configure_upgrader(upgrader: Handle, tls: TLS) -> None:
    """The same for an upgrader, which needs a certificate."""
    if not isinstance(tls, TLS):
        raise TypeError(f"ssl must be a TLS, an SSLContext or None, not {type(tls).__name__}")
    _refuse(tls, _OF_CLIENTS, "serve()")
    if tls.certificate is None:
        raise ValueError("serve() needs the certificate of the server")
    _configure_both(upgrader, tls, "ws_upgrader")
    mode = _MODES[tls.client_ca_mode]
    if isinstance(tls.client_ca, bytes):
        _load(upgrader, lib.ws_upgrader_set_tls_client_ca_pem, tls.client_ca, len(tls.client_ca), mode)
    elif tls.client_ca is not None:
        _load(upgrader, lib.ws_upgrader_set_tls_client_ca, mode, paths=[_path(tls.client_ca, "client_ca")])


def set_server_name(dialer: Handle, name: str) -> None:
    """Whose certificate it must be."""
    if lib.ws_dialer_set_tls_server_name(dialer, c_string(name, "server name")) == ffi.WS_ERR_INVALID:
        raise ValueError(f"{quoted(name)} is neither a host name nor an address")


def reload(upgrader: Handle) -> None:
    """Reads the files of certificates and keys again."""
    _load(upgrader, lib.ws_upgrader_reload_tls)


def read_info(query: Callable[..., int], handle: Any) -> Optional[TLSInfo]:
    """What ws_conn_tls or ws_upgrade_tls tells; None without TLS."""
    version, subject, certificate = ffi.ws_bytes(), ffi.ws_bytes(), ffi.ws_bytes()
    check(query(handle, byref(version), byref(subject), byref(certificate)))
    return TLSInfo(copy_text(version), copy_text(subject), copy(certificate)) if version.size else None


def _refuse(tls: TLS, names: Sequence[str], function: str) -> None:
    for setting in fields(tls):
        if setting.name in names and getattr(tls, setting.name) != setting.default:
            raise ValueError(f"{function} has no use for {setting.name}")


def _configure_both(handle: Handle, tls: TLS, prefix: str) -> None:
    if callable(tls.password):
        source = asked_for_text(ffi.ws_tls_password_fn, tls.password, -1)
        handle.keep.append(source)
        check(getattr(lib, f"{prefix}_set_tls_password_callback")(handle, source.callback, None, ffi.ws_free_fn()))
    elif tls.password is not None:
        check(getattr(lib, f"{prefix}_set_tls_key_password")(handle, c_string(tls.password, "password")), what="password")
    if tls.key_log is not None:
        _load(handle, getattr(lib, f"{prefix}_set_tls_key_log"), paths=[_path(tls.key_log, "key_log")])
    if isinstance(tls.certificate, bytes):
        key = tls.certificate if tls.key is None else tls.key
        arguments: Tuple[Any, ...] = (tls.certificate, len(tls.certificate), key, len(key))  # type: ignore[arg-type]
        _load(handle, getattr(lib, f"{prefix}_set_tls_certificate_pem"), *arguments)
    elif tls.certificate is not None:
        key = tls.certificate if tls.key is None else tls.key
        paths = [_path(tls.certificate, "certificate"), _path(key, "key")]
        _load(handle, getattr(lib, f"{prefix}_set_tls_certificate"), paths=paths)


def _load(handle: Handle, function: Callable[..., int], *arguments: Any, paths: Sequence[bytes] = ()) -> None:
    """Calls what reads certificates or keys, with paths or other arguments. What a password function raised is the cause of the error
    that follows from it."""
    failure = ffi.ws_failure()
    result = function(handle, *paths, *arguments, byref(failure))
    cause = take_cause(handle.keep)
    if result != ffi.WS_OK:
        named = ", ".join(quoted(os.fsdecode(path)) for path in paths)
        raise exception(fault(result, failure, named)) from cause


def _path(path: Any, what: str) -> bytes:
    if isinstance(path, bytes) or not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{what} must be a path, not {type(path).__name__}")
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"{what} must not contain a NUL character")
    return encoded
