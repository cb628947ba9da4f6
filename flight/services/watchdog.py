"""The watchdog is stroked only on a fresh token: everything vital has moved since the last stroke.

Nothing here arms it before all is healthy for the first time: a node that never gets as far is not
reset for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flight.core.types import Event, Severity

NS_PER_S = 1_000_000_000
CYCLE_AGE_S_MAX = 1.0
WAKE_S = 1.0


@dataclass(slots=True)
class WatchdogHealth:
    """strokes: so far. withheld: why the last one was not given, "" when it was."""

    strokes: int = 0
    withheld: str = ""


class Watchdog:
    """Strokes every period_s, or says who is to blame; a service.

    Args:
        stroke: Reaches the device; must not wait. When it raises, that is the reason.
        progress: Per vital task, a count that grows while it works; each must have grown since the
            last look.
        acted_ns: When the cycle last acted, monotonic; 0 for never.
        checks: Per name, what is wrong there, "" for nothing: the store, the budgets.
        now_ns: Monotonic clock.
        period_s: Between strokes; at most a third of the device's time-out, and longer than any
            task takes between two steps.
        on_event: Called when a stroke is withheld for another reason than the last, and when they
            go on.
    """

    def __init__(
        self,
        *,
        stroke: Callable[[], None],
        progress: Mapping[str, Callable[[], int]],
        acted_ns: Callable[[], int],
        checks: Mapping[str, Callable[[], str]],
        now_ns: Callable[[], int],
        period_s: float,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.health = WatchdogHealth()
        self.progress = 0
        self._stroke = stroke
        self._vital = dict(progress)
        self._acted_ns = acted_ns
        self._checks = dict(checks)
        self._now_ns = now_ns
        self._period_s = period_s
        self._on_event = on_event
        self._seen: dict[str, int] = {}
        self._seen = {name: self._count(name) for name in self._vital}
        self._refused_until_ns = 0
        self._refused = ""
        self._end = asyncio.Event()

    async def run(self) -> None:
        """Look and stroke until `request_end`."""
        self._end.clear()
        self._seen = {name: self._count(name) for name in self._vital}
        next_ns = self._now_ns() + round(self._period_s * NS_PER_S)
        while not self._end.is_set():
            wait_s = min(WAKE_S, max(0.0, (next_ns - self._now_ns()) / NS_PER_S))
            try:
                async with asyncio.timeout(wait_s):
                    await self._end.wait()
            except TimeoutError:
                pass
            self.progress += 1
            if self._now_ns() >= next_ns and not self._end.is_set():
                next_ns = self._now_ns() + round(self._period_s * NS_PER_S)
                self.look()

    def request_end(self) -> None:
        """Make `run` return at once."""
        self._end.set()

    def withhold(self, reason: str, for_s: float) -> None:
        """Give no stroke for so long: a rung of the restart ladder. A host that has no watchdog,
        or one that does not bite, goes on afterwards.
        """
        self._refused = reason
        self._refused_until_ns = self._now_ns() + round(for_s * NS_PER_S)

    def look(self) -> None:
        """Stroke if everything is healthy, and say when that changes."""
        withheld = self._why_withheld()
        if not withheld:
            try:
                self._stroke()
                self.health.strokes += 1
            except Exception as error:  # noqa: BLE001  # a device, or a bug: no stroke either way
                withheld = f"the stroke failed: {type(error).__name__}: {error}"
        if withheld != self.health.withheld:
            if withheld:
                self._report("watchdog.withheld", Severity.CRITICAL, withheld)
            else:
                self._report("watchdog.stroked", Severity.INFO, "all healthy again")
        self.health.withheld = withheld

    def _why_withheld(self) -> str:
        reasons = []
        now_ns = self._now_ns()
        if now_ns < self._refused_until_ns:
            reasons.append(self._refused)
        for name in self._vital:
            count = self._count(name)
            if count == self._seen.get(name):
                reasons.append(f"{name} made no progress")
            self._seen[name] = count
        if now_ns - self._acted_ns() > CYCLE_AGE_S_MAX * NS_PER_S:
            reasons.append("the cycle has not acted")
        for name, check in self._checks.items():
            wrong = _ask(check)
            if wrong:
                reasons.append(f"{name}: {wrong}")
        return ", ".join(reasons)

    def _count(self, name: str) -> int:
        """Return the count of a task; one that cannot be read does not grow."""
        try:
            return self._vital[name]()
        except Exception:  # noqa: BLE001
            return self._seen.get(name, 0)

    def _report(self, event_id: str, severity: Severity, text: str) -> None:
        self._on_event(Event(self._now_ns(), event_id, severity, "watchdog", text))


def _ask(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  # a check that fails has not said that all is well
        return f"{type(error).__name__}: {error}"
