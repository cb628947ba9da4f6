"""What holds for all faults of one id: where its limit stands, where it is not looked for, and its
ladder: what shows that the response took effect, and the fault that is raised when it did not.

A rung of a ladder is a fault of its own: an operator sees each step as an event.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from flight.core.monitors import Response
from flight.core.types import Mode

_OFF: Final = frozenset({Mode.STANDBY, Mode.SAFE, Mode.SURVIVAL})  # modules are off
_TRICKLE: Final = frozenset({Mode.SURVIVAL})
_NOWHERE: Final[frozenset[Mode]] = frozenset()


class FaultKind(NamedTuple):
    """What holds for all faults of one id.

    Args:
        limit: Key of the configuration that holds the threshold, or the time of a condition.
        off_in: Modes in which it is not looked for.
        confirmed_by: What shows that the response took effect; "" where there is no response.
        escalates_to: The fault raised when it did not; "" for none.
    """

    limit: str = ""
    off_in: frozenset[Mode] = _NOWHERE
    confirmed_by: str = ""
    escalates_to: str = ""


_OPEN = "both switches read open"
_SERVED = "a core reading after the power-cycle"

KINDS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {
        "accel.core_hot": FaultKind(
            "guard.setpoint_c", _OFF, "the core falls: guard", "accel.core_over_temperature"
        ),
        "accel.core_over_temperature": FaultKind(
            "guard.over_temperature_c", _NOWHERE, _OPEN, "rail.cannot_open"
        ),
        "accel.memory_hot": FaultKind(
            "guard.memory_setpoint_c", _OFF, "memory cools: guard", "accel.memory_over_temperature"
        ),
        "accel.memory_over_temperature": FaultKind(
            "guard.memory_over_temperature_c", _NOWHERE, _OPEN, "rail.cannot_open"
        ),
        "accel.recovery_needed": FaultKind(),
        "accel.communication_lost": FaultKind(
            "", _NOWHERE, "a core reading: cap is safe meanwhile", "accel.power_cycle_due"
        ),
        "accel.power_cycle_due": FaultKind("rails.lost_power_cycle_s", _NOWHERE, _SERVED),
        "accel.library_power_cycle": FaultKind("faults.library_lost_s", _NOWHERE, _SERVED),
        "accel.uncontrolled": FaultKind(
            "rails.lost_hot_s", _NOWHERE, _OPEN, "rail.off_unconfirmed"
        ),
        "accel.blind": FaultKind("guard.blind_off_s", _NOWHERE, _OPEN, "rail.off_unconfirmed"),
        "accel.memory_sensor_lost": FaultKind(),
        "accel.core_sensor_stuck": FaultKind(
            "judge.stuck_check_period_s", _NOWHERE, "the cap is safe: guard"
        ),
        "accel.core_disagrees": FaultKind("judge.compare.core_temp"),
        "accel.power_disagrees": FaultKind("judge.compare.accel_power"),
        "accel.cooling_degraded": FaultKind("trends.core_rise_ratio_max"),
        "accel.memory_errors": FaultKind("trends.error_rate_per_s_max"),
        "accel.link_errors": FaultKind("trends.replay_rate_per_s_max"),
        "accel.slowdown": FaultKind("trends.slowdown_s"),
        "accel.cap_not_taken": FaultKind("trends.cap_apart_w_max"),
        "accel.cap_not_obeyed": FaultKind(
            "arbiter.cap_tolerance_ratio", _NOWHERE, "power below the cap",
            "accel.cap_not_enforceable",
        ),
        "accel.cap_not_enforceable": FaultKind(
            "arbiter.cap_excess_off_s", _NOWHERE, _OPEN, "rail.off_unconfirmed"
        ),
        "accel.reflex_latched": FaultKind("reflex.core_temp_c", _NOWHERE, "the core has cooled"),
        "accel.lease_lapsed": FaultKind(),
        "rail.latch_up": FaultKind(
            "latch_up.aux_current_a_max", _NOWHERE, _OPEN, "rail.cannot_open"
        ),
        "rail.micro_latch": FaultKind("faults.aux_current_a_high"),
        "rail.over_current": FaultKind(
            "rails.module_current_a_max", _NOWHERE, f"{_OPEN}; payload_54v: less current",
            "rail.cannot_open",
        ),
        "rail.under_voltage": FaultKind("faults.host_voltage_ratio_min"),
        "rail.over_voltage": FaultKind("faults.module_voltage_v_max"),
        "rail.voltage_disagrees": FaultKind("judge.compare.module_voltage"),
        "rail.current_disagrees": FaultKind("judge.compare.payload_current"),
        "rail.over_temperature": FaultKind("faults.rail_temp_c_max"),
        "rail.tripped": FaultKind("faults.rail_confirm_s", _NOWHERE, "voltage after one re-close"),
        "rail.communication_lost": FaultKind("faults.communication_lost_s"),
        "rail.failed_closed": FaultKind(
            "rails.zero_current_a", _NOWHERE, "no current, payload_54v open"
        ),
        "rail.off_unconfirmed": FaultKind("rails.off_confirm_s"),
        "rail.switch_closed": FaultKind("faults.switch_closed_s"),
        "rail.cannot_open": FaultKind("rails.off_confirm_s", _NOWHERE, "payload_54v open"),
        "device.write_refused": FaultKind(),
        "device.write_failed": FaultKind("faults.write_failed_s"),
        "device.abandoned": FaultKind("points.abandon_s"),
        "loop.supply_cold": FaultKind("loop.supply_temp_c_min", _TRICKLE),
        "loop.supply_hot": FaultKind("loop.supply_temp_c_max"),
        "loop.return_hot": FaultKind("loop.return_temp_c_max"),
        "loop.return_disagrees": FaultKind("judge.compare.return_temp"),
        "loop.radiator_cold": FaultKind("loop.radiator_temp_c_min", _TRICKLE),
        "loop.radiator_degraded": FaultKind("trends.radiator_shortfall_ratio_max", _OFF),
        "loop.pressure_high": FaultKind("loop.pressure_kpa_max"),
        "loop.pressure_low": FaultKind("trends.pressure_ratio_min", _TRICKLE),
        "loop.blocked": FaultKind("trends.pressure_ratio_max", _TRICKLE),
        "loop.leak": FaultKind("trends.leak_ratio_max"),
        "loop.accumulator_low": FaultKind("loop.accumulator_ratio_min"),
        "loop.flow_low": FaultKind(
            "loop.flow_kg_per_s_min", _TRICKLE, "flow: see loop.pump_lost", "loop.no_flow"
        ),
        "loop.flow_disagrees": FaultKind("judge.compare.loop_flow", _TRICKLE),
        "loop.pump_worn": FaultKind("trends.pump_wear_ratio_max"),
        "loop.blind": FaultKind("modes.loop_blind_s", _NOWHERE, "modules off: SAFE"),
        "plate.hot": FaultKind("faults.plate_temp_c_max"),
        "plate.blocked": FaultKind("trends.plate_rise_ratio_max"),
        "plate.outlet_disagrees": FaultKind("judge.compare.plate_temp"),
        "eps.allotment_lapsed": FaultKind("arbiter.allotment_fallback_w"),
        "eps.bus54_low": FaultKind(
            "arbiter.bus54_voltage_v_min", _NOWHERE, "voltage for arbiter.bus_recover_s",
            "charge.rung_down",
        ),
        "eps.bus54_high": FaultKind("faults.bus54_voltage_v_max"),
        "eps.bus28_low": FaultKind("faults.bus28_voltage_v_min"),
        "eps.bus28_high": FaultKind("faults.bus28_voltage_v_max"),
        "eps.string_lost": FaultKind("trends.string_deficit_ratio_max"),
        "eps.array_low": FaultKind("trends.sunlit_discharge_a_max"),
        "eps.charge_high": FaultKind("faults.battery_current_a_max"),
        "eps.discharge_high": FaultKind("faults.battery_current_a_max"),
        "eps.battery_low": FaultKind("faults.battery_voltage_v_min"),
        "eps.charge_unknown": FaultKind("faults.charge_unknown_s"),
        "eps.charging_cold": FaultKind("trends.charge_cold_a_max"),
        "eps.voltage_disagrees": FaultKind("judge.compare.battery_voltage"),
        "eps.battery_hot": FaultKind("faults.battery_temp_c_max"),
        "eps.battery_cold": FaultKind("faults.battery_temp_c_min"),
        "host.cpu_hot": FaultKind("faults.cpu_temp_c_max"),
        "host.memory_errors": FaultKind("trends.error_rate_per_s_max"),
        "host.drive_hot": FaultKind("faults.nvme_temp_c_max"),
        "host.drive_worn": FaultKind("faults.nvme_wear_ratio_max"),
        "host.disk_full": FaultKind("faults.disk_free_ratio_min"),
        "driver.communication_lost": FaultKind(
            "faults.communication_lost_s", _NOWHERE, "good samples for modes.degraded_s",
            "loop.blind",
        ),
        "driver.library_lost": FaultKind(
            "faults.lost_together_count", _NOWHERE, "core readings: power-cycles wait",
            "accel.library_power_cycle",
        ),
    }
)  # fmt: skip

FAULT_IDS: Final = tuple(KINDS)

# What each response does, in words; the laws that do it are in responses.py, limits.py, mode_law.py
RESPONSES: Final[Mapping[Response, str]] = MappingProxyType(
    {
        Response.NONE: "told",
        Response.LATCH_UP: "both rails off, one re-close",
        Response.OVER_CURRENT: "both rails off, one re-close",
        Response.TRIPPED: "rails off in order, one re-close",
        Response.FAILED_CLOSED: "payload_54v open, SAFE",
        Response.OVER_TEMPERATURE: "both rails off, cool down, one re-close",
        Response.LOST: "power-cycle, at most rails.lost_retry_count_max",
        Response.BLIND: "rails off",
        Response.CLOCK_DOWN: "clock lowered",
        Response.CAP_OFF: "rails off, latched",
        Response.BUS_LOW: "minimum caps",
        Response.PAYLOAD_OVER_CURRENT: "minimum caps",
        Response.PAYLOAD_TRIPPED: "modules off, one re-close",
        Response.DEGRADE: "mode DEGRADED",
        Response.SAFE: "mode SAFE",
    }
)


class Rung(NamedTuple):
    """One step of a law's ladder. wait: key of the time after which the next one is due."""

    what: str
    confirmed_by: str
    wait: str = ""


class LawLadder(NamedTuple):
    """A response that a law of its own carries out, with a memory of its own: its events and steps.

    needs: a point without which a node does not have this law; "" for none. The times are keys of
    the configuration: the law and this table read the same ones.
    """

    event_id: str
    subject: str
    watches: str
    rungs: tuple[Rung, ...]
    needs: str = ""


LAWS: Final = (
    LawLadder(
        "loop.pump_lost",
        "loop",
        "speed and current of the pump, flow (pumps.py)",
        (
            Rung("safe caps, standby pump", "flow for loop.flow_good_s", "loop.no_flow_off_s"),
            Rung("accelerators off, SAFE", "clear_latched, then set_mode"),
        ),
        "loop.flow_kg_per_s",
    ),
    LawLadder(
        "charge.rung_down",
        "eps",
        "state of charge (ladder.py)",
        (
            Rung("caps at ladder.cap_w", "charge above ladder.cap_ratio", "ladder.down_s"),
            Rung(
                "one accelerator of those in service, at idle",
                "charge above ladder.shed_ratio",
                "ladder.down_s",
            ),
            Rung("SAFE", "charge for modes.verify_s", "ladder.down_s"),
            Rung("SURVIVAL", "charge above ladder.survival_ratio"),
        ),
        "eps.battery.charge_ratio",
    ),
    LawLadder(
        "rail.latched_off",
        "accel*",
        "retries of an accelerator's rails (rails.py)",
        (
            Rung("switched on again", "in service", "rails.retry_window_s"),
            Rung("latched off", "clear_latched"),
        ),
    ),
)
