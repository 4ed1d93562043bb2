"""Finding the library: the order of places, the version check, and what is said when there is none."""

import os
import subprocess
import sys

import pytest

import wsswift
from wsswift import _library
from wsswift._version import __version__


def import_error(**environment):
    """What `import wsswift` says in a new process."""
    program = "import sys\ntry:\n import wsswift\nexcept ImportError as error:\n print(error)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_named_file_that_is_missing():
    text = import_error(WSSWIFT_LIBRARY="/nowhere/libwsswift.so.0")
    assert "$WSSWIFT_LIBRARY: /nowhere/libwsswift.so.0: there is no such file" in text
    assert "beside the package" not in text


def test_named_file_that_is_no_library(tmp_path):
    path = tmp_path / "libwsswift.so.0"
    path.write_text("not a library")
    text = import_error(WSSWIFT_LIBRARY=str(path))
    assert f"$WSSWIFT_LIBRARY: {path}: " in text
    assert "invalid ELF header" in text or "file too short" in text


def test_named_library_of_something_else():
    assert "libc.so.6: not a wsswift library: it has no ws_version" in import_error(WSSWIFT_LIBRARY="libc.so.6")


def test_every_place_is_listed(monkeypatch, tmp_path):
    monkeypatch.delenv(_library.VARIABLE, raising=False)
    monkeypatch.setattr(_library, "SONAME", "libwsswift-that-is-not-there.so.0")
    with pytest.raises(wsswift.LibraryError) as caught:
        _library.find()
    text = str(caught.value)
    package = os.path.dirname(os.path.abspath(wsswift.__file__))
    assert f"beside the package: {package}/libwsswift-that-is-not-there.so.0: there is no such file" in text
    assert "on the system: libwsswift-that-is-not-there.so.0: " in text
    assert "WSSWIFT_LIBRARY" in text
    assert isinstance(caught.value, ImportError)


def test_order_of_places(monkeypatch):
    monkeypatch.delenv(_library.VARIABLE, raising=False)
    package = os.path.dirname(os.path.abspath(wsswift.__file__))
    assert [path for _, path in _library.candidates()] == [f"{package}/libwsswift.so.0", "libwsswift.so.0"]
    monkeypatch.setenv(_library.VARIABLE, "/some/file")
    assert list(_library.candidates()) == [("$WSSWIFT_LIBRARY", "/some/file")]


def test_version_check():
    major, minor, patch = (int(part) for part in __version__.split("."))
    number = major << 16 | minor << 8 | patch
    assert _library.wrong_version(number) is None
    assert _library.wrong_version(number + 7) is None
    assert f"is version {major}.{minor + 1}.{patch}; this package needs {major}.{minor}.x" == _library.wrong_version(
        number + 256
    )
    assert _library.wrong_version(number + 65536) is not None


def test_library_that_lacks_a_function(monkeypatch):
    monkeypatch.setitem(_library.PROTOTYPES, "ws_that_is_not_there", (None, []))
    with pytest.raises(wsswift.LibraryError, match="lacks ws_that_is_not_there"):
        _library.bind(_library.lib.path)


def test_version_of_the_library_in_use():
    assert wsswift.library_version().split(".")[:2] == __version__.split(".")[:2]
