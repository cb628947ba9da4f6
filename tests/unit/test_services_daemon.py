"""The daemon: its order at the end, whatever ended it."""

import asyncio
import io
import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest
import structlog

from flight.core.points import Point, PointTable, Writable
from flight.core.types import Decision, Event, Inputs, Mode, Severity
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.topics import Topics
from flight.services.cycle import Cycle
from flight.services.daemon import (
    EXIT_BUG,
    EXIT_OK,
    DaemonParts,
    Ending,
    EventLogger,
    run_daemon,
    safe_values,
)
from flight.services.link import Link, LinkInfo
from flight.services.rate_group import RateGroup
from flight.services.recorder import RecorderHealth
from sim_hw.clock import SimLoop, run_simulated

TOPICS = Topics(fleet="f", satellite="s", node="n")
CAP = Writable(low=200.0, high=700.0, safe=200.0, lease_s=1.5)
PUMP = Writable(low=0.0, high=8000.0, safe=8000.0, lease_s=1.5)
POINTS = PointTable(
    tuple(
        Point(
            name=name,
            unit="",
            driver="d",
            device="x",
            channel=i,
            low=0.0,
            high=1e4,
            writable=writable,
        )
        for i, (name, writable) in enumerate(
            {
                "a.power_w": None,
                "a.cap_w": CAP,
                "a.current_a": None,
                "pump.speed_rpm": PUMP,
                "rail.enable": Writable(low=0.0, high=1.0),
                "a.core_temp_c": None,
                "a.utilisation_ratio": None,
            }.items()
        )
    )
)


class Stand:
    """Fake image and recorder that write one common diary, and the real rest."""

    def __init__(self, now_ns: Callable[[], int], period_ns: int = 100_000_000) -> None:
        self.diary: list[str] = []
        self.epoch = 0
        self.last_written: list[float] = []
        self.report = ""
        self.health = RecorderHealth(ok=True, rows_written=0, rows_lost=0, rares_lost=0, error="")
        self.broker = MemoryBroker()
        self.fails_from = 10**9
        cycle = Cycle(image=self, config=None, state=0, step=self.step, period_ns=period_ns)
        link = Link(
            info=LinkInfo(topics=TOPICS, session_id="1", simulated=True, version="0"),
            points=POINTS,
            transport=MemoryTransport(self.broker, now_ns=now_ns),
            now_ns=now_ns,
        )
        self.parts = DaemonParts(
            rate_group=RateGroup(period_ns, [("cycle", cycle.run)], now_ns),
            cycle=cycle,
            image=self,
            recorder=self,
            link=link,
            safe_desired=safe_values(POINTS),
            now_ns=now_ns,
            reconcile=lambda _now_ns: self.diary.append("reconcile"),
        )

    def step(self, _config: None, state: int, _inputs: Inputs) -> tuple[int, Decision]:
        if state >= self.fails_from:
            raise KeyError("bug")
        desired = np.array([700.0, 3000.0, 1.0])
        return state + 1, Decision(mode=Mode.NOMINAL, desired=desired, cap_w=(), cap_reason=())

    def snapshot(self):
        count = len(POINTS)
        time_ns, status = np.zeros(count, np.int64), np.zeros(count, np.int32)
        return np.zeros(count), time_ns, status, np.zeros(count, np.uint32)

    def write_desired(self, values, epoch):
        self.last_written = values.tolist()
        has_died = TOPICS.death in self.broker.retained
        self.diary.append(f"write {values[0]:.0f}" + (" after death" if has_died else ""))

    def beat(self, epoch):
        self.diary.append("beat")

    def request_rearm(self, driver):
        raise AssertionError(driver)

    def note(self, event: Event) -> None:
        self.diary.append(event.event_id)

    def close(self) -> None:
        has_died = TOPICS.death in self.broker.retained
        self.diary.append("closed after death" if has_died else "closed before death")


@pytest.fixture(autouse=True)
def _quiet():
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    yield
    structlog.reset_defaults()


def loop_now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


def fly(seconds: float, fails_from: int = 10**9) -> tuple[Stand, int]:
    async def main() -> tuple[Stand, int]:
        stand = Stand(loop_now_ns)
        stand.fails_from = fails_from
        ending = Ending()
        asyncio.get_running_loop().call_later(seconds, ending.end)
        lines: list[str] = []
        code = await run_daemon(
            stand.parts, ending=ending, handle_signals=False, write=lines.append
        )
        stand.report = "".join(lines)
        return stand, code

    return run_simulated(main())


def test_the_end_writes_safe_values_then_says_good_bye_then_closes() -> None:
    stand, code = fly(1.05)
    assert code == EXIT_OK
    ending = stand.diary[stand.diary.index("write 200") :]
    assert ending[:3] == ["write 200", "beat", "reconcile"]
    assert ending[-1] == "closed after death"
    assert "write 700" not in ending
    assert stand.last_written[:2] == [200.0, 8000.0]
    assert np.isnan(stand.last_written[2])  # a rail has no safe value: it stays as it is


def test_the_report_counts_cycles_and_fits_a_terminal() -> None:
    stand, _ = fly(1.05)
    assert "cycles        11 (0 overruns, 0 late)" in stand.report
    assert "p99 100.0 ms" in stand.report
    assert "RSS" in stand.report
    assert max(map(len, stand.report.splitlines())) <= 80


def test_a_cycle_that_keeps_failing_ends_the_daemon_with_safe_values_and_its_own_code() -> None:
    stand, code = fly(60.0, fails_from=5)
    assert code == EXIT_BUG
    assert stand.diary.count("task.restart") == 3
    assert "task.budget_spent" in stand.diary
    assert stand.diary[-1] == "closed after death"
    assert stand.last_written[:2] == [200.0, 8000.0]


def test_cancelling_the_daemon_still_leaves_safe_values_and_closes() -> None:
    stands: list[Stand] = []

    async def main() -> None:
        stands.append(Stand(loop_now_ns))
        async with asyncio.timeout(1.05):
            await run_daemon(
                stands[0].parts, ending=Ending(), handle_signals=False, write=lambda _text: None
            )

    with pytest.raises(TimeoutError):
        run_simulated(main())
    assert stands[0].last_written[:2] == [200.0, 8000.0]
    assert stands[0].diary[-1].startswith("closed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_in_order(number: signal.Signals) -> None:
    async def main() -> tuple[Stand, int]:
        stand = Stand(time.monotonic_ns, period_ns=1_000_000)
        step = stand.parts.cycle._step

        def step_and_kill(config, state, inputs):
            if state == 3:
                os.kill(os.getpid(), number)
            return step(config, state, inputs)

        stand.parts.cycle._step = step_and_kill
        return stand, await run_daemon(stand.parts, ending=Ending(), write=lambda _text: None)

    stand, code = asyncio.run(main())
    assert code == EXIT_OK
    assert stand.diary[-1] == "closed after death"
    assert stand.last_written[:2] == [200.0, 8000.0]


def test_what_a_cycle_says_is_logged_with_its_severity() -> None:
    event = Event(1, "loop.pump_lost", Severity.CRITICAL, "loop", "caps are safe")
    decision = Decision(
        mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(), cap_reason=(), events=(event,)
    )
    with structlog.testing.capture_logs() as logged:
        EventLogger().record(None, decision)
    assert [(line["event"], line["log_level"], line["subject"]) for line in logged] == [
        ("loop.pump_lost", "critical", "loop")
    ]
