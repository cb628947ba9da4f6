"""What a step costs while parts are out of service, perhaps for years: rows of bench_sim."""

import gc
import time
from collections.abc import Sequence

from benchmarks.flights import default_setup
from benchmarks.table import Row
from flight.core.state import State
from flight.core.step import StepConfig, step
from flight.core.types import Command, Decision, Inputs
from sim_hw.flight import Flight

BOOTED_S = 45.0
SETTLED_S = 30.0  # after the commands: the last good readings have run out, rails are off
STEPPED_S = 60.0
RUNS = 4
RATIO_MAX, RATIO_GOAL = 1.7, 1.5  # of a step with all in service

LASTING: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("all_in_service", ()),
    ("one_off", (("disable_accelerator", "subject", "accel3"),)),
    (
        "two_off",
        (("disable_accelerator", "subject", "accel3"), ("retire", "subject", "accel5")),
    ),
    ("all_off", (("set_mode", "mode", "SAFE"),)),
)


class _Inputs:
    """Keeps what each cycle saw. Implements CycleSink."""

    def __init__(self) -> None:
        self.given: list[Inputs] = []

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle."""
        self.given.append(inputs)


def lasting_rows() -> list[Row]:
    """Return the CPU time of one step in each lasting state, and the worst beside the whole node's.

    The budget is on the ratio: both were measured in one run of one process.
    """
    steps_us = {name: _step_us(commands) for name, commands in LASTING}
    rows = [
        Row(name=f"step_{name}_us", value=step_us, unit="us, inputs lie ready, best of four")
        for name, step_us in steps_us.items()
    ]
    worst = Row(
        name="step_lasting_ratio",
        value=max(steps_us.values()) / steps_us["all_in_service"],
        unit="step with parts off / all in service",
        budget=RATIO_MAX,
        goal=RATIO_GOAL,
    )
    return [*rows, worst]


def _step_us(commands: Sequence[tuple[str, str, str]]) -> float:
    sink = _Inputs()
    with Flight(default_setup(), sinks=[sink]) as flight:
        flight.fly(BOOTED_S)
        for name, key, value in commands:
            flight.command_port.submit(Command(f"{name}-{value}", name, ((key, value),)))
        flight.fly(SETTLED_S)
        config, state = flight.node.step_config, flight.node.cycle.state
        sink.given.clear()
        flight.fly(STEPPED_S)
    gc.disable()
    durations_ns = [_time_steps(config, state, sink.given) for _ in range(RUNS)]
    gc.enable()
    return min(durations_ns) / len(sink.given) / 1e3


def _time_steps(config: StepConfig, state: State, given: Sequence[Inputs]) -> int:
    start_ns = time.process_time_ns()
    for inputs in given:
        state, _ = step(config, state, inputs)
    return time.process_time_ns() - start_ns
