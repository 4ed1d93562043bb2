#!/usr/bin/env python3
"""Runs the unmodified Autobahn testsuite 25.10.1 on Python 3; same arguments as its `wstest`.

py2_import.py translates the suite. This file stands at its border to Autobahn|Python 0.10.9 and Twisted: bytes outside, the
suite's Latin-1 text inside. It holds no code of the suite.
"""

import binascii
import hashlib
import importlib
import json
import sys
import types

import py2_import
from py2_import import to_bytes, to_text

py2_import.install()

import zope.interface
from autobahn.websocket import protocol, utf8validator
from twisted.internet import posixbase

# The calls that send, with the places of their byte strings.
OUTGOING = [
    ("sendFrame", [(1, "payload"), (4, "mask")]),
    ("sendMessageFrameData", [(0, "payload")]),
    ("sendMessage", [(0, "payload")]),
    ("sendPing", [(0, "payload")]),
    ("sendPong", [(0, "payload")]),
    ("sendCloseFrame", [(1, "reasonUtf8")]),
    ("sendData", [(0, "data")]),
]

# The calls that receive, with the place of their bytes.
INCOMING = [
    ("logRxOctets", 0),
    ("logTxOctets", 0),
    ("logRxFrame", 1),
    ("logTxFrame", 1),
    ("onPing", 0),
    ("onPong", 0),
    ("onMessage", 0),
]

# Attributes that Autobahn|Python fills with bytes and the reports want as text.
LOGGED = ["http_request_data", "http_response_data", "remoteCloseReason", "localCloseReason"]

# WAMP and load tests: not needed, and the only users of packages that are not installed.
UNUSED = ["serializer", "massconnect", "wampfuzzing", "wamptestee"]


def encode_arguments(cls, name, places):
    """Makes one outgoing call of Autobahn|Python take byte strings of the suite."""
    original = getattr(cls, name)

    def send(self, *arguments, **named):
        arguments = list(arguments)
        for index, key in places:
            if index < len(arguments):
                arguments[index] = to_bytes(arguments[index])
            if key in named:
                named[key] = to_bytes(named[key])
        return original(self, *arguments, **named)

    setattr(cls, name, send)


def repeat_payload_here(cls):
    """`sendFrame(payload_len=N)` repeats the payload up to N bytes; its own division gives a float on Python 3."""
    original = cls.sendFrame

    def send_frame(self, *arguments, **named):
        size, payload = named.get("payload_len"), to_bytes(named.get("payload", b""))
        if size is not None and payload:
            named["payload"] = (payload * (size // len(payload) + 1))[:size]
            named["payload_len"] = None
        return original(self, *arguments, **named)

    cls.sendFrame = send_frame


def decode_argument(cls, name, index):
    """Makes one method of the suite see its own form of bytes."""
    original = cls.__dict__.get(name)
    if original is None:
        return

    def receive(self, *arguments):
        arguments = list(arguments)
        value = arguments[index]
        arguments[index] = [to_text(part) for part in value] if isinstance(value, list) else to_text(value)
        return original(self, *arguments)

    setattr(cls, name, receive)


def decode_log_at_end(cls):
    """Turns what a connection logged into text before the suite writes its report."""
    original = cls.connectionLost

    def connection_lost(self, reason):
        for name in LOGGED:
            if hasattr(self, name):
                setattr(self, name, to_text(getattr(self, name)))
        return original(self, reason)

    cls.connectionLost = connection_lost


class SuiteUtf8Validator:
    """The validator that the suite itself uses: it is fed text where the protocol feeds bytes."""

    def __init__(self):
        self._validator = protocol.Utf8Validator()

    def validate(self, data):
        return self._validator.validate(to_bytes(data))

    def reset(self):
        self._validator.reset()


class SuiteSha1:
    """hashlib.sha1 over the suite's byte strings."""

    def __init__(self):
        self._hash = hashlib.sha1()

    def update(self, data):
        self._hash.update(to_bytes(data))

    def digest(self):
        return to_text(self._hash.digest())


def module_like(original, **changes):
    """A module with everything of `original`, and some of it replaced."""
    module = types.ModuleType(original.__name__)
    module.__dict__.update(original.__dict__)
    module.__dict__.update(changes)
    return module


def suite_hex(data):
    """binascii.b2a_hex over the suite's byte strings."""
    return to_text(binascii.b2a_hex(to_bytes(data)))


def suite_json(value, **options):
    """json.dumps that takes the bytes which are left in a report."""
    return json.dumps(value, default=lambda odd: to_text(odd) if isinstance(odd, bytes) else str(odd), **options)


def listen_on_loopback_only():
    """The suite listens on all interfaces; a test has no business there."""
    original = posixbase.PosixReactorBase.listenTCP

    def listen(self, port, factory, backlog=50, interface=""):
        return original(self, port, factory, backlog, interface or "127.0.0.1")

    posixbase.PosixReactorBase.listenTCP = listen


def prepare_libraries():
    """Everything that must be in place before the suite is imported."""
    if not hasattr(zope.interface, "implements"):
        zope.interface.implements = lambda *_: None  # only case 9.9.1 uses it, and that one is switched off
    listen_on_loopback_only()
    connection = protocol.WebSocketProtocol
    encode_arguments(connection, *OUTGOING[0])
    repeat_payload_here(connection)
    for name, places in OUTGOING[1:]:
        encode_arguments(connection, name, places)
    utf8validator.Utf8Validator = SuiteUtf8Validator
    sys.modules["py2_binascii"] = module_like(binascii, b2a_hex=suite_hex, hexlify=suite_hex)
    sys.modules["py2_hashlib"] = module_like(hashlib, sha1=SuiteSha1)
    for name in UNUSED:
        full = f"{py2_import.PACKAGE}.{name}"
        sys.modules[full] = types.ModuleType(full)


def prepare_suite():
    """Loads the suite, adapts its classes and returns its command."""
    command = importlib.import_module(py2_import.PACKAGE + ".wstest")
    fuzzing = importlib.import_module(py2_import.PACKAGE + ".fuzzing")
    case = importlib.import_module(py2_import.PACKAGE + ".case.case").Case
    case.compare = lambda self, left, right: left == right  # pickles of equal objects differ on Python 3
    for cls in (fuzzing.FuzzingProtocol, fuzzing.FuzzingServerProtocol, fuzzing.FuzzingClientProtocol):
        for name, index in INCOMING:
            decode_argument(cls, name, index)
    decode_log_at_end(fuzzing.FuzzingProtocol)
    fuzzing.json = module_like(json, dumps=suite_json)
    return command


if __name__ == "__main__":
    prepare_libraries()
    sys.argv[0] = "wstest"
    prepare_suite().run()
