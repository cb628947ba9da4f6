"""A call that holds the loop is found while it does, and its line is named."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from flight.core.types import Event
from flight.services.loop_watch import Finding, LoopWatch, find_ours
from sim_hw.clock import SimLoop, run_simulated

MS = 1_000_000
BLOCKED_MS = 250
PERIOD_MS = 50
HERE = str(Path(__file__).parent) + "/"

SLOW = "\n\ndef {name}(then):\n    return then()\n"


def frame_in(path: str, then: Callable[[], FrameType], name: str = "slow") -> FrameType:
    """Return the frame that `then` returns, called from line 4 of a file of this name."""
    names: dict[str, Callable[[Callable[[], FrameType]], FrameType]] = {}
    exec(compile(SLOW.format(name=name), path, "exec"), names)  # noqa: S102
    return names[name](then)


OURS = "/node/flight/services/recorder.py"
FOREIGN = "/lib/python/sqlite3/dbapi2.py"
BOTH = frame_in(OURS, lambda: frame_in(FOREIGN, sys._getframe))
ONLY_OURS = frame_in(OURS, sys._getframe)
IDLE = frame_in("/lib/python/selectors.py", sys._getframe, "select")


class Bench:
    """A watch whose thread is a call: it looks at the times given, and beats come between."""

    def __init__(self, frame: FrameType | None) -> None:
        self.now_ms = 0.0
        self.events: list[Event] = []
        self.found: list[Finding] = []
        self.script: list[Callable[[], object]] = []
        self.watch = LoopWatch(
            beat_period_s=PERIOD_MS / 1000.0,
            now_ns=lambda: round(self.now_ms * MS),
            on_event=self.events.append,
            on_found=self.found.append,
            blocked_s=BLOCKED_MS / 1000.0,
            ours=("/node/flight/",),
            wait=self.wait,
            frames=lambda: {} if frame is None else {7: frame},
        )
        self.watch._loop_thread, self.watch._is_watching = 7, True
        self.watch._due_ns = PERIOD_MS * MS

    def wait(self, seconds: float) -> bool:
        assert 0.0 <= seconds <= (PERIOD_MS + BLOCKED_MS) / 1000.0
        if not self.script:
            return True
        self.script.pop(0)()
        return False

    def at(self, now_ms: float, *, beat: bool = False) -> None:
        """Before the next look it becomes this time, and the loop beats or not."""

        def act() -> None:
            self.now_ms = now_ms
            if beat:
                self.watch.beat(round(now_ms * MS))

        self.script.append(act)


def test_a_block_is_told_once_while_it_lasts_and_reported_with_its_whole_length() -> None:
    bench = Bench(BOTH)
    for now_ms in (100, 200, 290, 301, 400, 900):
        bench.at(now_ms)
    bench.at(1050, beat=True)
    bench.watch._look_on()
    line = "services/recorder.py:4 slow"
    (finding,) = bench.found
    assert finding == Finding(pytest.approx(0.251), line, "sqlite3/dbapi2.py:4 slow")
    (event,) = bench.events
    assert event.event_id == "daemon.blocked"
    assert event.value == 1.0
    assert event.text == f"held for 1.00 s by {line}, in sqlite3/dbapi2.py:4 slow"
    assert bench.watch.health.blocks == 1
    assert bench.watch.health.lateness.max_ns == 1000 * MS


def test_each_block_is_told_anew() -> None:
    bench = Bench(ONLY_OURS)
    bench.at(400)
    bench.at(450, beat=True)
    bench.at(500, beat=True)
    bench.at(900)
    bench.at(950, beat=True)
    bench.watch._look_on()
    assert len(bench.found) == 2
    assert [event.value for event in bench.events] == pytest.approx([0.4, 0.4])
    assert bench.events[0].text == "held for 0.40 s by services/recorder.py:4 slow"


def test_beats_that_are_a_little_late_are_no_block() -> None:
    bench = Bench(BOTH)
    for now_ms in range(50, 3000, 290):
        bench.at(now_ms)
        bench.at(now_ms, beat=True)
    bench.watch._look_on()
    assert bench.found == [] and bench.events == []
    assert bench.watch.health.lateness.count == 11


def test_a_block_in_which_no_thread_ran_says_so() -> None:
    bench = Bench(None)
    bench.at(400)
    bench.at(550, beat=True)
    bench.watch._look_on()
    assert "no thread ran meanwhile" in bench.events[0].text


def test_a_rate_group_that_stands_is_no_block_while_the_loop_is_idle() -> None:
    bench = Bench(IDLE)
    bench.at(301)
    bench.at(1000, beat=True)  # by the service itself
    bench.at(1301)
    bench.watch._look_on()
    assert bench.found == [] and bench.events == []
    bench.watch._frames = lambda: {7: BOTH}
    bench.at(1400, beat=True)
    bench.at(1800)
    bench.at(1900, beat=True)
    bench.watch._look_on()
    assert [event.value for event in bench.events] == pytest.approx([0.45])


def test_without_a_rate_group_the_service_beats_each_second() -> None:
    events: list[Event] = []
    ended = threading.Event()

    async def main() -> LoopWatch:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        watch = LoopWatch(
            beat_period_s=0.1,
            now_ns=loop.now_ns,
            on_event=events.append,
            wait=lambda _seconds: ended.wait(10.0),
            frames=dict,
        )
        watch.beat(loop.now_ns())  # before it watches: nothing to compare with
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(), name="watch")
            await asyncio.sleep(0.0)
            for _ in range(50):  # the rate group beats for 5 s, then stands
                await asyncio.sleep(0.1)
                watch.beat(loop.now_ns())
            watch._was_idle = True  # as the thread would have found
            await asyncio.sleep(5.5)
            watch.request_end()
        return watch

    watch = run_simulated(main(), start_ns=10**12)
    ended.set()
    assert watch.progress == 10
    assert watch.health.lateness.count in (54, 55)
    assert events == []


def test_a_finding_is_not_used_for_the_next_block() -> None:
    bench = Bench(BOTH)
    bench.at(400)
    bench.at(450, beat=True)
    bench.at(900, beat=True)  # held again, and nobody looked
    bench.watch._look_on()
    assert "recorder.py" in bench.events[0].text
    assert "the line is unknown" in bench.events[1].text


def test_a_stack_read_after_the_loop_came_back_is_not_blamed() -> None:
    bench = Bench(BOTH)

    def frames() -> dict[int, FrameType]:
        bench.watch.beat(round(bench.now_ms * MS))  # just now
        return {7: BOTH}

    bench.watch._frames = frames
    bench.at(400)
    bench.watch._look_on()
    assert bench.found == []
    assert "the line is unknown" in bench.events[0].text


def test_a_real_thread_finds_a_real_block_and_its_line() -> None:
    """The block lasts until the thread has found it, and no time is asserted."""
    found, told = threading.Event(), asyncio.Event()
    findings: list[Finding] = []

    def on_found(finding: Finding) -> None:
        findings.append(finding)
        if "hold_the_loop" in finding.ours:  # the machine itself may hold the loop too
            found.set()

    def on_event(event: Event) -> None:
        if "hold_the_loop" in event.text:
            told.set()

    watch = LoopWatch(
        beat_period_s=0.05, on_event=on_event, on_found=on_found, blocked_s=0.02, ours=(HERE,)
    )

    def hold_the_loop() -> bool:
        return found.wait(timeout=3.0)

    async def main() -> None:
        async with asyncio.TaskGroup() as group, asyncio.timeout(60.0):
            group.create_task(watch.run(), name="watch")
            await asyncio.sleep(0.0)  # it has begun
            # A machine that holds this beat by itself uses up its finding: the next try has one.
            for _ in range(10):
                if hold_the_loop():
                    break
                await asyncio.sleep(0.2)
            await told.wait()
            watch.request_end()

    asyncio.run(main())
    finding = next(finding for finding in findings if "hold_the_loop" in finding.ours)
    assert "unit/test_loop_watch.py:" in finding.ours
    assert "threading.py:" in finding.innermost
    assert watch.health.blocks >= 1


def test_a_frame_of_who_runs_the_loop_is_not_ours() -> None:
    """When the loop only waits in its selector, the line that started it is not to blame."""
    seen: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().call_soon(
            lambda: seen.append(find_ours(sys._getframe().f_back, (HERE,)))
        )
        await asyncio.sleep(0.0)

    asyncio.run(main())
    assert seen == [""]
