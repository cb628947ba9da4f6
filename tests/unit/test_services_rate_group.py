"""Rate groups: ordered, on absolute deadlines, never in bursts, measured."""

import asyncio

import pytest

from flight.services.rate_group import Histogram, RateGroup
from sim_hw.clock import SimLoop, run_simulated

PERIOD_NS = 100_000_000


class Clock:
    """The loop's clock plus work that entries pretend to do: time passes inside a cycle too."""

    def __init__(self) -> None:
        self.worked_ns = 0

    def now_ns(self) -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        return loop.now_ns() + self.worked_ns


def run_for(group: RateGroup, seconds: float) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(group.run(stop), name="group")
            await asyncio.sleep(seconds)
            stop.set()

    run_simulated(main())


def test_entries_run_in_their_order_with_the_same_time() -> None:
    seen: list[tuple[str, int]] = []
    entries = [(name, lambda now_ns, n=name: seen.append((n, now_ns))) for name in "cab"]
    run_for(RateGroup(PERIOD_NS, entries, Clock().now_ns), 0.25)
    assert seen == [(name, k * PERIOD_NS) for k in range(3) for name in "cab"]


def test_a_slow_cycle_does_not_shift_the_deadlines_of_the_next() -> None:
    clock, starts = Clock(), []

    def entry(now_ns: int) -> None:
        starts.append(now_ns)
        clock.worked_ns += 30_000_000

    group = RateGroup(PERIOD_NS, [("e", entry)], clock.now_ns)
    run_for(group, 0.5)
    assert starts == [k * PERIOD_NS for k in range(len(starts))]
    assert len(starts) >= 5
    assert group.stats.overruns == 0


def test_an_overrun_skips_the_missed_deadlines_and_counts_them() -> None:
    clock, starts = Clock(), []

    def entry(now_ns: int) -> None:
        starts.append(now_ns // 1_000_000)
        if len(starts) == 2:
            clock.worked_ns += 250_000_000  # past the deadlines at 200 and 300 ms

    group = RateGroup(PERIOD_NS, [("e", entry)], clock.now_ns)
    run_for(group, 0.4)
    assert starts[:5] == [0, 100, 400, 500, 600]
    assert (group.stats.overruns, group.stats.skipped) == (1, 2)
    assert group.stats.period.max_ns == 300_000_000


def test_a_cycle_that_ends_on_the_next_deadline_is_no_overrun() -> None:
    clock, starts = Clock(), []

    def entry(now_ns: int) -> None:
        starts.append(now_ns // 1_000_000)
        if len(starts) == 1:
            clock.worked_ns += PERIOD_NS

    group = RateGroup(PERIOD_NS, [("e", entry)], clock.now_ns)
    run_for(group, 0.1)
    assert starts[:2] == [0, 100]
    assert group.stats.overruns == 0


def test_an_error_of_an_entry_leaves_with_its_name_and_the_group_can_run_again() -> None:
    calls: list[int] = []

    def entry(now_ns: int) -> None:
        calls.append(now_ns)
        if len(calls) == 2:
            raise KeyError("bug")

    group = RateGroup(PERIOD_NS, [("judge", entry)], Clock().now_ns)

    async def main() -> None:
        with pytest.raises(KeyError) as caught:
            await group.run(asyncio.Event())
        assert caught.value.__notes__ == ["in rate group entry 'judge'"]

    run_simulated(main())
    run_for(group, 0.35)  # a new clock: the failed cycle was at 0.1 s
    assert calls == [0, PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS]
    assert group.stats.overruns == 0


def test_percentiles_come_from_the_histogram() -> None:
    histogram = Histogram()
    assert histogram.percentile_ns(0.5) == 0
    for duration_ms in range(1, 101):
        histogram.add(duration_ms * 1_000_000 - 50_000)
    assert histogram.percentile_ns(0.5) == 50_000_000
    assert histogram.percentile_ns(0.99) == 99_000_000
    assert histogram.percentile_ns(1.0) == 99_950_000
    histogram.add(10**12)
    assert histogram.percentile_ns(1.0) == histogram.max_ns == 10**12


def test_a_period_must_be_positive() -> None:
    with pytest.raises(ValueError, match="period_ns"):
        RateGroup(0, [], Clock().now_ns)


def test_classes_hold_every_duration_once_and_name_the_longest() -> None:
    histogram = Histogram()
    durations_us = (50, 150, 199, 900, 40_000, 99_000, 130_000, 900_000)
    for duration_us in durations_us:
        histogram.add(duration_us * 1000)
    assert histogram.classes() == [
        [0.1, 1.0], [0.2, 2.0], [1.0, 1.0], [50.0, 1.0], [100.0, 1.0], [900.0, 2.0],
    ]  # fmt: skip
    assert sum(count for _, count in histogram.classes()) == len(durations_us)
    assert Histogram().classes() == []
