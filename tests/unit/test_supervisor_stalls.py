"""Stalls, runs that never end, and bugs of a child, which stay its own."""

import asyncio

import pytest

from flight.core.types import Event
from flight.services.restart_budget import Escalation
from flight.services.restart_ladder import Rung, RungBudget
from flight.services.supervised import Child, Strategy, TaskState
from flight.services.supervisor import Supervisor
from sim_hw.clock import run_simulated
from tests.unit.supervised_service import Service, fly, ids, now_ns, now_s, tasks_in

NS_PER_S = 1_000_000_000


# ---- stalls ----


def test_a_stalled_task_is_named_cancelled_and_restarted_within_its_budget() -> None:
    good = Service("good", stall_s=5.0)
    bad = Service("bad", stall_s=5.0, restarts_max=2)
    bad.hangs_from = 3
    _, events = fly([good.child, bad.child], 60.0)
    assert len(good.starts_s) == 1
    assert len(bad.starts_s) == 3
    told = [event for event in events if event.event_id == "task.stalled"]
    assert [event.subject for event in told] == ["bad"] * 3
    assert 5.0 <= told[0].time_ns / NS_PER_S <= 7.0
    assert "no progress for" in told[0].text
    assert ids(events)[-1] == "task.budget_spent bad"


def test_a_hang_in_start_up_counts_like_any_other() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    child = Child(name="a", start=hang, ready=None, progress=lambda: 0, stall_s=2.0, restarts_max=1)
    _, events = fly([child], 30.0)
    assert ids(events) == [
        *("task.stalled a", "task.restart a", "task.stalled a", "task.budget_spent a")
    ]


def test_an_idle_task_that_says_so_is_not_stalled_and_one_whose_count_fails_is() -> None:
    def fails() -> int:
        raise KeyError("bug")

    idle = Service("idle", stall_s=2.0)
    child = Child(name="odd", start=asyncio.Event().wait, progress=fails, stall_s=2.0)
    _, events = fly([idle.child, child], 3.5)
    assert ids(events) == ["task.stalled odd", "task.restart odd"]


def test_time_in_which_the_loop_was_held_is_nobodys_stall() -> None:
    events: list[Event] = []
    steps, held_ns = [0], [0]

    async def run() -> None:
        while True:
            await asyncio.sleep(3.0)  # seldom, so that the watch looks while nothing has moved
            steps[0] += 1

    child = Child(name="a", start=run, progress=lambda: steps[0], stall_s=5.0)

    async def main() -> None:
        supervisor = Supervisor(
            [child], now_ns=lambda: now_ns() + held_ns[0], on_event=events.append
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(6.5)
            held_ns[0] = 60 * NS_PER_S  # the clock went on while nothing ran
            await asyncio.sleep(6.0)
            await supervisor.shutdown()

    run_simulated(main())
    assert events == []


def test_a_stalled_task_is_not_asked_first_and_one_that_starts_again_is_not_ready_yet() -> None:
    asked: list[int] = []
    store = Service("store", is_slow=True, stop=lambda: asked.append(1))
    store.failures, store.fails_from = 1, 5
    bad = Service("bad", stall_s=2.0, stop=lambda: asked.append(2))
    bad.hangs_from = 5

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(5.0)  # the store was ready at 3 s and failed half a second later
        states = {task.name: task.state for task in supervisor.tree().children}
        assert states["store"] is TaskState.STARTING
        assert asked == []
        assert len(bad.starts_s) == 2
        await asyncio.sleep(4.0)
        assert "store" in tasks_in(supervisor.tree(), TaskState.RUNNING)

    fly([store.child, bad.child], script)


def test_a_run_that_ignores_its_cancel_is_left_behind_and_a_third_is_never_started() -> None:
    service = Service("mule", stall_s=2.0, restarts_max=5, window_s=100.0)
    service.hangs_from, service.ignores_cancels = 1, 2
    asked: list[str] = []
    acts = {Rung.EXIT: asked.append}
    rungs = (RungBudget(Rung.EXIT, 1, 600.0, 60.0),)

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(30.0)
        (status,) = supervisor.tree().children
        assert (status.state, status.abandoned) == (TaskState.ABANDONED, 2)
        assert len(service.starts_s) == 2
        await asyncio.sleep(970.0)
        assert len(service.starts_s) == 2
        assert asked[0] == "mule"  # what cannot be cancelled is worth a fresh process

    child = service.child
    options = {name: getattr(child, name) for name in child.__slots__} | {"rungs": (Rung.EXIT,)}
    options["restarts_max"] = 2
    escalation = Escalation(boot_ns=now_ns, acts=acts, rungs=rungs)
    _, events = fly([Child(**options)], script, escalation=escalation)
    assert ids(events).count("task.stuck mule") == 2
    assert "left behind" in next(e.text for e in events if e.event_id == "task.stuck")


def test_a_run_left_behind_that_ends_makes_room() -> None:
    service = Service("mule", stall_s=2.0, restarts_max=9)
    service.hangs_from, service.ignores_cancels = 1, 2

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(20.0)
        assert len(service.starts_s) == 2
        service.hangs_from = 10**9
        for task in asyncio.all_tasks():
            if task.get_name() == "mule":
                task.cancel()
        await asyncio.sleep(1.0)
        (status,) = supervisor.tree().children
        assert (len(service.starts_s), status.state, status.abandoned) == (3, "running", 0)

    fly([service.child], script)


# ---- bugs of a child ----


@pytest.mark.parametrize("error", [SystemExit(7), MemoryError(), RecursionError("deep")])
def test_whatever_a_child_raises_stays_its_own(error: BaseException) -> None:
    starts: list[float] = []
    other = Service("other")

    async def run() -> None:
        starts.append(now_s())
        await asyncio.sleep(1.0)
        if len(starts) == 1:
            raise error
        await asyncio.Event().wait()

    supervisor, events = fly([Child(name="a", start=run), other.child], 5.0)
    assert ids(events) == ["task.restart a"]
    assert len(starts) == 2 and len(other.starts_s) == 1
    assert supervisor.restarts == {"a": 1, "other": 0}


def test_a_listener_that_raises_does_not_end_the_supervisor() -> None:
    def listen(*_what: object) -> None:
        raise KeyError("bug of the recorder")

    service, other = Service("a", restarts_max=1), Service("other")
    service.fails_from = 0

    async def main() -> None:
        supervisor = Supervisor(
            [service.child, other.child], now_ns=now_ns, on_event=listen, on_budget_spent=listen
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(5.0)
            assert supervisor.untold == 3  # task.restart, task.budget_spent and its callback
            await supervisor.shutdown()

    run_simulated(main())
    assert other.progress >= 48


def test_a_stop_that_raises_leads_to_a_cancel() -> None:
    def stop() -> None:
        raise KeyError("bug")

    service = Service("a", stop=stop)
    fly([service.child], 1.0)
    assert service.diary == ["a starts", "a ends"]


def test_a_stop_during_the_siblings_end_is_not_forgotten() -> None:
    """The stop comes while the failed task waits for those after it to end."""
    diary: list[str] = []
    a = Service("a", diary, restarts_max=0)
    b = Service("b", diary, stop=lambda: None, stop_timeout_s=4.0)
    ends: list[float] = []

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(2.0)
        a.fails_from = 0
        await asyncio.sleep(1.0)
        await supervisor.stop("a")
        ends.append(now_s())

    fly([a.child, b.child], script, strategy=Strategy.REST_FOR_ONE)
    assert ends[0] < 12.0
