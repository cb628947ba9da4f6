"""What a second job of `nightside sim --runs` gains: `python -m benchmarks.bench_jobs`, part of
`make bench`.

Two cores of a machine are seldom twice one: they share caches, power and often a core. So the gain
of two jobs is compared with that of two bare busy loops, in turns, in the same run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.processes import compiled_environment
from benchmarks.table import Row, report

ROUNDS = 3
RUNS = 4
FLIGHT_S = 1200.0
LOOP_S = 2.0
START_S = 0.5  # for both loops to be there
LOOP = Path(__file__).with_name("busy_loop.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write build/bench/jobs.json; return 1 when the budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, metavar="S", default=FLIGHT_S)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    loops, flights, shares = [], [], []
    for _ in range(options.rounds):
        (alone, share), both = run_loops(1)[0], run_loops(2)
        shares.append(share)
        loops.append(sum(count for count, _ in both) / alone)
        flights.append(flight_gain(options.duration))
        print(f"two loops {loops[-1]:.2f} x one, two jobs {flights[-1]:.2f} x one")
    rows = gain_rows(loops, flights, shares)
    return 0 if report("jobs", "Two jobs against two bare loops", rows) else 1


def gain_rows(
    loops: Sequence[float], flights: Sequence[float], shares: Sequence[float]
) -> list[Row]:
    """Return the medians of the gains, their ratio, and the least share of a core that a loop got
    alone: much below 1 somebody else was at work, and the gains say little.
    """
    return [
        Row(
            name="jobs_gain_of_loops_gain",
            value=median(flights) / median(loops),
            unit="ratio, medians of the rounds",
            budget=0.9,
            is_more_better=True,
        ),
        Row(name="loops_gain", value=median(loops), unit="work of two loops / work of one"),
        Row(name="loop_share_min", value=min(shares), unit="of a core; 1: an idle machine"),
        Row(name="jobs_gain", value=median(flights), unit="time of one job / time of two"),
    ]


def run_loops(count: int) -> list[tuple[int, float]]:
    """Run so many loops at once; return how far each came and its share of a core."""
    start_s = time.monotonic() + START_S
    command = [sys.executable, "-S", str(LOOP), str(start_s), str(LOOP_S)]
    loops = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    words = [loop.communicate()[0].split() for loop in loops]
    return [(int(counted), float(share)) for counted, share in words]


def flight_gain(duration_s: float) -> float:
    """Return how much longer the runs take with one job than with two, start included."""
    return runs_wall_s(1, duration_s) / runs_wall_s(2, duration_s)


def runs_wall_s(jobs: int, duration_s: float) -> float:
    """Fly the runs from the command line and return how long they took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "runs"
        command = [sys.executable, "-m", "flight", "sim", "--runs", str(RUNS), "--jobs", str(jobs)]
        command += ["--duration", f"{duration_s:g}s", "--out", str(out)]
        ended = subprocess.run(
            command, capture_output=True, text=True, env=compiled_environment(), check=False
        )
        # Expectations beyond a short flight are not met: that is no matter of speed.
        assert ended.returncode in (0, 1), ended.stderr
        found = json.loads((out / "runs.json").read_text(encoding="utf-8"))
        return float(found["wall_s"])


if __name__ == "__main__":
    raise SystemExit(main())
