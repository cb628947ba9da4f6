"""Speed of the whole stack in virtual time: `python -m benchmarks.bench_sim`, part of `make bench`.

CPU time, the best of three, beside a calibration loop in the same process. The flight is the
default one: REF-1 with eight accelerators, one orbit, its two faults, recorder, link, all checks.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.calibration import calibrate
from benchmarks.flights import default_setup
from benchmarks.lasting import lasting_rows
from benchmarks.stages import STAGES, WHOLES, measure
from benchmarks.table import Row, report
from flight.flights import RECORDING_NAME
from hal import NodeImage
from sim_hw.flight_runner import NS_PER_S, FlightRunner

RUNS = 3
STAGES_S = 1800.0  # of the flight that is looked into: eclipse with all accelerators at work
SNAPSHOTS = 20_000
S_PER_H = 3600.0


class Timed(NamedTuple):
    """One whole flight. speed: simulated s per CPU s; calibration_s: measured beside the flight."""

    speed: float
    calibration_s: float
    recorder_mb_per_h: float
    snapshot_us: float
    trace_hash: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write build/bench/sim.json; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, metavar="S", help="default: one orbit")
    options = parser.parse_args(arguments)
    calibrate()  # brings the machine up to speed
    flights = [fly_timed(options.duration) for _ in range(RUNS)]
    for flight in flights:
        print(
            f"flight: {flight.speed:.0f} simulated s per CPU s, "
            f"calibration {flight.calibration_s:.3f} CPU s, trace {flight.trace_hash}"
        )
    assert len({flight.trace_hash for flight in flights}) == 1, "S14: three runs, three traces"
    stages = stage_rows(min(STAGES_S, options.duration or STAGES_S))
    rows = [*flight_rows(flights), *stages, *lasting_rows()]
    return 0 if report("sim", "Full stack in virtual time (CPU time)", rows) else 1


def fly_timed(duration_s: float | None) -> Timed:
    """Fly the default flight once with nothing hung in."""
    before_s = calibrate()
    with tempfile.TemporaryDirectory() as folder:
        runner = FlightRunner(default_setup(duration_s), Path(folder))
        with runner.flight as flight:
            flown = runner.fly_virtual()
            assert flown.bug is None, flown.bug
            snapshot_us = time_snapshot(flight.node.node_image)
            trace_hash = flight.node.cycle.trace_hash
        size = (Path(folder) / RECORDING_NAME).stat().st_size
    simulated_s = flown.simulated_ns / NS_PER_S
    return Timed(
        speed=simulated_s / flown.cpu_s,
        calibration_s=0.5 * (before_s + calibrate()),
        recorder_mb_per_h=size / 1e6 * S_PER_H / simulated_s,
        snapshot_us=snapshot_us,
        trace_hash=trace_hash,
    )


def time_snapshot(image: NodeImage) -> float:
    """Return the CPU time of one copy of all points into fresh arrays, in us."""
    start_ns = time.process_time_ns()
    for _ in range(SNAPSHOTS):
        image.snapshot()
    return (time.process_time_ns() - start_ns) / SNAPSHOTS / 1e3


def flight_rows(flights: Sequence[Timed]) -> list[Row]:
    """Return what whole flights say."""
    best = max(flights, key=lambda flight: flight.speed)
    return [
        Row(
            name="simulated_s_per_cpu_s",
            value=best.speed,
            unit="s/s, best of three",
            budget=500.0,
            goal=800.0,
            is_more_better=True,
        ),
        Row(
            name="simulated_s_per_cpu_s_median",
            value=median(flight.speed for flight in flights),
            unit="s/s, median of three",
        ),
        Row(
            name="simulated_s_per_calibration_s",
            value=max(flight.speed * flight.calibration_s for flight in flights),
            unit="s/s, compares machines",
        ),
        Row(
            name="calibration_s",
            value=min(flight.calibration_s for flight in flights),
            unit="CPU s per calibration s",
        ),
        Row(
            name="recorder_mb_per_h",
            value=best.recorder_mb_per_h,
            unit="MB/h of flight",
            budget=20.0,
            goal=10.0,
        ),
        Row(
            name="snapshot_us",
            value=min(flight.snapshot_us for flight in flights),
            unit="us, 268 points through cffi",
            budget=10.0,
            goal=5.0,
        ),
    ]


def stage_rows(duration_s: float) -> list[Row]:
    """Return what single stages cost, looked into one after the other."""
    stages, _, cycles = measure(duration_s, STAGES)
    wholes, _, _ = measure(duration_s, WHOLES)
    run, judges = (wholes[name].median_us() for name, _, _ in WHOLES)
    drivers = [stages[name] for name in ("drivers.poll", "drivers.reconcile")]
    drivers_us = sum(sum(clock.durations_ns) for clock in drivers) / cycles / 1e3
    core, plant = stages["judge+decide: core.step"], stages["plant"]
    return [
        Row(
            name="cycle_us",
            value=run - judges,
            unit="us, sense to record, median",
            budget=100.0,
            goal=60.0,
        ),
        Row(
            name="plant_step_us",
            value=plant.median_us(),
            unit="us, median",
            budget=50.0,
            goal=30.0,
        ),
        Row(name="core_step_us", value=core.median_us(), unit="us, median"),
        Row(name="drivers_us", value=drivers_us, unit="us per cycle, poll + reconcile"),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
