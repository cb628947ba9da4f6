"""The last resort at the end: a process that does not come to its end is ended by force.

When the safe values are written and the recording is closed, what is left can only hold the end up:
a task that ignores being cancelled, a thread in a call that never returns, a disk that hangs.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable

import structlog

EXIT_TIMEOUT_S = 20.0  # assumed: recorder and store give up after 5 s each
EXIT_FORCED = "daemon.exit_forced"


class ExitGuard:
    """Ends the process `timeout_s` after `arm`, unless `disarm` comes first.

    Args:
        exit_now: Ends the process with a code, whatever still runs in it.

    Attributes:
        exit_code: To end with.
    """

    def __init__(
        self,
        timeout_s: float = EXIT_TIMEOUT_S,
        *,
        exit_now: Callable[[int], object] = os._exit,
    ) -> None:
        self.exit_code = 0
        self._timeout_s = timeout_s
        self._exit_now = exit_now
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def arm(self, exit_code: int) -> None:
        """Begin to count; a second call only changes the code."""
        self.exit_code = exit_code
        if self._thread is None:
            self._thread = threading.Thread(target=self._wait, name="exit guard", daemon=True)
            self._thread.start()

    def disarm(self) -> None:
        """The process ends by itself, or goes on with something else."""
        self._is_over.set()

    def _wait(self) -> None:
        if self._is_over.wait(self._timeout_s):
            return
        with contextlib.suppress(Exception):  # a log that fails must not keep the process
            names = ", ".join(sorted(thread.name for thread in threading.enumerate()))
            text = f"the end took longer than {self._timeout_s:g} s; threads left: {names}"
            structlog.get_logger("nightside").critical(EXIT_FORCED, subject="daemon", text=text)
            sys.stderr.flush()
        self._exit_now(self.exit_code)
