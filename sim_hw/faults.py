"""Faults as data: what can be injected, where, with which parameters, and how it shows.

This catalogue belongs to the scenario format, not to a back end: a bench reads the same table and
refuses by name what it cannot inject (`Injector.can_inject`). How the simulation injects each
fault is in sim_hw/fault_effects.py. Here are the first faults of plant, sensors and daemon; buses
and parts on them, accelerators and their library, and the rest of the plant have files of their
own.
"""

import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Protocol

from flight.operator_error import suggest
from sim_hw.fault_kind import ACCELERATORS, FOREVER, FaultKind, Parameter, Value
from sim_hw.faults_accel import ACCELERATOR_FAULTS
from sim_hw.faults_bus import BUS_FAULTS
from sim_hw.faults_plant import PLANT_FAULTS

ACCELERATORS_PER_BUS = 4  # REF-1; one auxiliary part serves as many rails
_REACHED = {"rails_a": range(4), "rails_b": range(4, 8), "nvml": range(8)}
_OF_A_PART = ("i2c_nack", "part_brown_out")

# What keeps an accelerator from taking its cap, or from obeying it.
HOLDS_ITS_CAP = frozenset(
    "cap_ignored nvml_call_fails nvml_hang nvml_no_permission nvml_driver_fails accel_lost"
    " accel_hang".split()
)
# What keeps a rail's part from being heard.
SILENCES_PART = frozenset({"i2c_nack", "i2c_sda_stuck", "i2c_stretch"})


class Injector(Protocol):
    """What a back end (simulation, bench) says about faults before a scenario is accepted."""

    def can_inject(self, name: str, target: str) -> str | None:
        """Return None when this back end can inject the fault, else the reason in a few words."""


# Points that report a setting or a decision of the part itself: no sensor, so nothing to fail.
SETTINGS = ("*.cap_w", "*.clock_max_mhz", "*.enable", "*.speed_target_rpm", "*.bypass_ratio")

_NODE_FAULTS = (
    FaultKind(
        name="pump_stop",
        meaning="a coolant pump loses torque, and with its breaker open all current",
        targets=("pump_[ab]",),
        example="pump_a",
        level="loop: torque of the motor, breaker of its supply",
        is_loud=False,
        parameters=(
            Parameter(
                name="torque_ratio",
                unit="1",
                meaning="torque left, of what the controller asks for",
                low=0.0,
                high=1.0,
                default=0.0,
            ),
            Parameter(
                name="breaker_open",
                unit="",
                meaning="the breaker opens: no current either",
                default=True,
                is_flag=True,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="latch_up",
        meaning="a parasitic current on an auxiliary rail, until the rail was off for 100 ms",
        targets=(f"{ACCELERATORS}_aux",),
        example="accel3_aux",
        level="rail: load current of the part behind the auxiliary regulator",
        is_loud=False,
        parameters=(
            Parameter(
                name="current_a",
                unit="A",
                meaning="added to the rail's current",
                low=0.1,
                high=20.0,
                default=1.2,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="sensor_stuck",
        meaning="a sensor repeats its last sample, or one given value",
        targets=("*.*",),
        example="accel2.core_temp_c",
        level="sensor: output after noise and quantum",
        is_loud=False,
        repeats_point=True,
        parameters=(
            Parameter(
                name="value",
                unit="of the point",
                meaning="what it reports; without it, its last sample",
                default=math.nan,
            ),
            FOREVER,
        ),
    ),
    FaultKind(
        name="sensor_spike",
        meaning="one single sample of a sensor is wrong",
        targets=("*.*",),
        example="rail.accel5_aux.current_a",
        level="sensor: its next conversion",
        is_loud=False,
        repeats_point=True,
        parameters=(
            Parameter(name="value", unit="of the point", meaning="what that sample reports"),
        ),
    ),
    FaultKind(
        name="sensor_bias",
        meaning="a sensor is off by a constant",
        targets=("*.*",),
        example="accel2.core_temp_c",
        level="sensor: output after noise and quantum",
        is_loud=False,
        repeats_point=True,
        parameters=(
            Parameter(name="value", unit="of the point", meaning="added to every sample"),
            FOREVER,
        ),
    ),
    FaultKind(
        name="string_loss",
        meaning="one string of the solar array gives no current",
        targets=("string[0-7]",),
        example="string2",
        level="array: the string's diode",
        is_loud=False,
        parameters=(FOREVER,),
    ),
    FaultKind(
        name="daemon_stall",
        meaning="the daemon's cycle does not run, so leases must lapse",
        targets=("daemon",),
        example="daemon",
        level="process: the cycle is not entered",
        is_loud=True,
        parameters=(
            Parameter(
                name="duration_s",
                unit="s",
                meaning="how long no cycle is entered",
                low=0.1,
                high=3600.0,
                default=3.0,
            ),
        ),
    ),
)

FAULTS: Mapping[str, FaultKind] = {
    kind.name: kind for kind in (*_NODE_FAULTS, *BUS_FAULTS, *ACCELERATOR_FAULTS, *PLANT_FAULTS)
}


def check_target(kind: FaultKind, target: str, points: frozenset[str] | None) -> str | None:
    """Return what is wrong with a target, with what would be right, or None.

    Args:
        points: All telemetry point names of the node; None when they are not known.
    """
    if not any(fnmatchcase(target, pattern) for pattern in kind.targets):
        near = suggest(target, (kind.example, *kind.targets))
        allowed = "a point name" if kind.repeats_point else " or ".join(kind.targets)
        return f"{kind.name} strikes {allowed}, such as {kind.example!r}" + near
    if not kind.repeats_point:
        return None
    if any(fnmatchcase(target, pattern) for pattern in SETTINGS):
        return f"is a setting, not a sensor; {kind.name} strikes a sensor such as {kind.example!r}"
    if points is not None and target not in points:
        return "no such point" + (suggest(target, sorted(points)) or f"; e.g. {kind.example!r}")
    return None


def check_parameter(kind: FaultKind, name: str, value: object) -> str | None:
    """Return what is wrong with one parameter, with what would be right, or None."""
    parameter = kind.parameter(name)
    if parameter is None:
        known = [p.name for p in kind.parameters]
        return f"{kind.name} has no such parameter" + (
            suggest(name, known) or f"; it has {', '.join(known)}"
        )
    if parameter.is_flag:
        return None if isinstance(value, bool) else "write true or false"
    if parameter.choices:
        if value in parameter.choices:
            return None
        near = suggest(str(value), parameter.choices)
        return f"write the {parameter.unit}" + (near or f"; one of {', '.join(parameter.choices)}")
    if isinstance(value, str):
        return "write a plain number (the unit is part of the name)"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"write a number{_in_unit(parameter)}"
    if not math.isfinite(value) or not parameter.low <= value <= parameter.high:
        return f"write {parameter.low:g} to {parameter.high:g}{_in_unit(parameter)}"
    return None


def with_defaults(kind: FaultKind, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return all parameters of the kind, as given or by default."""
    return {
        p.name: given.get(p.name, math.nan if p.default is None else p.default)
        for p in kind.parameters
    }


def accelerator_of(target: str) -> int | None:
    """Return the accelerator that a fault's target belongs to, or None:
    `rail.accel3_aux.current_a` -> 3.
    """
    name = target.removeprefix("rail.")
    if name.startswith("accel") and name[5:6].isdigit():
        return int(name[5])
    return None


def accelerators_struck(name: str, target: str) -> range:
    """Return the accelerators that a fault reaches: those whose rails share the part or the bus
    it strikes, all for the library itself, none for what all share.
    """
    accelerator = accelerator_of(target)
    if accelerator is None:
        return _REACHED.get(target, range(0))
    if name in _OF_A_PART and target.endswith("_aux"):
        first = accelerator - accelerator % ACCELERATORS_PER_BUS
        return range(first, first + ACCELERATORS_PER_BUS)
    return range(accelerator, accelerator + 1)


def _in_unit(parameter: Parameter) -> str:
    return f" ({parameter.unit})" if parameter.unit not in ("", "1") else ""
