"""UTC against monotonic: jumps both ways, a leap second, no time at all, and whom to believe."""

import asyncio
from datetime import UTC, datetime

import pytest

from flight.core.types import Event, Severity
from flight.services.time_source import (
    BRACKET_NS_MAX,
    Source,
    TimeSection,
    TimeSource,
    kernel_is_synchronised,
)
from sim_hw.clock import SimLoop, run_simulated

S = 1_000_000_000
NOON = round(datetime(2030, 3, 20, 12, tzinfo=UTC).timestamp()) * S
LEAP = round(datetime(2030, 7, 1, tzinfo=UTC).timestamp()) * S


class Clocks:
    """A monotonic clock and that of the host, which a test sets."""

    def __init__(
        self, utc_ns: int = NOON, source: Source = "system", settle_s: float = 60.0
    ) -> None:
        self.now_ns = 1000 * S
        self.offset_ns = utc_ns - self.now_ns
        self.is_synchronised = True
        self.events: list[Event] = []
        self.source = TimeSource(
            section=TimeSection(trusted_source=source, settle_s=settle_s),
            now_ns=lambda: self.now_ns,
            utc_ns=lambda: self.now_ns + self.offset_ns,
            is_synchronised=lambda: self.is_synchronised,
            on_event=self.events.append,
        )
        self.source.look()

    def look(self, after_s: float = 1.0) -> list[str]:
        """Pass time, look, and return the ids of what was told."""
        self.now_ns += round(after_s * S)
        count = len(self.events)
        self.source.look()
        return [event.event_id for event in self.events[count:]]

    @property
    def is_trusted(self) -> bool:
        return self.source.stamp()[1]


def test_a_good_clock_is_trusted_from_the_first_look() -> None:
    clocks = Clocks()
    assert [e.event_id for e in clocks.events] == ["time.trusted"]
    assert clocks.source.stamp() == (NOON, True)
    assert clocks.look() == []
    clocks.now_ns += 5
    assert clocks.source.stamp() == (NOON + S + 5, True)


@pytest.mark.parametrize("step_s", [0.2, 1.0, 3600.0, -0.2, -1.0, -3600.0, -5e8])
def test_a_jump_either_way_is_told_with_both_times_and_ends_the_trust(step_s: float) -> None:
    clocks = Clocks()
    clocks.offset_ns += round(step_s * S)
    assert clocks.look() == ["time.jumped", "time.untrusted"]
    jump = clocks.events[-2]
    assert (jump.severity, jump.value) == (Severity.WARNING, pytest.approx(step_s))
    assert jump.text.startswith("from 2030-03-20T12:00:01.000+00:00 to ")
    assert not clocks.is_trusted
    assert clocks.source.health.jumps == 1
    if step_s > -1e8:
        assert clocks.look(59.0) == []
        assert clocks.look(2.0) == ["time.trusted"]


def test_slewing_as_fast_as_a_kernel_can_is_no_jump() -> None:
    clocks = Clocks()
    for _ in range(600):
        clocks.offset_ns += round(0.0005 * S)
        assert clocks.look() == []
    clocks.offset_ns += round(0.0005 * 600 * S)  # ten minutes without a look
    assert clocks.look(600.0) == []


@pytest.mark.parametrize("step_s", [-1.0, 1.0])
def test_a_leap_second_is_told_as_one_and_keeps_the_trust(step_s: float) -> None:
    clocks = Clocks(LEAP - S // 2)
    clocks.offset_ns += round(step_s * S)
    assert clocks.look() == ["time.leap_second"]
    assert clocks.is_trusted
    assert clocks.source.health.jumps == 0


def test_a_second_at_another_time_or_more_than_one_is_a_jump() -> None:
    clocks = Clocks(LEAP - 3600 * S)
    clocks.offset_ns -= S
    assert clocks.look() == ["time.jumped", "time.untrusted"]
    clocks = Clocks(LEAP - S // 2)
    clocks.offset_ns -= 2 * S
    assert clocks.look() == ["time.jumped", "time.untrusted"]


@pytest.mark.parametrize("utc_ns", [0, 86400 * S, -5 * S, 2**62, -(2**62)])
def test_no_time_at_all_is_not_trusted_even_when_vouched_for(utc_ns: int) -> None:
    clocks = Clocks(utc_ns)
    assert [e.event_id for e in clocks.events] == ["time.untrusted"]
    assert "it has no time" in clocks.source.health.reason
    clocks.source.vouch()
    assert not clocks.is_trusted


def test_the_kernel_is_believed_only_while_it_is_synchronised() -> None:
    clocks = Clocks(source="kernel")
    assert clocks.is_trusted
    clocks.is_synchronised = False
    assert clocks.look() == ["time.untrusted"]
    clocks.is_synchronised = True
    assert clocks.look() == ["time.trusted"]


def test_an_operator_may_vouch_for_the_clock_until_it_jumps() -> None:
    clocks = Clocks(source="none")
    assert not clocks.is_trusted
    clocks.source.vouch()
    assert clocks.is_trusted
    clocks.offset_ns += 10 * S
    assert clocks.look() == ["time.jumped", "time.untrusted"]
    assert clocks.look(1e5) == []


def test_a_look_that_was_interrupted_is_made_again() -> None:
    """The process may be stopped between two clocks: the pair with the least between them wins."""
    steps = iter([0, 10 * S, 0, 0, 0, 0, 10 * S, 0, 0] + [0] * 20)
    now = [1000 * S]

    def now_ns() -> int:
        now[0] += next(steps)
        return now[0]

    events: list[Event] = []
    source = TimeSource(
        section=TimeSection(trusted_source="system"),
        now_ns=now_ns,
        utc_ns=lambda: now[0] + NOON,
        on_event=events.append,
    )
    source.look()
    assert abs(source.offset_ns() - NOON) <= BRACKET_NS_MAX
    assert [e.event_id for e in events] == ["time.trusted"]


def test_the_service_looks_each_second_and_ends_at_once() -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        source = TimeSource(
            section=TimeSection(trusted_source="system"),
            now_ns=loop.now_ns,
            utc_ns=lambda: NOON + loop.now_ns(),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(source.run(), name="time")
            await asyncio.sleep(10.5)
            source.request_end()
        return source.progress, loop.now_ns()

    assert run_simulated(main()) == (11, round(10.5 * S))


def test_the_kernel_answers() -> None:
    assert kernel_is_synchronised() in (True, False)
