"""A rate group: one task that runs an ordered table of functions at a fixed rate.

asyncio does not order tasks that are due at the same instant, so what must happen in order (sense
before decide, act before record) stands in one table and runs in one task.
"""

import asyncio
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
BIN_NS = 100_000  # resolution of the histograms
BINS_MAX = 4096  # 0.4 s at that resolution; what is longer counts in the last bin
CLASSES_MS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

Entry = tuple[str, Callable[[int], None]]


class Histogram:
    """Durations in bins of 0.1 ms, allocated once. Percentiles are the upper edge of their bin."""

    __slots__ = ("_bins", "count", "max_ns")

    def __init__(self) -> None:
        self.count = 0
        self.max_ns = 0
        self._bins = array("q", bytes(8 * BINS_MAX))

    def add(self, duration_ns: int) -> None:
        """Count one duration, >= 0 ns."""
        index = duration_ns // BIN_NS
        self._bins[index if index < BINS_MAX else BINS_MAX - 1] += 1
        self.count += 1
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns

    def percentile_ns(self, ratio: float) -> int:
        """Return the duration that `ratio` (0 .. 1) of all do not exceed, 0 without any."""
        wanted = ratio * self.count
        seen = 0
        for index, count in enumerate(self._bins):
            seen += count
            if count and seen >= wanted:
                is_open = index == BINS_MAX - 1  # the last bin has no upper edge
                return self.max_ns if is_open else min((index + 1) * BIN_NS, self.max_ns)
        return 0

    def counts_up_to(self, edges_ns: Sequence[int]) -> list[int]:
        """Return how many durations fell into each class: up to the first edge, from there to the
        second, and so on; last those beyond. Edges ascend and are multiples of BIN_NS.
        """
        counts, low = [], 0
        for edge_ns in edges_ns:
            high = min(edge_ns // BIN_NS, BINS_MAX)
            counts.append(sum(self._bins[low:high]))
            low = high
        return [*counts, sum(self._bins[low:])]

    def classes(self) -> list[list[float]]:
        """Return upper edge in ms and count of each of CLASSES_MS that is not empty; beyond the
        last one the edge is the longest duration.
        """
        counts = self.counts_up_to([round(edge_ms * NS_PER_MS) for edge_ms in CLASSES_MS])
        edges = [*CLASSES_MS, self.max_ns / NS_PER_MS]
        return [[edge, float(count)] for edge, count in zip(edges, counts, strict=True) if count]


@dataclass(slots=True)
class RateGroupStats:
    """What a rate group measured about itself.

    period: start to start. lateness: start against its deadline. overruns: cycles that ran past the
    next deadline. skipped: deadlines that were let pass because of them.
    """

    period: Histogram
    lateness: Histogram
    overruns: int = 0
    skipped: int = 0


class RateGroup:
    """Runs `entries` in order every `period_ns`, on absolute deadlines.

    Args:
        period_ns: Period, > 0.
        entries: Names and functions; each is given the time in ns at which the cycle started and
            must return within its share of the period. Nothing in it may wait.
        now_ns: The clock that the deadlines are on; it must be the clock of the event loop.

    A cycle that runs past the next deadline makes the group skip the deadlines it missed: cycles
    never come in a burst. An exception of an entry leaves `run` with the entry's name as a note;
    the supervisor decides. `run` may be called again after that.

    leap: Moves a clock that need not be waited for to the next deadline; False: it must be, as
    always in real time.
    """

    def __init__(
        self,
        period_ns: int,
        entries: Sequence[Entry],
        now_ns: Callable[[], int],
        *,
        leap: Callable[[int], bool] | None = None,
    ) -> None:
        if period_ns <= 0:
            raise ValueError(f"period_ns must be positive: {period_ns}")
        self.stats = RateGroupStats(Histogram(), Histogram())
        self._period_ns = period_ns
        self._entries = tuple(entries)
        self._now_ns = now_ns
        self._leap = leap or _never
        self._resume_ns = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a stop takes effect before the next cycle, within one period."""
        now_ns, period_ns, stats = self._now_ns, self._period_ns, self.stats
        # After an error the same cycle is not tried again at once: the world has to move on first.
        deadline_ns = max(now_ns(), self._resume_ns)
        last_ns = -1
        while not stop.is_set():
            start_ns = now_ns()
            if start_ns < deadline_ns:  # always at first look; a timer may also fire a little early
                if not self._leap(deadline_ns):
                    await asyncio.sleep((deadline_ns - start_ns) / NS_PER_S)
                continue
            stats.lateness.add(start_ns - deadline_ns)
            if last_ns >= 0:
                stats.period.add(start_ns - last_ns)
            last_ns = start_ns
            self._resume_ns = start_ns + period_ns
            self._run_entries(start_ns)
            deadline_ns += period_ns
            behind_ns = now_ns() - deadline_ns
            if behind_ns > 0:
                missed = (behind_ns + period_ns - 1) // period_ns  # to a deadline to come
                deadline_ns += missed * period_ns
                stats.overruns += 1
                stats.skipped += missed

    def _run_entries(self, start_ns: int) -> None:
        for name, entry in self._entries:
            try:
                entry(start_ns)
            except Exception as error:
                error.add_note(f"in rate group entry {name!r}")
                raise


def _never(_to_ns: int) -> bool:
    """Real time has to be waited for."""
    return False
