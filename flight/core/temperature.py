"""Cold side of the loop (S2): valve and heaters keep coolant, radiator and battery warm enough."""

from typing import NamedTuple

from flight.core.config_loop import LoopConfig


class TemperatureState(NamedTuple):
    """Valve and heaters.

    bypass_ratio: 0 all through the radiator .. 1 all past it. Heater a warms a cold supply, a and b
    together a cold radiator. on: as commanded. wanted: asked for; its watts are taken off the
    accelerators at once, and it is switched on once they have given them up. waiting_s: how long
    one has been wanted that is not on.
    """

    bypass_ratio: float = 0.0
    heater_a_on: bool = False
    heater_b_on: bool = False
    battery_heater_on: bool = False
    heater_a_wanted: bool = False
    heater_b_wanted: bool = False
    battery_heater_wanted: bool = False
    waiting_s: float = 0.0


def step(
    config: LoopConfig,
    state: TemperatureState,
    *,
    supply_temp_c: float | None,
    battery_temp_c: float | None,
    radiator_temp_c: float | None,
    dt_s: float,
) -> TemperatureState:
    """Return valve and heaters one cycle later.

    Args:
        supply_temp_c: None: valve and heaters stay; the guard protects the accelerators.
        battery_temp_c: None: the heater goes off, for an unwatched heater is a fault of its own.
        radiator_temp_c: Coolant out of the radiator. None: the supply stands in for it.
        dt_s: Time since the last call, > 0.

    Guarantees: the bypass stays within 0 and `bypass_ratio_max`, and closes for a warm supply.
    """
    bypass_ratio = state.bypass_ratio
    if supply_temp_c is not None:
        bypass_ratio += (
            config.bypass_gain_per_k_s * (config.bypass_setpoint_c - supply_temp_c) * dt_s
        )
        bypass_ratio = min(max(bypass_ratio, 0.0), config.bypass_ratio_max)
    b_wanted = _radiator_wants_heat(config, state, supply_temp_c, radiator_temp_c)
    a_wanted = b_wanted or _supply_wants_heat(config, state, supply_temp_c)
    battery_wanted = battery_temp_c is not None and (
        battery_temp_c < config.battery_heater_on_c
        or (state.battery_heater_wanted and battery_temp_c <= config.battery_heater_off_c)
    )
    is_waiting = (
        (a_wanted and not state.heater_a_on)
        or (b_wanted and not state.heater_b_on)
        or (battery_wanted and not state.battery_heater_on)
    )
    wants = (bypass_ratio, a_wanted, b_wanted, battery_wanted)
    wanted_before = (
        state.bypass_ratio, state.heater_a_wanted, state.heater_b_wanted,
        state.battery_heater_wanted,
    )  # fmt: skip
    if not is_waiting and wants == wanted_before:
        return state
    waiting_s = state.waiting_s + dt_s if is_waiting else 0.0
    is_due = waiting_s > config.heater_wait_s - 0.5 * dt_s
    return TemperatureState(
        bypass_ratio,
        a_wanted and (state.heater_a_on or is_due),
        b_wanted and (state.heater_b_on or is_due),
        battery_wanted and (state.battery_heater_on or is_due),
        a_wanted,
        b_wanted,
        battery_wanted,
        0.0 if is_due else waiting_s,
    )


def _supply_wants_heat(
    config: LoopConfig, state: TemperatureState, supply_temp_c: float | None
) -> bool:
    if supply_temp_c is None:
        return state.heater_a_wanted
    return supply_temp_c < config.heater_on_c or (
        state.heater_a_wanted and supply_temp_c <= config.heater_off_c
    )


def _radiator_wants_heat(
    config: LoopConfig,
    state: TemperatureState,
    supply_temp_c: float | None,
    radiator_temp_c: float | None,
) -> bool:
    """An unknown radiator is as cold as a cold supply says."""
    if radiator_temp_c is None:
        return _supply_wants_heat(config, state, supply_temp_c)
    return radiator_temp_c < config.radiator_heater_on_c or (
        state.heater_b_wanted and radiator_temp_c <= config.radiator_heater_off_c
    )


def is_warm(
    config: LoopConfig,
    state: TemperatureState,
    supply_temp_c: float,
    battery_temp_c: float,
    radiator_temp_c: float,
) -> bool:
    """A quick look, right when it says yes: `step` would change nothing.

    The valve is closed, no heater is wanted, and all are warm enough; NaN, unknown, is not.
    """
    bypass_ratio, _, _, _, a_wanted, _, battery_heater_wanted, _ = state
    return (
        bypass_ratio == 0.0
        and supply_temp_c >= config.bypass_setpoint_c
        and supply_temp_c >= config.heater_on_c
        and radiator_temp_c >= config.radiator_heater_on_c
        and battery_temp_c >= config.battery_heater_on_c
        and not a_wanted
        and not battery_heater_wanted
    )


def reserved_w(config: LoopConfig, state: TemperatureState) -> float:
    """Return the watts of all heaters that are on or about to be."""
    if not state.heater_a_wanted and not state.battery_heater_wanted:
        return 0.0
    return (
        config.heater_a_w * state.heater_a_wanted
        + config.heater_b_w * state.heater_b_wanted
        + config.battery_heater_w * state.battery_heater_wanted
    )
