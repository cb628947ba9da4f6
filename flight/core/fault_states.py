"""What the faults of a node are doing now, for those who ask: status, `nightside faults`."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from flight.core.monitors import NEVER, MonitorState, MonitorTable
from flight.core.types import Float64s


@dataclass(frozen=True, slots=True)
class FaultState:
    """One row of `fault_states`: what a fault is doing now.

    state: "active", "inhibited" (active, its response held back), "pending" or "quiet". since_s:
    how long active or pending, 0 when quiet. value: what is compared, 0 when it is unknown.
    """

    id: str
    subject: str
    state: str
    since_s: float
    count: int
    value: float
    is_known: bool


def fault_states(
    table: MonitorTable, state: MonitorState, *, trusted: Float64s, now_ns: int
) -> list[FaultState]:
    """Return all faults that are active, pending or were ever raised, in table order."""
    held = {event_id for event_id, _ in state.inhibited}
    rows = []
    told = state.active | (state.since_ns != NEVER) | (state.raise_count > 0)
    for i in np.flatnonzero(told).tolist():
        fault, since_ns, kind = table.faults[i], int(state.since_ns[i]), "quiet"
        if state.active[i]:
            kind = "inhibited" if fault.event_id in held else "active"
            since_ns = int(state.raised_ns[i])
        elif since_ns != NEVER:
            kind = "pending"
        value = compared_value(table, state, i, trusted)
        rows.append(
            FaultState(
                fault.event_id,
                fault.subject,
                kind,
                (now_ns - since_ns) * 1e-9 if kind != "quiet" else 0.0,
                int(state.raise_count[i]),
                0.0 if isnan(value) else value,
                not isnan(value),
            )
        )
    return rows


def compared_value(table: MonitorTable, state: MonitorState, i: int, trusted: Float64s) -> float:
    """Return what fault `i` compares with its threshold; NaN when it is unknown."""
    points, conditions = len(table.points), len(table.condition_index)
    if i < points:
        return float(trusted[table.points[i]])
    if i < points + conditions:
        return float(state.conditions[table.condition_index[i - points]])
    return float(state.signals[table.signal_index[i - points - conditions]])
