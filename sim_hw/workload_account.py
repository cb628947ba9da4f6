"""What became of a workload's time, and what it needs to see of the node for that."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


class NodeTruth(Protocol):
    """The truths that a job feels (plant_image.h)."""

    accel_alive: Float64s
    accel_clock_mhz: Float64s
    accel_hung: Float64s
    accel_memory_bandwidth_ratio: Float64s
    accel_ecc_uncorrected_count: Float64s


@dataclass(slots=True)
class WorkAccount:
    """Times summed over the accelerators of a job.

    Args:
        useful_s: Work done, in time at full clock: throttled work counts for less than its time.
        lost_s: Work that was done and had to be done again, or that nobody will get.
        checkpoint_s: Time in which checkpoints were written.
        restarts: How often a job began again. refused: Requests that found no room.
    """

    useful_s: float = 0.0
    lost_s: float = 0.0
    checkpoint_s: float = 0.0
    restarts: int = 0
    refused: int = 0

    def add(self, other: "WorkAccount") -> None:
        """Take in what another job did."""
        self.useful_s += other.useful_s
        self.lost_s += other.lost_s
        self.checkpoint_s += other.checkpoint_s
        self.restarts += other.restarts
        self.refused += other.refused

    def lose(self, work_s: float) -> None:
        """Move work done from useful to lost."""
        self.useful_s -= work_s
        self.lost_s += work_s


class JobView:
    """What a job feels of each accelerator, read once per step.

    Attributes:
        speed: 1 at full clock and full memory bandwidth, 0 when it computes no more.
        is_struck: What it computed is gone: it was lost, hangs, or had an error in its memory.
    """

    def __init__(self, clock_max_mhz: float, accelerator_count: int) -> None:
        self.speed = [0.0] * accelerator_count
        self.is_struck = [False] * accelerator_count
        self._clock_max_mhz = clock_max_mhz
        self._errors: list[float] | None = None

    def look(self, truth: NodeTruth) -> None:
        """Take the truths as they are now.

        The slower of clock and memory bandwidth decides (assumed: a job needs both).
        """
        count, top_mhz = len(self.speed), self._clock_max_mhz
        alive, hung = truth.accel_alive.tolist(), truth.accel_hung.tolist()
        clock_mhz = truth.accel_clock_mhz.tolist()
        bandwidth = truth.accel_memory_bandwidth_ratio.tolist()
        errors = truth.accel_ecc_uncorrected_count.tolist()
        before = self._errors or errors
        for i in range(count):
            runs = alive[i] > 0.0 and not hung[i] > 0.0
            self.speed[i] = min(1.0, clock_mhz[i] / top_mhz, bandwidth[i]) if runs else 0.0
            self.is_struck[i] = not runs or errors[i] > before[i]
        self._errors = errors


class WorkLedger:
    """Adds up what all workloads of a flight did.

    A workload without an account of its own loses nothing: what was computed counts as useful.
    """

    def __init__(self) -> None:
        self._closed = WorkAccount()
        self._open: WorkAccount | None = None
        self._since_s = 0.0

    def begin(self, account: WorkAccount | None, busy_s: float) -> None:
        """Go over to another workload; busy_s is the utilisation summed over the flight so far."""
        self._closed = self._sum(busy_s)
        self._open, self._since_s = account, busy_s

    def figures(self, busy_s: float) -> dict[str, float]:
        """Return the account of the flight up to now; names carry the units."""
        account = self._sum(busy_s)
        return {
            "useful_seconds": max(0.0, account.useful_s),  # sums of parts miss 0 by a hair
            "lost_seconds": max(0.0, account.lost_s),
            "checkpoint_seconds": account.checkpoint_s,
            "restart_count": account.restarts,
            "refused_count": account.refused,
        }

    def _sum(self, busy_s: float) -> WorkAccount:
        account = WorkAccount()
        account.add(self._closed)
        account.add(self._open or WorkAccount(useful_s=busy_s - self._since_s))
        return account
