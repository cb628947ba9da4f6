"""What each fault of sim_hw/faults.py does to the simulated world, and how it is undone.

A fault reaches the plant (torque, currents, strings), a knob, a truth or a sensor of the plant
image, or the gate before the daemon's cycle. Nothing here touches flight code.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim_hw.fault_effects_plant import PLANT_EFFECTS
from sim_hw.fault_kind import HOST_RAILS
from sim_hw.faults_bus import BUSES
from sim_hw.scenario_times import PlannedFault
from sim_hw.sensors import truth_of

SENSOR_OK, SENSOR_STUCK, SENSOR_BIAS, SENSOR_FORCED, SENSOR_SPIKE = range(5)  # plant_image.h
SDA_FOR_EVER = -1.0  # plant_image.h: no number of clocks frees the line
RAILS_PER_PART = 4  # REF-1: one auxiliary part serves four accelerators
NVML_LOST = 15.0  # return code: the accelerator is lost
EVENT_S = 1.0  # after an event its word goes back, or the same one would not show again
NS_PER_S = 1_000_000_000


class PlantFaults(Protocol):
    """The fault side of the plant; indices are those of the items."""

    pump_torque_ratio: NDArray[np.float64]
    pump_breaker_open: NDArray[np.float64]
    latch_current_a: NDArray[np.float64]
    string_ok: NDArray[np.float64]


class FaultPlant(Protocol):
    """What the injector needs of the plant."""

    @property
    def faults(self) -> PlantFaults:
        """The fault side of the plant."""


class FaultImage(Protocol):
    """What the injector needs of the plant image (sim_hw/devices.py)."""

    @property
    def sensor_mode(self) -> NDArray[np.float64]:
        """How each sensor lies, by truth word."""

    @property
    def sensor_value(self) -> NDArray[np.float64]:
        """The number that goes with the mode, by truth word."""

    def truth_word(self, field: str, element: int = 0) -> int:
        """Return the word index of a truth."""

    @property
    def knobs(self) -> Any:
        """The knobs of plant_image.h: one array per field."""

    @property
    def truth(self) -> Any:
        """The truths of plant_image.h: one array per field."""


class CycleGate(Protocol):
    """Stands before the daemon's cycle."""

    def stall(self, until_ns: int) -> None:
        """Keep the cycle from running before until_ns."""


class World(NamedTuple):
    """What an effect may change.

    Args:
        function_number: Of the simulated library; the knob nvml_fault_function takes it.
    """

    plant: FaultPlant
    image: FaultImage
    gate: CycleGate
    function_number: Callable[[str], int]


def _pump_stop(world: World, fault: PlannedFault, is_on: bool) -> None:
    index = "ab".index(fault.target[-1])
    faults = world.plant.faults
    faults.pump_torque_ratio[index] = fault.parameters["torque_ratio"] if is_on else 1.0
    faults.pump_breaker_open[index] = float(is_on and fault.parameters["breaker_open"])


def _latch_up(world: World, fault: PlannedFault, is_on: bool) -> None:
    current_a = float(fault.parameters["current_a"]) if is_on else 0.0
    world.plant.faults.latch_current_a[_accelerator(fault.target)] = current_a


def _sensor_stuck(world: World, fault: PlannedFault, is_on: bool) -> None:
    value = float(fault.parameters["value"])
    mode = SENSOR_STUCK if math.isnan(value) else SENSOR_FORCED
    _set_sensor(
        world, fault.target, mode if is_on else SENSOR_OK, 0.0 if math.isnan(value) else value
    )


def _sensor_bias(world: World, fault: PlannedFault, is_on: bool) -> None:
    value = float(fault.parameters["value"])
    _set_sensor(world, fault.target, SENSOR_BIAS if is_on else SENSOR_OK, value)


def _sensor_spike(world: World, fault: PlannedFault, is_on: bool) -> None:
    if is_on:  # the sensor itself goes back to OK after the one sample
        _set_sensor(world, fault.target, SENSOR_SPIKE, float(fault.parameters["value"]))


def _i2c_nack(world: World, fault: PlannedFault, is_on: bool) -> None:
    rail = fault.target
    if rail in HOST_RAILS:
        _set_knob(world, "host_rail_nack", float(is_on))
    elif rail == "payload_54v":
        _set_knob(world, "payload_nack", float(is_on))
    else:
        field = "aux_nack" if rail.endswith("_aux") else "module_nack"
        _set_knob(world, field, float(is_on), _accelerator(rail))


def _cap_ignored(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "accel_cap_ignored", float(is_on), _accelerator(fault.target))


def _string_loss(world: World, fault: PlannedFault, is_on: bool) -> None:
    world.plant.faults.string_ok[int(fault.target[-1])] = float(not is_on)


def _daemon_stall(world: World, fault: PlannedFault, is_on: bool) -> None:
    if is_on:
        world.gate.stall(fault.end_ns)


def _sda_stuck(world: World, fault: PlannedFault, is_on: bool) -> None:
    clocks = float(fault.parameters["clock_count"])
    held = SDA_FOR_EVER if math.isnan(clocks) else clocks
    _set_knob(world, "bus_sda_clocks", held if is_on else 0.0, BUSES.index(fault.target))


def _stretch(world: World, fault: PlannedFault, is_on: bool) -> None:
    stretch_us = float(fault.parameters["stretch_us"]) if is_on else 0.0
    _set_knob(world, "bus_stretch_us", stretch_us, BUSES.index(fault.target))


def _last_moment(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "bus_last_moment", float(is_on), BUSES.index(fault.target))


def _byte_errors(world: World, fault: PlannedFault, is_on: bool) -> None:
    rate = float(fault.parameters["rate"]) if is_on else 0.0
    _set_knob(world, "bus_byte_error_rate", rate, BUSES.index(fault.target))


def _brown_out(world: World, fault: PlannedFault, is_on: bool) -> None:
    if not is_on:
        return  # the part itself took it back
    struck = _accelerator(fault.target)
    if fault.target.endswith("_aux"):
        _set_knob(world, "aux_brown_out", 1.0, struck // RAILS_PER_PART)
    else:
        _set_knob(world, "module_brown_out", 1.0, struck)


def _rail_trip(world: World, fault: PlannedFault, is_on: bool) -> None:
    if is_on:  # the part itself takes it back
        _set_knob(world, "module_spurious_trip", 1.0, _accelerator(fault.target))


def _switch_closed(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "module_fail_closed", float(is_on), _accelerator(fault.target))


def _controller_silent(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, f"{fault.target}_silent", float(is_on))


def _set_calls(
    world: World,
    fault: PlannedFault,
    is_on: bool,
    *,
    code: float = 0.0,
    hangs: bool = False,
    delay_s: float = 0.0,
) -> None:
    """Say what the calls to one accelerator do; not on: they are good."""
    function = str(fault.parameters.get("function", ""))
    number = world.function_number(function) if function else 0
    knobs = {
        "nvml_fault_function": float(number),
        "nvml_return": code,
        "nvml_hang": float(hangs),
        "nvml_delay_s": delay_s,
    }
    for knob, value in knobs.items():
        _set_knob(world, knob, value if is_on else 0.0, _accelerator(fault.target))


def _nvml_call_fails(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_calls(world, fault, is_on, code=float(fault.parameters["code"]))


def _nvml_hang(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_calls(world, fault, is_on, hangs=True)


def _nvml_slow(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_calls(world, fault, is_on, delay_s=float(fault.parameters["delay_s"]))


def _no_permission(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "nvml_no_permission", float(is_on), _accelerator(fault.target))


def _driver_fails(world: World, fault: PlannedFault, is_on: bool) -> None:
    hangs = bool(fault.parameters["hangs"])
    code = 0.0 if hangs else float(fault.parameters["code"])
    _set_knob(world, "nvml_driver_return", code if is_on else 0.0)
    _set_knob(world, "nvml_driver_hang", float(is_on and hangs))


def _cap_clamped(world: World, fault: PlannedFault, is_on: bool) -> None:
    cap_w = float(fault.parameters["cap_w"]) if is_on else 0.0
    _set_knob(world, "accel_cap_clamp_w", cap_w, _accelerator(fault.target))


def _slowdown(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "accel_slowdown", float(is_on), _accelerator(fault.target))


def _accel_lost(world: World, fault: PlannedFault, is_on: bool) -> None:
    _set_calls(world, fault, is_on, code=NVML_LOST)
    _accel_xid(world, fault, is_on)


def _accel_xid(world: World, fault: PlannedFault, is_on: bool) -> None:
    xid = float(fault.parameters["code"]) if is_on else 0.0
    world.image.truth.accel_xid[_accelerator(fault.target)] = xid


def _row_remap(world: World, fault: PlannedFault, is_on: bool) -> None:
    struck, parameters = _accelerator(fault.target), fault.parameters
    if is_on:  # rows stay remapped
        for cause in ("corrected", "uncorrected"):
            rows = float(parameters[f"{cause}_count"])
            _set_knob(world, f"accel_remapped_{cause}_count", rows, struck)
    _set_knob(world, "accel_remap_pending", float(is_on and parameters["is_pending"]), struck)
    _set_knob(world, "accel_remap_failed", float(is_on and parameters["has_failed"]), struck)


def _recovery_action(world: World, fault: PlannedFault, is_on: bool) -> None:
    action = float(fault.parameters["action"]) if is_on else 0.0
    world.image.truth.accel_recovery_action[_accelerator(fault.target)] = action


def _counts_on(world: World, fault: PlannedFault, is_on: bool) -> None:
    """A counter grows with time (TICKS) and never goes back."""


def _set_knob(world: World, field: str, value: float, element: int = 0) -> None:
    getattr(world.image.knobs, field)[element] = value


def _set_sensor(world: World, point: str, mode: int, value: float) -> None:
    place = truth_of(point)
    assert place is not None, f"{point}: checked by SimulationInjector.can_inject"
    word = world.image.truth_word(*place)
    world.image.sensor_value[word] = value
    world.image.sensor_mode[word] = mode


def _accelerator(target: str) -> int:
    return int(target[len("accel")])


def _of_plant(
    effect: Callable[[Any, PlannedFault, bool], None],
) -> Callable[[World, PlannedFault, bool], None]:
    return lambda world, fault, is_on: effect(world.plant.faults, fault, is_on)


EFFECTS: Mapping[str, Callable[[World, PlannedFault, bool], None]] = {
    "pump_stop": _pump_stop,
    "latch_up": _latch_up,
    "sensor_stuck": _sensor_stuck,
    "sensor_spike": _sensor_spike,
    "sensor_bias": _sensor_bias,
    "string_loss": _string_loss,
    "daemon_stall": _daemon_stall,
    "i2c_nack": _i2c_nack,
    "i2c_sda_stuck": _sda_stuck,
    "i2c_stretch": _stretch,
    "i2c_last_moment": _last_moment,
    "i2c_byte_errors": _byte_errors,
    "part_brown_out": _brown_out,
    "rail_trip": _rail_trip,
    "switch_closed": _switch_closed,
    "controller_silent": _controller_silent,
    "nvml_call_fails": _nvml_call_fails,
    "nvml_hang": _nvml_hang,
    "nvml_slow": _nvml_slow,
    "nvml_no_permission": _no_permission,
    "nvml_driver_fails": _driver_fails,
    "cap_ignored": _cap_ignored,
    "cap_clamped": _cap_clamped,
    "accel_slowdown": _slowdown,
    "accel_lost": _accel_lost,
    "accel_xid": _accel_xid,
    "ecc_errors": _counts_on,
    "row_remap": _row_remap,
    "recovery_action": _recovery_action,
    "pcie_replays": _counts_on,
    **{name: _of_plant(effect) for name, effect in PLANT_EFFECTS.items()},
}
"""How each fault begins (True) and ends (False)."""


def _was_off(world: World, fault: PlannedFault, _from_ns: int, _to_ns: int) -> bool:
    """Over once the accelerator has lost its power: its state is gone."""
    truth, struck = world.image.truth, _accelerator(fault.target)
    return bool(truth.module_voltage_v[struck] == 0.0 or truth.aux_voltage_v[struck] == 0.0)


def _was_reset(world: World, fault: PlannedFault, from_ns: int, to_ns: int) -> bool:
    """Over once the accelerator boots anew: after a reset, or with its power."""
    is_down = world.image.truth.accel_alive[_accelerator(fault.target)] == 0.0
    return bool(is_down) or _was_off(world, fault, from_ns, to_ns)


def _has_lasted(_world: World, fault: PlannedFault, _from_ns: int, to_ns: int) -> bool:
    return to_ns - fault.start_ns >= EVENT_S * NS_PER_S


def _ecc(world: World, fault: PlannedFault, from_ns: int, to_ns: int) -> bool:
    for cause in ("corrected", "uncorrected"):
        counter = f"accel_ecc_{cause}_count"
        _count(world, counter, fault, f"{cause}_per_s", from_ns, to_ns)
    return False


def _replays(world: World, fault: PlannedFault, from_ns: int, to_ns: int) -> bool:
    _count(world, "accel_pcie_replay_count", fault, "per_s", from_ns, to_ns)
    return False


def _count(
    world: World, counter: str, fault: PlannedFault, rate: str, from_ns: int, to_ns: int
) -> None:
    """Add what is due between two instants; in all it is the rate times the time, rounded down."""
    per_s = round(float(fault.parameters[rate]))
    before = per_s * (from_ns - fault.start_ns) // NS_PER_S
    after = per_s * (to_ns - fault.start_ns) // NS_PER_S
    getattr(world.image.truth, counter)[_accelerator(fault.target)] += after - before


TICKS: Mapping[str, Callable[[World, PlannedFault, int, int], bool]] = {
    "accel_lost": _was_off,
    "accel_xid": _has_lasted,
    "outlet_trip": _has_lasted,
    "accel_hang": _was_reset,
    "recovery_action": _was_reset,
    "row_remap": _was_reset,
    "ecc_errors": _ecc,
    "pcie_replays": _replays,
}
"""What a fault in force does from one instant to a later one; true: it is over by itself."""
