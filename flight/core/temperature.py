"""Cold side of the loop (S2): bypass valve and heaters keep coolant and battery warm enough."""

from typing import NamedTuple

from flight.core.config_loop import LoopConfig


class TemperatureState(NamedTuple):
    """bypass_ratio: 0 all through the radiator .. 1 all past it. Heater states as commanded."""

    bypass_ratio: float = 0.0
    heaters_on: bool = False
    battery_heater_on: bool = False


def step(
    config: LoopConfig,
    state: TemperatureState,
    *,
    supply_temp_c: float | None,
    battery_temp_c: float | None,
    dt_s: float,
) -> TemperatureState:
    """Return valve and heaters one cycle later.

    Args:
        supply_temp_c: None: valve and heaters stay; the guard protects the accelerators.
        battery_temp_c: None: the heater goes off, for an unwatched heater is a fault of its own.
        dt_s: Time since the last call, > 0.

    Guarantees: the bypass stays within 0 and `bypass_ratio_max`, and closes for a warm supply.
    """
    bypass_ratio, heaters_on = state.bypass_ratio, state.heaters_on
    if supply_temp_c is not None:
        bypass_ratio += (
            config.bypass_gain_per_k_s * (config.bypass_setpoint_c - supply_temp_c) * dt_s
        )
        bypass_ratio = min(max(bypass_ratio, 0.0), config.bypass_ratio_max)
        if supply_temp_c < config.heater_on_c:
            heaters_on = True
        elif supply_temp_c > config.heater_off_c:
            heaters_on = False
    if battery_temp_c is None:
        battery_heater_on = False
    elif battery_temp_c < config.battery_heater_on_c:
        battery_heater_on = True
    else:
        battery_heater_on = (
            state.battery_heater_on and battery_temp_c <= config.battery_heater_off_c
        )
    if (
        bypass_ratio == state.bypass_ratio
        and heaters_on == state.heaters_on
        and battery_heater_on == state.battery_heater_on
    ):
        return state
    return TemperatureState(bypass_ratio, heaters_on, battery_heater_on)
