"""Parameters in the daemon put together: in force, refused, and over restarts."""

from pathlib import Path

import pytest

from flight.config import NodeConfig
from flight.core.points import PointTable
from flight.core.step import StepConfig, compile_config
from flight.core.types import Command
from tests.unit.assembled import Assembled


def test_parameters_that_were_confirmed_are_in_force_from_the_first_cycle_on(
    tmp_path: Path,
) -> None:
    commands = (
        ("set_parameter", {"key": "guard.setpoint_c", "value": 80.0}),
        ("activate_parameters", {"confirm_s": 60.0}),
        ("confirm_parameters", {}),
    )

    def act(flown: Assembled) -> None:
        for name, arguments in commands:
            flown.daemon.submit(Command(name, name, tuple(arguments.items())))

    first = Assembled(tmp_path, act=act).fly()
    assert [ack.ok for ack in first.daemon.cycle.acks] == [True] * 3
    setpoints_c: list[float] = []

    def look(flown: Assembled) -> None:
        setpoints_c.append(flown.daemon.cycle.config.core.guard.setpoint_c)

    Assembled(tmp_path, files=first.files, act=look, seconds=0.3).fly()
    assert setpoints_c == [80.0]


def test_parameters_that_no_step_can_be_compiled_from_are_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = (
        ("set_parameter", {"key": "guard.setpoint_c", "value": 79.0}),
        ("activate_parameters", {"confirm_s": 60.0}),
    )

    def compile_but_79(config: NodeConfig, table: PointTable) -> StepConfig:
        if config.guard.setpoint_c == 79.0:
            raise ValueError("the guard has no gain there")
        return compile_config(config, table)

    def act(flown: Assembled) -> None:
        for name, arguments in commands:
            flown.daemon.submit(Command(name, name, tuple(arguments.items())))

    monkeypatch.setattr("flight.assembly.compile_config", compile_but_79)
    flown = Assembled(tmp_path, act=act).fly()
    answers = [(ack.ok, ack.reason) for ack in flown.daemon.cycle.acks]
    assert answers[1] == (False, "guard.setpoint_c = 79.0: the guard has no gain there")
    assert "task.restart" not in flown.ids(), "it is a mistake of an operator, no bug"
    kept = flown.kept().parameters
    assert (kept.active, kept.before) == ({}, None)
