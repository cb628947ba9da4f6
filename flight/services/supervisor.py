"""A supervisor: named tasks that are restarted by a policy, within a budget, and never given up.

The first restarts come at once. When a task has used up its budget the supervisor escalates, so
that
the next rung of the ladder can act, and from then on tries the task once per BACK_OFF_S, for ever:
restarting is bounded in rate, never final. A supervisor may be a child of another.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flight.core.types import Event, Severity

NS_PER_S = 1_000_000_000
BACK_OFF_S = 600.0  # docs/design/modes.md: one attempt per 10 minutes
STOP_TIMEOUT_S = 5.0
SURE_STOP_TIMEOUT_S = 1.0  # after a cancel; a task that ignores it is left behind and named


class Policy(StrEnum):
    """When a task that ended is started again."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # when it ended by an exception
    TEMPORARY = "temporary"  # never


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
    """

    name: str
    start: Callable[[], Awaitable[None]]
    policy: Policy = Policy.PERMANENT
    restarts_max: int = 3
    window_s: float = 600.0
    stop: Callable[[], None] | None = None
    stop_timeout_s: float = STOP_TIMEOUT_S


class Supervisor:
    """Runs its children until `shutdown`.

    Args:
        children: Started in this order, stopped in the reverse order.
        now_ns: Monotonic clock, the same as the event loop's.
        on_event: Called with each restart, end and escalation; must not raise.
        on_budget_spent: Called with the child and its error each time a run fails beyond the
            budget; must not raise. At most one call per child and back_off_s.

    Errors of a child never reach its siblings. Cancelling `run` cancels all children at once.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        now_ns: Callable[[], int],
        on_event: Callable[[Event], None] = lambda _event: None,
        on_budget_spent: Callable[[Child, Exception | None], None] = lambda _child, _error: None,
        back_off_s: float = BACK_OFF_S,
    ) -> None:
        if len({child.name for child in children}) != len(children):
            raise ValueError("two children have the same name")
        self.restarts = {child.name: 0 for child in children}
        self._children = {child.name: child for child in children}
        self._now_ns = now_ns
        self._on_event = on_event
        self._on_budget_spent = on_budget_spent
        self._back_off_s = back_off_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_stopping: set[str] = set()
        self._is_backing_off: set[str] = set()

    async def run(self) -> None:
        """Run all children; return when every one has ended for good."""
        async with asyncio.TaskGroup() as group:
            for child in self._children.values():
                if child.name not in self._is_stopping:
                    task = group.create_task(self._keep(child), name=child.name)
                    self._tasks[child.name] = task

    async def stop(self, name: str) -> None:
        """End one child for good: ask it, wait, cancel it when it takes too long.

        Raises: KeyError, when there is no such child.
        """
        child = self._children[name]
        self._is_stopping.add(name)
        task = self._tasks.get(name)
        if task is None or task.done():
            return
        if child.stop is not None and name not in self._is_backing_off:
            child.stop()
            await asyncio.wait([task], timeout=child.stop_timeout_s)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=SURE_STOP_TIMEOUT_S)
        if not task.done():
            self._report("task.stuck", Severity.WARNING, child, "does not end, even when cancelled")

    async def shutdown(self) -> None:
        """End all children in the reverse order of their start, one after the other."""
        for name in reversed(tuple(self._children)):
            await self.stop(name)

    async def _keep(self, child: Child) -> None:
        """Run one child again and again, by its policy."""
        starts_ns: deque[int] = deque()  # of the restarts within the window
        window_ns = round(child.window_s * NS_PER_S)
        while child.name not in self._is_stopping:
            error: Exception | None = None
            try:
                await child.start()
            except asyncio.CancelledError:
                if _is_cancelled_from_outside():
                    raise
                error = RuntimeError("the task cancelled itself")
            except Exception as caught:  # noqa: BLE001  # a restart is the answer to all of them
                error = caught
            if child.name in self._is_stopping or not _is_restarted(child.policy, error):
                self._report_end(child, error)
                return
            now_ns = self._now_ns()
            while starts_ns and now_ns - starts_ns[0] > window_ns:
                starts_ns.popleft()
            if len(starts_ns) >= child.restarts_max:
                await self._back_off(child, error)
                starts_ns.clear()
                starts_ns.extend([self._now_ns()] * child.restarts_max)  # one attempt, then again
            else:
                starts_ns.append(now_ns)
                await asyncio.sleep(0.0)  # a task that fails at once must not hold the loop
            self.restarts[child.name] += 1
            self._report(
                "task.restart", Severity.WARNING, child, f"starts again after {_say(error)}"
            )

    async def _back_off(self, child: Child, error: Exception | None) -> None:
        text = (
            f"budget of {child.restarts_max} restarts in {child.window_s:g} s spent: {_say(error)}"
        )
        self._report("task.budget_spent", Severity.CRITICAL, child, text)
        self._on_budget_spent(child, error)
        self._is_backing_off.add(child.name)
        try:
            await asyncio.sleep(self._back_off_s)
        finally:
            self._is_backing_off.discard(child.name)

    def _report_end(self, child: Child, error: Exception | None) -> None:
        if error is None and child.name in self._is_stopping:
            return  # as it was asked
        severity = Severity.INFO if error is None else Severity.WARNING
        self._report("task.end", severity, child, f"ended after {_say(error)}")

    def _report(self, event_id: str, severity: Severity, child: Child, text: str) -> None:
        count = float(self.restarts[child.name])
        self._on_event(Event(self._now_ns(), event_id, severity, child.name, text, count))


def _is_restarted(policy: Policy, error: Exception | None) -> bool:
    if policy is Policy.PERMANENT:
        return True
    return policy is Policy.TRANSIENT and error is not None


def _is_cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _say(error: Exception | None) -> str:
    if error is None:
        return "a normal return"
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"
