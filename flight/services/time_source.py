"""UTC beside the monotonic clock, and whether it may be trusted.

The only place that reads the clock of the host. Control never asks it: jumps in both directions, a
leap second and no time at all change stamps and their mark, and nothing else.
"""

import ctypes
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from flight.core.types import Event, Severity
from flight.services.nap import Nap

NS_PER_S = 1_000_000_000
LOOK_S = 1.0  # between two looks of `run`
BRACKET_NS_MAX = 1_000_000  # a look that was interrupted longer than this is made again
LOOK_TRIES_MAX = 3
SLEW_MAX_RATIO = 0.0006  # adjtime slews by 500 ppm at most, plus 100 ppm of the oscillator
JUMP_NS = 100_000_000
LEAP_TOLERANCE_NS = JUMP_NS
LEAP_WINDOW_S = 2.0  # around the end of a month
# Before this there was no node of ours: a clock that says so has lost its time. 2020-01-01.
FIRST_UTC_NS = 1_577_836_800 * NS_PER_S
LAST_UTC_NS = 4_102_444_800 * NS_PER_S  # 2100-01-01, beyond the life of a node
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised

Source = Literal["kernel", "system", "none"]


class TimeSection(BaseModel):
    """[time]: whether UTC is believed. Control never depends on it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trusted_source: Source = Field(
        default="kernel",
        description="kernel: while a time service keeps it; system: while plausible; none: never.",
    )
    settle_s: float = Field(
        default=60.0,
        ge=0.0,
        le=86400.0,
        description="Not trusted for so long after a jump; assumed.",
    )


class TimeHealth(NamedTuple):
    """offset_ns: UTC less monotonic. jumps: seen so far, leap seconds not counted."""

    offset_ns: int
    is_trusted: bool
    reason: str
    jumps: int


def kernel_is_synchronised() -> bool:
    """Whether the kernel says that a time service keeps its clock; returns within 1 ms."""
    buffer = (ctypes.c_long * 64)()  # struct timex is 208 bytes; modes 0: nothing is changed
    state = int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(buffer)))
    return 0 <= state < TIME_ERROR


class TimeSource:
    """Watches the clock of the host against the monotonic one. A service: `run`, `request_end`.

    Args:
        section: Whom to believe.
        now_ns: The daemon's monotonic clock; stamps are made of it, in virtual time too.
        utc_ns: The clock of the host.
        is_synchronised: What the kernel says of it.
        on_event: Takes time.jumped, time.leap_second, time.untrusted, time.trusted.
    """

    def __init__(
        self,
        *,
        section: TimeSection | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        utc_ns: Callable[[], int] = time.time_ns,
        is_synchronised: Callable[[], bool] = kernel_is_synchronised,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.progress = 0
        self._section = section or TimeSection()
        self._now_ns = now_ns
        self._utc_ns = utc_ns
        self._is_synchronised = is_synchronised
        self._on_event = on_event
        self._jumps = 0
        self._jumped_ns: int | None = None
        self._is_vouched = False  # an operator vouches for the clock, until it jumps
        self._looked_ns, self._offset_ns = self._read()
        self._is_trusted, self._reason = self._judge(self._looked_ns)
        self._was_trusted: bool | None = None  # as told last
        self._is_ending = False
        self._nap = Nap()

    @property
    def health(self) -> TimeHealth:
        """What the last look saw."""
        return TimeHealth(self._offset_ns, self._is_trusted, self._reason, self._jumps)

    def offset_ns(self) -> int:
        """Return UTC less monotonic time, as of the last look."""
        return self._offset_ns

    def stamp(self) -> tuple[int, bool]:
        """Return UTC in ns and whether it may be trusted.

        Made of the monotonic clock and the offset of the last look: stamps jump only at a look,
        together with the event that says so.
        """
        return self._now_ns() + self._offset_ns, self._is_trusted

    def vouch(self) -> None:
        """Take an operator's word that the clock is right, until it jumps."""
        self._is_vouched = True
        self._jumped_ns = None
        self.look()

    def look(self) -> None:
        """Compare the clocks now and tell what changed; never waits."""
        now_ns, offset_ns = self._read()
        step_ns = offset_ns - self._offset_ns
        slew_ns = round(max(0, now_ns - self._looked_ns) * SLEW_MAX_RATIO)
        if abs(step_ns) > JUMP_NS + slew_ns:
            self._step(now_ns, step_ns, offset_ns)
        self._looked_ns, self._offset_ns = now_ns, offset_ns
        self._is_trusted, self._reason = self._judge(now_ns)
        if self._is_trusted is not self._was_trusted:
            self._was_trusted = self._is_trusted
            if self._is_trusted:
                self._say(now_ns, "time.trusted", Severity.INFO, self._reason)
            else:
                self._say(now_ns, "time.untrusted", Severity.WARNING, self._reason)
        self.progress += 1

    def _step(self, now_ns: int, step_ns: int, offset_ns: int) -> None:
        old_ns, new_ns = now_ns + self._offset_ns, now_ns + offset_ns
        text = f"from {_text(old_ns)} to {_text(new_ns)}"
        if is_leap_second(new_ns, step_ns):
            self._say(now_ns, "time.leap_second", Severity.INFO, text, step_ns / NS_PER_S)
            return
        self._jumps += 1
        self._jumped_ns = now_ns
        self._is_vouched = False
        self._say(now_ns, "time.jumped", Severity.WARNING, text, step_ns / NS_PER_S)

    def _judge(self, now_ns: int) -> tuple[bool, str]:
        """Return whether UTC is trusted, and why."""
        utc_ns = now_ns + self._offset_ns
        if not FIRST_UTC_NS <= utc_ns < LAST_UTC_NS:
            return False, f"the clock says {_text(utc_ns)}: it has no time"
        if self._is_vouched:
            return True, "an operator vouches for it"
        source = self._section.trusted_source
        if source == "none":
            return False, "time.trusted_source is none"
        if source == "kernel" and not self._is_synchronised():
            return False, "the kernel says that no time service keeps it"
        if self._jumped_ns is not None:
            left_s = self._section.settle_s - (now_ns - self._jumped_ns) / NS_PER_S
            if left_s > 0.0:
                return False, f"it jumped less than {self._section.settle_s:g} s ago"
            self._jumped_ns = None
        return True, f"by {source}"

    def _read(self) -> tuple[int, int]:
        """Return a monotonic time and the offset at it; the best of a few tries."""
        best: tuple[int, int, int] | None = None
        for _ in range(LOOK_TRIES_MAX):
            before_ns = self._now_ns()
            utc_ns = self._utc_ns()
            after_ns = self._now_ns()
            middle_ns = (before_ns + after_ns) // 2
            found = (after_ns - before_ns, middle_ns, utc_ns - middle_ns)
            best = found if best is None else min(best, found)
            if best[0] <= BRACKET_NS_MAX:
                break
        assert best is not None
        return best[1], best[2]

    def _say(
        self, now_ns: int, event_id: str, severity: Severity, text: str, value: float = 0.0
    ) -> None:
        self._on_event(Event(now_ns, event_id, severity, "time", text, value))

    async def run(self) -> None:
        """Look each second until `request_end`."""
        while not self._is_ending:
            self.look()
            await self._nap.sleep(LOOK_S)

    def request_end(self) -> None:
        """Ask `run` to return; it does so at once."""
        self._is_ending = True
        self._nap.wake()


def is_leap_second(utc_ns: int, step_ns: int) -> bool:
    """Whether a step is one second at the turn of a month: UTC's own, and no jump of the clock.

    Args:
        utc_ns: Just after the step.
        step_ns: -1 s for a second put in, 1 s for one left out.
    """
    if abs(abs(step_ns) - NS_PER_S) > LEAP_TOLERANCE_NS:
        return False
    if not FIRST_UTC_NS <= utc_ns < LAST_UTC_NS:
        return False
    moment = datetime.fromtimestamp(utc_ns / NS_PER_S, UTC)
    window = timedelta(seconds=LEAP_WINDOW_S)
    return (moment - window).month != (moment + window).month


def _text(utc_ns: int) -> str:
    """Return a time for people; a clock may say anything."""
    try:
        return datetime.fromtimestamp(utc_ns / NS_PER_S, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{utc_ns} ns"
