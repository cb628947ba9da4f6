"""The progress line of a flight: phase of the orbit, light, mode, hottest core, watts, state of
charge.

On a terminal one line is redrawn at most 5 times a second of wall time. Elsewhere a line is printed
after each tenth of the flight, so that a log stays short.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from sim_hw.timeline import NS_PER_S

REDRAW_S = 0.2
STEPS_PER_LOOK = 64  # the wall clock is read once in so many steps
BAR_WIDTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightView:
    """What the line shows. orbit_phase: 0..1 after eclipse entry; draw_w: all accelerators."""

    orbit_phase: float
    is_sunlit: bool
    mode: str
    core_temp_c: float
    draw_w: float
    charge_ratio: float


class Progress:
    """Draws a flight's progress.

    Args:
        view: Asked only when a line is drawn.
        stream: Default standard error, so that standard output stays clean.
        clock_s: Wall clock.
    """

    def __init__(
        self,
        *,
        duration_s: float,
        view: Callable[[], FlightView],
        stream: TextIO | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._duration_s = duration_s
        self._view = view
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._clock_s = clock_s
        self._start_s = self._drawn_s = clock_s()
        self._steps = 0
        self._tenth = 0
        self._width = 0

    def step(self, now_ns: int) -> None:
        """Take one step of the flight; draws now and then."""
        self._steps += 1
        if self._steps % STEPS_PER_LOOK:
            return
        now_s = now_ns / NS_PER_S
        if not self._is_terminal:
            tenth = int(10.0 * now_s / self._duration_s)
            if self._tenth < tenth < 10:
                self._tenth = tenth
                self._stream.write(self._line(now_s) + "\n")
                self._stream.flush()
            return
        wall_s = self._clock_s()
        if wall_s - self._drawn_s >= REDRAW_S:
            self._drawn_s = wall_s
            self._redraw(self._line(now_s))

    def finish(self) -> None:
        """Take the line away, so that the summary stands alone."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def _line(self, now_s: float) -> str:
        view = self._view()
        done = min(1.0, now_s / self._duration_s)
        filled = round(done * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        light = "sun    " if view.is_sunlit else "eclipse"
        wall_s = max(1e-3, self._clock_s() - self._start_s)
        return (
            f"[{bar}] {100.0 * done:3.0f}%  orbit {view.orbit_phase:4.2f} {light}  {view.mode:<8}"
            f"  {view.core_temp_c:4.1f} °C  {view.draw_w / 1000.0:4.2f} kW"
            f"  {100.0 * view.charge_ratio:3.0f}% {now_s / wall_s:5.0f}x"
        )

    def _redraw(self, line: str) -> None:
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = max(self._width, len(line))
