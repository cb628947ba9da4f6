"""A whole daemon: its end, what a service may cost, what a start with a spent budget is."""

from pathlib import Path

import pytest

from flight.core.types import Mode
from flight.services.daemon import EXIT_BUG
from flight.services.notify import SystemdNotify
from flight.services.store import COMMIT_EVERY_S, WRITE_TIMEOUT_S
from flight.services.stored_state import ParameterSet, RunPhase
from flight.services.supervised import TaskState
from tests.system.flying import REF1, config_with
from tests.unit.assembled import NS_PER_S, Assembled


def test_a_bug_at_the_end_of_a_renewal_makes_it_no_planned_end(tmp_path: Path) -> None:
    def close() -> None:
        raise KeyError("bug")

    def act(flown: Assembled) -> None:
        flown.daemon._renew("memory")
        flown.daemon.recorder.close = close

    flown = Assembled(tmp_path, act=act).fly()
    assert isinstance(flown.error, KeyError)
    assert flown.ending.exit_code == EXIT_BUG
    assert flown.kept().run_phase is not RunPhase.ENDED


def test_the_service_manager_hears_of_the_end_before_anything_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody strokes its watchdog from then on, and an end may take longer than that waits."""
    running: list[list[str]] = []

    def stopping(_notify: SystemdNotify) -> None:
        supervisor = flown.daemon.supervisor
        assert supervisor is not None
        tasks = supervisor.tree().children
        running.append([task.name for task in tasks if task.state is TaskState.RUNNING])

    monkeypatch.setattr(SystemdNotify, "stopping", stopping)
    flown = Assembled(tmp_path)
    flown.fly()
    assert len(running) == 1
    assert {"link", "store", "workload", "cycle"} <= set(running[0])


def test_the_service_manager_hears_once_that_the_daemon_is_in_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take the start for one that failed, and end the process."""
    acted_ns: list[int] = []
    monkeypatch.setattr(
        SystemdNotify, "ready", lambda _notify: acted_ns.append(flown.daemon.control_ns)
    )
    flown = Assembled(tmp_path, seconds=4.0)
    flown.fly()
    assert len(acted_ns) == 1 and acted_ns[0] > 0


def test_a_service_beyond_its_budget_costs_the_node_no_computing(tmp_path: Path) -> None:
    """The node flies without it; SAFE would mend nothing."""

    def fail() -> None:
        raise KeyError("bug")

    def act(flown: Assembled) -> None:
        flown.daemon.time.look = fail

    config = config_with(supervision={"task_restarts_max": 0})
    flown = Assembled(tmp_path, config=config, act=act, seconds=4.0).fly()
    decision = flown.daemon.cycle.last_decision
    assert decision is not None
    assert flown.kept().budgets_ns["time/last"], "its ladder is at the end"
    assert decision.mode is not Mode.SAFE


def test_a_store_whose_disk_hangs_is_not_taken_for_a_store_that_does(tmp_path: Path) -> None:
    """It tells of the disk by itself, each time that a write has taken too long."""
    flown = Assembled(tmp_path, seconds=0.2).fly()
    stalls_s = {child.name: child.stall_s for child in flown.daemon.parts.services}
    assert stalls_s["store"] > WRITE_TIMEOUT_S + COMMIT_EVERY_S
    assert stalls_s["time"] == REF1.supervision.stall_s


@pytest.mark.parametrize(("is_spent", "setpoint_c"), [(True, 82.0), (False, 80.0)])
def test_a_spent_crash_budget_leaves_parameters_aside_and_stored(
    tmp_path: Path, is_spent: bool, setpoint_c: float
) -> None:
    changed = ParameterSet({"guard.setpoint_c": 80.0}, {})
    first = Assembled(tmp_path, seconds=0.2).fly()
    first.daemon.store.update(
        run_phase=RunPhase.RUNNING, is_backing_off=is_spent, parameters=changed
    )
    assert first.daemon.store.commit()
    again = Assembled(tmp_path, files=first.files, begin_ns=1010 * NS_PER_S, seconds=0.2).fly()
    assert again.daemon.cycle.config.core.guard.setpoint_c == setpoint_c
    assert again.kept().parameters.active == changed.active
