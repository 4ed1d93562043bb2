"""include/wsswift.h in ctypes: constants, structs, callback types and the prototype of every function.

A test compares this file with the header, so it holds nothing else. The functions themselves are in _library.py.
"""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from typing import Any, Dict, FrozenSet, List, Tuple

# Features of the library.
WS_FEATURE_TLS = 1
WS_FEATURE_DEFLATE = 2

# Normal outcomes.
WS_OK = 0
WS_END = 1
WS_AGAIN = 2
WS_INTR = 3

# Errors.
WS_ERR_INVALID = -1
WS_ERR_NOMEM = -2
WS_ERR_STATE = -3
WS_ERR_CALLBACK = -4
WS_ERR_ROOM = -5
WS_ERR_FORKED = -6
WS_ERR_IO = -10
WS_ERR_TIMEOUT = -11
WS_ERR_LOST = -12
WS_ERR_BROKEN = -13
WS_ERR_ABORTED = -14
WS_ERR_FDS = -15
WS_ERR_CONNECT = -16
WS_ERR_KEEPALIVE = -17
WS_ERR_RESOLVE = -20
WS_ERR_PROXY = -21
WS_ERR_TLS = -22
WS_ERR_URL = -23
WS_ERR_PROTOCOL = -30
WS_ERR_TOO_BIG = -31
WS_ERR_UTF8 = -32
WS_ERR_DEFLATE = -33
WS_ERR_CLOSE_SENT = -34
WS_ERR_CLOSED = -35
WS_ERR_JSON = -36
WS_ERR_HANDSHAKE = -40
WS_ERR_ORIGIN = -41
WS_ERR_STATUS = -42
WS_ERR_HOST = -43

# Who caused a failure.
WS_BY_NOBODY = 0
WS_BY_PEER = 1
WS_BY_US = 2
WS_BY_TIMER = 3
WS_BY_LIMIT = 4
WS_BY_SYSTEM = 5

# Message and frame types.
WS_TEXT = 1
WS_BINARY = 2
WS_CLOSE = 8
WS_PING = 9
WS_PONG = 10

# Close codes.
WS_CLOSE_NORMAL = 1000
WS_CLOSE_GOING_AWAY = 1001
WS_CLOSE_PROTOCOL_ERROR = 1002
WS_CLOSE_UNSUPPORTED_DATA = 1003
WS_CLOSE_NO_STATUS = 1005
WS_CLOSE_ABNORMAL = 1006
WS_CLOSE_INVALID_PAYLOAD = 1007
WS_CLOSE_POLICY_VIOLATION = 1008
WS_CLOSE_MESSAGE_TOO_BIG = 1009
WS_CLOSE_MANDATORY_EXTENSION = 1010
WS_CLOSE_INTERNAL_ERROR = 1011
WS_CLOSE_SERVICE_RESTART = 1012
WS_CLOSE_TRY_AGAIN_LATER = 1013
WS_CLOSE_BAD_GATEWAY = 1014
WS_CLOSE_TLS_HANDSHAKE = 1015

# Or-ed to the type of a message that is sent.
WS_UNCOMPRESSED = 0x100

# Halves of a connection.
WS_READ = 1
WS_WRITE = 2

# Address families.
WS_ADDRESS_NONE = 0
WS_ADDRESS_UNIX = 1
WS_ADDRESS_IPV4 = 4
WS_ADDRESS_IPV6 = 6

# What a ws_engine tells, and what it is told of its transport.
WS_EVENT_NONE = 0
WS_EVENT_REQUEST = 1
WS_EVENT_OPEN = 2
WS_EVENT_MESSAGE = 3
WS_EVENT_PING = 4
WS_EVENT_PONG = 5
WS_EVENT_CLOSE = 6
WS_ENGINE_SECURE = 1
WS_ENGINE_LOOPBACK = 2

# Whether a server asks clients for a certificate.
WS_TLS_OPTIONAL = 1
WS_TLS_REQUIRED = 2

# Steps of an attempt to connect.
WS_TRACE_RESOLVING = 1
WS_TRACE_CONNECTING = 2
WS_TRACE_CONNECTED = 3
WS_TRACE_PROXY = 4
WS_TRACE_TLS = 5
WS_TRACE_TLS_DONE = 6
WS_TRACE_REQUEST_SENT = 7
WS_TRACE_FIRST_BYTE = 8
WS_TRACE_INTERIM = 9
WS_TRACE_REDIRECT = 10
WS_TRACE_DONE = 11

# A deadline that never comes, in nanoseconds of CLOCK_MONOTONIC.
WS_NEVER = 2**63 - 1


class ws_bytes(Structure):
    """Bytes that the library lends."""

    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class ws_field(Structure):
    """A header field of a parsed request."""

    _fields_ = [("name", ws_bytes), ("value", ws_bytes)]


class ws_failure(Structure):
    """The detail of a failure."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("code", c_int32),
        ("who", c_int32),
        ("os_errno", c_int32),
        ("tls_error", c_uint64),
        ("tls_verify", c_int32),
        ("http_status", c_int32),
        ("close_code", c_int32),
        ("reserved0", c_int32),
        ("limit", c_uint64),
        ("text", c_char * 160),
        ("reserved", c_uint64 * 6),
    ]

    def __init__(self) -> None:
        super().__init__(struct_size=sizeof(ws_failure))


class ws_address(Structure):
    """One end of a connection."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("family", c_int32),
        ("port", c_int32),
        ("reserved0", c_int32),
        ("host", c_char * 112),
    ]

    def __init__(self) -> None:
        super().__init__(struct_size=sizeof(ws_address))


class ws_event(Structure):
    """What a ws_engine tells."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("type", c_int32),
        ("opcode", c_int32),
        ("code", c_int32),
        ("data", c_void_p),
        ("size", c_size_t),
        ("reserved", c_uint64 * 4),
    ]

    def __init__(self) -> None:
        super().__init__(struct_size=sizeof(ws_event))


class ws_statistics(Structure):
    """What a connection has done so far."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved0", c_uint32),
        ("messages_received", c_uint64),
        ("messages_sent", c_uint64),
        ("bytes_received", c_uint64),
        ("bytes_sent", c_uint64),
        ("compressed_received", c_uint64),
        ("compressed_sent", c_uint64),
        ("deflated_received", c_uint64),
        ("deflated_sent", c_uint64),
        ("wire_received", c_uint64),
        ("wire_sent", c_uint64),
        ("pings_received", c_uint64),
        ("pings_sent", c_uint64),
        ("pongs_received", c_uint64),
        ("pongs_sent", c_uint64),
        ("round_trip_ns", c_uint64),
        ("round_trip_min_ns", c_uint64),
        ("reserved", c_uint64 * 7),
    ]

    def __init__(self) -> None:
        super().__init__(struct_size=sizeof(ws_statistics))


ws_free_fn = CFUNCTYPE(None, c_void_p)
ws_control_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p)
ws_close_fn = CFUNCTYPE(c_int, c_void_p, c_uint16, c_void_p, c_size_t, c_void_p)
ws_random_fn = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)
ws_origin_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p)
ws_request_fn = CFUNCTYPE(c_int, c_void_p, c_void_p)
ws_refusal_fn = CFUNCTYPE(None, c_void_p, POINTER(ws_failure), c_void_p)
ws_tls_password_fn = CFUNCTYPE(c_int, c_void_p, c_size_t, c_void_p)
ws_proxy_fn = CFUNCTYPE(c_int, c_char_p, c_void_p, c_size_t, c_void_p)
ws_cookie_get_fn = CFUNCTYPE(c_int, c_char_p, c_void_p, c_size_t, c_void_p)
ws_cookie_set_fn = CFUNCTYPE(None, c_char_p, c_char_p, c_void_p)
ws_redirect_fn = CFUNCTYPE(c_int, c_char_p, c_void_p)
ws_trace_fn = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
ws_connect_fn = CFUNCTYPE(c_int, c_char_p, c_uint16, c_int64, c_void_p)
ws_tls_context_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)

# Names for the arguments, so that the table below reads like the header.
_handle = c_void_p
_handle_out = POINTER(c_void_p)
_data = c_void_p
_string = c_char_p
_bytes_out = POINTER(ws_bytes)
_failure_out = POINTER(ws_failure)
_event_out = POINTER(ws_event)
_address_out = POINTER(ws_address)
_statistics_out = POINTER(ws_statistics)
_int32_out = POINTER(c_int32)
_int64 = c_int64
_uint16_out = POINTER(c_uint16)
_codes = POINTER(c_uint16)
_fields = POINTER(ws_field)
_size_out = POINTER(c_size_t)

# Name: (result type, argument types).
PROTOTYPES: Dict[str, Tuple[Any, List[Any]]] = {
    # version, results, time
    "ws_version": (c_uint32, []),
    "ws_version_string": (c_char_p, []),
    "ws_has": (c_int, [c_int32]),
    "ws_strerror": (c_char_p, [c_int]),
    "ws_is_fatal": (c_int, [c_int]),
    "ws_now": (c_int64, []),
    "ws_in_ms": (c_int64, [_int64]),
    # connections
    "ws_conn_read": (c_int, [_handle, _int32_out, _bytes_out]),
    "ws_conn_read_into": (c_int, [_handle, _int32_out, _data, c_size_t, _size_out]),
    "ws_conn_next_reader": (c_int, [_handle, _int32_out, _handle_out]),
    "ws_reader_read": (c_int, [_handle, _data, c_size_t, _size_out]),
    "ws_reader_next": (c_int, [_handle, _bytes_out]),
    "ws_conn_read_joined": (c_int, [_handle, _data, c_size_t, _data, c_size_t, _size_out]),
    "ws_conn_discard": (c_int, [_handle]),
    "ws_conn_write": (c_int, [_handle, c_int32, _data, c_size_t]),
    "ws_conn_writev": (c_int, [_handle, c_int32, POINTER(ws_bytes), c_size_t]),
    "ws_conn_read_json": (c_int, [_handle, _bytes_out]),
    "ws_conn_write_json": (c_int, [_handle, _data, c_size_t]),
    "ws_conn_next_writer": (c_int, [_handle, c_int32, _handle_out]),
    "ws_writer_write": (c_int, [_handle, _data, c_size_t]),
    "ws_writer_flush": (c_int, [_handle]),
    "ws_writer_close": (c_int, [_handle]),
    "ws_prepared_new": (c_int, [c_int32, _data, c_size_t, _handle_out]),
    "ws_prepared_free": (c_int, [_handle]),
    "ws_conn_write_prepared": (c_int, [_handle, _handle]),
    "ws_engine_send_prepared": (c_int, [_handle, _handle]),
    "ws_conn_set_write_buffer": (c_int, [_handle, c_size_t]),
    "ws_conn_set_compression": (c_int, [_handle, c_int32]),
    "ws_conn_set_compression_level": (c_int, [_handle, c_int32]),
    "ws_conn_set_compression_memory": (c_int, [_handle, c_int32]),
    "ws_conn_set_compression_threshold": (c_int, [_handle, c_size_t]),
    "ws_conn_write_control": (c_int, [_handle, c_int32, _data, c_size_t, _int64]),
    "ws_conn_close": (c_int, [_handle, c_uint16, _data, c_size_t, _int64]),
    "ws_conn_close_begin": (c_int, [_handle, c_uint16, _data, c_size_t]),
    "ws_conn_abort": (c_int, [_handle]),
    "ws_conn_retain": (c_void_p, [_handle]),
    "ws_conn_free": (c_int, [_handle]),
    "ws_conn_close_codes": (c_int, [_handle, _uint16_out, _bytes_out, _uint16_out]),
    "ws_conn_is_closed_with": (c_int, [_handle, _codes, c_size_t]),
    "ws_conn_is_closed_unexpectedly": (c_int, [_handle, _codes, c_size_t]),
    "ws_close_format": (c_int, [c_uint16, _data, c_size_t, _data, c_size_t, _size_out]),
    "ws_close_parse": (c_int, [_data, c_size_t, _uint16_out, _bytes_out]),
    "ws_close_text": (c_char_p, [c_uint16]),
    "ws_conn_set_ping_handler": (c_int, [_handle, ws_control_fn, c_void_p, ws_free_fn]),
    "ws_conn_set_pong_handler": (c_int, [_handle, ws_control_fn, c_void_p, ws_free_fn]),
    "ws_conn_set_close_handler": (c_int, [_handle, ws_close_fn, c_void_p, ws_free_fn]),
    "ws_conn_set_read_timeout": (c_int, [_handle, _int64]),
    "ws_conn_set_write_timeout": (c_int, [_handle, _int64]),
    "ws_conn_set_close_timeout": (c_int, [_handle, _int64]),
    "ws_conn_set_read_deadline": (c_int, [_handle, _int64]),
    "ws_conn_set_write_deadline": (c_int, [_handle, _int64]),
    "ws_conn_set_read_limit": (c_int, [_handle, c_uint64]),
    "ws_conn_set_check_utf8": (c_int, [_handle, c_int32, c_int32]),
    "ws_conn_set_interruptible": (c_int, [_handle, c_int32]),
    "ws_conn_set_nonblocking": (c_int, [_handle, c_int32]),
    "ws_conn_interest": (c_int, [_handle, _int32_out, _int32_out, POINTER(c_int64)]),
    "ws_conn_service": (c_int, [_handle]),
    "ws_conn_set_keepalive": (c_int, [_handle, _int64, _int64]),
    "ws_conn_ping": (c_int, [_handle, _int64, POINTER(c_int64)]),
    "ws_conn_set_background": (c_int, [_handle, c_int32]),
    "ws_conn_set_user_data": (c_int, [_handle, c_void_p, ws_free_fn]),
    "ws_conn_user_data": (c_int, [_handle, POINTER(c_void_p)]),
    "ws_conn_local_address": (c_int, [_handle, _address_out]),
    "ws_conn_remote_address": (c_int, [_handle, _address_out]),
    "ws_conn_subprotocol": (c_int, [_handle, _bytes_out]),
    "ws_conn_extensions": (c_int, [_handle, _bytes_out]),
    "ws_conn_tls": (c_int, [_handle, _bytes_out, _bytes_out, _bytes_out]),
    "ws_conn_failure": (c_int, [_handle, c_int32, _failure_out]),
    "ws_conn_statistics": (c_int, [_handle, _statistics_out]),
    # header fields
    "ws_headers_get": (c_int, [_handle, c_size_t, _bytes_out, _bytes_out]),
    "ws_headers_find": (c_int, [_handle, _string, _bytes_out]),
    # dialing
    "ws_dialer_new": (c_int, [_handle_out]),
    "ws_dialer_free": (c_int, [_handle]),
    "ws_dialer_add_header": (c_int, [_handle, _string, _string]),
    "ws_dialer_add_subprotocol": (c_int, [_handle, _string]),
    "ws_dialer_set_timeout": (c_int, [_handle, _int64]),
    "ws_dialer_set_read_limit": (c_int, [_handle, c_uint64]),
    "ws_dialer_set_compression": (c_int, [_handle, c_int32]),
    "ws_dialer_set_context_takeover": (c_int, [_handle, c_int32, c_int32]),
    "ws_dialer_set_window_bits": (c_int, [_handle, c_int32, c_int32]),
    "ws_dialer_set_proxy": (c_int, [_handle, _string]),
    "ws_dialer_set_proxy_callback": (c_int, [_handle, ws_proxy_fn, c_void_p, ws_free_fn]),
    "ws_dialer_set_proxy_from_environment": (c_int, [_handle, c_int32]),
    "ws_cookie_jar_new": (c_int, [_handle_out]),
    "ws_cookie_jar_free": (c_int, [_handle]),
    "ws_cookie_jar_set": (c_int, [_handle, _string, _string]),
    "ws_cookie_jar_get": (c_int, [_handle, _string, _data, c_size_t, _size_out]),
    "ws_dialer_set_cookie_jar": (c_int, [_handle, _handle]),
    "ws_dialer_set_cookie_callbacks": (c_int, [_handle, ws_cookie_get_fn, ws_cookie_set_fn, c_void_p, ws_free_fn]),
    "ws_dialer_set_redirects": (c_int, [_handle, c_int32, ws_redirect_fn, c_void_p, ws_free_fn]),
    "ws_dialer_set_trace_callback": (c_int, [_handle, ws_trace_fn, c_void_p, ws_free_fn]),
    "ws_dialer_set_connect_callback": (c_int, [_handle, ws_connect_fn, c_void_p, ws_free_fn]),
    "ws_dialer_add_tls_ca_file": (c_int, [_handle, _string, _failure_out]),
    "ws_dialer_add_tls_ca_dir": (c_int, [_handle, _string, _failure_out]),
    "ws_dialer_add_tls_ca_pem": (c_int, [_handle, _data, c_size_t, _failure_out]),
    "ws_dialer_add_tls_ca_system": (c_int, [_handle, _failure_out]),
    "ws_dialer_set_tls_certificate": (c_int, [_handle, _string, _string, _failure_out]),
    "ws_dialer_set_tls_certificate_pem": (c_int, [_handle, _data, c_size_t, _data, c_size_t, _failure_out]),
    "ws_dialer_set_tls_key_password": (c_int, [_handle, _string]),
    "ws_dialer_set_tls_password_callback": (c_int, [_handle, ws_tls_password_fn, c_void_p, ws_free_fn]),
    "ws_dialer_set_tls_server_name": (c_int, [_handle, _string]),
    "ws_dialer_set_tls_insecure_skip_verify": (c_int, [_handle, c_int32]),
    "ws_dialer_set_tls_resumption": (c_int, [_handle, c_int32]),
    "ws_dialer_set_tls_key_log": (c_int, [_handle, _string, _failure_out]),
    "ws_dialer_set_tls_context_hook": (c_int, [_handle, ws_tls_context_fn, c_void_p, ws_free_fn]),
    "ws_dialer_dial": (c_int, [_handle, _string, _int64, _handle_out, _failure_out]),
    "ws_dial_new": (c_int, [_handle, _string, _handle_out, _failure_out]),
    "ws_dial_use_fd": (c_int, [_handle, c_int32]),
    "ws_dial_run": (c_int, [_handle, _int64, _handle_out, _failure_out]),
    "ws_dial_cancel": (c_int, [_handle]),
    "ws_dial_response": (c_int, [_handle, _int32_out, _handle_out, _bytes_out]),
    "ws_dial_free": (c_int, [_handle]),
    # serving
    "ws_upgrader_new": (c_int, [_handle_out]),
    "ws_upgrader_free": (c_int, [_handle]),
    "ws_upgrader_add_subprotocol": (c_int, [_handle, _string]),
    "ws_upgrader_add_origin": (c_int, [_handle, _string]),
    "ws_upgrader_set_origin_required": (c_int, [_handle, c_int32]),
    "ws_upgrader_add_host": (c_int, [_handle, _string]),
    "ws_upgrader_add_header": (c_int, [_handle, _string, _string]),
    "ws_upgrader_set_behind_tls": (c_int, [_handle, c_int32]),
    "ws_upgrader_set_origin_callback": (c_int, [_handle, ws_origin_fn, c_void_p, ws_free_fn]),
    "ws_upgrader_set_request_callback": (c_int, [_handle, ws_request_fn, c_void_p, ws_free_fn]),
    "ws_upgrader_set_refusal_callback": (c_int, [_handle, ws_refusal_fn, c_void_p, ws_free_fn]),
    "ws_upgrader_set_timeout": (c_int, [_handle, _int64]),
    "ws_upgrader_set_read_limit": (c_int, [_handle, c_uint64]),
    "ws_upgrader_set_compression": (c_int, [_handle, c_int32]),
    "ws_upgrader_set_context_takeover": (c_int, [_handle, c_int32, c_int32]),
    "ws_upgrader_set_window_bits": (c_int, [_handle, c_int32, c_int32]),
    "ws_upgrader_set_tls_certificate": (c_int, [_handle, _string, _string, _failure_out]),
    "ws_upgrader_set_tls_certificate_pem": (c_int, [_handle, _data, c_size_t, _data, c_size_t, _failure_out]),
    "ws_upgrader_set_tls_client_ca": (c_int, [_handle, _string, c_int32, _failure_out]),
    "ws_upgrader_set_tls_client_ca_pem": (c_int, [_handle, _data, c_size_t, c_int32, _failure_out]),
    "ws_upgrader_set_tls_key_password": (c_int, [_handle, _string]),
    "ws_upgrader_set_tls_password_callback": (c_int, [_handle, ws_tls_password_fn, c_void_p, ws_free_fn]),
    "ws_upgrader_set_tls_key_log": (c_int, [_handle, _string, _failure_out]),
    "ws_upgrader_set_tls_context_hook": (c_int, [_handle, ws_tls_context_fn, c_void_p, ws_free_fn]),
    "ws_upgrader_reload_tls": (c_int, [_handle, _failure_out]),
    "ws_upgrader_upgrade": (c_int, [_handle, c_int32, _data, c_size_t, _int64, _handle_out, _failure_out]),
    "ws_upgrade_new": (c_int, [_handle, c_int32, _data, c_size_t, _handle_out]),
    "ws_is_websocket_upgrade": (c_int, [_fields, c_size_t]),
    "ws_subprotocols": (c_int, [_fields, c_size_t, c_size_t, _bytes_out]),
    "ws_upgrade_new_parsed": (
        c_int,
        [_handle, _string, _string, _fields, c_size_t, c_int32, _data, c_size_t, _handle_out],
    ),
    "ws_upgrade_request": (c_int, [_handle, _int64, _bytes_out, _handle_out, _failure_out]),
    "ws_upgrade_look": (c_int, [_handle, _bytes_out, _bytes_out, _handle_out]),
    "ws_upgrade_offered_subprotocol": (c_int, [_handle, c_size_t, _bytes_out]),
    "ws_upgrade_cookie": (c_int, [_handle, _string, _bytes_out]),
    "ws_upgrade_remote_address": (c_int, [_handle, _address_out]),
    "ws_upgrade_tls": (c_int, [_handle, _bytes_out, _bytes_out, _bytes_out]),
    "ws_upgrade_add_header": (c_int, [_handle, _string, _string]),
    "ws_upgrade_set_subprotocol": (c_int, [_handle, _string]),
    "ws_upgrade_accept": (c_int, [_handle, _int64, _handle_out, _failure_out]),
    "ws_upgrade_refuse": (c_int, [_handle, c_int32, _data, c_size_t]),
    "ws_upgrade_free": (c_int, [_handle]),
    "ws_listen": (c_int, [_string, c_uint16, _int32_out, _uint16_out, _failure_out]),
    "ws_accept": (c_int, [c_int32, _int64, _int32_out, _address_out, _failure_out]),
    # somebody else's event loop
    "ws_engine_new_client": (c_int, [_handle, _string, ws_random_fn, c_void_p, _handle_out, _failure_out]),
    "ws_engine_new_server": (c_int, [_handle, c_int32, _handle_out]),
    "ws_engine_free": (c_int, [_handle]),
    "ws_engine_buffer": (c_int, [_handle, POINTER(c_void_p), _size_out]),
    "ws_engine_received": (c_int, [_handle, c_size_t]),
    "ws_engine_feed": (c_int, [_handle, _data, c_size_t]),
    "ws_engine_feed_parsed": (c_int, [_handle, _string, _string, _fields, c_size_t]),
    "ws_engine_next_event": (c_int, [_handle, _event_out]),
    "ws_engine_head": (c_int, [_handle, _bytes_out, _int32_out, _handle_out]),
    "ws_engine_accept": (c_int, [_handle]),
    "ws_engine_add_header": (c_int, [_handle, _string, _string]),
    "ws_engine_set_subprotocol": (c_int, [_handle, _string]),
    "ws_engine_refuse": (c_int, [_handle, c_int32, _data, c_size_t]),
    "ws_engine_send": (c_int, [_handle, c_int32, _data, c_size_t]),
    "ws_engine_send_fragment": (c_int, [_handle, c_int32, _data, c_size_t, c_int32]),
    "ws_engine_close": (c_int, [_handle, c_uint16, _data, c_size_t]),
    "ws_engine_output": (c_int, [_handle, _bytes_out]),
    "ws_engine_sent": (c_int, [_handle, c_size_t]),
    "ws_engine_tick": (c_int, [_handle, _int64, POINTER(c_int64)]),
    "ws_engine_set_read_limit": (c_int, [_handle, c_uint64]),
    "ws_engine_set_check_utf8": (c_int, [_handle, c_int32, c_int32]),
    "ws_engine_set_compression": (c_int, [_handle, c_int32]),
    "ws_engine_set_compression_level": (c_int, [_handle, c_int32]),
    "ws_engine_set_compression_memory": (c_int, [_handle, c_int32]),
    "ws_engine_set_compression_threshold": (c_int, [_handle, c_size_t]),
    "ws_engine_set_keepalive": (c_int, [_handle, _int64, _int64]),
    "ws_engine_subprotocol": (c_int, [_handle, _bytes_out]),
    "ws_engine_extensions": (c_int, [_handle, _bytes_out]),
    "ws_engine_close_codes": (c_int, [_handle, _uint16_out, _bytes_out, _uint16_out]),
    "ws_engine_statistics": (c_int, [_handle, _statistics_out]),
    "ws_engine_failure": (c_int, [_handle, _failure_out]),
}

# Functions that may wait or move many bytes: they release the interpreter lock. For the short others that would cost more
# than the call: beside a busy thread, getting the lock back takes some 50 us.
BLOCKING: FrozenSet[str] = frozenset(
    {
        "ws_conn_read",
        "ws_conn_read_into",
        "ws_conn_next_reader",
        "ws_reader_read",
        "ws_reader_next",
        "ws_conn_read_joined",
        "ws_conn_discard",
        "ws_conn_write",
        "ws_conn_writev",
        "ws_conn_next_writer",
        "ws_writer_write",
        "ws_writer_flush",
        "ws_writer_close",
        "ws_conn_write_prepared",
        "ws_conn_read_json",
        "ws_conn_write_json",
        "ws_conn_write_control",
        "ws_conn_close",
        "ws_conn_close_begin",
        "ws_conn_ping",
        "ws_dialer_add_tls_ca_file",
        "ws_dialer_add_tls_ca_dir",
        "ws_dialer_add_tls_ca_pem",
        "ws_dialer_add_tls_ca_system",
        "ws_dialer_set_tls_certificate",
        "ws_dialer_set_tls_certificate_pem",
        "ws_dialer_dial",
        "ws_dial_run",
        "ws_upgrader_set_tls_certificate",
        "ws_upgrader_set_tls_certificate_pem",
        "ws_upgrader_set_tls_client_ca",
        "ws_upgrader_set_tls_client_ca_pem",
        "ws_upgrader_reload_tls",
        "ws_upgrader_upgrade",
        "ws_upgrade_request",
        "ws_upgrade_accept",
        "ws_upgrade_refuse",
        "ws_listen",
        "ws_accept",
    }
)
