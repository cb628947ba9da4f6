"""A supervisor's memory of one child: its state, what it was asked, and its runs."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from flight.services.supervised import Child, TaskState, TaskStatus


class AskKind(IntEnum):
    """Why a run is to end; a higher kind replaces a lower one."""

    STALLED = 0
    SIBLING = 1
    PLANNED = 2
    STOP = 3


class Ask(NamedTuple):
    """A wish that a run ends."""

    kind: AskKind
    reason: str


@dataclass(slots=True)
class Slot:
    """One child. `begin_keeping` comes before anything that waits for it.

    asked: done once there is a wish. ready: done while those that start after it may run.
    left_behind: runs that ignored being cancelled and have not ended yet. idle_ns: how long the
    watch has seen no progress.
    """

    child: Child
    path: str
    after: tuple[str, ...]
    state: TaskState = TaskState.WAITING
    since_ns: int = 0
    restarts: int = 0
    restarts_planned: int = 0
    last_error: str = ""
    is_stopping: bool = False
    ask: Ask | None = None
    task: asyncio.Task[None] | None = None
    keeper: asyncio.Task[None] | None = None
    left_behind: list[asyncio.Task[None]] = field(default_factory=list)
    last_progress: int = 0
    idle_ns: int = 0
    asked: asyncio.Future[None] = field(init=False)
    ready: asyncio.Future[None] = field(init=False)

    def begin_keeping(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget wishes of an earlier run of the supervisor."""
        self.asked, self.ready = loop.create_future(), loop.create_future()
        self.ask = None

    @property
    def is_running(self) -> bool:
        """Whether a run is under way that nobody has given up."""
        return self.task is not None and not self.task.done()

    def enter(self, state: TaskState, now_ns: int) -> None:
        """Take a state, if it is another."""
        if state is not self.state:
            self.state, self.since_ns = state, now_ns

    def want(self, kind: AskKind, reason: str) -> None:
        """Ask that the run ends; the strongest wish counts."""
        if self.ask is None or kind > self.ask.kind:
            self.ask = Ask(kind, reason)
        if not self.asked.done():
            self.asked.set_result(None)

    def take(self) -> Ask | None:
        """Return the wish, if any, and be ready for the next."""
        ask, self.ask = self.ask, None
        if self.asked.done():
            self.asked = self.asked.get_loop().create_future()
        return ask

    def become_ready(self, now_ns: int) -> None:
        """Let those that start after it run."""
        self.enter(TaskState.RUNNING, now_ns)
        self.idle_ns = 0
        if not self.ready.done():
            self.ready.set_result(None)

    def lose_ready(self) -> None:
        """Hold those that start after it."""
        if self.ready.done():
            self.ready = self.ready.get_loop().create_future()

    def count_left_behind(self) -> int:
        """Return how many runs that were given up go on."""
        self.left_behind = [task for task in self.left_behind if not task.done()]
        return len(self.left_behind)

    def read_progress(self) -> int:
        """Return the child's count; one that cannot be read does not grow."""
        if self.child.progress is None:
            return 0
        try:
            return self.child.progress()
        except Exception:  # noqa: BLE001  # a bug of the child, and the watch is everybody's
            return self.last_progress

    def status(self, budget_left: int) -> TaskStatus:
        """Return what `nightside status` shows."""
        child, lateness = self.child, self.child.lateness
        return TaskStatus(
            name=child.name,
            state=self.state,
            policy=child.policy,
            restarts=self.restarts,
            restarts_planned=self.restarts_planned,
            budget_left=budget_left,
            since_ns=self.since_ns,
            last_error=self.last_error,
            lateness_p99_ns=-1 if lateness is None else lateness.percentile_ns(0.99),
            abandoned=self.count_left_behind(),
            children=() if child.nested is None else child.nested.tree().children,
        )
