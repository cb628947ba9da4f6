"""Clock limit of each accelerator: the second way to its cap, for one that does not obey it.

A lowered clock says nothing of the cap. So the clock rises again slowly while the power stays at
the cap, and steps back when it does not: one that obeys again gets its full clock, one that does
not is held at its share.
"""

from math import inf

from flight.core.config import ArbiterConfig
from flight.core.rails import Pair, Phase
from flight.core.readings import Readings

_BACK = 4.0  # down this much faster than up; assumed


def step(
    config: ArbiterConfig,
    before: tuple[float, ...],
    *,
    slow: frozenset[int],
    pairs: tuple[Pair, ...],
    readings: Readings,
    caps_w: tuple[float, ...],
    dt_s: float,
) -> tuple[float, ...]:
    """Return the clock limits in MHz one cycle later; the same object when all are at the maximum.

    Args:
        slow: Accelerators whose clock is lowered now.
        caps_w: Caps in force since the last cycle.
        dt_s: Time since the last call, > 0.

    Guarantees: between the low and the maximum clock; unknown power never raises one.
    """
    low_mhz, high_mhz = config.clock_low_mhz, config.clock_max_mhz
    if not slow and min(before) >= high_mhz:
        return before
    up_mhz, after = config.clock_ramp_mhz_per_s * dt_s, []
    for i, (was_mhz, pair, cap_w) in enumerate(zip(before, pairs, caps_w, strict=True)):
        if i in slow:
            after.append(low_mhz)
            continue
        if pair.phase is not Phase.ON:
            after.append(high_mhz)  # after a power cycle it starts with its cap alone
            continue
        power_w = _larger(readings.power_w[i], readings.module_power_w[i])
        change_mhz = up_mhz
        if power_w > cap_w * (1.0 + 0.5 * config.cap_tolerance_ratio):
            change_mhz = 0.0 if power_w == inf else -_BACK * up_mhz
        after.append(min(max(was_mhz + change_mhz, low_mhz), high_mhz))
    return tuple(after)


def _larger(a: float, b: float) -> float:
    """Return the larger of two meters; infinite when both are unknown."""
    if a != a:
        return b if b == b else inf
    return a if b != b else max(a, b)
