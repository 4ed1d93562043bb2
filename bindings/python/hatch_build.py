"""Puts the built library into the wheel, beside the Python files, and tags the wheel for the platform.

The library is $WSSWIFT_BUILD_LIBRARY, or build/libwsswift.so.0 of the tree that this package lies in.
"""

import os
import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SONAME = "libwsswift.so.0"
VARIABLE = "WSSWIFT_BUILD_LIBRARY"


class LibraryHook(BuildHookInterface):
    def initialize(self, version, build_data):
        library = find_library(Path(self.root))
        build_data["pure_python"] = False
        # Any Python 3, since the library is called through ctypes; but one platform.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][str(library)] = f"wsswift/{SONAME}"


def find_library(root):
    """The file itself: the name with the version is a link to it."""
    library = Path(os.environ.get(VARIABLE) or root / "../../build" / SONAME).resolve()
    if not library.is_file():
        sys.exit(
            f"wsswift: the wheel carries the C library, but there is none at {library}. "
            f"Build it first (make build), or set {VARIABLE} to the path of {SONAME}."
        )
    return library
