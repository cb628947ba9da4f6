"""Desired values: what the decision writes to each writable point."""

from math import nan

import numpy as np

from flight.core import rails
from flight.core.arbiter import Grants
from flight.core.config import CoreConfig
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
    clocks_mhz: tuple[float, ...],
) -> Float64s:
    """Return a value for every writable point, in slot order; NaN leaves a switch as found.

    Guarantees: a cap is always given, the safe one for an accelerator that is off, because a module
    wakes up with its maximum. The array is never changed later; one that still holds is returned.
    """
    only_caps = _only_caps_changed(state, pairs, payload, pumps, temperature, clocks_mhz)
    if only_caps and grants is state.grants:
        return state.desired
    safe_w = core.arbiter.cap_w_safe
    caps_w = [w or safe_w for w in grants.cap_w]
    if only_caps:
        out = state.desired.copy()
        for slot, cap_w in zip(slots.cap, caps_w, strict=True):
            out[slot] = cap_w
        return out
    return _everything(slots, caps_w, pairs, payload, pumps, temperature, clocks_mhz)


def _only_caps_changed(
    state: State,
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    temperature: TemperatureState,
    clocks_mhz: tuple[float, ...],
) -> bool:
    """A quick look, right when it says yes: nothing but the grants differs from the last cycle."""
    return (
        pairs is state.pairs
        and payload is state.payload
        and pumps.target_rpm == state.pumps.target_rpm
        and temperature is state.temperature
        and clocks_mhz is state.clocks_mhz
        and state.now_ns > 0
    )


def _everything(
    slots: Slots,
    caps_w: list[float],
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    temperature: TemperatureState,
    clocks_mhz: tuple[float, ...],
) -> Float64s:
    """Fill the array from scratch."""
    out = [nan] * (slots.count + 1)
    for i, (cap_w, pair) in enumerate(zip(caps_w, pairs, strict=True)):
        out[slots.cap[i]] = cap_w
        out[slots.clock[i]] = clocks_mhz[i]
        phase = pair.phase
        if phase is not Phase.UNKNOWN:
            out[slots.aux[i]] = 1.0 if phase in rails.AUX_ON or pair.aux_held else 0.0
            out[slots.module[i]] = 1.0 if phase in rails.MODULE_ON else 0.0
    out[slots.payload] = rails.payload_enable(payload)
    out[slots.pumps[0]], out[slots.pumps[1]] = pumps.target_rpm
    out[slots.bypass] = temperature.bypass_ratio
    out[slots.heaters[0]] = float(temperature.heater_a_on)
    out[slots.heaters[1]] = float(temperature.heater_b_on)
    out[slots.battery_heater] = float(temperature.battery_heater_on)
    return np.array(out[: slots.count])
