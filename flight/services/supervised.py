"""What a supervisor is told about a child, and what it says of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol

from flight.services.rate_group import Histogram
from flight.services.restart_ladder import Rung

STOP_TIMEOUT_S = 5.0


class Policy(StrEnum):
    """When a task that ended is started again."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # when it ended by an exception
    TEMPORARY = "temporary"  # never


class Strategy(StrEnum):
    """Which children start again when one of them has failed."""

    ONE_FOR_ONE = "one_for_one"  # that one
    REST_FOR_ONE = "rest_for_one"  # that one and those started after it, except the link


class TaskState(StrEnum):
    """Where a supervised task is."""

    WAITING = "waiting"  # for those it starts after
    STARTING = "starting"  # runs, and is not ready yet
    RUNNING = "running"
    BACKING_OFF = "backing_off"  # its budget is spent; the next attempt comes later
    STALLED = "stalled"  # runs without progress and is being cancelled
    ABANDONED = "abandoned"  # two runs ignore being cancelled; no third one is started
    STOPPED = "stopped"  # ended for good


class TaskStatus(NamedTuple):
    """One task of the tree, or a supervisor with its tasks.

    restarts: unplanned ones. budget_left: restarts left before the next rung. since_ns: of the
    state, monotonic. lateness_p99_ns: -1, not measured.
    """

    name: str
    state: TaskState
    policy: Policy
    restarts: int = 0
    restarts_planned: int = 0
    budget_left: int = 0
    since_ns: int = 0
    last_error: str = ""
    lateness_p99_ns: int = -1
    abandoned: int = 0
    children: tuple["TaskStatus", ...] = ()


class Nested(Protocol):
    """A supervisor as the child of another."""

    def tree(self) -> TaskStatus:
        """Return the status of all its children."""

    async def shutdown(self) -> None:
        """End all its children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One supervised task.

    Args:
        name: Of the task, in events and logs.
        start: Returns the coroutine of a fresh run.
        policy: When it is started again.
        restarts_max: Restarts allowed within window_s, >= 0; one more spends the budget.
        window_s: Length of the sliding window, > 0.
        stop: Asks a running task to return by itself; None: it is cancelled.
        stop_timeout_s: How long it may take to return before it is cancelled.
        after: Names of siblings that must be ready before it starts.
        ready: Set by the task once it works; the supervisor clears it before each start. None: it
            is ready at its first progress, or at once when it names no progress.
        progress: A count that grows while the task does its work, and while it is idle.
        stall_s: Without progress, or without being ready, for so long it is started again; 0:
            never.
        rungs: Of the restart ladder beyond the task itself, as far as the node has them.
        is_link: The link to the ground: no failure of another child ever stops it.
        is_vital: The watchdog is stroked only while it makes progress.
        is_optional: The node flies without it: its last rung is the back-off alone, without SAFE.
        lateness: How late its deadlines are met, for the status.
        nested: The supervisor that this child is.
    """

    name: str
    start: Callable[[], Awaitable[None]]
    policy: Policy = Policy.PERMANENT
    restarts_max: int = 3
    window_s: float = 600.0
    stop: Callable[[], None] | None = None
    stop_timeout_s: float = STOP_TIMEOUT_S
    after: tuple[str, ...] = ()
    ready: asyncio.Event | None = None
    progress: Callable[[], int] | None = None
    stall_s: float = 0.0
    rungs: tuple[Rung, ...] = ()
    is_link: bool = False
    is_vital: bool = False
    is_optional: bool = False
    lateness: Histogram | None = None
    nested: Nested | None = None


def start_order(children: Sequence[Child], strategy: Strategy) -> dict[str, tuple[str, ...]]:
    """Return name -> names it starts after, in an order that respects them all.

    Under REST_FOR_ONE a child also starts after the one before it in the list; the link does not,
    and nobody waits for it unless he says so.

    Raises:
        ValueError: Two children of one name, an unknown name, or a cycle, which is named.
    """
    waits = {child.name: list(child.after) for child in children}
    if len(waits) != len(children):
        raise ValueError("two children have the same name")
    if strategy is Strategy.REST_FOR_ONE:
        rest = [child.name for child in children if not child.is_link]
        for before, name in pairwise(rest):
            waits[name].append(before)
    ordered: dict[str, tuple[str, ...]] = {}
    for name in waits:
        _place(name, waits, ordered, ())
    return ordered


def _place(
    name: str,
    waits: dict[str, list[str]],
    ordered: dict[str, tuple[str, ...]],
    trail: tuple[str, ...],
) -> None:
    if name in trail:
        circle = " -> ".join((*trail[trail.index(name) :], name))
        raise ValueError(f"children start after each other in a circle: {circle}")
    if name in ordered:
        return
    for earlier in waits[name]:
        if earlier not in waits:
            raise ValueError(f"{name} starts after {earlier}, and there is no such child")
        _place(earlier, waits, ordered, (*trail, name))
    ordered[name] = tuple(waits[name])
