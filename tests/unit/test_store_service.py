"""The store as a service: when it writes, what it takes from a cycle, and how it counts time."""

import asyncio
import threading
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from flight.core.rails import PayloadPhase, Phase
from flight.core.types import Command, Decision, Event, Inputs, Mode, Restored
from flight.services import store, stored_state
from flight.services.remembered import Watch, remembered
from flight.services.slot_file import OsFiles
from flight.services.store import HostBoot, Store
from flight.services.stored_state import OperatorLimit, ParameterSet, RunPhase
from sim_hw.clock import SimLoop, run_simulated
from tests.core_node import Node
from tests.unit.slot_disk import CutDisk
from tests.unit.store_bench import FULL, NS_PER_S, Bench

# ---- the service ----


def fly(bench: Bench, kept: Store, seconds: float, changes: dict[float, dict]) -> None:
    """Run the store in virtual time, with changes at their times, then end it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        start_ns = bench.now_ns - loop.now_ns()

        def tick() -> None:
            bench.now_ns = start_ns + loop.now_ns()

        async with asyncio.TaskGroup() as group:
            group.create_task(kept.run())
            for at_s, change in sorted(changes.items()):
                await asyncio.sleep(at_s - loop.time())
                tick()
                kept.update(**change)
            while loop.time() < seconds:
                await asyncio.sleep(1.0)
                tick()
            kept.request_end()

    run_simulated(main())


def test_changes_are_written_within_a_second_and_an_idle_store_writes_nothing() -> None:
    disk = CutDisk()
    bench = Bench(disk)
    kept = bench.opened()
    changes = {0.2 + 0.05 * k: {"run_count": k + 1} for k in range(40)}
    fly(bench, kept, 30.0, changes)
    assert bench.store().open()[0].run_count == 40
    assert 3 <= kept.health.commits <= 5, "many changes, few writes"
    assert kept.progress >= 30


def test_the_end_writes_what_is_dirty() -> None:
    bench = Bench()
    kept = bench.opened()
    fly(bench, kept, 3.0, {2.99: {"run_count": 77}})
    assert bench.store().open()[0].run_count == 77


def test_a_slow_disk_does_not_hold_the_loop(tmp_path: Path, monkeypatch) -> None:
    """A write that hangs is a value; the loop goes on; what came meanwhile is written after it."""
    is_released = threading.Event()

    class Slow(OsFiles):
        def fdatasync(self, descriptor: int) -> None:
            is_released.wait()
            super().fdatasync(descriptor)

    events: list[Event] = []
    kept = Store(
        tmp_path / "node.state",
        host=HostBoot(boot_id="b", now_ns=lambda: NS_PER_S),
        now_ns=lambda: 0,
        on_event=events.append,
        files=Slow(),
        in_thread=True,
    )
    monkeypatch.setattr(store, "WRITE_TIMEOUT_S", 0.05)

    async def main() -> None:
        kept.open()
        assert await kept.secure()  # the file is built with fsync
        kept.update(run_count=1)
        assert not await kept.secure()
        assert kept.health.error == "the disk does not answer" and kept.health.is_dirty
        assert not await kept.secure()
        assert not kept.commit()
        is_released.set()
        kept.update(run_count=2)
        monkeypatch.setattr(store, "WRITE_TIMEOUT_S", 60.0)
        assert await kept.secure()

    asyncio.run(main())
    assert kept.health.ok
    assert events[0].event_id == "store.write_failed"
    again = Store(tmp_path / "node.state", host=kept._host, now_ns=lambda: 0)
    assert again.open()[0].run_count == 2


def test_a_write_that_comes_late_does_not_replace_a_newer_one() -> None:
    """A thread may be overtaken on its way to the disk by the last commit of a run."""
    bench = Bench()
    kept = bench.opened()
    late = kept._prepare()
    kept.update(run_count=5)
    assert kept.commit()
    assert kept._write(*late) == ""
    assert bench.store().open()[0].run_count == 5


# ---- times ----


def test_a_back_off_ends_when_a_run_has_been_in_control_long_enough() -> None:
    for phase, now_s, is_over in (
        (RunPhase.RUNNING, 608, False),
        (RunPhase.RUNNING, 609, True),
        (RunPhase.STARTING, 5000, False),
    ):
        state = replace(FULL, run_phase=phase)
        after = stored_state.stable(state, now_s * NS_PER_S)
        assert after.is_backing_off is not is_over, (phase, now_s)


def test_times_of_an_earlier_host_boot_count_as_if_this_boot_had_just_begun_with_them() -> None:
    state = stored_state.in_this_boot(FULL, "boot-2", 20 * NS_PER_S)
    assert state.boot_count == 4 and state.host_boot_id == "boot-2"
    assert state.starts_ns == (0, 0)
    assert state.budgets_ns == {"process": (0,)}
    assert state.attempt_ns == 0
    later = stored_state.in_this_boot(FULL, "boot-2", 601 * NS_PER_S)
    assert later.starts_ns == ()


def test_what_is_over_is_dropped_and_nothing_changes_while_nothing_is() -> None:
    assert stored_state.pruned(FULL, 50 * NS_PER_S) is FULL
    after = stored_state.pruned(FULL, 607 * NS_PER_S)
    assert after.starts_ns == (9 * NS_PER_S,)
    assert after.operator_limits == ()
    assert stored_state.pruned(FULL, 2 * 86400 * NS_PER_S).budgets_ns == {}


def test_old_starts_leave_the_disk_while_the_daemon_runs() -> None:
    """Else a host boot a year later would take them for new ones."""
    bench = Bench().holding(replace(FULL, parameters=ParameterSet()))
    kept = bench.opened()
    fly(bench, kept, 700.0, {})
    again = Bench(bench.files, boot_id="boot-2")
    assert again.store().open()[0].starts_ns == ()


def test_operator_limits_keep_their_time_left_over_runs_and_host_boots() -> None:
    bench = Bench()
    kept = bench.opened()
    kept.update(
        operator_limits=(
            OperatorLimit("accel0", 300.0, "ops", bench.now_ns + 200 * NS_PER_S),
            OperatorLimit("all", 500.0, "fleet", 0),
        )
    )
    fly(bench, kept, 100.0, {})
    bench.now_ns = 10 * NS_PER_S + 120 * NS_PER_S
    same = bench.opened()
    limits = same.restored(0).operator_limits_w
    assert limits == (("accel0", 300.0, "ops", 80.0), ("all", 500.0, "fleet", inf))
    other = Bench(bench.files, boot_id="boot-2")
    (_, _, _, left_s), forever = other.opened().restored(0).operator_limits_w
    assert 100.0 <= left_s <= 160.0, "as of the last commit, at most a minute ago"
    assert forever[3] == inf


def test_restart_budgets_are_kept_by_name() -> None:
    bench = Bench()
    kept = bench.opened()
    assert kept.load("link") == ()
    kept.save("link", (1, 2))
    kept.save("process", tuple(range(1, 100)))
    assert kept.commit()
    again = bench.opened()
    assert again.load("link") == (1, 2)
    assert again.load("process") == tuple(range(68, 100))


# ---- what a cycle tells ----


def cycle(node: Node, kept: Store, *commands: Command) -> Decision:
    decided = node.cycle(*commands)
    kept.record(Inputs(now_ns=node.now_ns, snapshot=node.snapshot()), decided)
    return decided


def test_mode_and_limits_and_latches_come_from_the_cycle() -> None:
    node, bench = Node(), Bench()
    kept = bench.opened(core_state=lambda: node.state)
    for _ in range(60):
        cycle(node, kept)
    assert kept.state.mode is Mode.NOMINAL
    assert kept.state.operator_limits == () and kept.state.latched == ()
    arguments = (("subject", "accel2"), ("cap_w", 333.0), ("duration_s", 60.0))
    bench.now_ns = node.now_ns + 5 * NS_PER_S  # CLOCK_BOOTTIME is ahead by a sleep
    cycle(node, kept, Command("1", "operator_limit", arguments))
    (limit,) = kept.state.operator_limits
    assert limit.subject == "accel2" and limit.cap_w == 333.0
    assert limit.until_ns == pytest.approx(bench.now_ns + 60 * NS_PER_S, abs=NS_PER_S)
    pairs = list(node.state.pairs)
    pairs[4] = pairs[4]._replace(phase=Phase.LATCHED_OFF)
    pumps = node.state.pumps._replace(failed=(False, True))
    node.state = replace(node.state, pairs=tuple(pairs), pumps=pumps)
    kept.record(Inputs(now_ns=node.now_ns, snapshot=node.snapshot()), node.decision)
    assert kept.state.latched == ("accel4", "pump_b")


def test_what_an_operator_asked_for_comes_from_the_cycle_and_goes_back_into_it() -> None:
    """A restart must not enable what was disabled, nor forget a budget or an inhibit."""
    node, bench = Node(), Bench()
    bench.now_ns = 1000 * NS_PER_S
    kept = bench.opened(core_state=lambda: node.state)
    for _ in range(60):
        cycle(node, kept)
    for name, arguments in (
        ("disable_accelerator", {"subject": "accel6"}),
        ("node_budget", {"power_w": 4321.0}),
        ("inhibit_response", {"name": "guard", "duration_s": 100.0}),
        ("inhibit_fault", {"id": "loop.leak", "duration_s": 200.0}),
        ("operator_limit", {"subject": "accel1", "cap_w": 300.0, "owner": "ops"}),
    ):
        cycle(node, kept, Command(name, name, tuple(arguments.items())))
    assert kept.commit()
    bench.now_ns += 40 * NS_PER_S
    found = bench.opened().restored(1)
    assert (found.disabled, found.budget_w) == (("accel6",), 4321.0)
    assert [(name, round(left_s)) for name, left_s in found.inhibits] == [("guard", 60)]
    assert [(name, round(left_s)) for name, left_s in found.inhibited_faults] == [
        ("loop.leak", 160)
    ]
    second = Node(rails_found_on=True)
    second.restored = found
    second.cycle()
    operator = second.state.operator
    assert operator.disabled == (False,) * 6 + (True, False)
    assert operator.budget_w == 4321.0
    ends = [operator.inhibits[0], operator.inhibited_faults[0]]
    assert [(name, round((ns - second.now_ns) / NS_PER_S)) for name, ns in ends] == [
        ("guard", 60), ("loop.leak", 160),
    ]  # fmt: skip
    assert operator.limits[0][:3] == (1, 300.0, "ops")
    assert second.fly(60.0).cap_w[6] == 0.0, "what was disabled stays off"


def test_an_inhibit_ends_in_its_time_over_host_boots() -> None:
    bench = Bench().holding(replace(FULL, parameters=ParameterSet()))
    other = Bench(bench.files, boot_id="boot-2")
    other.now_ns += 1000 * NS_PER_S
    found = other.opened().restored(1)
    assert found.inhibits == (("guard", 60.0),)
    assert found.inhibited_faults == (("loop.leak", 50.0),)
    fly(other, other.opened(), 55.0, {})
    left = other.opened().restored(1)
    assert len(left.inhibits) == 1 and left.inhibited_faults == ()


def test_latches_of_before_a_restart_stay_remembered_until_they_are_sensed() -> None:
    """A crash in the first second of a run must not forget them; nor who is retired."""
    node = Node(rails_found_on=True)
    node.mute = {"rails_a", "rails_b"}
    node.restored = Restored(
        restart_count=1, same_boot=True, latched=("accel1", "payload_54v"), retired=("accel0",)
    )
    node.cycle()
    seen = remembered(node.state, 1000)
    assert set(seen.latched) == {"accel0", "accel1", "payload_54v"}
    assert seen.retired == ("accel0",)


CHANGES = {  # of the state of the core, and what the store then holds
    "pairs": (lambda was: (was[0]._replace(phase=Phase.LATCHED_OFF), *was[1:]), "latched"),
    "payload": (lambda was: was._replace(phase=PayloadPhase.LATCHED_OFF), "latched"),
    "pumps": (lambda was: was._replace(failed=(False, True)), "latched"),
    "operator": (lambda was: was._replace(budget_w=4000.0), "budget_w"),
    "accels": (lambda was: (was[0]._replace(retired="worn"), *was[1:]), "retired"),
}


@pytest.mark.parametrize("part", CHANGES)
def test_each_part_that_outlives_a_run_is_seen_to_change_by_itself(part: str) -> None:
    node = Node()
    node.cycle()
    watch = Watch(lambda: node.state)
    before = watch.look(lambda: 0, 0)
    assert before is not None and watch.look(lambda: 0, 0) is None
    change, name = CHANGES[part]
    node.state = replace(node.state, **{part: change(getattr(node.state, part))})
    after = watch.look(lambda: 0, 0)
    assert after is not None and getattr(after, name) != getattr(before, name)


def decision(mode: Mode) -> Decision:
    return Decision(mode=mode, desired=np.empty(0), cap_w=(), cap_reason=())


def test_boot_and_degraded_do_not_replace_the_mode_that_they_lead_back_to() -> None:
    node = Node()
    kept = Bench().opened()
    seen = []
    for mode in (Mode.STANDBY, Mode.BOOT, Mode.DEGRADED, Mode.SAFE, Mode.BOOT, Mode.SURVIVAL):
        kept.record(Inputs(now_ns=1, snapshot=node.snapshot()), decision(mode))
        seen.append(kept.state.mode)
    assert seen == [Mode.STANDBY] * 3 + [Mode.SAFE] * 2 + [Mode.SURVIVAL]


def test_a_cycle_that_changes_nothing_leaves_the_state_alone() -> None:
    node = Node()
    kept = Bench().opened(core_state=lambda: node.state)
    for _ in range(60):
        cycle(node, kept)
    before = kept.state
    kept.record(Inputs(now_ns=node.now_ns, snapshot=node.snapshot()), node.decision)
    assert kept.state is before
