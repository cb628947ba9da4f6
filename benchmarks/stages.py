"""Where the time of a simulated cycle goes: `python -m benchmarks.stages [--detail]`.

Functions of the product are wrapped by a clock from outside; the product knows nothing of it.
"""

import argparse
import contextlib
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import sim_hw.simulated_node
from benchmarks.flights import default_setup
from flight.core import (
    arbiter,
    commands,
    conditions,
    judge,
    ladder,
    limits,
    mode_law,
    monitors,
    outputs,
    pumps,
    quiet,
    readings,
    reports,
    responses,
    temperature,
    trends,
)
from flight.services.cycle import Cycle
from flight.services.link import Link
from flight.services.recorder import Recorder
from hal import DriverSet, NodeImage
from sim_hw.devices import SimulatedDevices
from sim_hw.expectations import ExpectationChecker
from sim_hw.fault_story import FaultStories
from sim_hw.flight import Flight
from sim_hw.flight_runner import EventLog, FlightRunner
from sim_hw.meter import FlightMeter
from sim_hw.plant import Plant
from sim_hw.properties import PropertyChecker
from sim_hw.property_power import BudgetCheck, LossCheck, SilenceCheck
from sim_hw.property_rails import LatchUpCheck, RailCheck
from sim_hw.property_ranges import RangeCheck, ShedCheck

Place = tuple[str, Any, str]  # name of the stage, owner and attribute of the function

# Disjoint parts of a cycle, in its order; their sum is the cycle but for the calls between them.
STAGES: tuple[Place, ...] = (
    ("plant", Plant, "advance"),
    ("devices", SimulatedDevices, "advance"),
    ("drivers.poll", DriverSet, "poll"),
    ("sense: snapshot", NodeImage, "snapshot"),
    ("judge+decide: core.step", sim_hw.simulated_node, "step"),
    ("act: write_desired", NodeImage, "write_desired"),
    ("act: beat", NodeImage, "beat"),
    ("trace hash", Cycle, "_extend_trace"),
    ("recorder", Recorder, "record"),
    ("link", Link, "record"),
    ("events", EventLog, "record"),
    ("flight.record (judges)", Flight, "record"),
    ("drivers.reconcile", DriverSet, "reconcile"),
    ("checks on truth", PropertyChecker, "check"),
    ("meter", FlightMeter, "sample"),
)
# Stages that hold others: timed in a run of their own, so that the inner clocks cost them nothing.
WHOLES: tuple[Place, ...] = (("cycle (sense to record)", Cycle, "run"), STAGES[11])
DETAILS: tuple[Place, ...] = (
    ("core.judge", judge, "judge"),
    ("core.readings.read", readings, "read"),
    ("core.conditions.quiet", conditions, "all_quiet"),
    ("core.conditions.compute", conditions, "compute"),
    ("core.monitors", monitors, "evaluate"),
    ("core.trends", trends, "step"),
    ("core.commands", commands, "expire"),
    ("core.pumps", pumps, "step"),
    ("core.ladder", ladder, "step"),
    ("core.quiet", quiet, "rests"),
    ("core.mode health", mode_law, "step_health"),
    ("core.mode", mode_law, "step"),
    ("core.shared_power", responses, "shared_power"),
    ("core.rails", responses, "step_rails"),
    ("core.guards", limits, "step_guards"),
    ("core.reflexes", responses, "step_reflexes"),
    ("core.temperature", temperature, "step"),
    ("core.arbitrate", limits, "arbitrate"),
    ("core.arbiter", arbiter, "grant"),
    ("core.outputs", outputs, "step"),
    ("core.reports", reports, "events"),
    ("judges.properties", PropertyChecker, "record"),
    ("judges.expectations", ExpectationChecker, "record"),
    ("judges.stories", FaultStories, "record"),
    ("checks.ranges", RangeCheck, "check"),
    ("checks.shed", ShedCheck, "check"),
    ("checks.rails", RailCheck, "check"),
    ("checks.latch_up", LatchUpCheck, "check"),
    ("checks.budget", BudgetCheck, "check"),
    ("checks.silence", SilenceCheck, "check"),
    ("checks.loss", LossCheck, "check"),
)


class Clocked:
    """How long each call of one function took."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.durations_ns = array("q")
        add, now_ns = self.durations_ns.append, time.process_time_ns

        def timed(*args: Any, **keywords: Any) -> Any:
            start_ns = now_ns()
            result = function(*args, **keywords)
            add(now_ns() - start_ns)
            return result

        self.timed = timed

    def median_us(self) -> float:
        """Return the least median of three equal parts of the run: the quietest of them."""
        third = max(1, len(self.durations_ns) // 3)
        parts = (self.durations_ns[i * third : (i + 1) * third] for i in range(3))
        return min(median(part) for part in parts if part) / 1e3


@contextlib.contextmanager
def clocked(places: Sequence[Place]) -> Iterator[dict[str, Clocked]]:
    """Wrap the functions for a while. Objects made before keep what they hold bound."""
    clocks, before = {}, []
    for name, owner, attribute in places:
        function = getattr(owner, attribute, None)
        if function is None:  # moved or renamed since: the table says so by its absence
            continue
        clocks[name] = Clocked(name, function)
        before.append((owner, attribute, function))
        setattr(owner, attribute, clocks[name].timed)
    try:
        yield clocks
    finally:
        for owner, attribute, function in before:
            setattr(owner, attribute, function)


def measure(
    duration_s: float | None, places: Sequence[Place]
) -> tuple[dict[str, Clocked], float, int]:
    """Fly the default flight and return clocks, CPU time in s and number of cycles."""
    with clocked(places) as clocks, tempfile.TemporaryDirectory() as folder:
        runner = FlightRunner(default_setup(duration_s), Path(folder))
        with runner.flight:
            flown = runner.fly_virtual()
            assert flown.bug is None, flown.bug
            cycles = flown.simulated_ns // runner.flight.node.period_ns
    return clocks, flown.cpu_s, cycles


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, metavar="S", help="default: one orbit")
    parser.add_argument("--detail", action="store_true", help="inner parts of core and checks")
    options = parser.parse_args(arguments)
    _, cpu_s, cycles = measure(options.duration, ())
    cycle_us, speed = cpu_s / cycles * 1e6, cycles / 10 / cpu_s
    print(f"whole cycle {cycle_us:.1f} us: {speed:.0f} simulated s per CPU s")
    _print(measure(options.duration, STAGES)[0], cycles, cpu_s)
    if options.detail:
        _print(measure(options.duration, DETAILS)[0], cycles, cpu_s)


def _print(clocks: dict[str, Clocked], cycles: int, cpu_s: float) -> None:
    print(f"\n{'stage':28}{'median us':>10}{'us/cycle':>10}")
    total_us = 0.0
    for clock in clocks.values():
        if not clock.durations_ns:
            continue
        per_cycle_us = sum(clock.durations_ns) / 1e3 / cycles
        total_us += per_cycle_us
        print(f"{clock.name:28}{clock.median_us():10.1f}{per_cycle_us:10.1f}")
    rest_us = cpu_s / cycles * 1e6 - total_us
    print(f"{'sum':28}{'':10}{total_us:10.1f}\n{'rest (loop, calls)':28}{'':10}{rest_us:10.1f}")


if __name__ == "__main__":
    main()
