"""A service that goes wrong when told to, and a flight of a supervisor around it."""

import asyncio
from collections.abc import Awaitable, Callable

from flight.core.types import Event
from flight.services.supervised import Child, TaskState, TaskStatus
from flight.services.supervisor import Supervisor
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.now_ns()


def now_s() -> float:
    return now_ns() / NS_PER_S


class Service:
    """Counts its steps, ten a second, and goes wrong when told to."""

    def __init__(self, name: str, diary: list[str] | None = None, **options) -> None:
        self.name, self.diary = name, [] if diary is None else diary
        self.progress = 0
        self.starts_s: list[float] = []
        self.hangs_from = self.fails_from = 10**9  # the step from which on
        self.ignores_cancels = 0
        self.failures = 10**9
        self.ready = asyncio.Event() if options.pop("is_slow", False) else None
        self.options = options

    @property
    def child(self) -> Child:
        if self.ready is not None:
            return Child(name=self.name, start=self.run, ready=self.ready, **self.options)
        return Child(name=self.name, start=self.run, progress=lambda: self.progress, **self.options)

    async def run(self) -> None:
        self.starts_s.append(now_s())
        self.diary.append(f"{self.name} starts")
        try:
            if self.ready is not None:
                await asyncio.sleep(3.0)
                self.ready.set()
            while True:
                await asyncio.sleep(0.1)
                if self.progress >= self.fails_from and self.failures > 0:
                    self.failures -= 1
                    raise OSError("device")
                if self.progress >= self.hangs_from:
                    await self.hang()
                self.progress += 1
        finally:
            self.diary.append(f"{self.name} ends")

    async def hang(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.ignores_cancels -= 1
                if self.ignores_cancels < 0:
                    raise


Script = Callable[[Supervisor], Awaitable[None]]


def fly(children: list[Child], script: Script | float, **options) -> tuple[Supervisor, list[Event]]:
    """Run children while a script runs (or for some seconds), shut down, return the events."""
    events: list[Event] = []
    supervisor = Supervisor(children, now_ns=now_ns, on_event=events.append, **options)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(0.0)
            await (asyncio.sleep(script) if isinstance(script, float) else script(supervisor))
            await supervisor.shutdown()

    run_simulated(main())
    return supervisor, events


def tasks_in(tree: TaskStatus, state: TaskState) -> list[str]:
    """The names of the tasks in a state, nested ones too."""
    found = [task.name for task in tree.children if task.state is state]
    for task in tree.children:
        found += tasks_in(task, state)
    return found


def ids(events: list[Event]) -> list[str]:
    return [f"{event.event_id} {event.subject}" for event in events]
