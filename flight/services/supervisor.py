"""A supervisor: named tasks that are restarted by a policy, within a budget, and never given up.

The first restarts come at once. When a task has used up its budget the next rung of the restart
ladder acts (restart_ladder.py), and at the end of the ladder the task is tried once per back-off,
for ever: restarting is bounded in rate, never final. A supervisor may be a child of another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from flight.core.types import Event, Severity
from flight.services.nap import Nap
from flight.services.restart_budget import Escalation
from flight.services.restart_ladder import BACK_OFF_S, Action, Rung
from flight.services.supervised import (
    STOP_TIMEOUT_S,
    Child,
    Policy,
    Strategy,
    TaskState,
    TaskStatus,
    start_order,
)
from flight.services.supervisor_slot import Ask, AskKind, Slot

__all__ = ["BACK_OFF_S", "STOP_TIMEOUT_S", "Child", "Policy", "Strategy", "Supervisor"]

NS_PER_S = 1_000_000_000
SURE_STOP_TIMEOUT_S = 1.0  # after a cancel; a task that ignores it is left behind and named
ABANDONED_MAX = 1  # runs of one child that may be left behind while another one runs
READY_LOOK_S = 0.02  # how often the watch looks while tasks start
START_LOOK_S = 2.0  # how long it looks that often; assumed


class Supervisor:
    """Runs its children until `shutdown`.

    Args:
        children: Started in this order as far as `after` allows, stopped in the reverse order.
        now_ns: Monotonic clock, the same as the event loop's.
        name: Stands before the names of the children where their budgets are kept.
        strategy: Which children start again when one has failed.
        on_event: Called with each restart, end and escalation; `untold` counts when it raises.
        on_budget_spent: Called with the child and its error each time a run fails beyond the
            budget.
        back_off_s: Between attempts, when no escalation is given.
        escalation: Budgets and acts of the ladder, shared by all supervisors of a tree; None:
            budgets in memory, no acts.
        watch_period_s: How often progress is looked at.

    Errors of a child never reach its siblings. Cancelling `run` cancels all children at once.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        now_ns: Callable[[], int],
        name: str = "",
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        on_event: Callable[[Event], None] = lambda _event: None,
        on_budget_spent: Callable[[Child, Exception | None], None] = lambda _child, _error: None,
        back_off_s: float = BACK_OFF_S,
        escalation: Escalation | None = None,
        watch_period_s: float = 1.0,
    ) -> None:
        by_name = {child.name: child for child in children}
        prefix = f"{name}." if name else ""
        self._slots = {
            own: Slot(by_name[own], prefix + own, after)
            for own, after in start_order(children, strategy).items()
        }
        self.name = name
        self.untold = 0  # events that a listener raised for
        self._now_ns = now_ns
        self._strategy = strategy
        self._on_event = on_event
        self._on_budget_spent = on_budget_spent
        if escalation is None:
            escalation = Escalation(boot_ns=now_ns, back_off_s=back_off_s)
        self._escalation = escalation
        self._watch_period_s = watch_period_s
        self._state, self._since_ns = TaskState.WAITING, 0
        self._nap = Nap()  # woken by the start of a child: the watch looks more often for a while

    @property
    def restarts(self) -> dict[str, int]:
        """Unplanned restarts of each child so far."""
        return {name: slot.restarts for name, slot in self._slots.items()}

    def as_child(self, name: str, **options: Any) -> Child:
        """Return this supervisor as a child of another."""
        return Child(name=name, start=self.run, nested=self, **options)

    def tree(self) -> TaskStatus:
        """Return the status of all children."""
        return TaskStatus(
            name=self.name or "supervisor",
            state=self._state,
            policy=Policy.PERMANENT,
            since_ns=self._since_ns,
            children=tuple(
                slot.status(self._escalation.left(slot.child, slot.path))
                for slot in self._slots.values()
            ),
        )

    def why_unhealthy(self) -> str:
        """Return the vital children that do not run, with their state; "" for none."""
        return ", ".join(
            f"{name} is {slot.state}"
            for name, slot in self._slots.items()
            if slot.child.is_vital and slot.state is not TaskState.RUNNING
        )

    async def run(self) -> None:
        """Run all children; return when every one has ended for good."""
        loop = asyncio.get_running_loop()
        self._state, self._since_ns = TaskState.RUNNING, self._now_ns()
        for slot in self._slots.values():
            slot.begin_keeping(loop)
        try:
            async with asyncio.TaskGroup() as outer:
                watch = outer.create_task(self._watch(), name=f"watch {self.name}")
                async with asyncio.TaskGroup() as group:
                    for name, slot in self._slots.items():
                        slot.keeper = group.create_task(self._keep(slot), name=f"keep {name}")
                watch.cancel()
        finally:
            self._state, self._since_ns = TaskState.STOPPED, self._now_ns()
            for slot in self._slots.values():  # when its parent starts it again, all start
                slot.is_stopping = False

    def restart(self, name: str, reason: str) -> None:
        """Start one child again on purpose: asked first, then cancelled. It spends no budget.

        A child that is backing off starts at once; one that has ended for good stays so.

        Raises: KeyError, when there is no such child.
        """
        slot = self._slots[name]
        if slot.keeper is not None and not slot.keeper.done():
            slot.want(AskKind.PLANNED, reason)

    async def stop(self, name: str) -> None:
        """End one child for good: ask it, wait, cancel it when it takes too long.

        Raises: KeyError, when there is no such child.
        """
        slot = self._slots[name]
        slot.is_stopping = True
        if slot.keeper is not None and not slot.keeper.done():
            slot.want(AskKind.STOP, "stop")
            await asyncio.wait([slot.keeper])  # bounded: it asks, cancels and gives up in time

    async def shutdown(self) -> None:
        """End all children in the reverse order of their start, one after the other."""
        for name in reversed(tuple(self._slots)):
            await self.stop(name)

    # ---- one child ----

    async def _keep(self, slot: Slot) -> None:
        """Run one child again and again, by its policy."""
        try:
            delay_s = self._escalation.start_delay_s(slot.child, slot.path)
            if delay_s > 0.0:
                await self._back_off(slot, delay_s)
            while await self._may_start(slot):
                ask, error = await self._run_once(slot)
                if slot.is_stopping:
                    self._report_end(slot, error)
                elif not await self._answer(slot, ask, error):
                    break
        finally:
            slot.enter(TaskState.STOPPED, self._now_ns())

    async def _may_start(self, slot: Slot) -> bool:
        """Wait until those it starts after are ready; return False when it is to stop."""
        while not slot.is_stopping:
            slot.take()
            pending = [self._slots[name].ready for name in slot.after]
            pending = [ready for ready in pending if not ready.done()]
            if not pending:
                return True
            slot.enter(TaskState.WAITING, self._now_ns())
            await asyncio.wait([pending[0], slot.asked], return_when=asyncio.FIRST_COMPLETED)
        return False

    async def _run_once(self, slot: Slot) -> tuple[Ask | None, Exception | None]:
        """Run until it ends or is asked to; return the wish, if any, and its error."""
        child = slot.child
        if child.ready is not None:
            child.ready.clear()
        slot.enter(TaskState.STARTING, self._now_ns())
        slot.idle_ns, slot.last_progress = 0, slot.read_progress()
        # Not in a TaskGroup: that would wait for a run which ignores being cancelled.
        task = asyncio.get_running_loop().create_task(_call(child.start), name=child.name)
        slot.task = task
        self._nap.wake()
        if child.ready is None and child.progress is None:
            slot.become_ready(self._now_ns())
        ask = None
        try:
            await asyncio.wait([task, slot.asked], return_when=asyncio.FIRST_COMPLETED)
            ask = slot.take()
            if not task.done() and ask is not None:
                await self._end(slot, task, ask)
        finally:
            slot.task = None
            if not task.done() and task not in slot.left_behind:  # run() itself was cancelled
                await self._cancel(slot, task)
        error = _error_of(task)
        if error is not None or child.policy is not Policy.TEMPORARY:
            slot.lose_ready()  # what a temporary task has done stays done
        return ask, error

    async def _end(self, slot: Slot, task: asyncio.Task[None], ask: Ask) -> None:
        """Make a run end: ask it, unless it stalls; then cancel it; then leave it behind."""
        child = slot.child
        if ask.kind is not AskKind.STALLED:
            try:
                if child.stop is not None:
                    child.stop()
                    await asyncio.wait([task], timeout=child.stop_timeout_s)
                elif child.nested is not None:
                    async with asyncio.timeout(child.stop_timeout_s):
                        await child.nested.shutdown()
                        await asyncio.wait([task])
            except Exception as error:  # noqa: BLE001  # a bug of the child: it is cancelled
                slot.last_error = _say(error)
        if not task.done():
            await self._cancel(slot, task)

    async def _cancel(self, slot: Slot, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task], timeout=SURE_STOP_TIMEOUT_S)
        if not task.done():
            slot.left_behind.append(task)
            text = "does not end, even when cancelled, and is left behind"
            self._report("task.stuck", Severity.WARNING, slot, text)

    async def _answer(self, slot: Slot, ask: Ask | None, error: Exception | None) -> bool:
        """Do what the end of a run calls for; return whether the child starts again."""
        if ask is not None and ask.kind in (AskKind.PLANNED, AskKind.SIBLING):
            slot.restarts_planned += 1
            self._report("task.restart_planned", Severity.INFO, slot, f"starts again: {ask.reason}")
            await self._end_rest(slot)
            return await self._wait_for_left_behind(slot)
        if ask is not None:
            error = TimeoutError(ask.reason)
        if not _is_restarted(slot.child.policy, error):
            self._report_end(slot, error)
            return False
        slot.last_error = _say(error)
        await self._end_rest(slot)
        await self._act(slot, error)
        if slot.is_stopping or not await self._wait_for_left_behind(slot):
            return False
        slot.restarts += 1
        self._report(
            "task.restart", Severity.WARNING, slot, f"starts again after {slot.last_error}"
        )
        return True

    async def _act(self, slot: Slot, error: Exception | None) -> Action:
        """Count a failure, let the ladder act, and wait as long as it says."""
        action = self._escalation.fail(slot.child, slot.path)
        if action.rung is not Rung.TASK:
            child = slot.child
            text = (
                f"budget of {child.restarts_max} restarts in {child.window_s:g} s spent: "
                f"{_say(error)}; {_NEXT[action.rung]}, next start in {action.delay_s:g} s"
            )
            self._report("task.budget_spent", Severity.CRITICAL, slot, text)
            self._tell(self._on_budget_spent, child, error)
        if action.delay_s > 0.0:
            await self._back_off(slot, action.delay_s)
        return action

    async def _back_off(self, slot: Slot, delay_s: float) -> None:
        """Wait; a stop or a planned restart ends it."""
        if slot.is_stopping:
            return
        slot.enter(TaskState.BACKING_OFF, self._now_ns())
        slot.take()
        await asyncio.wait([slot.asked], timeout=delay_s)

    async def _wait_for_left_behind(self, slot: Slot) -> bool:
        """Start no third run beside two that ignore being cancelled; go up the ladder meanwhile."""
        child = slot.child
        patience_s = child.window_s / (child.restarts_max + 2)  # so that its budget gets spent
        while slot.count_left_behind() > ABANDONED_MAX and not slot.is_stopping:
            slot.enter(TaskState.ABANDONED, self._now_ns())
            slot.take()
            await asyncio.wait(
                [*slot.left_behind, slot.asked],
                timeout=patience_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if slot.count_left_behind() > ABANDONED_MAX and not slot.is_stopping:
                await self._act(slot, TimeoutError("two runs ignore being cancelled"))
        return not slot.is_stopping

    async def _end_rest(self, slot: Slot) -> None:
        """End what started after it, when the strategy says so; each starts again in its turn."""
        if self._strategy is not Strategy.REST_FOR_ONE or slot.child.is_link:
            return
        names = tuple(self._slots)
        slots = [self._slots[name] for name in names[names.index(slot.child.name) + 1 :]]
        rest = [other for other in slots if other.is_running and not other.child.is_link]
        for other in rest:
            other.lose_ready()  # so that the last one does not start again before the first
        for other in reversed(rest):
            task = other.task
            if task is None or task.done():
                continue
            other.want(AskKind.SIBLING, f"{slot.child.name} failed or was restarted")
            patience_s = other.child.stop_timeout_s + SURE_STOP_TIMEOUT_S
            await asyncio.wait([task], timeout=patience_s)

    # ---- progress ----

    async def _watch(self) -> None:
        """Look for tasks that have become ready, and for those that make no progress."""
        last_ns = self._now_ns()
        children = [slot.child for slot in self._slots.values()]
        if not any(child.progress or child.ready for child in children):
            return
        while True:
            pause_s = self._look_pause_s(last_ns)
            await self._nap.sleep(pause_s)
            now_ns = self._now_ns()
            # When the loop itself was held nobody could make progress: that time does not count.
            elapsed_ns = min(now_ns - last_ns, round(2.0 * pause_s * NS_PER_S))
            last_ns = now_ns
            for slot in self._slots.values():
                if slot.state in (TaskState.STARTING, TaskState.RUNNING):
                    self._look(slot, elapsed_ns, now_ns)

    def _look_pause_s(self, now_ns: int) -> float:
        for slot in self._slots.values():
            age_ns = now_ns - slot.since_ns
            if slot.state is TaskState.STARTING and age_ns < START_LOOK_S * NS_PER_S:
                return min(READY_LOOK_S, self._watch_period_s)
        return self._watch_period_s

    def _look(self, slot: Slot, elapsed_ns: int, now_ns: int) -> None:
        child, progress = slot.child, slot.read_progress()
        has_moved, slot.last_progress = progress != slot.last_progress, progress
        if slot.state is TaskState.STARTING:
            is_ready = has_moved if child.ready is None else child.ready.is_set()
            if is_ready:
                slot.become_ready(now_ns)
        elif child.progress is None:
            return  # it runs, and has named nothing to look at
        slot.idle_ns = 0 if has_moved else slot.idle_ns + elapsed_ns
        if child.stall_s <= 0.0 or slot.idle_ns < child.stall_s * NS_PER_S:
            return
        text = f"no progress for {slot.idle_ns / NS_PER_S:.1f} s"
        slot.enter(TaskState.STALLED, now_ns)
        self._report("task.stalled", Severity.WARNING, slot, text)
        slot.want(AskKind.STALLED, text)

    # ---- words ----

    def _report_end(self, slot: Slot, error: Exception | None) -> None:
        if error is None and slot.is_stopping:
            return  # as it was asked
        severity = Severity.INFO if error is None else Severity.WARNING
        self._report("task.end", severity, slot, f"ended after {_say(error)}")

    def _report(self, event_id: str, severity: Severity, slot: Slot, text: str) -> None:
        event = Event(
            self._now_ns(), event_id, severity, slot.child.name, text, float(slot.restarts)
        )
        self._tell(self._on_event, event)

    def _tell(self, listen: Callable[..., None], *what: object) -> None:
        """Call a listener; a bug of his must not end the supervisor, and with it every task."""
        try:
            listen(*what)
        except Exception:  # noqa: BLE001
            self.untold += 1


_NEXT = {
    Rung.SAFE: "the node goes to SAFE",
    Rung.EXIT: "the process ends",
    Rung.WATCHDOG: "the watchdog is left to reset the host",
    Rung.LAST: "the last rung",
}


async def _call(start: Callable[[], Awaitable[None]]) -> None:
    try:
        await start()
    except SystemExit as error:  # would end the loop, and with it all the others
        raise RuntimeError(f"the task called for an exit: {error}") from error


def _error_of(task: asyncio.Task[None]) -> Exception | None:
    if not task.done():
        return None  # left behind
    if task.cancelled():
        return None if task.cancelling() else RuntimeError("the task cancelled itself")
    error = task.exception()
    return error if error is None or isinstance(error, Exception) else RuntimeError(repr(error))


def _is_restarted(policy: Policy, error: Exception | None) -> bool:
    if policy is Policy.PERMANENT:
        return True
    return policy is Policy.TRANSIENT and error is not None


def _say(error: Exception | None) -> str:
    if error is None:
        return "a normal return"
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"
