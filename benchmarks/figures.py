"""The three main figures of one source tree, as JSON: `PYTHONPATH=TREE python figures.py SECONDS`.

A program by itself, so that an older tree is measured by the same means as this one: it imports
nothing of `benchmarks`. CPU time.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

# An editable install finds its own tree before PYTHONPATH names another one.
sys.meta_path[:] = [x for x in sys.meta_path if "editable" not in type(x).__module__]

import flight  # noqa: E402
from flight.config import build_points  # noqa: E402
from flight.core.step import compile_config, initial_state, step  # noqa: E402
from flight.core.types import Inputs  # noqa: E402
from flight.examples import default_config_path  # noqa: E402
from flight.flights import RECORDING_NAME  # noqa: E402
from flight.replay import recorded_config, replay  # noqa: E402
from flight.services.recording import RecordingReader  # noqa: E402
from sim_hw.flight_runner import NS_PER_S, FlightRunner  # noqa: E402
from sim_hw.fly import FlightRequest, prepare  # noqa: E402

PASSES = 3  # of what is short; the best counts
STEPS_S = 300.0  # of the flight, whose inputs lie ready


def main() -> None:
    duration_s = float(sys.argv[1])
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / RECORDING_NAME
        figures["simulated_s_per_cpu_s"] = fly(Path(folder), duration_s)
        with RecordingReader(path) as reader:
            figures["step_us"] = time_step(reader)
            figures["replay_s_per_cpu_s"] = time_replay(reader)
    tree = Path(flight.__file__).resolve().parents[1]
    print(json.dumps({"tree": str(tree), "figures": figures}))


def fly(folder: Path, duration_s: float) -> float:
    """Fly the beginning of the default flight; return simulated s per CPU s."""
    setup, _ = prepare(FlightRequest(config_path=default_config_path()))
    plan = replace(setup.plan, duration_ns=round(duration_s * NS_PER_S))
    runner = FlightRunner(replace(setup, plan=plan), folder)
    with runner.flight:
        flown = runner.fly_virtual()
    assert flown.bug is None, flown.bug
    return flown.simulated_ns / NS_PER_S / flown.cpu_s


def time_step(reader: RecordingReader) -> float:
    """Return the CPU time of one step on inputs that lie ready, in us."""
    config = recorded_config(reader)
    compiled = compile_config(config, build_points(config))
    inputs = [
        Inputs(now_ns=now_ns, snapshot=snapshot)
        for block in reader.blocks(0, round(STEPS_S * NS_PER_S))
        for now_ns, snapshot in zip(block.times_ns, block.snapshots(), strict=True)
    ]

    def run() -> None:
        state = initial_state(compiled)
        for given in inputs:
            state, _ = step(compiled, state, given)

    return best_s(run) / len(inputs) * 1e6


def time_replay(reader: RecordingReader) -> float:
    """Return simulated s per CPU s of a replay."""
    config = recorded_config(reader)
    return max(replay(reader, config=config, is_exact=True).speed for _ in range(PASSES))


def best_s(what: Callable[[], None]) -> float:
    """Return the CPU time of a function, the best of some passes, in s."""
    gc.disable()
    durations = []
    for _ in range(PASSES):
        start_s = time.process_time()
        what()
        durations.append(time.process_time() - start_s)
    gc.enable()
    return min(durations)


if __name__ == "__main__":
    main()
