"""Faults as data: what can be injected, where, with which parameters, and how it shows.

This catalogue belongs to the scenario format, not to a back end: a bench reads the same table and
refuses by name what it cannot inject (`Injector.can_inject`). How the simulation injects each
fault is in sim_hw/fault_injector.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from flight.operator_error import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a fault.

    Args:
        low, high: Range of a number, both ends allowed.
        default: None when the parameter must be given; NaN for «as the fault says without it».
        is_flag: It is true or false instead of a number.
    """

    name: str
    unit: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    default: float | bool | None = None
    is_flag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Args:
        targets: Shell patterns of what it can strike.
        example: One target, for messages and documents.
        level: Where it happens, for a reader: the part and the quantity.
        is_loud: The part itself reports it; a silent fault must be noticed by its effect.
        repeats_point: The target is the name of a point that has a sensor.
    """

    name: str
    meaning: str
    targets: tuple[str, ...]
    example: str
    level: str
    is_loud: bool
    parameters: tuple[Parameter, ...] = ()
    repeats_point: bool = False

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((p for p in self.parameters if p.name == name), None)


class Injector(Protocol):
    """What a back end (simulation, bench) says about faults before a scenario is accepted."""

    def can_inject(self, name: str, target: str) -> str | None:
        """Return None when this back end can inject the fault, else the reason in a few words."""


_FOREVER = Parameter(
    name="duration_s",
    unit="s",
    meaning="how long it lasts; without it, until the end of the run",
    low=0.001,
    high=864_000.0,
    default=math.inf,
)
_RAIL_ACCEL = "accel[0-7]"
_HOST_RAILS = ("host_12v", "host_5v", "host_3v3", "host_1v8")
# Points that report a setting or a decision of the part itself: no sensor, so nothing to fail.
SETTINGS = ("*.cap_w", "*.clock_max_mhz", "*.enable", "*.speed_target_rpm", "*.bypass_ratio")

FAULTS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
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
                _FOREVER,
            ),
        ),
        FaultKind(
            name="latch_up",
            meaning="a parasitic current on an auxiliary rail, until the rail was off for 100 ms",
            targets=(f"{_RAIL_ACCEL}_aux",),
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
                _FOREVER,
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
                _FOREVER,
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
                _FOREVER,
            ),
        ),
        FaultKind(
            name="nvml_call_fails",
            meaning="every call to one accelerator's management library answers an error",
            targets=(_RAIL_ACCEL,),
            example="accel4",
            level="library: return code of each call",
            is_loud=True,
            parameters=(
                Parameter(
                    name="code",
                    unit="NVML return code",
                    meaning="10 time-out, 15 lost, 16 reset required, 999 unknown",
                    low=1.0,
                    high=999.0,
                    default=15.0,
                ),
                _FOREVER,
            ),
        ),
        FaultKind(
            name="i2c_nack",
            meaning="the part that serves a rail does not acknowledge its address",
            targets=(f"{_RAIL_ACCEL}_54v", f"{_RAIL_ACCEL}_aux", "payload_54v", *_HOST_RAILS),
            example="accel6_54v",
            level="bus: address phase; parts with several rails are lost for all of them",
            is_loud=True,
            parameters=(_FOREVER,),
        ),
        FaultKind(
            name="cap_ignored",
            meaning="an accelerator reads its power cap back as set, but does not obey it",
            targets=(_RAIL_ACCEL,),
            example="accel1",
            level="accelerator: its own power control",
            is_loud=False,
            parameters=(_FOREVER,),
        ),
        FaultKind(
            name="string_loss",
            meaning="one string of the solar array gives no current",
            targets=("string[0-7]",),
            example="string2",
            level="array: the string's diode",
            is_loud=False,
            parameters=(_FOREVER,),
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
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"write a number{_in_unit(parameter)}"
    if not math.isfinite(value) or not parameter.low <= value <= parameter.high:
        return f"write {parameter.low:g} to {parameter.high:g}{_in_unit(parameter)}"
    return None


def with_defaults(kind: FaultKind, given: Mapping[str, float | bool]) -> dict[str, float | bool]:
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


def _in_unit(parameter: Parameter) -> str:
    return f" ({parameter.unit})" if parameter.unit not in ("", "1") else ""
