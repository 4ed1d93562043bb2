"""Finds libwsswift, checks its version and gives its functions their prototypes. `lib` is the result."""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace
from typing import Any, Callable, Iterator, List, Optional, Tuple

from ._ffi import BLOCKING, PROTOTYPES
from ._version import __version__

SONAME = "libwsswift.so.0"
VARIABLE = "WSSWIFT_LIBRARY"


class LibraryError(ImportError):
    """No usable libwsswift. The text lists every place that was tried and why it would not do."""


def candidates() -> Iterator[Tuple[str, str]]:
    """The places to look in, as (how it is called in messages, what to load).

    When $WSSWIFT_LIBRARY is set, only that file: whoever names a library does not want another one.
    """
    named = os.environ.get(VARIABLE)
    if named:
        yield f"${VARIABLE}", named
        return
    yield "beside the package", os.path.join(os.path.dirname(os.path.abspath(__file__)), SONAME)
    yield "on the system", SONAME


def find() -> str:
    """The first candidate that loads and has the right version."""
    tried: List[str] = []
    for place, path in candidates():
        reason = _why_not(path)
        if reason is None:
            return path
        tried.append(f"  {place}: {path}: {reason}")
    raise LibraryError(
        f"wsswift {__version__} found no {SONAME} that it can use. Tried:\n"
        + "\n".join(tried)
        + f"\nInstall the library, or set {VARIABLE} to its path."
    )


def _why_not(path: str) -> Optional[str]:
    """Why this file cannot be used, or None when it can."""
    if os.sep in path and not os.path.exists(path):
        return "there is no such file"
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        return str(error)
    try:
        ws_version = library.ws_version
    except AttributeError:
        return "not a wsswift library: it has no ws_version"
    ws_version.restype, ws_version.argtypes = PROTOTYPES["ws_version"]
    return wrong_version(ws_version())


def wrong_version(number: int) -> Optional[str]:
    """Why a library of this version (major << 16 | minor << 8 | patch) does not fit, or None when it does.

    Until 1.0 a minor version may change the binary interface, so major and minor must be equal.
    """
    needed = tuple(int(part) for part in __version__.split(".")[:2])
    found = (number >> 16, number >> 8 & 0xFF)
    if found == needed:
        return None
    return f"is version {found[0]}.{found[1]}.{number & 0xFF}; this package needs {needed[0]}.{needed[1]}.x"


class Library(SimpleNamespace):
    """Every function of the header as an attribute, and the path it came from."""

    path: str

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"the wsswift library has no function {name}")


def bind(path: str) -> Library:
    """Loads the library twice: once to call with the interpreter lock released, once with it held."""
    released, held = ctypes.CDLL(path), ctypes.PyDLL(path)
    library = Library(path=path)
    for name, (restype, argtypes) in PROTOTYPES.items():
        try:
            function = getattr(released if name in BLOCKING else held, name)
        except AttributeError:
            raise LibraryError(f"{path}: the library lacks {name}, which its version should have") from None
        function.restype = restype
        function.argtypes = argtypes
        setattr(library, name, function)
    return library


lib = bind(find())
