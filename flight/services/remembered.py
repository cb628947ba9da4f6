"""What of the core's state outlives a run: the only place that knows where the core keeps it."""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from flight.core.rails import Pair, Payload, PayloadPhase, Phase
from flight.core.state import State
from flight.services.stored_state import OperatorLimit


class Remembered(NamedTuple):
    """Fields of StoredState that the core decides."""

    latched: tuple[str, ...]
    retired: tuple[str, ...]
    operator_limits: tuple[OperatorLimit, ...]


class Watch:
    """Sees when something of this has changed, by identity: the core returns the same object
    while nothing did.
    """

    def __init__(self, core_state: Callable[[], State | None]) -> None:
        self._core_state = core_state
        self._last: State | None = None

    def look(self, boottime_ns: Callable[[], int], now_ns: int) -> Remembered | None:
        """Return what is to be remembered, None when it has not changed.

        Args:
            boottime_ns: CLOCK_BOOTTIME, in which times are kept.
            now_ns: The monotonic time of the cycle, in which the core has them.
        """
        state, last = self._core_state(), self._last
        if state is None:
            return None
        if (
            last is not None
            and state.pairs is last.pairs
            and state.payload is last.payload
            and state.pumps is last.pumps
            and state.operator is last.operator
            and state.accels is last.accels
        ):
            return None
        self._last = state
        return remembered(state, boottime_ns() - now_ns)


def remembered(state: State, offset_ns: int) -> Remembered:
    """Return what of a state outlives a run; offset_ns leads from its times to CLOCK_BOOTTIME."""
    latched = [
        f"accel{i}"
        for i, pair in enumerate(state.pairs)
        if pair.phase is Phase.LATCHED_OFF or _stays_off(pair)
    ]
    if state.payload.phase is PayloadPhase.LATCHED_OFF or _stays_off(state.payload):
        latched.append("payload_54v")
    latched += [f"pump_{'ab'[k]}" for k, failed in enumerate(state.pumps.failed) if failed]
    limits = tuple(
        OperatorLimit(f"accel{i}", cap_w, owner, until_ns + offset_ns if until_ns else 0)
        for i, cap_w, owner, until_ns in _limits(state.operator)
    )
    return Remembered(tuple(latched), _retired(state), limits)


def _limits(operator: Any) -> list[tuple[int, float, str, int]]:
    """Return accelerator, cap in W, owner and end of each limit; the end is 0 for one for ever."""
    if hasattr(operator, "limits"):
        return [tuple(limit) for limit in operator.limits]
    rows = zip(operator.limits_w, operator.limits_until_ns, strict=True)
    return [(i, cap_w, "", until_ns) for i, (cap_w, until_ns) in enumerate(rows) if cap_w < inf]


def _stays_off(rail: Pair | Payload) -> bool:
    """Whether a rail was latched off before this run and has not been sensed in it yet."""
    return bool(getattr(rail, "stays_off", False))


def _retired(state: State) -> tuple[str, ...]:
    """Accelerators out of service for good."""
    return tuple(
        f"accel{i}" for i, accel in enumerate(state.accels) if getattr(accel, "retired", "")
    )
