"""What of the core's state outlives a run, on its way into the store and back."""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from flight.core import restoring
from flight.core.state import State
from flight.core.types import Restored
from flight.services.stored_state import NS_PER_S, Inhibit, OperatorLimit, StoredState, left_s


class Remembered(NamedTuple):
    """Fields of StoredState that the core decides, by their names there."""

    latched: tuple[str, ...]
    retired: tuple[str, ...]
    operator_limits: tuple[OperatorLimit, ...]
    disabled: tuple[str, ...]
    budget_w: float
    inhibits: tuple[Inhibit, ...]
    inhibited_faults: tuple[Inhibit, ...]


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
    kept = restoring.remembered(state)
    base_ns = state.now_ns + offset_ns

    def inhibits(held: tuple[tuple[str, float], ...]) -> tuple[Inhibit, ...]:
        return tuple(Inhibit(name, _until_ns(base_ns, time_s)) for name, time_s in held)

    return Remembered(
        latched=kept.latched,
        retired=kept.retired,
        operator_limits=tuple(
            OperatorLimit(subject, cap_w, owner, _until_ns(base_ns, time_s))
            for subject, cap_w, owner, time_s in kept.operator_limits_w
        ),
        disabled=kept.disabled,
        budget_w=kept.budget_w,
        inhibits=inhibits(kept.inhibits),
        inhibited_faults=inhibits(kept.inhibited_faults),
    )


def restored_of(
    state: StoredState, now_ns: int, *, was_planned: bool, restart_count: int, same_boot: bool
) -> Restored:
    """Return what the core is to take over out of the store.

    Args:
        state: Its times in terms of this host boot.
        now_ns: CLOCK_BOOTTIME.
    """
    return Restored(
        mode=state.mode,
        was_planned=was_planned,
        restart_count=restart_count,
        same_boot=same_boot,
        latched=state.latched,
        retired=state.retired,
        operator_limits_w=tuple(
            (x.subject, x.cap_w, x.owner, left_s(x.until_ns, now_ns) if x.until_ns else inf)
            for x in state.operator_limits
            if not 0 < x.until_ns <= now_ns
        ),
        disabled=state.disabled,
        budget_w=state.budget_w,
        inhibits=_times_left(state.inhibits, now_ns),
        inhibited_faults=_times_left(state.inhibited_faults, now_ns),
    )


def _until_ns(base_ns: int, time_s: float) -> int:
    return 0 if time_s == inf else base_ns + round(time_s * NS_PER_S)


def _times_left(items: tuple[Inhibit, ...], now_ns: int) -> tuple[tuple[str, float], ...]:
    return tuple((x.name, left_s(x.until_ns, now_ns)) for x in items if x.until_ns > now_ns)
