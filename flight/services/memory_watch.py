"""Bounds the growth of the process: memory is read, and a process beyond its bound is renewed."""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flight.core.types import Event, Severity
from flight.services.restart_budget import BudgetStore, MemoryBudgetStore
from flight.services.restart_ladder import within

NS_PER_S = 1_000_000_000
LOOK_S = 60.0
WAKE_S = 1.0
HIGH_LOOKS_MAX = 3  # looks in a row beyond the bound before the process is renewed; assumed
REST_RATIO = 0.95  # below this part of the bound it is good again
RENEWAL_WINDOW_S = 6 * 3600.0  # at most one renewal in it: a bound set too low must not loop
BUDGET_NAME = "memory/renewal"


def read_rss_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@dataclass(slots=True)
class MemoryHealth:
    """rss_mib: at the last look. is_high: beyond the bound."""

    rss_mib: float = 0.0
    rss_mib_peak: float = 0.0
    is_high: bool = False


class MemoryWatch:
    """Reads the resident memory every minute; a service.

    Args:
        rss_mib_max: The bound.
        renew: Asks for a planned restart of the process; called after three looks beyond the bound,
            at most once in six hours. It has to tell the store that the restart is planned.
        read_rss_mib: Source of the figure.
        now_ns, boot_ns: Monotonic clock; CLOCK_BOOTTIME, None: the same.
        store: Keeps the time of the last renewal across processes.
    """

    def __init__(
        self,
        *,
        rss_mib_max: float,
        renew: Callable[[str], None],
        now_ns: Callable[[], int],
        boot_ns: Callable[[], int] | None = None,
        store: BudgetStore | None = None,
        read_rss_mib: Callable[[], float] = read_rss_mib,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.health = MemoryHealth()
        self.progress = 0
        self._rss_mib_max = rss_mib_max
        self._renew = renew
        self._now_ns = now_ns
        self._boot_ns = now_ns if boot_ns is None else boot_ns
        self._store: BudgetStore = MemoryBudgetStore() if store is None else store
        self._read_rss_mib = read_rss_mib
        self._on_event = on_event
        self._high_looks = 0
        self._end = asyncio.Event()

    async def run(self) -> None:
        """Look every minute until `request_end`."""
        self._end.clear()
        next_ns = self._now_ns()
        while not self._end.is_set():
            if self._now_ns() >= next_ns:
                next_ns = self._now_ns() + round(LOOK_S * NS_PER_S)
                self.look()
            self.progress += 1
            try:
                async with asyncio.timeout(WAKE_S):
                    await self._end.wait()
            except TimeoutError:
                continue

    def request_end(self) -> None:
        """Make `run` return at once."""
        self._end.set()

    def look(self) -> None:
        """Read the memory once and answer to it."""
        health, bound_mib = self.health, self._rss_mib_max
        health.rss_mib = rss_mib = self._read_rss_mib()
        health.rss_mib_peak = max(health.rss_mib_peak, rss_mib)
        if rss_mib <= bound_mib:
            self._high_looks = 0
            health.is_high = health.is_high and rss_mib > REST_RATIO * bound_mib
            return
        text = f"{rss_mib:.0f} MiB resident, the bound is {bound_mib:g}"
        if not health.is_high:
            health.is_high = True
            self._on_event(
                Event(self._now_ns(), "memory.high", Severity.WARNING, "process", text, rss_mib)
            )
        self._high_looks += 1
        if self._high_looks >= HIGH_LOOKS_MAX and self._may_renew():
            self._renew(text)

    def _may_renew(self) -> bool:
        now_ns = self._boot_ns()
        if within(self._store.load(BUDGET_NAME), RENEWAL_WINDOW_S, now_ns):
            return False
        self._store.save(BUDGET_NAME, (now_ns,))
        return True
