"""S10: every restart chain is bounded in rate, and its last rung is SAFE with the link up.

A model of tasks, processes and hosts runs the shipped ladder against any mix of failures. It counts
the starts of each task itself and compares them with the stated formula.
"""

import asyncio
import functools
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flight.services import restart_budget, restart_ladder
from flight.services.restart_budget import Escalation, MemoryBudgetStore
from flight.services.restart_ladder import (
    DEFAULT_RUNGS,
    NS_PER_S,
    Action,
    Rung,
    restarts_max,
)
from flight.services.supervised import Child, Strategy, TaskState
from flight.services.supervisor import Supervisor
from sim_hw.clock import SimLoop, run_simulated

WINDOWS_S = (60.0, 600.0, 3600.0, 86400.0)
DAY_S = 86400.0


async def never() -> None:
    raise AssertionError("the model does not run tasks")


def child(name: str, *rungs: Rung, **options) -> Child:
    return Child(name=name, start=never, rungs=rungs, **options)


LINK = child("link", is_link=True, is_optional=True)
CHILDREN = (
    LINK,
    child("cycle", Rung.SAFE, Rung.EXIT, Rung.WATCHDOG, restarts_max=3, window_s=600.0),
    child("sense", Rung.EXIT, Rung.SAFE, restarts_max=5, window_s=60.0),
    child("recorder", Rung.SAFE, restarts_max=0),
    child("metrics", is_optional=True),
)


class Step(NamedTuple):
    """Let time pass, then let something happen: a failure of a task, or of more."""

    after_s: float
    what: str  # the name of a task, "exit" (process killed), "reset" (host), "quiet"
    at_start: bool = False  # the task fails at the moment it starts, whenever that is


class Window:
    """Counts what happened in a sliding window."""

    def __init__(self, window_s: float) -> None:
        self.window_ns, self.times = round(window_s * NS_PER_S), deque()

    def add(self, now_ns: int) -> int:
        self.times.append(now_ns)
        return self.count(now_ns)

    def count(self, now_ns: int) -> int:
        while self.times and self.times[0] < now_ns - self.window_ns:
            self.times.popleft()
        return len(self.times)


class Node:
    """Tasks, process and host around the shipped ladder. Time is that of an outside observer."""

    store_class: type[MemoryBudgetStore] = MemoryBudgetStore
    survives = True  # the store outlives the process

    def __init__(self) -> None:
        self.now_ns = 10**12
        self.store = self.store_class()
        self.acts: list[tuple[Rung, str]] = []
        self.start_ns: dict[str, int | None] = {}  # None: it runs
        self.processes = {w: Window(w) for w in WINDOWS_S}  # starts of the process
        self.counts = {c.name: {w: Window(w) for w in WINDOWS_S} for c in CHILDREN}
        self.resets = 0
        self.fails_at_start: set[str] = set()
        self.last_action: dict[str, Action] = {}
        self.begin_process()

    # -- what the world does --

    def step(self, step: Step) -> None:
        self.pass_time(step.after_s)
        if step.what == "exit":
            self.end_process()
        elif step.what == "reset":
            self.reset_host()
        elif step.what != "quiet":
            if step.at_start:
                self.fails_at_start.add(step.what)
            if self.start_ns[step.what] is None:
                self.fail(step.what)
        self.check()

    def pass_time(self, seconds: float) -> None:
        until_ns = self.now_ns + round(seconds * NS_PER_S)
        while True:
            due = [(t, name) for name, t in self.start_ns.items() if t is not None]
            if not due or min(due)[0] > until_ns:
                break
            self.now_ns, name = min(due)
            self.start(name)
        self.now_ns = until_ns

    # -- what the node does --

    def end_process(self) -> None:
        """A killed process: who waits for an attempt of the last rung waits in the next one too."""
        waits = {
            name: start_ns
            for name, start_ns in self.start_ns.items()
            if start_ns is not None and name in self.last_action
            if self.last_action[name].rung is Rung.LAST
        }
        resets = self.resets
        self.begin_process()
        if not self.survives or self.resets != resets:  # a reset counts all as just happened
            return
        for name, due_ns in waits.items():
            start_ns = self.start_ns[name]
            is_early = due_ns > self.now_ns and (start_ns is None or start_ns < due_ns)
            assert not is_early, f"{name} starts in a new process too early"

    def begin_process(self) -> None:
        for window in self.processes.values():
            window.add(self.now_ns)
        if not self.survives:
            self.store = self.store_class()
        acts = {rung: lambda path, r=rung: self.acts.append((r, path)) for rung in Rung}
        self.escalation = Escalation(boot_ns=lambda: self.now_ns, store=self.store, acts=acts)
        for c in CHILDREN:
            delay_s = self.escalation.start_delay_s(c, c.name)
            self.start_ns[c.name] = self.now_ns + round(delay_s * NS_PER_S)
        self.pass_time(0.0)

    def reset_host(self) -> None:
        """The boot clock begins anew: all that was kept counts as if it had just happened."""
        self.resets += 1
        times = self.store.times
        self.store.times = {name: (self.now_ns,) * len(kept) for name, kept in times.items()}
        self.begin_process()

    def start(self, name: str) -> None:
        self.start_ns[name] = None
        for window_s, window in self.counts[name].items():
            count = window.add(self.now_ns)
            bound = bound_of(name, window_s) + self.processes[window_s].count(self.now_ns)
            assert count <= bound, f"{name}: {count} starts in {window_s:g} s, bound {bound}"
        if name in self.fails_at_start:
            self.fails_at_start.discard(name)
            self.fail(name)

    def fail(self, name: str) -> None:
        failed = next(c for c in CHILDREN if c.name == name)
        link_before, self.acts = self.start_ns["link"], []
        action = self.escalation.fail(failed, name)
        assert math.isfinite(action.delay_s), f"{name} is given up for ever"
        self.last_action[name] = action
        self.start_ns[name] = self.now_ns + round(action.delay_s * NS_PER_S)
        if name != "link":
            assert self.start_ns["link"] == link_before, f"{name} took the link along"
        if action.rung >= Rung.SAFE and not failed.is_optional:
            assert (Rung.SAFE, name) in self.acts, f"{action} without SAFE"
        if action.rung is Rung.LAST and not failed.is_optional:
            assert (Rung.LAST, name) in self.acts, f"{action} without the golden configuration"
        if action.rung is Rung.EXIT:
            self.end_process()
        elif action.rung is Rung.WATCHDOG:
            self.reset_host()

    def check(self) -> None:
        """No task ever waits longer than its back-off: nothing is final."""
        for name, start_ns in self.start_ns.items():
            longest_s = 60.0 if name == "link" else 600.0
            wait_s = 0.0 if start_ns is None else (start_ns - self.now_ns) / NS_PER_S
            assert wait_s <= longest_s, f"{name} waits {wait_s:g} s"

    def check_the_end(self) -> None:
        """When failures end: the link is up in a minute, all in ten; after a day all is new."""
        self.fails_at_start.clear()
        self.pass_time(60.0)
        assert self.start_ns["link"] is None, "the link is not up"
        self.pass_time(540.0)
        assert set(self.start_ns.values()) == {None}, self.start_ns
        self.pass_time(DAY_S)
        for c in CHILDREN:
            for _ in range(c.restarts_max):
                self.fail(c.name)
                assert self.last_action[c.name] == Action(Rung.TASK, 0.0), "the budget is not back"
                self.pass_time(0.0)


@functools.cache
def bound_of(name: str, window_s: float) -> int:
    """Starts in any window: those of its own ladder, and the first."""
    found = next(c for c in CHILDREN if c.name == name)
    acts = dict.fromkeys(Rung, lambda _path: None)
    chain = Escalation(boot_ns=lambda: 0, acts=acts).chain(found, name)
    return restarts_max(chain, window_s) + 1


NAMES = [c.name for c in CHILDREN]
WHATS = [*NAMES, *NAMES, "exit", "exit", "reset", "quiet"]
AFTERS_S = [0.0, 0.0, 0.001, 1.0, 30.0, 59.9, 60.0, 60.1, 599.9, 600.0, 600.1, 3600.0, 7200.0]
steps = st.builds(
    Step,
    after_s=st.one_of(st.sampled_from(AFTERS_S), st.floats(0.0, 4000.0)),
    what=st.sampled_from(WHATS),
    at_start=st.booleans(),
)


def fly(sequence: list[Step], node: Node | None = None) -> Node:
    node = Node() if node is None else node
    for step in sequence:
        node.step(step)
    node.check_the_end()
    return node


def fly_all(sequences: list[list[Step]]) -> None:
    for sequence in sequences:
        fly(sequence)


@given(st.lists(steps, max_size=120))
@example([Step(0.0, "cycle", at_start=True)] * 60)
@example([Step(0.0, "exit")] * 30)
@example([Step(60.1, "exit")] * 30 + [Step(0.0, "link")] * 5)
def test_s10_no_sequence_of_failures_restarts_unboundedly_or_ends_without_the_link(
    sequence,
) -> None:
    fly(sequence)


def storm(seed: int, count: int) -> list[Step]:
    """A long run: phases in which one thing fails as fast as it can, and mixed ones."""
    rng = random.Random(seed)
    sequence: list[Step] = []
    while len(sequence) < count:
        whats = rng.choice([[rng.choice(WHATS)], ["cycle", "exit"], NAMES, WHATS])
        afters_s = rng.choice([[0.0], [1.0], [60.1], AFTERS_S, [rng.uniform(0.0, 1000.0)]])
        sequence += [
            Step(rng.choice(afters_s), rng.choice(whats), rng.random() < 0.5)
            for _ in range(rng.choice([3, 30, 300]))
        ]
    return sequence


def steps_max() -> int:
    """A twentieth of a million steps as a rule, over a million in `make property`."""
    return 300_000 if settings().max_examples >= 1000 else 12_500


@pytest.mark.parametrize("seed", range(4))
def test_s10_holds_through_storms_of_failures(seed: int) -> None:
    print(f"seed {seed}, {steps_max()} steps")
    fly(storm(seed, steps_max()))


# ---- the same of the supervisor itself, in virtual time ----

ENDS = ("raises", "returns", "hangs", "swallows")
runs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.3, 7.0, 61.0, 700.0]), st.sampled_from(ENDS)),
    min_size=1,
    max_size=8,
)


class Task:
    """Lives as long as it is told, run after run (the last one for ever), then goes wrong."""

    def __init__(self, lives: list[tuple[float, str]]) -> None:
        self.lives, self.starts_ns, self.progress, self.is_over = lives, [], 0, False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.starts_ns.append(loop.now_ns())
        life_s, end = self.lives[min(len(self.starts_ns), len(self.lives)) - 1]
        until_ns = loop.now_ns() + round(life_s * NS_PER_S)
        while loop.now_ns() < until_ns:
            await asyncio.sleep(min(2.0, (until_ns - loop.now_ns()) / NS_PER_S))
            self.progress += 1
        if end == "raises":
            raise OSError("device")
        while end in {"hangs", "swallows"} and not self.is_over:
            try:
                await asyncio.sleep(10_000.0)
            except asyncio.CancelledError:
                if end == "hangs":
                    raise


@given(st.dictionaries(st.sampled_from(NAMES[1:]), runs, min_size=1), st.sampled_from(Strategy))
@settings(max_examples=max(15, settings().max_examples // 20))
def test_s10_the_supervisor_keeps_the_bound_and_the_link(lives, strategy) -> None:
    tasks = {name: Task(lives.get(name, [(1e9, "returns")])) for name in NAMES}
    safe: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        children = [
            replace(c, start=t.run, progress=lambda t=t: t.progress, stall_s=5.0)
            for c, t in zip(CHILDREN, tasks.values(), strict=True)
        ]
        acts = {rung: lambda _path: None for rung in Rung} | {Rung.SAFE: safe.append}
        escalation = Escalation(boot_ns=loop.now_ns, acts=acts)
        supervisor = Supervisor(
            children, now_ns=loop.now_ns, strategy=strategy, escalation=escalation
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(), name="supervisor")
            await asyncio.sleep(5000.0)
            for status in supervisor.tree().children:
                assert status.state is not TaskState.STOPPED, status
            await supervisor.shutdown()
        for task in tasks.values():
            task.is_over = True

    run_simulated(main())
    assert len(tasks["link"].starts_ns) == 1, "the link was restarted for another's failure"
    before = 0  # those that started before a task take it along under rest-for-one
    for name, task in list(tasks.items())[1:]:
        for window_s in WINDOWS_S[:3]:
            window = Window(window_s)
            count = max((window.add(t) for t in task.starts_ns), default=0)
            along = 0 if strategy is Strategy.ONE_FOR_ONE else before
            assert count <= bound_of(name, window_s) + along, (name, window_s)
        before += len(task.starts_ns)


def test_a_task_that_always_fails_climbs_every_rung_in_order_and_then_is_tried_for_ever() -> None:
    node, rungs = Node(), []
    node.fails_at_start.clear()
    for _ in range(40):
        node.step(Step(1.0, "cycle"))
        rungs.append(node.last_action["cycle"].rung)
        node.pass_time(600.0 if rungs[-1] is Rung.LAST else 0.0)
    climbed = [rung for index, rung in enumerate(rungs) if rungs[:index].count(rung) == 0]
    assert climbed == [Rung.TASK, Rung.SAFE, Rung.EXIT, Rung.WATCHDOG, Rung.LAST]
    assert set(rungs[12:]) == {Rung.LAST}
    assert rungs.count(Rung.EXIT) == 2


# ---- the test can fail ----


def forget_to_persist(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Node, "survives", False)


def forget_to_prune(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restart_ladder, "within", lambda times, _window, _now: times)


def forget_a_crash_in_start_up(patch: pytest.MonkeyPatch) -> None:
    shipped = Escalation.fail

    def fail(self: Escalation, failed: Child, path: str) -> Action:
        times = shipped.__globals__["load_spent"](self._store, self.chain(failed, path))
        action = shipped(self, failed, path)
        for name, kept in zip(restart_ladder.keys(self.chain(failed, path)), times, strict=True):
            self._store.save(name, kept)  # as if it had not been
        return action

    patch.setattr(Escalation, "fail", fail)


def give_up(patch: pytest.MonkeyPatch) -> None:
    shipped = restart_ladder.decide

    def decide(chain, spent, now_ns):
        spent, action = shipped(chain, spent, now_ns)
        delay_s = math.inf if action.rung is Rung.LAST else action.delay_s
        return spent, Action(action.rung, delay_s)

    patch.setattr(restart_budget, "decide", decide)


def back_off_as_long_for_the_link(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restart_budget.Escalation, "chain", _chain_without_a_link)


_SHIPPED_CHAIN = Escalation.chain


def _chain_without_a_link(self: Escalation, found: Child, path: str) -> restart_ladder.Chain:
    return _SHIPPED_CHAIN(self, found, path)._replace(back_off_s=self._back_off_s)


def end_without_safe(patch: pytest.MonkeyPatch) -> None:
    shipped = Escalation._carry_out

    def carry_out(self: Escalation, rung: Rung, path: str) -> None:
        if rung is not Rung.SAFE:
            shipped(self, rung, path)

    patch.setattr(Escalation, "_carry_out", carry_out)


def start_the_held_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Escalation, "start_delay_s", lambda _self, _child, _path: 0.0)


def forget_the_last_attempt(patch: pytest.MonkeyPatch) -> None:
    shipped = restart_ladder.decide

    def decide(chain, spent, now_ns):
        spent, action = shipped(chain, spent, now_ns)
        emptied = ((),) * len(spent) if action.rung is Rung.LAST else spent
        return emptied, action

    patch.setattr(restart_budget, "decide", decide)


PLANTED: list[tuple[Callable[[pytest.MonkeyPatch], None], str]] = [
    (forget_to_persist, "starts in"),
    (forget_to_prune, "budget is not back|starts in"),
    (forget_a_crash_in_start_up, "starts in"),
    (give_up, "given up for ever"),
    (back_off_as_long_for_the_link, "link"),
    (end_without_safe, "without SAFE"),
    (start_the_held_at_once, "starts in"),
    (forget_the_last_attempt, "starts in"),
]


@pytest.mark.parametrize(("plant", "message"), PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_a_planted_fault_of_the_ladder_is_found(plant, message, monkeypatch) -> None:
    bound_of.cache_clear()
    for name in NAMES:
        for window_s in WINDOWS_S:
            bound_of(name, window_s)  # of the shipped ladder
    plant(monkeypatch)
    always = [Step(1.0, what) for what in ("cycle", "exit", "link", "sense") for _ in range(400)]
    storms = [always, [Step(0.0, "cycle", at_start=True)] * 100, storm(1, 3000)]
    with pytest.raises(AssertionError, match=message):
        fly_all(storms)


@pytest.mark.parametrize("rung", DEFAULT_RUNGS, ids=[b.rung.name for b in DEFAULT_RUNGS])
def test_every_rung_beyond_the_task_waits_and_recovers_within_its_window(rung) -> None:
    chain = restart_ladder.Chain("a", (rung,))
    spent: restart_ladder.Spent = ((), ())
    for _ in range(rung.count_max):
        spent, action = restart_ladder.decide(chain, spent, 0)
        assert action == Action(rung.rung, rung.settle_s)
    assert restart_ladder.decide(chain, spent, 0)[1] == Action(Rung.LAST, 600.0)
    window_ns = round(rung.window_s * NS_PER_S)
    assert restart_ladder.decide(chain, spent, window_ns)[1].rung is Rung.LAST
    assert restart_ladder.decide(chain, spent, window_ns + 1)[1].rung is rung.rung
