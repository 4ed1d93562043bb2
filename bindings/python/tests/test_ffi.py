"""_ffi.py says what include/wsswift.h says."""

import ctypes
import re
from pathlib import Path

import pytest

from wsswift import _ffi

HEADER = Path(__file__).resolve().parents[3] / "include" / "wsswift.h"
HEADER_TEXT = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(), flags=re.S)

POINTERS = {
    name: kind for name, kind in vars(_ffi).items() if isinstance(kind, type) and issubclass(kind, ctypes.Structure) and name[:3] == "ws_"
}
INTEGERS = {
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
}
CALLBACKS = {name: kind for name, kind in vars(_ffi).items() if re.fullmatch(r"ws_\w+_fn", name)}


def ctype_of(text):
    """The ctypes type for a C type, with or without a parameter name."""
    words = [word for word in re.findall(r"\w+", text) if word != "const"]
    stars = text.count("*")
    base = words[0]
    if stars == 0:
        return {"void": None, **INTEGERS, **CALLBACKS}[base]
    if base == "char":
        return ctypes.c_char_p
    if stars == 2:
        return ctypes.POINTER(ctypes.c_void_p)
    if base in POINTERS or base in INTEGERS:
        return ctypes.POINTER({**POINTERS, **INTEGERS}[base])
    return ctypes.c_void_p


def declarations():
    """Name, result and parameters of every function in the header."""
    for match in re.finditer(r"\n(?:WS_NODISCARD )?((?:const )?\w+ \**)(ws_\w+)\(([^()]*)\)\s*;", HEADER_TEXT):
        result, name, inside = match.groups()
        parameters = [] if inside.strip() == "void" else [part.strip() for part in inside.split(",")]
        yield name, result, parameters


DECLARED = {name: (result, parameters) for name, result, parameters in declarations()}
CONSTANTS = {
    name: int(number, 0)
    for block in re.findall(r"enum(?: \w+)?\s*\{(.*?)\}", HEADER_TEXT, flags=re.S)
    for name, number in re.findall(r"(WS_\w+) = (-?(?:0x)?[0-9a-fA-F]+)", block)
}


def test_every_function_has_a_prototype():
    assert len(DECLARED) > 60
    assert set(_ffi.PROTOTYPES) == set(DECLARED)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_prototype_is_the_declaration(name):
    result, parameters = DECLARED[name]
    restype, argtypes = _ffi.PROTOTYPES[name]
    assert restype is ctype_of(result)
    assert argtypes == [ctype_of(parameter) for parameter in parameters]


def test_calls_that_may_wait_release_the_interpreter_lock():
    assert _ffi.BLOCKING <= set(_ffi.PROTOTYPES)
    with_deadline = {name for name, (_, parameters) in DECLARED.items() if "int64_t deadline_ns" in parameters}
    assert {name for name in with_deadline if "_set_" not in name} <= _ffi.BLOCKING


def test_constants_are_those_of_the_header():
    assert len(CONSTANTS) > 40
    assert CONSTANTS == {name: getattr(_ffi, name) for name in CONSTANTS}
    ours = {name for name in vars(_ffi) if name.startswith("WS_") and name != "WS_NEVER"}
    assert ours == set(CONSTANTS)


@pytest.mark.parametrize(
    ("struct", "size", "offsets"),
    [
        (_ffi.ws_bytes, 16, {"data": 0, "size": 8}),
        (
            _ffi.ws_failure,
            256,
            {
                "struct_size": 0,
                "code": 4,
                "who": 8,
                "os_errno": 12,
                "tls_error": 16,
                "tls_verify": 24,
                "http_status": 28,
                "close_code": 32,
                "reserved0": 36,
                "limit": 40,
                "text": 48,
                "reserved": 208,
            },
        ),
        (_ffi.ws_address, 128, {"struct_size": 0, "family": 4, "port": 8, "reserved0": 12, "host": 16}),
        (
            _ffi.ws_statistics,
            192,
            {
                "struct_size": 0,
                "reserved0": 4,
                "messages_received": 8,
                "messages_sent": 16,
                "bytes_received": 24,
                "bytes_sent": 32,
                "compressed_received": 40,
                "compressed_sent": 48,
                "deflated_received": 56,
                "deflated_sent": 64,
                "wire_received": 72,
                "wire_sent": 80,
                "pings_received": 88,
                "pings_sent": 96,
                "pongs_received": 104,
                "pongs_sent": 112,
                "round_trip_ns": 120,
                "round_trip_min_ns": 128,
                "reserved": 136,
            },
        ),
    ],
)
def test_struct_layout(struct, size, offsets):
    assert ctypes.sizeof(struct) == size
    assert {name: getattr(struct, name).offset for name, *_ in struct._fields_} == offsets


@pytest.mark.parametrize("struct", [_ffi.ws_failure, _ffi.ws_address, _ffi.ws_statistics])
def test_offsets_stand_in_the_header(struct):
    body = re.search(rf"typedef struct {struct.__name__} \{{(.*?)\}} {struct.__name__};", HEADER.read_text(), re.S)
    written = re.findall(r"(\w+)(?:\[\d+\])?;\s*/\*\s*(\d+)", body.group(1))
    assert {name: int(offset) for name, offset in written} == {
        name: getattr(struct, name).offset for name, *_ in struct._fields_
    }


@pytest.mark.parametrize("struct", [_ffi.ws_failure, _ffi.ws_address, _ffi.ws_statistics])
def test_struct_size_is_filled_in(struct):
    assert struct().struct_size == ctypes.sizeof(struct)
