"""Ctrl-C while the main thread is inside the library, which resumes system calls after a signal.

Python runs signal handlers in the main thread, between two calls. So that thread never waits long in one piece: reads return
after a signal or after a slice, and other long calls run on a helper thread while the main thread waits for it in Python.
"""

from __future__ import annotations

import threading
from typing import Callable, List, TypeVar

# How long the main thread stays inside the library when a signal reached another thread.
SLICE_MS = 1000

Result = TypeVar("Result")


def in_main_thread() -> bool:
    """Whether signal handlers run on this thread."""
    return threading.get_ident() == threading.main_thread().ident


def interruptibly(call: Callable[[], Result], cancel: Callable[[], object]) -> Result:
    """Runs call, which cancel ends from another thread, so that a signal handler that raises ends it too."""
    if not in_main_thread():
        return call()
    results: List[Result] = []
    done = threading.Event()
    # The first of the two threads takes it: the call has begun, or it never will.
    turn = threading.Lock()

    def run() -> None:
        if not turn.acquire(blocking=False):
            return
        try:
            results.append(call())
        finally:
            done.set()

    try:
        try:
            threading.Thread(target=run, name="wsswift call", daemon=True).start()
        except RuntimeError:  # no threads any more: the interpreter is shutting down
            if not turn.acquire(blocking=False):
                raise
            done.set()
            return call()
        while not done.wait(SLICE_MS / 1000):
            pass
    except BaseException:
        # A signal handler may raise inside start() too, whether or not the thread is there.
        if not turn.acquire(blocking=False):
            cancel()
            done.wait()
        raise
    return results[0]
