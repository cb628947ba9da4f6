"""Errors that no task holds: of background threads, and of callbacks of the event loop. Told as
events, so that a thread that has died does not go unnoticed.
"""

import asyncio
import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flight.core.types import Event, Severity

STRAY_ERROR = "daemon.stray_error"


@contextlib.contextmanager
def stray_errors_told(note: Callable[[Event], None], now_ns: Callable[[], int]) -> Iterator[None]:
    """Tell of them while the block runs, in the running event loop.

    Args:
        note: Takes the events, in the thread of the loop.
    """
    loop = asyncio.get_running_loop()

    def tell(subject: str, text: str) -> None:
        note(Event(now_ns(), STRAY_ERROR, Severity.WARNING, subject, text))

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_type is not SystemExit and found.exc_value is not None:
            name = "thread" if found.thread is None else found.thread.name
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(tell, name, say_error(found.exc_value))

    def in_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = "" if error is None else f": {say_error(error)}"
        tell("event loop", f"{context['message']}{what}")

    hook_before, handler_before = threading.excepthook, loop.get_exception_handler()
    threading.excepthook = in_thread
    loop.set_exception_handler(in_loop)
    try:
        yield
    finally:
        threading.excepthook = hook_before
        loop.set_exception_handler(handler_before)


def say_error(error: BaseException) -> str:
    """Return an error with the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
