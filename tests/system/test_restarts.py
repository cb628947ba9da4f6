"""kill -9 of `nightside run` at random times: it always starts again, and nothing acknowledged is
lost. The trials are benchmarks/restarts.py.
"""

import json
import statistics
from pathlib import Path

import pytest

from benchmarks.restarts import (
    CONTROL_S_MAX,
    KEY,
    Trials,
    answers,
    fly_trials,
    lost_of,
    scenario_text,
    setpoint_c,
)
from flight.services.stored_state import ParameterSet, StoredState
from tests.system.flying import refused


def check(trials: Trials) -> None:
    print(f"seed {trials.seed}: {trials.acknowledged} commands, {trials.evidence} records")
    assert not trials.wrong, "\n".join(trials.wrong)
    assert len(trials.control_s) >= 1


def test_a_killed_daemon_starts_again_and_keeps_what_it_acknowledged() -> None:
    trials = fly_trials(3, seed=2)  # after 3.4, 3.3 and 0.2 s
    check(trials)


@pytest.mark.verify
def test_a_hundred_kills_lose_nothing_and_control_comes_back_in_time() -> None:
    trials = fly_trials(100, seed=1)
    check(trials)
    assert trials.acknowledged > 300 and trials.evidence > 30
    median_s = statistics.median(trials.control_s)
    print(f"time to control: median {median_s:.2f} s, max {max(trials.control_s):.2f} s")
    assert median_s <= CONTROL_S_MAX


# ---- the trials can fail ----


def state(active: float = 0.0, before: float | None = None, staged: float = 0.0) -> StoredState:
    values = {KEY: active} if active else {}
    return StoredState(
        parameters=ParameterSet(
            values,
            {KEY: staged} if staged else {},
            None if before is None else {KEY: before} if before else {},
        )
    )


@pytest.mark.parametrize(
    ("command", "kept", "is_restarted", "is_lost"),
    [
        ("confirm_parameters", state(setpoint_c(5)), False, False),
        ("confirm_parameters", state(setpoint_c(6)), True, False),  # a later one, not yet answered
        ("confirm_parameters", state(setpoint_c(4)), False, True),
        ("confirm_parameters", state(), True, True),
        ("confirm_parameters", state(setpoint_c(6), before=setpoint_c(5)), False, False),
        ("confirm_parameters", state(setpoint_c(6), before=setpoint_c(4)), False, True),
        ("activate_parameters", state(setpoint_c(5), before=setpoint_c(4)), False, False),
        ("activate_parameters", state(setpoint_c(4)), False, True),
        ("activate_parameters", state(setpoint_c(4)), True, False),  # unconfirmed: taken back
        ("set_parameter", state(setpoint_c(4), staged=setpoint_c(5)), False, False),
        ("set_parameter", state(setpoint_c(5)), False, False),
        ("set_parameter", state(setpoint_c(4)), False, True),
    ],
)
def test_what_was_acknowledged_and_is_not_there_is_found(
    command: str, kept: StoredState, is_restarted: bool, is_lost: bool
) -> None:
    assert bool(lost_of(command, 5, kept, is_restarted=is_restarted)) is is_lost


def test_answers_are_read_from_a_log_that_was_cut_in_the_midst() -> None:
    lines = [
        {"event": "command.done", "subject": "set_parameter-1"},
        {"event": "command.refused", "subject": "activate_parameters-2"},
        {"event": "command.done", "subject": "confirm_parameters-6"},
        {"event": "link.up", "subject": "link"},
    ]
    log = "\n".join(map(json.dumps, lines)) + '\n{"event": "command.done", "subj'
    assert list(answers(log)) == [("set_parameter", 0), ("confirm_parameters", 1)]


# ---- a scenario in real time ----


def test_a_scenario_that_cannot_be_is_refused_before_the_daemon_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(scenario_text().replace('do = "set_parameter"', 'do = "set_paramter"', 1))
    out = tmp_path / "run"
    config = "examples/configs/ref1.toml"
    lines = refused(capsys, "run", config, "--scenario", str(path), "--out", str(out))
    assert lines == [
        f"{path}: action[0].do = 'set_paramter': no such action; did you mean 'set_parameter'?"
    ]
    assert not out.exists()


def test_a_scenario_longer_than_the_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.toml"
    path.write_text(scenario_text())
    config = "examples/configs/ref1.toml"
    lines = refused(
        capsys, "run", config, "--scenario", str(path), "--duration", "2s",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert "reaches to 2 s, but the run ends at 2 s; fly longer" in lines[0]
