"""What the stages of one cycle hand to each other."""

from math import nan

from flight.core.accelerators import AccelState
from flight.core.judge import JudgeState
from flight.core.monitors import NOBODY, Responding
from flight.core.pumps import PumpsState
from flight.core.readings import NodeReadings, Readings
from flight.core.record import record
from flight.core.state import OperatorState
from flight.core.types import FLAG_LAPSED, CapPlan, Mode, WorkloadClaim


@record()
class Sensed:
    """One snapshot after judge.

    readings, counts, node: those that each cycle looks at (readings.py). flags, cap_flags: of all
    points, and of the cap points; None when no flag of any point is set.
    """

    now_ns: int
    dt_s: float
    judged: JudgeState
    readings: Readings
    counts: tuple[float, ...]
    node: NodeReadings
    flags: list[int] | None
    cap_flags: tuple[float, ...] | None
    _values: list[float]  # empty until somebody asks

    @property
    def values(self) -> list[float]:
        """All trusted readings in point order, and one NaN at the end (see wiring)."""
        if not self._values:
            self._values.extend(self.judged.trusted.tolist())
            self._values.append(nan)
        return self._values

    def any_lapsed(self) -> bool:
        """Return whether the lease of any cap has lapsed."""
        flags = self.cap_flags
        return flags is not None and any(int(f) & FLAG_LAPSED for f in flags)


@record()
class Situation:
    """What the node-wide laws found, for the laws per accelerator.

    draining, waiting: as in accelerators.Kept. accels: memories of this cycle.
    """

    mode: Mode
    operator: OperatorState
    responding: Responding
    pumps: PumpsState
    rung: int
    shared_w: float
    accels: tuple[AccelState, ...] = ()
    draining: frozenset[int] = NOBODY
    waiting: frozenset[int] = NOBODY
    plan: CapPlan | None = None
    claims: tuple[WorkloadClaim, ...] = ()

    def is_inhibited(self, name: str) -> bool:
        """Return whether an operator has inhibited a response."""
        return is_inhibited(self.operator, name)


def is_inhibited(operator: OperatorState, name: str) -> bool:
    """Return whether an operator has inhibited a response."""
    return bool(operator.inhibits) and any(item[0] == name for item in operator.inhibits)


def known(value: float) -> float | None:
    """Return a reading as the laws take it: None for NaN."""
    return value if value == value else None
