"""Inference: requests that come by themselves, to each accelerator on its own.

Arrivals are a Poisson process whose rate follows a cosine over a day or an orbit; the length of a
request is exponential, in time at full clock. One is served at a time, some wait, more are refused.
"""

import math
import random
from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sim_hw.workload_account import JobView, NodeTruth, WorkAccount
from sim_hw.workload_parameters import numbers_of


class InferenceWorkload:
    """One queue of requests per accelerator.

    Args:
        parameters: Of workload_parameters.INFERENCE; defaults for what is missing.
        seed: Fixes all arrivals and lengths, whatever the times of the calls.

    Attributes:
        account: What became of its time. served: Requests answered.
    """

    def __init__(
        self,
        parameters: Mapping[str, float | bool | str],
        *,
        seed: int,
        accelerator_count: int,
        clock_max_mhz: float,
        start_s: float,
    ) -> None:
        self.account = WorkAccount()
        self.served = 0
        numbers = numbers_of("inference", parameters)
        self._ratio = numbers["utilisation_ratio"]
        self._queue_max = int(numbers["queue_max"])
        self._start_s = start_s
        self._is_started = False
        self._view = JobView(clock_max_mhz, accelerator_count)
        self._queues = [
            _Requests(numbers, random.Random(f"inference:{seed}:{i}"))
            for i in range(accelerator_count)
        ]
        self._targets = np.zeros(accelerator_count)
        self._last_s: float | None = None

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now."""
        if self._is_started or nominal_since_s is None:
            return self._targets
        if now_s - nominal_since_s >= self._start_s:
            self._is_started = True
            for requests in self._queues:
                requests.begin(now_s)
        return self._targets

    def observe(self, now_s: float, truth: NodeTruth) -> None:
        """Take the step of the plant that ends now."""
        step_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        if not self._is_started:
            return
        view, account = self._view, self.account
        view.look(truth)
        for i, requests in enumerate(self._queues):
            if view.is_struck[i]:
                account.lose(requests.drop())
            else:
                work_s, served = requests.work(step_s * view.speed[i])
                account.useful_s += work_s
                self.served += served
            account.refused += requests.take(
                now_s, room=self._queue_max, is_open=not view.is_struck[i]
            )
            self._targets[i] = self._ratio if requests.left_s > 0.0 else 0.0


class _Requests:
    """Arrivals at one accelerator and those that wait. Each draws its two numbers in order."""

    def __init__(self, numbers: Mapping[str, float], source: random.Random) -> None:
        self.left_s = 0.0
        self._done_s = 0.0
        self._random = source
        self._service_s = numbers["service_s"]
        self._mean_per_s = numbers["demand_ratio"] / numbers["service_s"]
        self._swing = numbers["demand_swing_ratio"]
        self._per_s = 2.0 * math.pi / numbers["demand_period_s"]
        self._peak_s = numbers["demand_peak_s"]
        self._waiting: deque[float] = deque()  # at most `room` of take()
        self._next_s = math.inf

    def begin(self, now_s: float) -> None:
        """Let requests come from now on."""
        self._next_s = self._after(now_s)

    def work(self, work_s: float) -> tuple[float, int]:
        """Spend time at full clock; return how much was used and how many were answered."""
        used_s, served = 0.0, 0
        while self.left_s > 0.0:
            part_s = min(work_s - used_s, self.left_s)
            used_s += part_s
            self.left_s -= part_s
            self._done_s += part_s
            if self.left_s > 0.0:
                break
            served += 1
            self._serve_next()
        return used_s, served

    def drop(self) -> float:
        """Begin the request in service anew and return the work already done for it."""
        lost_s, self._done_s = self._done_s, 0.0
        self.left_s += lost_s
        return lost_s

    def take(self, now_s: float, *, room: int, is_open: bool) -> int:
        """Take those that came up to now; return how many were refused."""
        refused = 0
        while self._next_s <= now_s:
            length_s = self._random.expovariate(1.0 / self._service_s)
            if not is_open or (self.left_s > 0.0 and len(self._waiting) >= room):
                refused += 1
            elif self.left_s > 0.0:
                self._waiting.append(length_s)
            else:
                self.left_s = length_s
            self._next_s = self._after(self._next_s)
        return refused

    def _serve_next(self) -> None:
        self._done_s = 0.0
        self.left_s = self._waiting.popleft() if self._waiting else 0.0

    def _after(self, now_s: float) -> float:
        """Return the next arrival: drawn at the highest rate, then thinned.

        Source: Lewis and Shedler, Naval Research Logistics Quarterly 26, 1979.
        """
        highest_per_s = self._mean_per_s * (1.0 + self._swing)
        if highest_per_s <= 0.0:
            return math.inf
        while True:
            now_s += self._random.expovariate(highest_per_s)
            swing = self._swing * math.cos(self._per_s * (now_s - self._peak_s))
            if self._random.random() * (1.0 + self._swing) < 1.0 + swing:
                return now_s
