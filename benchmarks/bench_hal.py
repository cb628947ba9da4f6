"""Speed of the C layer: `python -m benchmarks.bench_hal`, part of `make bench`.

CPU time, medians of batches. The C loops are benchmarks/csrc/bench_hal.c; the snapshot is taken
through cffi, as the daemon takes it.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.table import Row, report
from hal import DriverSpec, HwmonAttribute, HwmonDevice, NodeImage, PointSpec

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench_native"
POINTS, DRIVERS = 250, 14
BATCHES, SNAPSHOTS = 31, 1000

# name: budget, goal; what is not named only informs.
BUDGETS = {
    "rail driver step, 12 points, with register models": (6.0, None),
}


def main() -> int:
    """Measure, print, write build/bench/hal.json; return 1 when a budget is missed."""
    rows = [snapshot_row(), *c_rows()]
    return 0 if report("hal", "C layer (CPU time, medians)", rows) else 1


def snapshot_row() -> Row:
    """Return the cost of a copy of 250 points of 14 drivers into fresh arrays."""
    device = HwmonDevice(name="none", attributes=(HwmonAttribute(name="none"),))  # never opened
    names = [f"driver{i}" for i in range(DRIVERS)]
    points = [
        PointSpec(
            name=f"point{i}", driver=i * DRIVERS // POINTS, device=0, channel=0, period_ns=10**8
        )
        for i in range(POINTS)
    ]
    drivers = [DriverSpec(name=name, bus=None, devices=(device,)) for name in names]
    image = NodeImage(points, drivers)
    batches_us = []
    for _ in range(BATCHES):
        start_ns = time.process_time_ns()
        for _ in range(SNAPSHOTS):
            image.snapshot()
        batches_us.append((time.process_time_ns() - start_ns) / SNAPSHOTS / 1e3)
    image.close()
    name = f"snapshot of {POINTS} points through cffi"
    return Row(name=name, value=median(batches_us), unit="us", budget=10.0, goal=5.0)


def c_rows() -> list[Row]:
    """Build and run the C loops."""
    rows = []
    for line in subprocess.check_output([build()], text=True).splitlines():
        name, value, unit = line.split("\t")
        budget, goal = BUDGETS.get(name, (None, None))
        rows.append(
            Row(
                name=name,
                value=float(value),
                unit=unit,
                budget=budget,
                goal=goal,
                is_more_better=unit == "1/s",
            )
        )
    return rows


def build() -> Path:
    """Return the program, built as the product is: Release."""
    tools = Path(sys.executable).parent
    configure = [tools / "cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DNIGHTSIDE_PYTHON=OFF"]
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DNIGHTSIDE_BENCH=ON", "-DBUILD_TESTING=OFF"]
    steps = [[*configure, *options], [tools / "cmake", "--build", BUILD, "--target", "bench_hal"]]
    for step in steps:
        done = subprocess.run(
            [str(part) for part in step], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"benchmarks: cannot build the C loops:\n{done.stdout}{done.stderr}")
    return BUILD / "benchmarks" / "csrc" / "bench_hal"


if __name__ == "__main__":
    sys.exit(main())
