"""All benchmarks: `python -m benchmarks`, which is `make bench`."""

import sys

from benchmarks import bench_hal, bench_link, bench_replay, bench_sim

if __name__ == "__main__":
    # All run whatever one says, so that a table is never missing.
    sys.exit(max(bench_hal.main(), bench_link.main(), bench_sim.main(), bench_replay.main()))
