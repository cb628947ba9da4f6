"""The parameters: keys of the configuration that may be changed in flight, and how far. Data.

The range here is what an operator may set in flight; it lies inside that of the configuration
file. Not here: limits of what protects the hardware (over-temperature, reflexes, silicon), which
are changed on the ground only.
"""

from types import MappingProxyType
from typing import Final, NamedTuple


class Parameter(NamedTuple):
    """One parameter. low, high: of a number; those of REF-1. choices: of a word. restart: takes
    effect by one. needs: "loop" or "battery", without which the node does not have it.
    """

    key: str
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()
    restart: bool = False
    needs: str = ""


_ROWS: Final = (
    Parameter("guard.setpoint_c", 50.0, 84.0, "degC"),
    Parameter("guard.memory_setpoint_c", 50.0, 95.0, "degC"),
    Parameter("guard.gain_p_w_per_k", 5.0, 100.0, "W/K"),
    Parameter("guard.integral_time_s", 5.0, 300.0, "s"),
    Parameter("guard.filter_time_s", 0.0, 10.0, "s"),
    Parameter("guard.reflex_release_c", 40.0, 82.0, "degC"),
    Parameter("guard.reflex_release_s", 1.0, 300.0, "s"),
    Parameter("rails.stagger_s", 0.1, 10.0, "s"),
    Parameter("rails.off_time_s", 0.5, 60.0, "s"),
    Parameter("rails.spurious_off_time_s", 0.5, 60.0, "s"),
    Parameter("rails.hot_off_time_s", 10.0, 3600.0, "s"),
    Parameter("rails.probation_s", 1.0, 600.0, "s"),
    Parameter("rails.retry_count_max", 0.0, 3.0, "count"),
    Parameter("rails.lost_retry_count_max", 0.0, 3.0, "count"),
    Parameter("rails.accelerator_boot_s_max", 2.0, 300.0, "s"),
    Parameter("latch_up.aux_current_a_max", 0.9, 2.0, "A"),
    Parameter("latch_up.aux_current_a_nominal", 0.2, 1.5, "A"),
    Parameter("loop.lead_pump", choices=("a", "b"), restart=True, needs="loop"),
    Parameter("loop.pump_speed_rpm_nominal", 2500.0, 6000.0, "rpm", needs="loop"),
    Parameter("loop.flow_kg_per_s_min", 0.05, 0.15, "kg/s", needs="loop"),
    Parameter("loop.bypass_setpoint_c", 5.0, 40.0, "degC", needs="loop"),
    Parameter("loop.heater_on_c", 3.0, 30.0, "degC", needs="loop"),
    Parameter("loop.heater_off_c", 4.0, 35.0, "degC", needs="loop"),
    Parameter("loop.battery_heater_on_c", 0.0, 20.0, "degC", needs="battery"),
    Parameter("loop.battery_heater_off_c", 2.0, 25.0, "degC", needs="battery"),
    Parameter("loop.accumulator_ratio_min", 0.0, 0.5, "ratio", needs="loop"),
    Parameter("arbiter.ramp_w_per_s", 1.0, 50.0, "W/s"),
    Parameter("arbiter.node_power_w_max", 1000.0, 7000.0, "W"),
    Parameter("arbiter.allotment_fallback_w", 1000.0, 5000.0, "W"),
    Parameter("arbiter.overhead_w", 300.0, 1500.0, "W"),
    Parameter("arbiter.budget_margin_ratio", 0.0, 0.2, "ratio"),
    Parameter("ladder.cap_ratio", 0.55, 0.95, "ratio", needs="battery"),
    Parameter("ladder.shed_ratio", 0.46, 0.9, "ratio", needs="battery"),
    Parameter("ladder.safe_ratio", 0.40, 0.85, "ratio", needs="battery"),
    Parameter("ladder.cap_w", 200.0, 700.0, "W", needs="battery"),
    Parameter("ladder.up_s", 10.0, 3600.0, "s", needs="battery"),
    Parameter("modes.autostart_mode", choices=("STANDBY", "NOMINAL", "SAFE"), restart=True),
    Parameter("modes.boot_s_max", 10.0, 600.0, "s"),
    Parameter("modes.degraded_s", 5.0, 600.0, "s"),
    Parameter("modes.verify_s", 30.0, 3600.0, "s"),
    Parameter("faults.cpu_temp_c_max", 60.0, 105.0, "degC"),
    Parameter("faults.nvme_temp_c_max", 50.0, 85.0, "degC"),
    Parameter("faults.rail_temp_c_max", 60.0, 125.0, "degC"),
    Parameter("faults.plate_temp_c_max", 40.0, 90.0, "degC", needs="loop"),
    Parameter("faults.disk_free_ratio_min", 0.01, 0.5, "ratio"),
    Parameter("faults.setpoint_margin_k", 0.5, 5.0, "K"),
)

SIZED: Final = frozenset(("W", "W/s", "W/K", "A", "kg/s"))  # units of what grows with the node

PARAMETERS: Final = MappingProxyType({row.key: row for row in _ROWS})


def range_text(parameter: Parameter) -> str:
    """Return what may be written, in words."""
    if parameter.choices:
        return ", ".join(parameter.choices)
    return f"{parameter.low:g} to {parameter.high:g} {parameter.unit}".rstrip()
