"""Desired values: what the decision writes to each writable point."""

from math import nan

import numpy as np

from flight.core import rails
from flight.core.arbiter import Grants
from flight.core.config import CoreConfig
from flight.core.pumps import PumpsState
from flight.core.rails import Pair, Payload, Phase
from flight.core.temperature import TemperatureState
from flight.core.types import Float64s
from flight.core.wiring import Slots


def desired(
    core: CoreConfig,
    slots: Slots,
    *,
    grants: Grants,
    pairs: tuple[Pair, ...],
    payload: Payload,
    pumps: PumpsState,
    temperature: TemperatureState,
    slow: frozenset[int],
) -> Float64s:
    """Return a value for every writable point, in slot order; NaN leaves a switch as found.

    Args:
        slow: Accelerators whose clock is lowered because they do not obey their cap.

    Guarantees: a cap is always given, the safe one for an accelerator that is off, because a module
    wakes up with its maximum.
    """
    arb = core.arbiter
    out = [nan] * (slots.count + 1)
    for i, (granted_w, pair) in enumerate(zip(grants.cap_w, pairs, strict=True)):
        out[slots.cap[i]] = granted_w or arb.cap_w_safe
        out[slots.clock[i]] = arb.clock_low_mhz if i in slow else arb.clock_max_mhz
        phase = pair.phase
        if phase is not Phase.UNKNOWN:
            out[slots.aux[i]] = 1.0 if phase in rails.AUX_ON else 0.0
            out[slots.module[i]] = 1.0 if phase in rails.MODULE_ON else 0.0
    out[slots.payload] = rails.payload_enable(payload)
    out[slots.pumps[0]], out[slots.pumps[1]] = pumps.target_rpm
    out[slots.bypass] = temperature.bypass_ratio
    out[slots.heaters[0]] = out[slots.heaters[1]] = float(temperature.heaters_on)
    out[slots.battery_heater] = float(temperature.battery_heater_on)
    return np.array(out[: slots.count])
