"""A daemon's recording in a process that a test kills: real time, the shipped writer thread.

Prints the time of each cycle after it was handed to the recorder.
"""

import sys
import time
from pathlib import Path

import numpy as np

from flight.core.points import Point, PointTable
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.services.recorder_queue import RecorderThread
from flight.services.recording_schema import RecordingInfo

POINT_COUNT = 100
PERIOD_S = 0.1
POINTS = PointTable(
    tuple(
        Point(name=f"p{i}", unit="W", driver="d", device="x", channel=i, low=0.0, high=1e3)
        for i in range(POINT_COUNT)
    )
)
INFO = RecordingInfo(points=POINTS, accelerators=1)


def main(path: Path) -> None:
    """Record for ever, ten cycles a second."""
    recorder = RecorderThread(path, INFO)
    rng = np.random.default_rng(1)
    zeros = np.zeros(POINT_COUNT, np.int32)
    decision = Decision(mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(1.0,), cap_reason=("plan",))
    due_s = time.monotonic()
    while True:
        now_ns = time.monotonic_ns()
        snapshot = Snapshot(
            rng.random(POINT_COUNT), np.full(POINT_COUNT, now_ns), zeros, zeros.astype(np.uint32)
        )
        recorder.record(Inputs(now_ns=now_ns, snapshot=snapshot), decision)
        sys.stdout.write(f"{now_ns}\n")
        sys.stdout.flush()
        due_s += PERIOD_S
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
