"""The progress line of many runs: how many are done, how many went wrong, speed, time left.

On a terminal one line is redrawn at most 5 times a second; elsewhere a line is printed after each
tenth of the runs.
"""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from sim_hw.progress import BAR_WIDTH, TerminalLine, left_text
from sim_hw.runs.worker import Verdict


class RunsProgress:
    """Draws the progress of many runs.

    Args:
        flight_s: Simulated length of each.
        stream: Default standard error, so that standard output stays clean.
        clock_s: Wall clock.
    """

    def __init__(
        self,
        *,
        count: int,
        flight_s: float,
        stream: TextIO | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._flight_s = flight_s
        self._terminal = TerminalLine(stream or sys.stderr, clock_s)
        self._clock_s = clock_s
        self._start_s = clock_s()
        self._flown_s: dict[int, float] = {}  # of each run under way
        self._done = self._good = self._tenth = 0

    def started(self, index: int) -> None:
        """A run begins."""
        self._flown_s[index] = 0.0

    def told(self, index: int, flown_s: float) -> None:
        """A run is so far."""
        self._flown_s[index] = flown_s
        if self._terminal.is_terminal and self._terminal.is_due():
            self._terminal.redraw(self._line())

    def ended(self, index: int, verdict: Verdict) -> None:
        """A run came to its end."""
        self._flown_s.pop(index, None)
        self._done += 1
        self._good += verdict is Verdict.GOOD
        if self._terminal.is_terminal:
            self._terminal.redraw(self._line())
            return
        tenth = 10 * self._done // self._count
        if self._tenth < tenth < 10:
            self._tenth = tenth
            self._terminal.write(self._line())

    def finish(self) -> None:
        """Take the line away, so that the table stands alone."""
        self._terminal.clear()

    def _line(self) -> str:
        flown_s = self._done * self._flight_s + sum(self._flown_s.values())
        wall_s = max(1e-3, self._clock_s() - self._start_s)
        done = flown_s / (self._count * self._flight_s)
        filled = round(done * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        wrong = self._done - self._good
        return (
            f"[{bar}] {100.0 * done:3.0f}%  {self._done} of {self._count} done, "
            f"{len(self._flown_s)} flying, {wrong} not good  {flown_s / wall_s:.0f}x  "
            f"{left_text(done, wall_s)}"
        )
