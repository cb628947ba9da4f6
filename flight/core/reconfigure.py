"""A state under another configuration: what parameters change in flight, and what they do not."""

from dataclasses import replace

import numpy as np

from flight.core import monitors
from flight.core.state import State
from flight.core.step import StepConfig


def adapt(config: StepConfig, state: State) -> State:
    """Return the state that goes on under a new configuration of the same points.

    Faults stay as they are; their limits are those of the new table from the next sample on. A
    table of other faults begins anew. Pumps take their new speed in the next step: while they are
    quiet nobody would look.
    """
    table, was = config.monitors, state.monitors
    pumps = state.pumps._replace(wanted=None)
    if len(table.faults) != len(was.active):
        return replace(state, monitors=monitors.initial(table), pumps=pumps)
    limits = table.limits[was.mode]
    now = was._replace(
        limit=np.where(was.active, limits.clear, limits.trip),
        dwell_ns=np.where(was.active, table.clear_ns, table.persistence_ns),
        pending=True,
    )
    return replace(state, monitors=now, pumps=pumps)
