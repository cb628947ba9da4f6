"""All benchmarks: `python -m benchmarks`, which is `make bench`."""

import sys

from benchmarks import bench_sim

if __name__ == "__main__":
    sys.exit(bench_sim.main())
