"""The progress line of a flight: phase of the orbit, light, mode, hottest core, watts, state of
charge. A flight of a day or more shows the days flown and the time left instead of a bar.

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
LONG_S = 86400.0  # a flight from this length on is counted in days


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightView:
    """What the line shows. orbit_phase: 0..1 after eclipse entry; draw_w: all accelerators;
    charge_ratio: NaN for a node without a battery.
    """

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
        self._terminal = TerminalLine(stream or sys.stderr, clock_s)
        self._clock_s = clock_s
        self._start_s = clock_s()
        self._steps = 0
        self._tenth = 0

    def step(self, now_ns: int) -> None:
        """Take one step of the flight; draws now and then."""
        self._steps += 1
        if self._steps % STEPS_PER_LOOK:
            return
        now_s = now_ns / NS_PER_S
        if self._terminal.is_terminal:
            if self._terminal.is_due():
                self._terminal.redraw(self._line(now_s))
            return
        tenth = int(10.0 * now_s / self._duration_s)
        if self._tenth < tenth < 10:
            self._tenth = tenth
            self._terminal.write(self._line(now_s))

    def finish(self) -> None:
        """Take the line away, so that the summary stands alone."""
        self._terminal.clear()

    def _line(self, now_s: float) -> str:
        view = self._view()
        wall_s = max(1e-3, self._clock_s() - self._start_s)
        light = "sun    " if view.is_sunlit else "eclipse"
        has_charge = view.charge_ratio == view.charge_ratio
        charge = f"{100.0 * view.charge_ratio:3.0f}%" if has_charge else "    "
        node = (
            f"{light}  {view.mode:<8}  {view.core_temp_c:4.1f} °C"
            f"  {view.draw_w / 1000.0:4.2f} kW  {charge}"
        )
        speed = f"{now_s / wall_s:.0f}x"
        done = min(1.0, now_s / self._duration_s)
        if self._duration_s >= LONG_S:
            days = f"{now_s / LONG_S:.2f} of {self._duration_s / LONG_S:.3g} d"
            return f"{days}  {node} {speed:>5}  {left_text(done, wall_s)}"
        filled = round(done * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        return f"[{bar}] {100.0 * done:3.0f}%  orbit {view.orbit_phase:4.2f} {node} {speed:>6}"


class TerminalLine:
    """One line that is redrawn in place on a terminal, at most so often; plain lines elsewhere."""

    def __init__(self, stream: TextIO, clock_s: Callable[[], float]) -> None:
        self.is_terminal = stream.isatty()
        self._stream = stream
        self._clock_s = clock_s
        self._drawn_s = clock_s()
        self._width = 0

    def is_due(self) -> bool:
        """Whether it may be drawn again."""
        return self._clock_s() - self._drawn_s >= REDRAW_S

    def redraw(self, line: str) -> None:
        """Put a line in the place of the last one."""
        self._drawn_s = self._clock_s()
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = max(self._width, len(line))

    def write(self, line: str) -> None:
        """Add a line of its own."""
        self._stream.write(line + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0


def left_text(done: float, wall_s: float) -> str:
    """Return how much wall time is left, when so much has been done in so long."""
    if done <= 0.0:
        return ""
    left_s = wall_s * (1.0 - done) / done
    if left_s < 90.0:
        return f"{left_s:.0f} s left"
    if left_s < 5400.0:
        return f"{left_s / 60.0:.0f} min left"
    return (
        f"{left_s / 3600.0:.1f} h left" if left_s < 2 * LONG_S else f"{left_s / LONG_S:.1f} d left"
    )
