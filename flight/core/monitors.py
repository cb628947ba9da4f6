"""Fault monitors: all conditions of a node as arrays, with persistence, hysteresis and re-arm.

Persistence counts the time between *samples*: the same old sample read twice proves nothing, and a
single spike never trips however long the reader waits. Objects are touched only when a fault is
raised or cleared, or when the mode or an operator's inhibits change.

A fault looks at one of three things: a point, a condition (computed each cycle, because it depends
on what was commanded) or a signal (derived slowly from several readings, `trends.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from flight.core.types import Bools, Float64s, Int64s, Mode, Severity

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
    PAYLOAD_OVER_CURRENT = "payload_over_current"  # minimum caps at once
    DEGRADE = "degrade"  # mode DEGRADED while active
    SAFE = "safe"  # mode SAFE


class Fault(NamedTuple):
    """One fault as data. What holds for all faults of an id stands in fault_kinds.py.

    Args:
        event_id: Stable dotted id; the subject names the thing, so several faults share an id.
        unit: Number of the accelerator, -1 for the node.
        point, condition, signal: What is compared with the threshold; one of them is given.
        comparison: ">" or "<".
        persistence_s, clear_s: Time between samples until raised, until cleared.
        stale: What an unknown value means: "hold" the present state, "trip", or "clear".
        rearm: "auto"; "command": stays until clear_latched; "after": stays for `rearm_s` at least.
        off_in: Modes in which it is not looked for: one that is active there clears.
        mode_thresholds: Other thresholds in some modes.
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
    signal: str = ""
    rearm_s: float = 0.0
    off_in: frozenset[Mode] = frozenset()
    mode_thresholds: tuple[tuple[Mode, float], ...] = ()


class Limits(NamedTuple):
    """Limits of all faults in one mode, signed so that above means bad. looked_for: see off_in."""

    trip: Float64s
    clear: Float64s
    looked_for: Bools


@dataclass(frozen=True, slots=True)
class MonitorTable:
    """Faults as arrays: those on points first, then those on conditions, then those on signals.

    limits: by mode; the same object for modes that do not differ.
    """

    faults: tuple[Fault, ...]
    points: Int64s
    conditions: tuple[str, ...]
    signals: tuple[str, ...]
    condition_index: Int64s
    signal_index: Int64s
    sign: Float64s
    point_sign: Float64s
    limits: Mapping[Mode, Limits]
    persistence_ns: Int64s
    clear_ns: Int64s
    stale_hold: Bools
    stale_trip: Bools
    latching: Bools
    rearm_ns: Int64s
    has_rearm: bool
    quiet: tuple[float, ...]
    quiet_signals: tuple[float, ...]


Responding = Mapping[Response, frozenset[int]]
NOBODY: Final[frozenset[int]] = frozenset()
_QUIET: Final[Responding] = MappingProxyType({})
Inhibited = tuple[tuple[str, int], ...]


class MonitorState(NamedTuple):
    """What the monitors remember. since_ns: first sample against `active`, NEVER for none.

    limit: trip or clear limit. conditions, signals: those of the last full look. responding: which
    units each active response concerns; derived from `active` and `inhibited`. raised_ns: when each
    was last raised, NEVER for never. raise_count: how often. mode: of the limits. inhibited: ids of
    the faults whose response an operator holds back, and until when. unknown_holds: of the faults
    on points, what an unknown reading stands for. latched: of the same, active until commanded;
    None: nobody.
    """

    active: Bools
    active_bytes: bytes
    since_ns: Int64s
    limit: Float64s
    dwell_ns: Int64s
    pending: bool
    responding: Responding
    conditions: tuple[float, ...]
    signals: tuple[float, ...]
    raised_ns: Int64s
    raise_count: Int64s
    mode: Mode
    inhibited: Inhibited
    unknown_holds: Bools
    latched: Bools | None


def build_table(
    faults: tuple[Fault, ...],
    index: Mapping[str, int],
    conditions: tuple[str, ...],
    signals: tuple[str, ...] = (),
) -> MonitorTable:
    """Return the monitors of a node.

    Args:
        index: Point name -> index. A fault whose point does not exist on this node is left out.
        conditions, signals: Names of what is computed, in the order it will be given to `evaluate`.

    Raises:
        ValueError: A fault names what nobody computes, or has an unknown comparison or policy.
    """
    on_points = tuple(f for f in faults if f.point and f.point in index)
    on_conditions = tuple(f for f in faults if f.condition)
    on_signals = tuple(f for f in faults if f.signal)
    ordered = on_points + on_conditions + on_signals
    for fault in ordered:
        _check(fault, conditions, signals)
    place = {name: i for i, name in enumerate(conditions)}
    signal_place = {name: i for i, name in enumerate(signals)}
    rearm_ns = np.array([round(f.rearm_s * 1e9) * (f.rearm == "after") for f in ordered], np.int64)
    return MonitorTable(
        faults=ordered,
        points=np.array([index[f.point] for f in on_points], np.int64),
        conditions=conditions,
        signals=signals,
        condition_index=np.array([place[f.condition] for f in on_conditions], np.int64),
        signal_index=np.array([signal_place[f.signal] for f in on_signals], np.int64),
        sign=np.array([_sign(f) for f in ordered]),
        point_sign=np.array([_sign(f) for f in on_points]),
        limits=_limits(ordered),
        persistence_ns=np.array([round(f.persistence_s * 1e9) for f in ordered], np.int64),
        clear_ns=np.array([round(f.clear_s * 1e9) for f in ordered], np.int64),
        stale_hold=np.array([f.stale == "hold" for f in ordered]),
        stale_trip=np.array([f.stale == "trip" for f in ordered]),
        latching=np.array([f.rearm == "command" for f in ordered]),
        rearm_ns=rearm_ns,
        has_rearm=bool(rearm_ns.any()),
        quiet=(0.0,) * len(conditions),
        quiet_signals=(0.0,) * len(signals),
    )


def _check(fault: Fault, conditions: tuple[str, ...], signals: tuple[str, ...]) -> None:
    for name, computed in ((fault.condition, conditions), (fault.signal, signals)):
        if name and name not in computed:
            raise ValueError(f"{fault.event_id}: nobody computes the condition {name!r}")
    if fault.comparison not in ("<", ">") or fault.stale not in ("hold", "trip", "clear"):
        raise ValueError(f"{fault.event_id}: bad comparison or stale policy")
    if not fault.hysteresis >= 0.0:
        raise ValueError(f"{fault.event_id}: hysteresis {fault.hysteresis} would make it flap")
    if fault.rearm not in ("auto", "command", "after"):
        raise ValueError(f"{fault.event_id}: bad re-arm {fault.rearm!r}")


def _sign(fault: Fault) -> float:
    return 1.0 if fault.comparison == ">" else -1.0


def _limits(faults: tuple[Fault, ...]) -> Mapping[Mode, Limits]:
    """Return the limits of each mode; an infinite one for a fault that is not looked for."""
    hysteresis = np.array([f.hysteresis for f in faults])
    made: dict[tuple[float, ...], Limits] = {}
    found: dict[Mode, Limits] = {}
    for mode in Mode:
        signed = tuple(
            inf if mode in f.off_in else _sign(f) * dict(f.mode_thresholds).get(mode, f.threshold)
            for f in faults
        )
        trip = np.array(signed)
        found[mode] = made.setdefault(signed, Limits(trip, trip - hysteresis, trip < inf))
    return MappingProxyType(found)


def initial(table: MonitorTable) -> MonitorState:
    """Return the state with no fault active."""
    count = len(table.faults)
    active = np.zeros(count, np.bool_)
    return MonitorState(
        active=active,
        active_bytes=active.tobytes(),
        since_ns=np.full(count, NEVER, np.int64),
        limit=table.limits[Mode.BOOT].trip,
        dwell_ns=table.persistence_ns,
        pending=False,
        responding=_QUIET,
        conditions=table.quiet,
        signals=table.quiet_signals,
        raised_ns=np.full(count, NEVER, np.int64),
        raise_count=np.zeros(count, np.int64),
        mode=Mode.BOOT,
        inhibited=(),
        unknown_holds=_unknown_holds(table, active, Mode.BOOT),
        latched=None,
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
    signals: tuple[float, ...] = (),
    signals_ns: int = 0,
    mode: Mode = Mode.BOOT,
    inhibited: Inhibited = (),
) -> tuple[MonitorState, tuple[int, ...]]:
    """Return the monitors one cycle later and the indices of those that changed.

    Args:
        trusted: Readings of judge, NaN where unknown. time_ns: sample times of the same points.
        all_good: No reading is NaN.
        conditions: 1.0 true, 0.0 false, NaN unknown, in the order of `table.conditions`.
        signals: Numbers or NaN, in the order of `table.signals`. signals_ns: when they were made.
        mode: Whose limits apply. inhibited: faults that call no response, and until when.
    """
    if mode is not state.mode or inhibited is not state.inhibited:
        state = _adapted(table, state, mode, inhibited)
    signed = trusted.take(table.points)
    on_points = len(table.points)
    signed *= table.point_sign
    # Nothing differs when what was computed is that of the last full look and each reading
    # is on the side of its limit that `active` says.
    if (
        not state.pending
        and (conditions is state.conditions or conditions == state.conditions)
        and (signals is state.signals or signals == state.signals)
        and _points_hold(state, signed, on_points, all_good)
    ):
        return state, ()
    computed = np.concatenate(
        (np.array(conditions).take(table.condition_index) if conditions else np.empty(0),
         np.array(signals).take(table.signal_index) if signals else np.empty(0))
    )  # fmt: skip
    computed *= table.sign[on_points:]
    values = np.concatenate((signed, computed))
    missing = np.isnan(values)
    condition = values > state.limit
    if missing.any():
        condition = np.where(
            missing, (table.stale_hold & state.active) | table.stale_trip, condition
        )
    condition &= table.limits[mode].looked_for
    condition |= state.active & table.latching
    if table.has_rearm:
        condition |= state.active & (now_ns - state.raised_ns < table.rearm_ns)
    differs = condition != state.active
    state = state._replace(conditions=conditions, signals=signals)
    if not state.pending and not differs.any():
        return state, ()
    times = np.full(len(values), now_ns, np.int64)
    times[:on_points] = time_ns.take(table.points)
    if signals:
        times[-len(table.signal_index) :] = signals_ns
    times[missing] = now_ns
    return _advance(table, state, differs, times, now_ns)


def _points_hold(state: MonitorState, signed: Float64s, on_points: int, all_good: bool) -> bool:
    """A quick look, right when it says yes: each fault on a point stays as it is."""
    above = signed > state.limit[:on_points]
    if not all_good:
        unknown = signed != signed
        unknown &= state.unknown_holds
        above |= unknown
    if state.latched is not None:
        above |= state.latched
    return above.tobytes() == state.active_bytes[:on_points]


def _unknown_holds(table: MonitorTable, active: Bools, mode: Mode) -> Bools:
    """Return for the faults on points what an unknown reading stands for."""
    stands = (table.stale_hold & active) | table.stale_trip
    stands &= table.limits[mode].looked_for
    return stands[: len(table.points)]


def _latched(table: MonitorTable, active: Bools) -> Bools | None:
    latched = (active & table.latching)[: len(table.points)]
    return latched if latched.any() else None


def _adapted(
    table: MonitorTable, state: MonitorState, mode: Mode, inhibited: Inhibited
) -> MonitorState:
    """Return the state under the limits of a mode and the inhibits of an operator."""
    limits = table.limits[mode]
    limit = np.where(state.active, limits.clear, limits.trip)
    state = state._replace(
        mode=mode,
        limit=limit,
        inhibited=inhibited,
        unknown_holds=_unknown_holds(table, state.active, mode),
    )
    return state._replace(responding=_responding(table, state.active, inhibited), pending=True)


def _advance(
    table: MonitorTable, state: MonitorState, differs: Bools, times: Int64s, now_ns: int
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
    raised = flips & active
    state = state._replace(
        raised_ns=np.where(raised, np.int64(now_ns), state.raised_ns),
        raise_count=state.raise_count + raised,
    )
    return _with_active(table, state, active, since_ns), changed


def _with_active(
    table: MonitorTable, state: MonitorState, active: Bools, since_ns: Int64s
) -> MonitorState:
    limits = table.limits[state.mode]
    return state._replace(
        active=active,
        active_bytes=active.tobytes(),
        since_ns=since_ns,
        limit=np.where(active, limits.clear, limits.trip),
        dwell_ns=np.where(active, table.clear_ns, table.persistence_ns),
        pending=bool((since_ns != NEVER).any()),
        responding=_responding(table, active, state.inhibited),
        unknown_holds=_unknown_holds(table, active, state.mode),
        latched=_latched(table, active),
    )


def _responding(table: MonitorTable, active: Bools, inhibited: Inhibited) -> Responding:
    """Return which units each response concerns: that of each active fault not inhibited."""
    held = {event_id for event_id, _ in inhibited}
    found: dict[Response, set[int]] = {}
    for i in np.flatnonzero(active).tolist():
        fault = table.faults[i]
        if fault.response is not Response.NONE and fault.event_id not in held:
            found.setdefault(fault.response, set()).add(fault.unit)
    if not found:
        return _QUIET
    return MappingProxyType({key: frozenset(units) for key, units in found.items()})


def clear_latched(table: MonitorTable, state: MonitorState, subject: str) -> MonitorState:
    """Return the state with a subject's latched faults cleared; a cause still there raises them."""
    chosen = np.array([f.subject == subject and f.rearm == "command" for f in table.faults])
    if not (chosen & state.active).any():
        return state
    since_ns = np.where(chosen, np.int64(NEVER), state.since_ns)
    return _with_active(table, state, state.active & ~chosen, since_ns)
