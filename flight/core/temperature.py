"""Cold side of the loop (S2): bypass valve and heaters keep coolant and battery warm enough."""

from typing import NamedTuple

from flight.core.config_loop import LoopConfig


class TemperatureState(NamedTuple):
    """Valve and heaters.

    bypass_ratio: 0 all through the radiator .. 1 all past it. on: as commanded. wanted: asked for;
    its watts are taken off the accelerators at once, and it is switched on once they have given
    them up. waiting_s: how long one has been wanted that is not on.
    """

    bypass_ratio: float = 0.0
    heaters_on: bool = False
    battery_heater_on: bool = False
    heaters_wanted: bool = False
    battery_heater_wanted: bool = False
    waiting_s: float = 0.0


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
    bypass_ratio, wanted = state.bypass_ratio, state.heaters_wanted
    if supply_temp_c is not None:
        bypass_ratio += (
            config.bypass_gain_per_k_s * (config.bypass_setpoint_c - supply_temp_c) * dt_s
        )
        bypass_ratio = min(max(bypass_ratio, 0.0), config.bypass_ratio_max)
        wanted = supply_temp_c < config.heater_on_c or (
            wanted and supply_temp_c <= config.heater_off_c
        )
    battery_wanted = battery_temp_c is not None and (
        battery_temp_c < config.battery_heater_on_c
        or (state.battery_heater_wanted and battery_temp_c <= config.battery_heater_off_c)
    )
    is_waiting = (wanted and not state.heaters_on) or (
        battery_wanted and not state.battery_heater_on
    )
    wants = (bypass_ratio, wanted, battery_wanted)
    wanted_before = (state.bypass_ratio, state.heaters_wanted, state.battery_heater_wanted)
    if not is_waiting and wants == wanted_before:
        return state
    waiting_s = state.waiting_s + dt_s if is_waiting else 0.0
    is_due = waiting_s > config.heater_wait_s - 0.5 * dt_s
    return TemperatureState(
        bypass_ratio,
        wanted and (state.heaters_on or is_due),
        battery_wanted and (state.battery_heater_on or is_due),
        wanted,
        battery_wanted,
        0.0 if is_due else waiting_s,
    )


def is_warm(
    config: LoopConfig, state: TemperatureState, supply_temp_c: float, battery_temp_c: float
) -> bool:
    """A quick look, right when it says yes: `step` would change nothing.

    The valve is closed, no heater is wanted, and both are warm enough; NaN, unknown, is not.
    """
    bypass_ratio, _, _, heaters_wanted, battery_heater_wanted, _ = state
    return (
        bypass_ratio == 0.0
        and supply_temp_c >= config.bypass_setpoint_c
        and supply_temp_c >= config.heater_on_c
        and battery_temp_c >= config.battery_heater_on_c
        and not heaters_wanted
        and not battery_heater_wanted
    )


def reserved_w(config: LoopConfig, state: TemperatureState) -> float:
    """Return the watts of all heaters that are on or about to be."""
    if not state.heaters_wanted and not state.battery_heater_wanted:
        return 0.0
    return 2.0 * config.heater_w * state.heaters_wanted + (
        config.battery_heater_w * state.battery_heater_wanted
    )
