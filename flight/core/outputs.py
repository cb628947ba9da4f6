"""Desired values: what the decision writes to each writable point."""

from math import nan

import numpy as np

from flight.core import rails
from flight.core.arbiter import Grants
from flight.core.config import CoreConfig
from flight.core.monitors import NOBODY, MonitorState, Response
from flight.core.pumps import PumpsState
from flight.core.rails import Pair, Payload, Phase
from flight.core.state import State
from flight.core.temperature import TemperatureState
from flight.core.types import Float64s
from flight.core.wiring import Slots


def step(
    core: CoreConfig,
    slots: Slots,
    state: State,
    *,
    grants: Grants,
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    temperature: TemperatureState,
    monitors: MonitorState,
) -> Float64s:
    """Return a value for every writable point, in slot order; NaN leaves a switch as found.

    Guarantees: a cap is always given, the safe one for an accelerator that is off, because a module
    wakes up with its maximum. The array is never changed later; the last one is returned when it
    still holds.
    """
    only_caps = (
        pairs is state.pairs
        and payload is state.payload
        and pumps.target_rpm == state.pumps.target_rpm
        and temperature is state.temperature
        and monitors.active is state.monitors.active
        and state.now_ns > 0
    )
    if only_caps and grants is state.grants:
        return state.desired
    safe_w = core.arbiter.cap_w_safe
    caps_w = [w or safe_w for w in grants.cap_w]
    if only_caps:
        out = state.desired.copy()
        out[slots.cap_index] = caps_w
        return out
    slow = monitors.responding.get(Response.CLOCK_DOWN, NOBODY)
    return _everything(core, slots, caps_w, pairs, payload, pumps, temperature, slow)


def _everything(
    core: CoreConfig,
    slots: Slots,
    caps_w: list[float],
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    temperature: TemperatureState,
    slow: frozenset[int],
) -> Float64s:
    """Fill the array from scratch. slow: accelerators with a lowered clock."""
    arb = core.arbiter
    out = [nan] * (slots.count + 1)
    for i, (cap_w, pair) in enumerate(zip(caps_w, pairs, strict=True)):
        out[slots.cap[i]] = cap_w
        out[slots.clock[i]] = arb.clock_low_mhz if i in slow else arb.clock_max_mhz
        phase = pair.phase
        if phase is not Phase.UNKNOWN:
            out[slots.aux[i]] = 1.0 if phase in rails.AUX_ON or pair.aux_held else 0.0
            out[slots.module[i]] = 1.0 if phase in rails.MODULE_ON else 0.0
    out[slots.payload] = rails.payload_enable(payload)
    out[slots.pumps[0]], out[slots.pumps[1]] = pumps.target_rpm
    out[slots.bypass] = temperature.bypass_ratio
    out[slots.heaters[0]] = out[slots.heaters[1]] = float(temperature.heaters_on)
    out[slots.battery_heater] = float(temperature.battery_heater_on)
    return np.array(out[: slots.count])
