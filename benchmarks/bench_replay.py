"""Speed of a replay and size of a recording: `python -m benchmarks.bench_replay`, part of
`make bench`.

The flight is an hour of the default one, with its two faults. CPU time, the best of three. What a
replay adds to `step` is measured apart: the same steps on inputs that lie ready.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.flights import default_setup
from benchmarks.table import Row, report
from flight.config import build_points
from flight.core.step import compile_config, initial_state, step
from flight.core.types import Inputs
from flight.flights import RECORDING_NAME
from flight.replay import recorded_config, replay
from flight.services.recording import FOREVER_NS, RecordingReader
from sim_hw.flight_runner import NS_PER_S, FlightRunner

FLIGHT_S = 3600.0
STEPS_S = 300.0  # of the flight, whose inputs lie ready
RUNS = 3
S_PER_H = 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write build/bench/replay.json; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, metavar="S", default=FLIGHT_S)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runner = FlightRunner(default_setup(options.duration), Path(folder))
        with runner.flight:
            flown = runner.fly_virtual()
        assert flown.bug is None, flown.bug
        path = Path(folder) / RECORDING_NAME
        mb_per_h = path.stat().st_size / 1e6 * S_PER_H / (flown.simulated_ns / NS_PER_S)
        with RecordingReader(path) as reader:
            rows = [*replay_rows(reader), *size_rows(mb_per_h)]
    return 0 if report("replay", "Replay of a recording (CPU time)", rows) else 1


def replay_rows(reader: RecordingReader) -> list[Row]:
    """Return how fast a replay is, and where its time goes."""
    config = recorded_config(reader)
    reports = [replay(reader, config=config, is_exact=True) for _ in range(RUNS)]
    best = min(reports, key=lambda found: found.cpu_s)
    cycle_us = best.cpu_s / best.cycles * 1e6
    step_us, decode_us = time_steps(reader)
    return [
        Row(
            name="replay_s_per_cpu_s",
            value=best.speed,
            unit="simulated s/s, best of three",
            budget=2000.0,
            goal=3000.0,
            is_more_better=True,
        ),
        Row(
            name="differing",
            value=float(best.differing + best.skipped),
            unit="cycles that differ or were skipped",
            budget=0.0,
        ),
        Row(name="cycle_us", value=cycle_us, unit="us, decode, step, compare"),
        Row(name="step_us", value=step_us, unit="us, the step alone"),
        Row(name="decode_us", value=decode_us, unit="us, file to arrays"),
    ]


def time_steps(reader: RecordingReader) -> tuple[float, float]:
    """Return the CPU time of one step on inputs that lie ready, and of decoding one cycle."""
    config = recorded_config(reader)
    compiled = compile_config(config, build_points(config))
    to_ns = round(STEPS_S * NS_PER_S)
    inputs = [
        Inputs(now_ns=now_ns, snapshot=snapshot)
        for block in reader.blocks(0, to_ns)
        for now_ns, snapshot in zip(block.times_ns, block.snapshots(), strict=True)
    ]

    def fly() -> None:
        state = initial_state(compiled)
        for given in inputs:
            state, _ = step(compiled, state, given)

    def decode() -> None:
        for _ in reader.blocks(0, FOREVER_NS):
            pass

    rows = sum(len(block.times_ns) for block in reader.blocks(0, FOREVER_NS))
    return best_us(fly, len(inputs)), best_us(decode, rows)


def best_us(what: Callable[[], None], count: int) -> float:
    """Return the CPU time of one of `count` parts of a function, the best of three, in us."""
    gc.disable()
    durations = []
    for _ in range(RUNS):
        start_ns = time.process_time_ns()
        what()
        durations.append(time.process_time_ns() - start_ns)
    gc.enable()
    return min(durations) / count / 1e3


def size_rows(mb_per_h: float) -> list[Row]:
    """Return how much an hour takes."""
    return [
        Row(
            name="recorder_mb_per_h",
            value=mb_per_h,
            unit="MB/h of flight, with faults",
            budget=20.0,
            goal=10.0,
        )
    ]


if __name__ == "__main__":
    raise SystemExit(main())
