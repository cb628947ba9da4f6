"""What each fault of sim_hw/faults_plant.py does to the plant, and how it is undone.

`faults` are the views of sim_plant_faults_t (sim_hw/csrc/plant/plant.h), by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sim_hw.faults_plant import COLD, HOT, STAYS
from sim_hw.scenario_times import PlannedFault

PAYLOAD_OUTLET = 0  # limiter_trip: payload, host
AB = "ab"


def _pump_worn(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    left = fault.parameters["head_ratio"] if is_on else 1.0
    faults.pump_head_ratio[AB.index(fault.target[-1])] = left


def _coolant_leak(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    faults.leak_kg_per_s[0] = fault.parameters["leak_kg_per_s"] if is_on else 0.0


def _bypass_stuck(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    end = fault.parameters["end"] if is_on else ""
    faults.bypass_stuck[0] = float(end == STAYS)
    faults.bypass_drive_cold[0] = float(end == COLD)
    faults.bypass_drive_hot[0] = float(end == HOT)


def _heater_stuck(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    heater, heats = AB.index(fault.target[-1]), bool(fault.parameters["is_on"])
    faults.heater_stuck_on[heater] = float(is_on and heats)
    faults.heater_stuck_off[heater] = float(is_on and not heats)


def _plate_blocked(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    left = fault.parameters["open_ratio"] if is_on else 1.0
    faults.plate_open_ratio[_number(fault.target, "plate")] = left


def _interface_worn(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    ratio = fault.parameters["resistance_ratio"] if is_on else 1.0
    faults.interface_ratio[_number(fault.target, "accel")] = ratio


def _radiator_aged(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    for name in ("emissivity_ratio", "absorptance_ratio"):
        getattr(faults, name)[0] = fault.parameters[name] if is_on else 1.0


def _outlet_trip(faults: Any, _fault: PlannedFault, is_on: bool) -> None:
    faults.limiter_trip[PAYLOAD_OUTLET] = float(is_on)  # its rise opens the limiter


def _cell_short(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    faults.cell_short[_number(fault.target, "cell")] = float(is_on)


def _strands_open(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    faults.strands_open[0] = fault.parameters["strand_count"] if is_on else 0.0


def _array_off_pointing(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    faults.pointing_ratio[0] = fault.parameters["pointing_ratio"] if is_on else 1.0


def _accel_hang(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    if is_on:  # the plant takes it back
        faults.hang_pending[_number(fault.target, "accel")] = 1.0


def _memory_error(faults: Any, fault: PlannedFault, is_on: bool) -> None:
    if is_on:  # the plant takes it back
        kind = "uncorrected" if fault.parameters["is_contained"] else "uncontained"
        getattr(faults, f"ecc_{kind}_pending")[_number(fault.target, "accel")] = 1.0


def _number(target: str, prefix: str) -> int:
    return int(target.removeprefix(prefix))


PLANT_EFFECTS: Mapping[str, Callable[[Any, PlannedFault, bool], None]] = {
    "pump_worn": _pump_worn,
    "coolant_leak": _coolant_leak,
    "bypass_stuck": _bypass_stuck,
    "heater_stuck": _heater_stuck,
    "plate_blocked": _plate_blocked,
    "interface_worn": _interface_worn,
    "radiator_aged": _radiator_aged,
    "outlet_trip": _outlet_trip,
    "cell_short": _cell_short,
    "strands_open": _strands_open,
    "array_off_pointing": _array_off_pointing,
    "accel_hang": _accel_hang,
    "memory_error": _memory_error,
}
"""How each fault begins (True) and ends (False)."""
