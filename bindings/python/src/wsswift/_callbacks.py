"""Functions of the program's that the library asks for a text: the password of a key, the proxy of a connection."""

from __future__ import annotations

from ctypes import memmove
from typing import Any, Callable, List, Optional, cast


class Asked:
    """Such a function as the library calls it, and what it raised. It lives as long as the handle that may call it: in its keep.

    function gets what the library says, as str, and gives a str, or None, which stands for the result absent.
    """

    def __init__(self, prototype: Any, function: Callable[..., Optional[str]], absent: int) -> None:
        self.error: Optional[BaseException] = None

        def asked(*arguments: Any) -> int:
            *said, space, room, _user = arguments
            try:
                text = function(*(cast(bytes, part).decode() for part in said))
                if text is None:
                    return absent
                data = text.encode()
                if len(data) > room:
                    raise ValueError(f"a text of {len(data)} bytes; at most {room}")
                memmove(space, data, len(data))
                return len(data)
            except BaseException as error:  # it must not unwind into the library
                self.error = error
                return -1

        self.callback = prototype(asked)


def take_cause(keep: List[Any]) -> Optional[Exception]:
    """What a function of these raised since the last look. Raises it where it is no Exception: Ctrl-C."""
    causes = []
    for asked in keep:
        if isinstance(asked, Asked):
            causes.append(asked.error)
            asked.error = None
    cause = next((error for error in causes if error is not None), None)
    if cause is not None and not isinstance(cause, Exception):
        raise cause
    return cause
