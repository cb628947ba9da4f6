"""All benchmarks: `python -m benchmarks`, which is `make bench`."""

import sys

from benchmarks import baseline, bench_hal, bench_jobs, bench_link, bench_replay, bench_sim

if __name__ == "__main__":
    # All run whatever one says, so that a table is never missing.
    parts = (bench_hal, bench_link, bench_sim, bench_replay, bench_jobs, baseline)
    sys.exit(max(part.main() for part in parts))
