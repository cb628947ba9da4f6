"""kill -9 at any time: the recording opens again and lacks at most the last second."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from flight.services.recording import RecordingReader

PROCESS = Path(__file__).parents[1] / "unit" / "recorder_process.py"
KILLS = 4
GAP_CYCLES_MAX = 10  # one second
LAG_CYCLES_MAX = 5  # the writer thread's: on a busy machine it is scheduled late


def test_a_killed_daemon_loses_at_most_the_last_second(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed}")
    rng, path = random.Random(seed), tmp_path / "r.db"
    given: list[list[int]] = []
    for _ in range(KILLS):
        cycles = rng.randrange(3, 30)
        process = subprocess.Popen(
            [sys.executable, PROCESS, path], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        times = [int(process.stdout.readline()) for _ in range(cycles)]
        process.send_signal(signal.SIGKILL)
        times += [int(line) for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        given.append(times)
        print(f"killed after {len(times)} cycles")
    for run, times in enumerate(given, start=1):
        with RecordingReader(path, run=run) as reader:
            read = [now_ns for block in reader.blocks(0, 1 << 62) for now_ns in block.times_ns]
        assert read == times[: len(read)], "what is there is what was given, without holes"
        assert len(times) - len(read) <= GAP_CYCLES_MAX + LAG_CYCLES_MAX, f"run {run}"
