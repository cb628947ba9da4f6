"""Workloads: how much of each accelerator the computing jobs ask for, over time.

Names and parameters are those of the scenario action `workload`.
"""

import csv
import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flight.operator_error import OperatorError
from sim_hw.workload_inference import InferenceWorkload
from sim_hw.workload_parameters import numbers_of
from sim_hw.workload_training import TrainingWorkload

ACCELERATOR_COUNT = 8
JOB_START_S = 60.0  # ref1: jobs start 60 s after NOMINAL
CLOCK_MAX_MHZ = 1980.0  # REF-1

Job = TrainingWorkload | InferenceWorkload
"""A workload that feels what becomes of the accelerators and keeps an account of its time."""


class Workload(Protocol):
    """Asks for utilisation, 0..1 per accelerator."""

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now; `nominal_since_s` is None while the node is not NOMINAL.

        The array belongs to the workload: read it before the next call.
        """


class ConstantWorkload:
    """The default: the same on all accelerators, from 60 s after the node became NOMINAL.

    Once started it keeps asking: what the node lets run is the node's affair.
    """

    def __init__(
        self, utilisation_ratio: float = 1.0, accelerator_count: int = ACCELERATOR_COUNT
    ) -> None:
        self._idle = np.zeros(accelerator_count)
        self._busy = np.full(accelerator_count, utilisation_ratio)
        self._is_started = False

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now."""
        if not self._is_started:
            self._is_started = (
                nominal_since_s is not None and now_s - nominal_since_s >= JOB_START_S
            )
        return self._busy if self._is_started else self._idle


class BurstyWorkload:
    """Two-state Markov jobs, each accelerator on its own: busy and idle times are exponential.

    Args:
        utilisation_ratio: While busy.
        busy_s, idle_s: Mean lengths, > 0; 120 and 60 s are assumed.
        seed: Fixes the whole course, whatever the times of the calls.
    """

    def __init__(
        self,
        *,
        seed: int,
        utilisation_ratio: float = 1.0,
        busy_s: float = 120.0,
        idle_s: float = 60.0,
        accelerator_count: int = ACCELERATOR_COUNT,
    ) -> None:
        self._gate = ConstantWorkload(1.0, accelerator_count)
        self._ratio = utilisation_ratio
        self._mean_s = (idle_s, busy_s)
        self._random = [random.Random(f"bursty:{seed}:{i}") for i in range(accelerator_count)]
        self._is_busy = [False] * accelerator_count
        self._until_s = [0.0] * accelerator_count
        self._next_s = 0.0
        self._targets = np.zeros(accelerator_count)

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now."""
        if now_s >= self._next_s:
            self._turn(now_s)
        started = self._gate.targets(now_s, nominal_since_s)
        return self._targets if started[0] > 0.0 else started

    def _turn(self, now_s: float) -> None:
        for i, source in enumerate(self._random):
            while self._until_s[i] <= now_s:
                self._is_busy[i] = not self._is_busy[i]
                self._until_s[i] += source.expovariate(1.0 / self._mean_s[self._is_busy[i]])
            self._targets[i] = self._ratio if self._is_busy[i] else 0.0
        self._next_s = min(self._until_s)


class TraceWorkload:
    """A recorded load: a CSV file with a header, `time_s` and one column per accelerator, 0..1.

    With a single load column all accelerators get the same. Each row holds until the next; before
    the first there is none. Times count from the start of the run.

    Raises:
        OperatorError: The file cannot be used; names line, column and value.
    """

    def __init__(self, path: Path, accelerator_count: int = ACCELERATOR_COUNT) -> None:
        self._count = accelerator_count
        self._times_s, self._rows = _read_trace(path, accelerator_count)
        self._idle = np.zeros(accelerator_count)

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now; the trace runs whatever the mode."""
        del nominal_since_s
        i = bisect_right(self._times_s, now_s) - 1
        return self._idle if i < 0 else self._rows[i]


def build_workload(
    parameters: Mapping[str, float | bool | str],
    *,
    seed: int,
    folder: Path,
    accelerator_count: int = ACCELERATOR_COUNT,
    clock_max_mhz: float = CLOCK_MAX_MHZ,
) -> Workload:
    """Return the workload of a checked scenario action; a trace file is looked up beside the
    scenario.

    Args:
        clock_max_mhz: Top clock of the accelerators: a job at it advances as fast as it can.

    Raises:
        OperatorError: A trace cannot be used.
    """
    kind = str(parameters.get("kind", "constant"))
    if kind == "trace":
        return TraceWorkload(folder / str(parameters["file"]), accelerator_count)
    if kind in ("training", "inference"):
        job = TrainingWorkload if kind == "training" else InferenceWorkload
        return job(
            parameters,
            seed=seed,
            accelerator_count=accelerator_count,
            clock_max_mhz=clock_max_mhz,
            start_s=JOB_START_S,
        )
    numbers = numbers_of(kind, parameters)
    if kind == "bursty":
        return BurstyWorkload(seed=seed, accelerator_count=accelerator_count, **numbers)
    return ConstantWorkload(numbers["utilisation_ratio"], accelerator_count)


def _read_trace(path: Path, count: int) -> tuple[list[float], list[NDArray[np.float64]]]:
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: is not text, so it cannot be a workload trace") from None
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be read as a workload trace: {error.strerror}"
        ) from None
    if len(lines) < 2 or lines[0][:1] != ["time_s"] or len(lines[0]) not in (2, count + 1):
        raise OperatorError(
            f"{path}: line 1: a workload trace begins with the columns time_s and one load, or "
            f"time_s and {count} loads, and has at least one row"
        )
    times_s: list[float] = []
    rows: list[NDArray[np.float64]] = []
    for number, fields in enumerate(lines[1:], start=2):
        values = [_number(path, number, text) for text in fields]
        if len(values) != len(lines[0]):
            raise OperatorError(
                f"{path}: line {number}: has {len(values)} values, the header has {len(lines[0])}"
            )
        if times_s and values[0] <= times_s[-1]:
            raise OperatorError(f"{path}: line {number}: time_s {values[0]:g} does not rise")
        bad = next((v for v in values[1:] if not 0.0 <= v <= 1.0), None)
        if bad is not None:
            raise OperatorError(f"{path}: line {number}: load {bad:g} is outside 0 to 1")
        times_s.append(values[0])
        loads = values[1:] if len(values) > 2 or count == 1 else values[1:] * count
        rows.append(np.array(loads))
    return times_s, rows


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OperatorError(f"{path}: line {line}: {text!r} is not a number")
    return value
