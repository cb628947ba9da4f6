"""The daemon put together: what its parts do for each other, from the start to the end."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from flight.core.types import Ack, Command, Inputs, Mode, Severity
from flight.dictionary import events as event_table
from flight.operator_error import OperatorError
from flight.services.cycle import COMMANDS_MAX
from flight.services.daemon import EXIT_BUG, EXIT_OK, EXIT_RENEW
from flight.services.loop_watch import Finding
from flight.services.recording import RecordingReader
from flight.services.slot_file import MemoryFiles
from flight.services.stored_state import RunPhase
from flight.services.supervisor import Supervisor
from flight.services.workload import MemoryClient
from tests.system.flying import config_with
from tests.unit.assembled import NS_PER_S, Assembled

DISABLE = Command("d", "disable_accelerator", (("subject", "accel6"),))


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_more: Any) -> None:
        raise error

    return fail


def set_attribute(path: str, value: object) -> Callable[[Assembled], None]:
    """Return an act that replaces an attribute of the daemon."""
    *owners, name = path.split(".")

    def act(flown: Assembled) -> None:
        owner: Any = flown.daemon
        for part in owners:
            owner = getattr(owner, part)
        setattr(owner, name, value)

    return act


# ---- the end ----


@pytest.mark.parametrize(
    ("path", "is_planned", "code"),
    [
        ("", True, EXIT_OK),
        ("status.write", True, EXIT_BUG),  # a picture for people is no reason
        ("recorder.close", False, EXIT_BUG),
    ],
)
def test_only_an_end_in_order_is_a_planned_one(
    tmp_path: Path, path: str, is_planned: bool, code: int
) -> None:
    act = set_attribute(path, failing(KeyError("bug"))) if path else lambda _flown: None
    flown = Assembled(tmp_path, act=act).fly()
    assert (flown.kept().run_phase is RunPhase.ENDED) is is_planned
    assert flown.ending.exit_code == code
    assert isinstance(flown.error, KeyError) is bool(path)


def test_a_bug_of_the_supervisor_itself_is_no_planned_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "_watch", failing(RuntimeError("bug")))
    flown = Assembled(tmp_path).fly()
    assert isinstance(flown.error, BaseException)
    assert flown.kept().run_phase is not RunPhase.ENDED
    again = Assembled(tmp_path, files=flown.files, begin_ns=2000 * NS_PER_S).fly()
    assert "boot.planned" not in again.ids(), "the run before did not end in order"


def test_a_renewal_is_a_planned_end_with_its_own_code(tmp_path: Path) -> None:
    flown = Assembled(tmp_path, act=lambda flown: flown.daemon._renew("memory")).fly()
    assert (flown.ending.exit_code, flown.kept().run_phase) == (EXIT_RENEW, RunPhase.ENDED)


def test_commands_that_no_cycle_took_are_answered_at_the_end(tmp_path: Path) -> None:
    answers: list[Ack] = []

    def act(flown: Assembled) -> None:
        flown.daemon.link.answer = lambda _now_ns, ack: answers.append(ack)
        flown.daemon.rate_group._entries = ()  # no cycle runs
        flown.daemon.submit(DISABLE)

    Assembled(tmp_path, act=act, seconds=0.5).fly()
    assert answers == [Ack("d", False, "interrupted: the daemon ends")]


# ---- commands ----


def test_each_command_has_its_answer_on_the_link_whatever_became_of_it(tmp_path: Path) -> None:
    answers: list[Ack] = []

    def act(flown: Assembled) -> None:
        daemon, answer = flown.daemon, flown.daemon.link.answer
        daemon.link.answer = lambda now_ns, ack: (answers.append(ack), answer(now_ns, ack))
        daemon.cycle._step, step = failing(KeyError("bug")), daemon.cycle._step
        for k in range(COMMANDS_MAX + 1):
            daemon.submit(DISABLE._replace(command_id=str(k)))

        def mend() -> None:
            daemon.cycle._step = step
            daemon.submit(DISABLE)

        asyncio.get_running_loop().call_later(0.25, mend)

    flown = Assembled(tmp_path, act=act).fly()
    assert answers[0] == Ack("64", False, f"{COMMANDS_MAX} commands already wait")
    assert {ack.reason for ack in answers[1:-1]} == {"interrupted: the cycle failed"}
    assert (answers[-1].command_id, answers[-1].ok) == ("d", True)
    assert sorted(ack.command_id for ack in answers) == sorted(
        [*map(str, range(COMMANDS_MAX + 1)), "d"]
    ), "one answer each"
    assert flown.daemon.link.outbox.lost == [0, 0, 0, 0]


def test_a_parameter_command_that_comes_at_the_end_is_answered_too(tmp_path: Path) -> None:
    late = Command("late", "discard_parameters")
    flown = Assembled(tmp_path).fly()
    answers: list[Ack] = []
    flown.daemon.link.answer = lambda _now_ns, ack: answers.append(ack)
    flown.daemon.submit(late)
    assert flown.daemon.cycle.acks[-1] == Ack("late", False, "interrupted: the daemon ends")
    assert answers == [flown.daemon.cycle.acks[-1]], "on the link as well"


# ---- what outlives a run ----


def test_what_an_operator_disabled_stays_so_over_a_restart(tmp_path: Path) -> None:
    first = Assembled(tmp_path, act=lambda flown: flown.daemon.submit(DISABLE)).fly()
    assert first.kept().disabled == ("accel6",)
    second = Assembled(tmp_path, files=first.files, begin_ns=2000 * NS_PER_S).fly()
    assert second.daemon.cycle.state.operator.disabled[6]
    assert second.kept().disabled == ("accel6",)


def test_a_state_that_is_given_up_in_flight_forgets_neither_latches_nor_wishes(
    tmp_path: Path,
) -> None:
    """As after a restart: what a new process would take over, the same process takes over."""
    seen: list[tuple[Mode, bool, tuple[str, ...]]] = []

    def act(flown: Assembled) -> None:
        cycle = flown.daemon.cycle
        step, fails = cycle._step, [5, 6]  # twice in a row, after some good ones

        def sometimes(config: Any, state: Any, inputs: Any) -> Any:
            count = len(seen)
            seen.append((Mode.BOOT, False, ()))
            if count in fails:
                raise KeyError("bug")
            return step(config, state, inputs)

        cycle._step = sometimes
        flown.daemon.submit(DISABLE)

    flown = Assembled(tmp_path, act=act).fly()
    cycle = flown.daemon.cycle
    assert len(seen) > 10 and cycle.state.operator.disabled[6]
    assert flown.kept().disabled == ("accel6",)


def test_a_late_cycle_before_the_first_step_forgets_nothing_in_the_store(tmp_path: Path) -> None:
    first = Assembled(tmp_path, act=lambda flown: flown.daemon.submit(DISABLE)).fly()
    kept: list[tuple[str, ...]] = []

    def act(flown: Assembled) -> None:
        daemon = flown.daemon
        daemon.cycle._last_ns = -NS_PER_S  # as if a step had raised a second ago
        daemon.cycle.run(0)
        assert daemon.cycle.late_count == 1
        kept.append(daemon.store.state.disabled)

    Assembled(tmp_path, files=first.files, act=act, begin_ns=2000 * NS_PER_S).fly()
    assert kept == [("accel6",)]


# ---- the start ----


def test_the_wait_after_too_many_crashes_comes_once_in_a_run(tmp_path: Path) -> None:
    """A cycle that fails later on has its own ladder; nothing is won by ten more minutes."""
    starts_s: list[float] = []

    def act(flown: Assembled) -> None:
        daemon = flown.daemon
        daemon._wait_s = 3.0
        step = daemon.cycle._step

        def first_fails(config: Any, state: Any, inputs: Any) -> Any:
            starts_s.append(inputs.now_ns / NS_PER_S)
            if len(starts_s) == 1:
                raise KeyError("bug")
            return step(config, state, inputs)

        daemon.cycle._step = first_fails

    flown = Assembled(tmp_path, act=act, seconds=5.0).fly()
    assert starts_s[:2] == pytest.approx([3.0, 3.1], abs=0.05)
    assert flown.kept().attempt_ns == pytest.approx(1003 * NS_PER_S, abs=0.1 * NS_PER_S)


@pytest.mark.parametrize(("count_max", "mode"), [(3, Mode.SAFE), (5, Mode.NOMINAL)])
def test_so_many_crashes_lead_to_safe_as_the_configuration_says(
    tmp_path: Path, count_max: int, mode: Mode
) -> None:
    files = MemoryFiles()
    config = config_with(modes={"restart_count_max": count_max})
    for k in range(3):  # crashes: nothing of the last run is said to have ended
        begin_ns = (1000 + k) * NS_PER_S
        flown = Assembled(
            tmp_path,
            files=files,
            config=config,
            begin_ns=begin_ns,
            seconds=0.3,
            act=lambda flown: flown.daemon.store.update(mode=Mode.NOMINAL),
        )
        flown.fly()
        flown.daemon.store.update(run_phase=RunPhase.RUNNING, mode=Mode.NOMINAL)
        assert flown.daemon.store.commit()
    again = Assembled(tmp_path, files=files, config=config, begin_ns=1010 * NS_PER_S, seconds=0.1)
    starts: list[Mode | None] = []
    again._act = lambda flown: starts.append(flown.daemon.store.state.mode)
    again.fly()
    assert starts == [mode]


def test_the_restart_budget_is_that_of_the_configuration(tmp_path: Path) -> None:
    config = config_with(supervision={"task_restarts_max": 1, "task_window_s": 77.0})
    flown = Assembled(tmp_path, config=config, act=set_attribute("time.look", failing(KeyError())))
    flown.fly()
    budgets = {(c.restarts_max, c.window_s) for c in flown.daemon.parts.services if c.stop}
    assert budgets == {(1, 77.0)}
    assert (flown.daemon.parts.restarts_max, flown.daemon.parts.window_s) == (1, 77.0)
    assert len(flown.kept().budgets_ns["time/task"]) == 1, "it outlives the process"
    spent = [e for e in flown.events if e.event_id == "task.budget_spent"]
    assert [e.subject for e in spent] == ["time"]
    assert "budget of 1 restarts in 77 s" in spent[0].text


def test_a_file_that_is_no_recording_is_an_operators_mistake_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "recording.db").write_text("a" * 200)
    flown = Assembled(tmp_path)
    with pytest.raises(OperatorError, match="is there and is no recording; move it away"):
        flown.fly()
    assert not flown.files.files, "nothing was counted"


def test_what_the_start_has_to_tell_is_told_once_there_is_somebody_to_tell(tmp_path: Path) -> None:
    flown = Assembled(tmp_path).fly()
    assert flown.ids()[:2] == ["store.created", "boot.planned"]
    with RecordingReader(tmp_path / "recording.db") as recording:
        assert {"store.created", "boot.planned"} <= {e.event_id for e in recording.events()}


# ---- what goes into a cycle ----


def test_each_cycle_sees_what_plan_orbit_and_jobs_say(tmp_path: Path) -> None:
    out, path = tmp_path / "out", tmp_path / "plan.json"
    out.mkdir()
    steps = [["2030-01-01T00:00:00Z", 444.0]]
    path.write_text(json.dumps({"valid_until_utc": "2099-01-01T00:00:00Z", "steps": steps}))
    seen: list[Inputs] = []

    class Sink:
        def record(self, inputs: Inputs, _decision: Any) -> None:
            seen.append(inputs)

    def act(flown: Assembled) -> None:
        flown.runner._sinks.sinks.append(Sink())
        MemoryClient(flown.daemon.inputs.workload.hub).hello("job", (3,), demand_w=321.0)

    config = config_with(plan_input={"path": str(path)})
    flown = Assembled(out, config=config, act=act, seconds=4.0).fly()
    last = seen[-1]
    assert last.plan is not None and last.plan.caps_w[0] == (444.0,) * 8
    assert last.orbit is not None and last.orbit.spans_ns
    assert (last.claims[3].client, last.claims[3].demand_w) == ("job", 321.0)
    takers = {type(sink).__name__ for sink in flown.runner._sinks.sinks}
    wanted = {"RecorderBatch", "Link", "Store", "StatusWriter", "EvidenceService", "WorkloadPort"}
    assert wanted <= takers


# ---- the restart ladder ----


def fails_from(seconds: float, until_s: float) -> Callable[[Assembled], None]:
    def act(flown: Assembled) -> None:
        step = flown.daemon.cycle._step

        def failing_step(config: Any, state: Any, inputs: Any) -> Any:
            if seconds <= inputs.now_ns / NS_PER_S < until_s:
                raise KeyError("bug")
            return step(config, state, inputs)

        flown.daemon.cycle._step = failing_step

    return act


def test_a_cycle_beyond_its_budget_asks_for_safe_first(tmp_path: Path) -> None:
    config = config_with(supervision={"task_restarts_max": 0})
    flown = Assembled(tmp_path, config=config, act=fails_from(0.5, 0.55)).fly()
    decision = flown.daemon.cycle.last_decision
    assert decision is not None and decision.mode is Mode.SAFE
    assert flown.ending.exit_code == EXIT_OK


def test_a_cycle_beyond_repair_ends_the_process_which_is_no_planned_end(tmp_path: Path) -> None:
    config = config_with(supervision={"task_restarts_max": 1})
    flown = Assembled(tmp_path, config=config, act=fails_from(0.5, 1e9), seconds=60.0).fly()
    assert flown.ending.exit_code == EXIT_BUG
    assert flown.daemon.rate_group.stats.lateness.count < 20, "it ends at the rung, not in time"
    assert flown.kept().run_phase is not RunPhase.ENDED


def test_a_service_that_stalls_is_named_and_started_again(tmp_path: Path) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    def act(flown: Assembled) -> None:
        child = next(c for c in flown.daemon.parts.services if c.name == "time")
        object.__setattr__(child, "start", hang)

    flown = Assembled(tmp_path, act=act, seconds=8.0).fly()
    stalled = [event for event in flown.events if event.event_id == "task.stalled"]
    assert {event.subject for event in stalled} == {"time"}


def test_the_priority_is_asked_for_once_however_often_the_cycle_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flight.assembly.take_priority", lambda _priority: "not permitted")

    def act(flown: Assembled) -> None:
        object.__setattr__(flown.daemon.place, "is_virtual", False)  # who is virtual never asks
        fails_from(0.5, 0.75)(flown)

    flown = Assembled(tmp_path, act=act).fly()
    assert flown.ids().count("task.restart") >= 2
    assert flown.ids().count("priority.refused") == 1


# ---- one bug takes nobody along ----


def test_a_service_that_cannot_take_a_cycle_takes_no_other_along(tmp_path: Path) -> None:
    taken: list[int] = []

    class Last:
        def record(self, inputs: Any, _decision: Any) -> None:
            taken.append(inputs.now_ns)

    def act(flown: Assembled) -> None:
        flown.daemon.status.record = failing(KeyError("bug"))
        flown.runner._sinks.sinks.append(Last())
        # `nightside sim` stops at such a bug; the daemon does not
        flown.daemon.rate_group._entries = flown.daemon.rate_group._entries[:-1]

    flown = Assembled(tmp_path, act=act).fly()
    assert flown.error is None
    assert len(taken) == 21 and flown.runner._sinks.failures == 21
    told = [event for event in flown.events if event.event_id == "daemon.service_failed"]
    assert len(told) == 1 and told[0].severity is Severity.WARNING
    assert "StatusWriter failed" in told[0].text and "KeyError: 'bug'" in told[0].text
    assert "task.restart" not in flown.ids(), "the cycle did not fail"


def test_a_taker_of_events_that_fails_silences_no_other(tmp_path: Path) -> None:
    act = set_attribute("recorder.note", failing(KeyError("bug")))
    flown = Assembled(tmp_path, act=act)
    flown.fly()
    assert "link.up" in flown.ids()
    assert "daemon.service_failed" in flown.ids()


def test_a_simulated_flight_ends_at_a_bug_of_a_service(tmp_path: Path) -> None:
    """In flight the others go on; in simulation no bug passes unseen."""
    flown = Assembled(tmp_path, act=set_attribute("status.record", failing(KeyError("bug"))))
    flown.fly()
    assert isinstance(flown.runner._bug, KeyError)


def test_a_full_disk_does_not_starve_the_watchdog(tmp_path: Path) -> None:
    """A reset of the host would not empty it; the node flies on and says so."""
    strokes: list[str] = []

    def full(*_arguments: Any) -> int:
        raise OSError(28, "No space left on device")

    def act(flown: Assembled) -> None:
        flown.daemon.watchdog._stroke = lambda: strokes.append("stroke")
        flown.files.pwrite = full  # type: ignore[method-assign]

    flown = Assembled(tmp_path, act=act).fly()
    daemon = flown.daemon
    assert daemon.store.health.error == "No space left on device"
    daemon.watchdog._seen = {}
    daemon.watchdog._now_ns = lambda: daemon.cycle.acted_ns
    daemon.supervisor = None
    daemon.watchdog.look()
    assert strokes == ["stroke"]


def test_what_holds_the_loop_is_logged_while_it_holds_it(tmp_path: Path) -> None:
    """The loop may never come back to tell."""

    def act(flown: Assembled) -> None:
        with structlog.testing.capture_logs() as logged:
            flown.daemon.loop_watch._on_found(Finding(0.3, "a.py:1 slow", "b.py:2 read"))
        assert [(line["event"], line["text"]) for line in logged] == [
            ("daemon.blocked", "held for 0.30 s by a.py:1 slow, in b.py:2 read")
        ]

    assert Assembled(tmp_path, act=act, seconds=0.2).fly().error is None


# ---- status ----


def test_every_section_of_the_status_can_be_written_as_json_at_any_time(tmp_path: Path) -> None:
    written: list[str] = []

    def act(flown: Assembled) -> None:
        def write() -> None:
            written.append(json.dumps(flown.daemon.status.document("x"), allow_nan=False))

        write()
        asyncio.get_running_loop().call_later(1.95, write)

    Assembled(tmp_path, act=act).fly()
    first, last = map(json.loads, written)
    assert not [part for part in last.values() if isinstance(part, dict) and set(part) == {"error"}]
    assert set(first) | {"view"} == set(last)
    assert last["start"]["run_count"] == 1 and last["start"]["was_planned"]
    assert last["tasks"][0]["state"] == "running"
    names = [task["name"] for task in last["tasks"]]
    assert names[:2] == ["supervisor", "link"] and names[-1] == "cycle"
    assert last["link"]["state"] == "up" and last["recorder"]["rows_lost"] == 0
    assert last["time"]["is_trusted"] and last["store"]["ok"]
    assert last["orbit"]["sunlit"] in (True, False)
    assert last["cycle"]["count"] == 20
    assert last["parameters"] == {"active": {}, "staged": {}, "is_confirmed": True}
    assert last["plan"]["accepted"] == 0 and last["watchdog"]["strokes"] == 0
    assert sum(count for _edge, count in last["cycle"]["lateness_histogram"]) == 20


def test_a_status_of_a_daemon_that_has_ended_shows_no_task_that_runs(tmp_path: Path) -> None:
    Assembled(tmp_path).fly()
    document = json.loads((tmp_path / "status.json").read_text())
    assert document["state"] == "ended"
    assert {task["state"] for task in document["tasks"]} == {"stopped"}


def test_a_section_that_fails_costs_itself_alone(tmp_path: Path) -> None:
    flown = Assembled(tmp_path)

    def act(flown: Assembled) -> None:
        flown.daemon.status._sections["orbit"] = failing(KeyError("bug"))
        flown.daemon.status._sections["loop"] = lambda: {"blocks": float("nan")}
        document = flown.daemon.status.document("x")
        assert document["orbit"] == {"error": "KeyError: 'bug'"}
        assert document["start"]
        flown.daemon.status.write("running")
        assert flown.daemon.status.error.startswith("ValueError: Out of range float values")

    flown._act = act
    assert flown.fly().error is None


# ---- events ----


def test_no_event_id_means_two_things() -> None:
    tables = [event_table.FAULTS, event_table.TRANSITIONS, event_table.SERVICES]
    names = [name for table in tables for name in table]
    assert sorted(set(names)) == sorted(names)
