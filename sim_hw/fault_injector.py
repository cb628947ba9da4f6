"""How the simulation injects the faults of sim_hw/faults.py: each where it happens, and undone at
its end.

A fault reaches the plant (torque, currents, strings), a knob or a sensor of the plant image, or
the gate before the daemon's cycle. Nothing here touches flight code.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim_hw.faults import FAULTS
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.sensors import truth_of

SENSOR_OK, SENSOR_STUCK, SENSOR_BIAS, SENSOR_FORCED, SENSOR_SPIKE = range(5)  # plant_image.h

HOST_RAILS = ("host_12v", "host_5v", "host_3v3", "host_1v8")


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


class CycleGate(Protocol):
    """Stands before the daemon's cycle."""

    def stall(self, until_ns: int) -> None:
        """Keep the cycle from running before until_ns."""


class AppliedFault(NamedTuple):
    """A fault that was injected or ended, at its exact instant."""

    time_ns: int
    fault: PlannedFault
    is_start: bool


class SimulationInjector:
    """Says which faults the simulation can inject: all, where the target has what the fault
    needs.
    """

    def can_inject(self, name: str, target: str) -> str | None:
        """Return None, or why not."""
        kind = FAULTS.get(name)
        if kind is None:
            return "the simulation knows no such fault"
        if kind.repeats_point and truth_of(target) is None:
            return f"{target} has no sensor of its own in the simulation"
        return None


class FaultInjector:
    """Applies and undoes a fault plan at exact instants.

    Two faults may strike the same thing at once: the later one counts, and when it ends the
    earlier one counts again. Deterministic: depends on nothing but the plan.

    Args:
        plan: In any order.
    """

    def __init__(
        self,
        plan: Sequence[PlannedFault],
        *,
        plant: FaultPlant,
        image: FaultImage,
        cycle_gate: CycleGate,
    ) -> None:
        self._plant = plant
        self._image = image
        self._gate = cycle_gate
        self.applied: list[AppliedFault] = []
        self._active: list[PlannedFault] = []
        edges = [AppliedFault(fault.start_ns, fault, is_start=True) for fault in plan]
        edges += [
            AppliedFault(fault.end_ns, fault, is_start=False)
            for fault in plan
            if fault.end_ns < FOREVER_NS
        ]
        self._edges = sorted(edges, key=lambda edge: (edge.time_ns, edge.is_start))
        self._next = 0

    @property
    def active(self) -> tuple[PlannedFault, ...]:
        """Faults in force now, in the order of their start."""
        return tuple(self._active)

    def next_time_ns(self) -> int:
        """Return the instant of the next fault or end of a fault; FOREVER_NS when there is none."""
        return self._edges[self._next].time_ns if self._next < len(self._edges) else FOREVER_NS

    def apply_due(self, now_ns: int) -> None:
        """Apply and undo everything due at or before now_ns."""
        while self._next < len(self._edges) and self._edges[self._next].time_ns <= now_ns:
            edge = self._edges[self._next]
            self._next += 1
            self.applied.append(edge)
            self._change(edge.fault, is_start=edge.is_start)

    def _change(self, fault: PlannedFault, *, is_start: bool) -> None:
        effect = _EFFECTS[fault.name]
        if is_start:
            self._active.append(fault)
            effect(self._world, fault, True)
            return
        self._active.remove(fault)
        effect(self._world, fault, False)
        for other in self._active:
            if _place(other) == _place(fault) and other.name != "sensor_spike":
                _EFFECTS[other.name](self._world, other, True)

    @property
    def _world(self) -> "_World":
        return _World(self._plant, self._image, self._gate)


class _World(NamedTuple):
    plant: FaultPlant
    image: FaultImage
    gate: CycleGate


def _place(fault: PlannedFault) -> tuple[str, str]:
    """What a fault changes: two faults with the same place exclude each other."""
    return ("sensor" if FAULTS[fault.name].repeats_point else fault.name, fault.target)


def _pump_stop(world: _World, fault: PlannedFault, is_on: bool) -> None:
    index = "ab".index(fault.target[-1])
    faults = world.plant.faults
    faults.pump_torque_ratio[index] = fault.parameters["torque_ratio"] if is_on else 1.0
    faults.pump_breaker_open[index] = float(is_on and fault.parameters["breaker_open"])


def _latch_up(world: _World, fault: PlannedFault, is_on: bool) -> None:
    current_a = float(fault.parameters["current_a"]) if is_on else 0.0
    world.plant.faults.latch_current_a[_accelerator(fault.target)] = current_a


def _sensor_stuck(world: _World, fault: PlannedFault, is_on: bool) -> None:
    value = float(fault.parameters["value"])
    mode = SENSOR_STUCK if math.isnan(value) else SENSOR_FORCED
    _set_sensor(
        world, fault.target, mode if is_on else SENSOR_OK, 0.0 if math.isnan(value) else value
    )


def _sensor_bias(world: _World, fault: PlannedFault, is_on: bool) -> None:
    value = float(fault.parameters["value"])
    _set_sensor(world, fault.target, SENSOR_BIAS if is_on else SENSOR_OK, value)


def _sensor_spike(world: _World, fault: PlannedFault, is_on: bool) -> None:
    if is_on:  # the sensor itself goes back to OK after the one sample
        _set_sensor(world, fault.target, SENSOR_SPIKE, float(fault.parameters["value"]))


def _nvml_call_fails(world: _World, fault: PlannedFault, is_on: bool) -> None:
    code = float(fault.parameters["code"]) if is_on else 0.0
    _set_knob(world, "nvml_return", code, _accelerator(fault.target))


def _i2c_nack(world: _World, fault: PlannedFault, is_on: bool) -> None:
    rail = fault.target
    if rail in HOST_RAILS:
        _set_knob(world, "host_rail_nack", float(is_on))
    elif rail == "payload_54v":
        _set_knob(world, "payload_nack", float(is_on))
    else:
        field = "aux_nack" if rail.endswith("_aux") else "module_nack"
        _set_knob(world, field, float(is_on), _accelerator(rail))


def _cap_ignored(world: _World, fault: PlannedFault, is_on: bool) -> None:
    _set_knob(world, "accel_cap_ignored", float(is_on), _accelerator(fault.target))


def _string_loss(world: _World, fault: PlannedFault, is_on: bool) -> None:
    world.plant.faults.string_ok[int(fault.target[-1])] = float(not is_on)


def _daemon_stall(world: _World, fault: PlannedFault, is_on: bool) -> None:
    if is_on:
        world.gate.stall(fault.end_ns)


def _set_knob(world: _World, field: str, value: float, element: int = 0) -> None:
    getattr(world.image.knobs, field)[element] = value


def _set_sensor(world: _World, point: str, mode: int, value: float) -> None:
    place = truth_of(point)
    assert place is not None, f"{point}: checked by SimulationInjector.can_inject"
    word = world.image.truth_word(*place)
    world.image.sensor_value[word] = value
    world.image.sensor_mode[word] = mode


def _accelerator(target: str) -> int:
    return int(target[len("accel")])


_EFFECTS: Mapping[str, Callable[[_World, PlannedFault, bool], None]] = {
    "pump_stop": _pump_stop,
    "latch_up": _latch_up,
    "sensor_stuck": _sensor_stuck,
    "sensor_spike": _sensor_spike,
    "sensor_bias": _sensor_bias,
    "nvml_call_fails": _nvml_call_fails,
    "i2c_nack": _i2c_nack,
    "cap_ignored": _cap_ignored,
    "string_loss": _string_loss,
    "daemon_stall": _daemon_stall,
}
