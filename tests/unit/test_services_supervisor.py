"""The supervisor: policies, budgets, back-off, ordered end. All in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from flight.core.types import Event
from flight.services.supervisor import Child, Policy, Supervisor
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


class Worker:
    """Fails after `life_s`, as often as `failures` says; then it runs for ever or returns."""

    def __init__(self, *, life_s: float = 1.0, failures: float = 0, returns: bool = False) -> None:
        self.starts_s: list[float] = []
        self.life_s, self.failures, self.returns = life_s, failures, returns

    async def run(self) -> None:
        self.starts_s.append(now_ns() / NS_PER_S)
        if len(self.starts_s) <= self.failures:
            await asyncio.sleep(self.life_s)
            raise OSError("device")
        if self.returns:
            return
        await asyncio.Event().wait()


def fly(children: list[Child], seconds: float, **options) -> list[Event]:
    """Run children for some seconds, shut down, and return the events."""
    events: list[Event] = []

    async def main() -> None:
        supervisor = Supervisor(children, now_ns=now_ns, on_event=events.append, **options)
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(seconds)
            await supervisor.shutdown()

    run_simulated(main())
    return events


def test_a_failed_task_starts_again_at_once_and_says_why() -> None:
    worker = Worker(failures=2)
    events = fly([Child(name="link", start=worker.run)], 10.0)
    assert worker.starts_s == [0.0, 1.0, 2.0]
    restarts = [event for event in events if event.event_id == "task.restart"]
    assert [(event.subject, event.value) for event in restarts] == [("link", 1.0), ("link", 2.0)]
    assert "OSError: device" in restarts[0].text


@pytest.mark.parametrize(
    ("policy", "failures", "starts"),
    [
        (Policy.PERMANENT, 0, 4),
        (Policy.TRANSIENT, 0, 1),
        (Policy.TRANSIENT, 2, 3),
        (Policy.TEMPORARY, 2, 1),
    ],
)
def test_the_policy_says_whether_a_task_that_ended_starts_again(policy, failures, starts) -> None:
    worker = Worker(failures=failures, returns=True)
    fly([Child(name="a", start=worker.run, policy=policy, restarts_max=3)], 10.0)
    assert len(worker.starts_s) == starts


def test_a_spent_budget_escalates_and_backs_off_to_one_attempt_per_ten_minutes_for_ever() -> None:
    worker, spent = Worker(failures=1e9), []

    def on_budget_spent(child: Child, error: Exception | None) -> None:
        spent.append((child.name, str(error), now_ns() // NS_PER_S))

    child = Child(name="a", start=worker.run, restarts_max=2, window_s=60.0)
    fly([child], 3600.0, on_budget_spent=on_budget_spent)
    assert worker.starts_s[:5] == [0.0, 1.0, 2.0, 603.0, 1204.0]
    assert spent[:3] == [("a", "device", 3), ("a", "device", 604), ("a", "device", 1205)]
    assert len(worker.starts_s) == 8  # never final


def test_after_a_good_time_the_whole_budget_is_back() -> None:
    worker = Worker(life_s=40.0, failures=20)
    spent: list[str] = []
    child = Child(name="a", start=worker.run, restarts_max=2, window_s=60.0)
    fly([child], 900.0, on_budget_spent=lambda c, _e: spent.append(c.name))
    assert spent == []
    assert len(worker.starts_s) == 21


def test_a_task_that_fails_at_once_does_not_hold_the_loop() -> None:
    worker, other = Worker(life_s=0.0, failures=1e9), Worker(failures=3)
    fly([Child(name="a", start=worker.run, restarts_max=50), Child(name="b", start=other.run)], 5.0)
    assert len(worker.starts_s) == 51
    assert len(other.starts_s) == 4


def test_a_task_that_cancels_itself_is_restarted() -> None:
    starts: list[int] = []

    async def run() -> None:
        starts.append(now_ns())
        if len(starts) == 1:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    fly([Child(name="a", start=run)], 1.0)
    assert len(starts) == 2


def recorder_of_ends(name: str, ends: list[str]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(name)

    return run


def test_children_end_in_the_reverse_order_of_their_start() -> None:
    ends: list[str] = []
    fly([Child(name=n, start=recorder_of_ends(n, ends)) for n in ("a", "b", "c")], 1.0)
    assert ends == ["c", "b", "a"]


def test_a_child_that_is_asked_to_stop_may_end_by_itself() -> None:
    stop, ends = [], []

    async def run() -> None:
        for _ in range(100):
            await asyncio.sleep(0.5)
            if stop:
                break
        ends.append(now_ns() / NS_PER_S)

    events = fly([Child(name="a", start=run, stop=lambda: stop.append(1))], 1.2)
    assert ends == [1.5]
    assert events == []


def test_a_child_that_ignores_the_request_is_cancelled_and_one_that_ignores_that_is_named() -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(10.0)
            except asyncio.CancelledError:
                await asyncio.sleep(10.0)

    child = Child(name="mule", start=stubborn, stop=lambda: None, stop_timeout_s=2.0)
    events = fly([child], 1.0)
    assert ("task.stuck", "mule") in [(event.event_id, event.subject) for event in events]


def test_a_child_in_back_off_ends_without_delay() -> None:
    worker, ends = Worker(failures=1e9), []

    async def main() -> None:
        child = Child(name="a", start=worker.run, restarts_max=0, stop=lambda: None)
        supervisor = Supervisor([child], now_ns=now_ns)
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(100.0)
            await supervisor.shutdown()
        ends.append(now_ns() / NS_PER_S)

    run_simulated(main())
    assert ends == [100.0]


def test_cancelling_the_supervisor_cancels_its_children() -> None:
    ends: list[str] = []

    async def main() -> None:
        children = [Child(name=n, start=recorder_of_ends(n, ends)) for n in "ab"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await Supervisor(children, now_ns=now_ns).run()

    run_simulated(main())
    assert sorted(ends) == ["a", "b"]


def test_a_supervisor_may_be_the_child_of_another() -> None:
    worker = Worker(failures=1)

    def start_inner() -> Awaitable[None]:
        return Supervisor([Child(name="leaf", start=worker.run)], now_ns=now_ns).run()

    fly([Child(name="branch", start=start_inner)], 5.0)
    assert worker.starts_s == [0.0, 1.0]


def test_two_children_of_one_name_are_a_bug() -> None:
    child = Child(name="a", start=Worker().run)
    with pytest.raises(ValueError, match="same name"):
        Supervisor([child, child], now_ns=now_ns)
