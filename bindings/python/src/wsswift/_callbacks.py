"""Functions of the program's that the library calls while it dials or loads keys."""

from __future__ import annotations

from ctypes import memmove
from typing import Any, Callable, List, Optional, cast


class Callback:
    """Such a function as the library calls it, and what it raised: it must not unwind into the library, which gets the result failed
    instead. It lives as long as the handle that may call it: in its keep."""

    def __init__(self, prototype: Any, function: Callable[..., Any], failed: Optional[int] = None) -> None:
        self.error: Optional[BaseException] = None

        def called(*arguments: Any) -> Any:
            try:
                return function(*arguments[:-1])
            except BaseException as error:
                self.error = error
                return failed

        self.callback = prototype(called)


def asked_for_text(prototype: Any, function: Callable[..., Optional[str]], absent: int) -> Callback:
    """One that writes a text: it gets what the library says as str, and gives a str, or None, which stands for the result absent."""

    def write(*arguments: Any) -> int:
        *said, space, room = arguments
        text = function(*(cast(bytes, part).decode() for part in said))
        if text is None:
            return absent
        data = text.encode()
        if len(data) > room:
            raise ValueError(f"a text of {len(data)} bytes; at most {room}")
        memmove(space, data, len(data))
        return len(data)

    return Callback(prototype, write, -1)


def take_cause(keep: List[Any]) -> Optional[Exception]:
    """What a function of these raised since the last look. Raises it where it is no Exception: Ctrl-C."""
    causes = []
    for callback in keep:
        if isinstance(callback, Callback):
            causes.append(callback.error)
            callback.error = None
    cause = next((error for error in causes if error is not None), None)
    if cause is not None and not isinstance(cause, Exception):
        raise cause
    return cause
