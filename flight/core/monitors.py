"""Fault monitors: all conditions of a node as arrays, with persistence, hysteresis and re-arm.

Persistence counts the time between *samples*: the same old sample read twice proves nothing, and a
single spike never trips however long the reader waits. Objects are touched only when a fault is
raised or cleared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from flight.core.types import Bools, Float64s, Int64s, Severity

NEVER: Final = -1  # of since_ns: nothing is pending


class Response(StrEnum):
    """What the core does while a fault is active. The laws look their own response up."""

    NONE = "none"  # an event for the operator
    LATCH_UP = "latch_up"  # both rails off, one re-close
    OVER_CURRENT = "over_current"  # both rails off, one re-close
    TRIPPED = "tripped"  # a rail is off though commanded on: off in order, one re-close
    FAILED_CLOSED = "failed_closed"  # module switch does not open: open payload_54v, SAFE
    OVER_TEMPERATURE = "over_temperature"  # both rails off, cool down, one re-close
    LOST = "lost"  # accelerator silent: power-cycle
    BLIND = "blind"  # neither temperature nor power known: off
    CLOCK_DOWN = "clock_down"  # cap not obeyed: lower the clock
    CAP_OFF = "cap_off"  # still not obeyed: off until commanded
    BUS_LOW = "bus_low"  # minimum caps at once
    PAYLOAD_TRIPPED = "payload_tripped"  # all module rails off, one re-close
    DEGRADE = "degrade"  # mode DEGRADED while active
    SAFE = "safe"  # mode SAFE


class Fault(NamedTuple):
    """One fault as data.

    Args:
        event_id: Stable dotted id; the subject names the thing, so several faults share an id.
        unit: Number of the accelerator, -1 for the node.
        point: Point compared with the threshold, or "" when `condition` names a computed condition.
        comparison: ">" or "<".
        persistence_s, clear_s: Time between samples until raised, until cleared.
        stale: What an unknown value means: "hold" the present state, "trip", or "clear".
        rearm: "auto", or "command": stays until clear_latched.
    """

    event_id: str
    subject: str
    severity: Severity
    response: Response = Response.NONE
    unit: int = -1
    point: str = ""
    condition: str = ""
    comparison: str = ">"
    threshold: float = 0.5
    hysteresis: float = 0.0
    persistence_s: float = 0.0
    clear_s: float = 1.0
    stale: str = "hold"
    rearm: str = "auto"


@dataclass(frozen=True, slots=True)
class MonitorTable:
    """Faults as arrays: those on points first, then those on computed conditions."""

    faults: tuple[Fault, ...]
    points: Int64s
    conditions: tuple[str, ...]
    condition_index: Int64s
    sign: Float64s
    trip_limit: Float64s
    clear_limit: Float64s
    persistence_ns: Int64s
    clear_ns: Int64s
    stale_hold: Bools
    stale_trip: Bools
    latching: Bools
    has_stale_trip: bool
    quiet: tuple[float, ...]


Responding = Mapping[Response, frozenset[int]]
NOBODY: Final[frozenset[int]] = frozenset()
_QUIET: Final[Responding] = MappingProxyType({})


class MonitorState(NamedTuple):
    """What the monitors remember. since_ns: first sample against `active`, NEVER for none.

    limit: trip or clear limit. conditions: those of the last full look. responding: which units
    each active response concerns; derived from `active`.
    """

    active: Bools
    active_bytes: bytes
    since_ns: Int64s
    limit: Float64s
    dwell_ns: Int64s
    pending: bool
    responding: Responding
    conditions: tuple[float, ...]


def build_table(
    faults: tuple[Fault, ...], index: Mapping[str, int], conditions: tuple[str, ...]
) -> MonitorTable:
    """Return the monitors of a node.

    Args:
        index: Point name -> index. A fault whose point does not exist on this node is left out.
        conditions: Names of the computed conditions, in the order they will be given to `evaluate`.

    Raises:
        ValueError: A fault names a condition that nobody computes, or an unknown comparison.
    """
    on_points = tuple(f for f in faults if f.point and f.point in index)
    on_conditions = tuple(f for f in faults if f.condition)
    for fault in on_conditions:
        if fault.condition not in conditions:
            raise ValueError(f"{fault.event_id}: nobody computes the condition {fault.condition!r}")
    ordered = on_points + on_conditions
    for fault in ordered:
        if fault.comparison not in ("<", ">") or fault.stale not in ("hold", "trip", "clear"):
            raise ValueError(f"{fault.event_id}: bad comparison or stale policy")
    sign = np.array([1.0 if f.comparison == ">" else -1.0 for f in ordered])
    threshold = np.array([f.threshold for f in ordered]) * sign
    place = {name: i for i, name in enumerate(conditions)}
    return MonitorTable(
        faults=ordered,
        points=np.array([index[f.point] for f in on_points], np.int64),
        conditions=conditions,
        condition_index=np.array([place[f.condition] for f in on_conditions], np.int64),
        sign=sign[: len(on_points)],
        trip_limit=threshold,
        clear_limit=threshold - np.array([f.hysteresis for f in ordered]),
        persistence_ns=np.array([round(f.persistence_s * 1e9) for f in ordered], np.int64),
        clear_ns=np.array([round(f.clear_s * 1e9) for f in ordered], np.int64),
        stale_hold=np.array([f.stale == "hold" for f in ordered]),
        stale_trip=np.array([f.stale == "trip" for f in ordered]),
        latching=np.array([f.rearm == "command" for f in ordered]),
        has_stale_trip=any(f.stale == "trip" for f in ordered),
        quiet=(0.0,) * len(conditions),
    )


def initial(table: MonitorTable) -> MonitorState:
    """Return the state with no fault active."""
    count = len(table.faults)
    active = np.zeros(count, np.bool_)
    return MonitorState(
        active,
        active.tobytes(),
        np.full(count, NEVER, np.int64),
        table.trip_limit,
        table.persistence_ns,
        False,
        _QUIET,
        table.quiet,
    )


def evaluate(
    table: MonitorTable,
    state: MonitorState,
    *,
    now_ns: int,
    trusted: Float64s,
    time_ns: Int64s,
    all_good: bool,
    conditions: tuple[float, ...],
) -> tuple[MonitorState, tuple[int, ...]]:
    """Return the monitors one cycle later and the indices of those that changed.

    Args:
        trusted: Readings of judge, NaN where unknown. time_ns: sample times of the same points.
        all_good: No reading is NaN.
        conditions: 1.0 true, 0.0 false, NaN unknown, in the order of `table.conditions`.
    """
    signed = trusted.take(table.points)
    signed *= table.sign
    on_points = len(table.points)
    # Nothing differs when the computed conditions are those of the last full look and each reading
    # is on the side of its limit that `active` says. An unknown reading compares false: right for a
    # monitor that is not active; one that is active is looked at in full.
    if (
        not state.pending
        and (conditions is state.conditions or conditions == state.conditions)
        and (all_good or not table.has_stale_trip)
        and (signed > state.limit[:on_points]).tobytes() == state.active_bytes[:on_points]
    ):
        return state, ()
    computed = np.array(conditions).take(table.condition_index) if conditions else np.empty(0)
    values = np.concatenate((signed, computed))
    missing = np.isnan(values)
    condition = values > state.limit
    if missing.any():
        condition = np.where(
            missing, (table.stale_hold & state.active) | table.stale_trip, condition
        )
    condition |= state.active & table.latching
    differs = condition != state.active
    state = state._replace(conditions=conditions)
    if not state.pending and not differs.any():
        return state, ()
    times = np.full(len(values), now_ns, np.int64)
    times[:on_points] = time_ns.take(table.points)
    times[missing] = now_ns
    return _advance(table, state, differs, times)


def _advance(
    table: MonitorTable, state: MonitorState, differs: Bools, times: Int64s
) -> tuple[MonitorState, tuple[int, ...]]:
    """Count persistence for those that differ and flip those that differed long enough."""
    since_ns = np.where(
        differs, np.where(state.since_ns == NEVER, times, state.since_ns), np.int64(NEVER)
    )
    flips = differs & (times - since_ns >= state.dwell_ns)
    changed = tuple(np.flatnonzero(flips).tolist())
    if not changed:
        return state._replace(since_ns=since_ns, pending=bool(differs.any())), ()
    since_ns[flips] = NEVER
    active = state.active ^ flips
    return _with_active(table, state, active, since_ns), changed


def _with_active(
    table: MonitorTable, state: MonitorState, active: Bools, since_ns: Int64s
) -> MonitorState:
    responding: dict[Response, set[int]] = {}
    for i in np.flatnonzero(active).tolist():
        fault = table.faults[i]
        if fault.response is not Response.NONE:
            responding.setdefault(fault.response, set()).add(fault.unit)
    return MonitorState(
        active,
        active.tobytes(),
        since_ns,
        np.where(active, table.clear_limit, table.trip_limit),
        np.where(active, table.clear_ns, table.persistence_ns),
        bool((since_ns != NEVER).any()),
        MappingProxyType({key: frozenset(units) for key, units in responding.items()}),
        state.conditions,
    )


def clear_latched(table: MonitorTable, state: MonitorState, subject: str) -> MonitorState:
    """Return the state with a subject's latched faults cleared; a cause still there raises them."""
    chosen = np.array([f.subject == subject and f.rearm == "command" for f in table.faults])
    if not (chosen & state.active).any():
        return state
    since_ns = np.where(chosen, np.int64(NEVER), state.since_ns)
    return _with_active(table, state, state.active & ~chosen, since_ns)
