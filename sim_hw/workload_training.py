"""A training job: synchronous steps on all accelerators of the node, with checkpoints.

All accelerators compute, then exchange their gradients, then compute again: they ramp up and down
together, and the slowest decides. Whatever strikes one of them stops the whole job; it begins again
at its last checkpoint. Not modelled: a job over several nodes, and one that heeds the notices of
the node and writes a checkpoint before it must.
"""

import random
from collections.abc import Mapping
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from sim_hw.workload_account import JobView, NodeTruth, WorkAccount
from sim_hw.workload_parameters import numbers_of

_TOLERANCE_S = 1e-9
_SUM_TOLERANCE_S = 1e-6  # steps add up to a period only nearly


class Phase(Enum):
    """What the job does now."""

    WAITING = auto()  # for accelerators
    RESTARTING = auto()
    COMPUTE = auto()
    REDUCE = auto()
    CHECKPOINT = auto()


class TrainingWorkload:
    """One synchronous job over all accelerators.

    Args:
        parameters: Of workload_parameters.TRAINING; defaults for what is missing.
        seed: Fixes the length of every step.

    Attributes:
        account: What became of its time. phase: What it does now.
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
        self.phase = Phase.WAITING
        self._numbers = numbers_of("training", parameters)
        self._start_s = start_s
        self._random = random.Random(f"training:{seed}")
        self._view = JobView(clock_max_mhz, accelerator_count)
        self._count = accelerator_count
        self._members: list[int] = []
        self._levels = self._make_levels()
        self._targets: NDArray[np.float64] = np.zeros(accelerator_count)
        self._is_started = self._has_run = False
        self._last_s: float | None = None
        self._left_s = self._waited_s = 0.0
        self._reduce_s = self._since_checkpoint_s = 0.0
        self._uncommitted_s = 0.0

    def targets(self, now_s: float, nominal_since_s: float | None) -> NDArray[np.float64]:
        """Return what is asked for now."""
        if not self._is_started:
            self._is_started = (
                nominal_since_s is not None and now_s - nominal_since_s >= self._start_s
            )
        return self._targets

    def observe(self, now_s: float, truth: NodeTruth) -> None:
        """Take the step of the plant that ends now."""
        step_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        if not self._is_started:
            return
        view = self._view
        view.look(truth)
        if self.phase is Phase.WAITING:
            self._wait(step_s)
        elif any(view.is_struck[i] for i in self._members):
            self._lose()
        else:
            self._run(step_s)

    def _wait(self, step_s: float) -> None:
        """Begin once all are there; after wait_s with those that are."""
        there = [i for i in range(self._count) if not self._view.is_struck[i]]
        self._waited_s += step_s
        is_over = self._has_run and self._waited_s >= self._numbers["wait_s"]
        if len(there) < self._count and not (there and is_over):
            return
        self._members = there
        self._levels = self._make_levels()
        if self._has_run:
            self.account.restarts += 1
            self._enter(Phase.RESTARTING, self._numbers["restart_s"])
        else:
            self._has_run = True
            self._begin_step()

    def _lose(self) -> None:
        """Stop the whole job: what was not yet in a checkpoint is to be done again."""
        self.account.lose(self._uncommitted_s)
        self._uncommitted_s = self._since_checkpoint_s = self._waited_s = 0.0
        self._enter(Phase.WAITING, 0.0)
        self._left_s = 0.0

    def _run(self, step_s: float) -> None:
        """Spend the step in the present phase, and what is left of it in those that follow."""
        speed = min(self._view.speed[i] for i in self._members)
        while step_s > _TOLERANCE_S:
            pace = speed if self.phase in (Phase.COMPUTE, Phase.REDUCE) else 1.0
            if pace <= 0.0:
                return
            spent_s = min(step_s, max(self._left_s, 0.0) / pace)
            self._spend(spent_s, pace)
            step_s -= spent_s
            if self._left_s <= _TOLERANCE_S:
                self._next_phase()

    def _spend(self, spent_s: float, pace: float) -> None:
        self._left_s -= spent_s * pace
        members = len(self._members)
        if self.phase is Phase.CHECKPOINT:
            self.account.checkpoint_s += spent_s * members
        elif self.phase is not Phase.RESTARTING:
            self._since_checkpoint_s += spent_s
            self.account.useful_s += spent_s * pace * members
            self._uncommitted_s += spent_s * pace * members

    def _next_phase(self) -> None:
        numbers = self._numbers
        if self.phase is Phase.COMPUTE and self._reduce_s > 0.0:
            self._enter(Phase.REDUCE, self._reduce_s)
        elif self.phase is Phase.CHECKPOINT or self.phase is Phase.RESTARTING:
            self._uncommitted_s = self._since_checkpoint_s = 0.0
            self._begin_step()
        elif self._since_checkpoint_s >= numbers["checkpoint_period_s"] - _SUM_TOLERANCE_S:
            self._enter(Phase.CHECKPOINT, numbers["checkpoint_s"])
        else:
            self._begin_step()

    def _begin_step(self) -> None:
        numbers = self._numbers
        spread = numbers["step_spread_ratio"] * self._random.uniform(-1.0, 1.0)
        step_s = numbers["step_s"] * (1.0 + spread)
        self._reduce_s = step_s * numbers["reduce_share"]
        self._enter(Phase.COMPUTE, step_s - self._reduce_s)

    def _enter(self, phase: Phase, length_s: float) -> None:
        self.phase = phase
        self._left_s = max(self._left_s, 0.0) + length_s
        self._targets = self._levels[phase]

    def _make_levels(self) -> dict[Phase, NDArray[np.float64]]:
        """Return what each phase asks of each accelerator."""
        numbers = self._numbers
        members = np.zeros(self._count)
        members[self._members] = 1.0
        return {
            Phase.WAITING: 0.0 * members,
            Phase.RESTARTING: numbers["checkpoint_utilisation_ratio"] * members,
            Phase.COMPUTE: numbers["utilisation_ratio"] * members,
            Phase.REDUCE: numbers["reduce_utilisation_ratio"] * members,
            Phase.CHECKPOINT: numbers["checkpoint_utilisation_ratio"] * members,
        }
