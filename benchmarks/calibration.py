"""A fixed piece of work, timed beside each measurement, so that two machines can be compared.

Half is plain Python, half is numpy on arrays of one node's size: the mix of the hot path.
"""

import time

import numpy as np

PASSES = 100_000
# So many loops are one calibration second: near one second where this was written.
LOOPS_PER_CALIBRATION_S = 4


def calibrate() -> float:
    """Return the CPU time that one calibration second takes on this machine now, in s."""
    start_s = time.process_time()
    _loop()
    return (time.process_time() - start_s) * LOOPS_PER_CALIBRATION_S


def _loop() -> None:
    values, scratch, limits = np.linspace(0.0, 1.0, 268), np.empty(268), np.full(268, 0.5)
    above = np.empty(268, np.bool_)
    counts: dict[int, float] = {}
    for i in range(PASSES):
        np.subtract(values, limits, out=scratch)
        np.multiply(scratch, 0.25, out=scratch)
        np.add(values, scratch, out=scratch)
        np.less_equal(scratch, limits, out=above)
        np.maximum(scratch, limits, out=scratch)
        total = 0.0
        for value in scratch[:16].tolist():
            total += value if value > 0.25 else -value
        counts[i & 63] = counts.get(i & 63, 0.0) + total
