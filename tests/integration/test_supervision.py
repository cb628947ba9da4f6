"""A bug in one service never takes the cycle along: its period is kept and no cycle is missed."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from flight.core.types import Event
from flight.services.rate_group import RateGroup
from flight.services.restart_budget import Escalation
from flight.services.restart_ladder import Rung
from flight.services.supervised import Child, TaskState
from flight.services.supervisor import Supervisor
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000
PERIOD_NS = 100_000_000
FLIGHT_S = 900.0


class Bugs:
    """Services that go wrong, each in its own way. Let go at the end, so that the loop can end."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.is_over = False

    async def raises(self) -> None:
        await asyncio.sleep(self.rng.uniform(0.0, 20.0))
        raise ValueError("a bug")

    async def dies_at_once(self) -> None:
        raise OSError("nothing there")

    async def returns(self) -> None:
        await asyncio.sleep(1.0)

    async def hangs(self) -> None:
        await asyncio.Event().wait()

    async def swallows_cancel(self) -> None:
        while not self.is_over:
            try:
                await asyncio.sleep(3600.0)
            except asyncio.CancelledError:
                continue

    async def spins(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0.0)
        raise RecursionError("spun up and died")

    async def exits(self) -> None:
        await asyncio.sleep(5.0)
        raise SystemExit(1)

    async def cancels_itself(self) -> None:
        await asyncio.sleep(2.0)
        raise asyncio.CancelledError

    async def fails_while_it_ends(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("in finally")

    async def leaks_a_task_group(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.hangs())
            group.create_task(self.raises())

    def children(self) -> list[Child]:
        starts: list[Callable[[], Awaitable[None]]] = [
            *(self.raises, self.dies_at_once, self.returns, self.hangs, self.swallows_cancel),
            *(self.spins, self.exits, self.cancels_itself, self.fails_while_it_ends),
            self.leaks_a_task_group,
        ]
        return [
            Child(
                name=start.__name__,
                start=start,
                progress=lambda: 0,
                stall_s=5.0,
                is_optional=True,
            )
            for start in starts
        ]


@pytest.mark.parametrize("seed", range(3))
def test_no_bug_of_a_service_takes_the_cycle_along(seed: int) -> None:
    print(f"seed {seed}")
    bugs, events = Bugs(seed), []
    safe: list[str] = []
    cycles: list[int] = []
    link = [0]

    async def talk() -> None:
        while True:
            await asyncio.sleep(0.5)
            link[0] += 1

    async def main() -> tuple[RateGroup, str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        group, stop = RateGroup(PERIOD_NS, [("cycle", cycles.append)], loop.now_ns), asyncio.Event()
        cycle = Child(
            name="cycle",
            start=lambda: group.run(stop),
            stop=stop.set,
            progress=lambda: group.stats.lateness.count,
            stall_s=1.0,
            rungs=(Rung.SAFE, Rung.EXIT),
            is_vital=True,
            lateness=group.stats.lateness,
        )
        supervisor = Supervisor(
            [
                Child(name="link", start=talk, is_link=True, progress=lambda: link[0], stall_s=5.0),
                cycle,
                *bugs.children(),
            ],
            now_ns=loop.now_ns,
            on_event=events.append,
            escalation=Escalation(boot_ns=loop.now_ns, acts={Rung.SAFE: safe.append}),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(FLIGHT_S)
            assert supervisor.why_unhealthy() == ""
            tree = supervisor.tree()
            await supervisor.shutdown()
            bugs.is_over = True
            for task in asyncio.all_tasks():
                if task.get_name() == "swallows_cancel":
                    task.cancel()
        states = {task.name: task.state for task in tree.children}
        assert states["swallows_cancel"] is TaskState.ABANDONED
        assert states["spins"] is TaskState.BACKING_OFF
        return group, "\n".join(map(str, tree.children))

    group, picture = run_simulated(main())
    stats = group.stats
    assert cycles[:9001] == [k * PERIOD_NS for k in range(9001)], picture
    assert (stats.lateness.max_ns, stats.overruns, stats.skipped) == (0, 0, 0)
    assert stats.period.max_ns == PERIOD_NS
    assert link[0] >= 1798, "the link went down"
    assert safe == []
    _check_told(events)


def _check_told(events: list[Event]) -> None:
    """Each bug was named, and none restarted more often than its budget and back-off allow."""
    told = {event.subject for event in events}
    assert told == {child.name for child in Bugs(0).children()}
    for name in told - {"swallows_cancel"}:
        restarts = [e for e in events if e.subject == name and e.event_id == "task.restart"]
        assert 3 <= len(restarts) <= 3 * 2 + 2, name
    stuck = [e for e in events if e.event_id == "task.stuck"]
    assert {e.subject for e in stuck} == {"swallows_cancel"}
    assert len(stuck) == 2
