"""Stated times: how long after each kind of fault the node must be back at NOMINAL (S15).

Each counts from the end of the fault, or from its start where the fault is over by itself. Back
means: the mode is NOMINAL and no response is at work on any accelerator (docs/safety.md). The
times hold inside the bounds in which sim_hw/fault_plan.py draws.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Recovery(NamedTuple):
    """The stated time of one kind of fault in s, and what takes the longest of it."""

    within_s: float
    why: str


_RAILS = "its rails stay open for their off-time, then close, start and ramp up"
_NOTHING = "nothing answers it"

RECOVERY: Mapping[str, Recovery] = {
    "pump_stop": Recovery(60.0, "the standby pump runs up, then caps ramp up"),
    "latch_up": Recovery(60.0, _RAILS),
    "sensor_stuck": Recovery(60.0, "the reading must be good again for its time"),
    "sensor_spike": Recovery(10.0, _NOTHING),
    "sensor_bias": Recovery(60.0, "the reading must be good again for its time"),
    "string_loss": Recovery(10.0, _NOTHING),
    "daemon_stall": Recovery(60.0, "leases end with a new epoch, then caps ramp up"),
    "i2c_nack": Recovery(60.0, "the part must be heard again"),
    "i2c_sda_stuck": Recovery(60.0, "the bus must be heard again"),
    "i2c_stretch": Recovery(60.0, "the bus must be heard again"),
    "i2c_last_moment": Recovery(60.0, "the bus must be heard again"),
    "i2c_byte_errors": Recovery(60.0, "the bus must be heard again"),
    "part_brown_out": Recovery(60.0, _RAILS),
    "rail_trip": Recovery(60.0, _RAILS),
    "switch_closed": Recovery(10.0, _NOTHING),
    "controller_silent": Recovery(60.0, "readings must be good for their time"),
    "nvml_call_fails": Recovery(60.0, _RAILS),
    "nvml_hang": Recovery(60.0, _RAILS),
    "nvml_slow": Recovery(10.0, _NOTHING),
    "nvml_no_permission": Recovery(60.0, _RAILS),
    "nvml_driver_fails": Recovery(60.0, _RAILS),
    "cap_ignored": Recovery(60.0, _RAILS),
    "cap_clamped": Recovery(10.0, _NOTHING),
    "accel_slowdown": Recovery(10.0, _NOTHING),
    "accel_lost": Recovery(60.0, _RAILS),
    "accel_xid": Recovery(10.0, _NOTHING),
    "ecc_errors": Recovery(10.0, _NOTHING),
    "row_remap": Recovery(10.0, _NOTHING),
    "recovery_action": Recovery(10.0, _NOTHING),
    "pcie_replays": Recovery(10.0, _NOTHING),
}
"""By the name of the kind; a test holds it together with the table of kinds."""
